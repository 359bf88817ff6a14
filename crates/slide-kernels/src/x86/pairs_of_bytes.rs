//! Products of codes for processors without VNNI: of `u8` and `i8`, added in pairs of 16 bits, which saturate unless codes are short.

use core::marker::PhantomData;

use crate::NibbleBlocks;
use crate::generic::blocks::{LINE, Products};
use crate::generic::{SimdF32x16, SimdU32x16};

/// 64 bytes, or 32 sums of pairs.
pub(crate) trait BytePairs: SimdU32x16 {
    /// Of each two bytes, `u8` in `self` and `i8` in `other`, the products, added in 16 bits.
    fn byte_products(self, other: Self) -> Self;
    /// The sums of 16 bits.
    fn add_pairs(self, other: Self) -> Self;
    /// The sum of each two of the sums of 16 bits, in 32.
    fn widen_pairs(self) -> Self;
}

/// Codes of four bits.
pub(crate) struct Nibbles<L>(PhantomData<L>);

/// Lines whose products are added in 16 bits: each has two pairs of products for every lane, at most `2 * 15 * 128` in
/// magnitude, and `8 * 3840 < 2^15`.
const NIBBLE_LINES: usize = 4;

impl<L: SimdF32x16<U32: BytePairs>> Products for Nibbles<L> {
    type Scores = L;
    const COLUMNS: usize = NibbleBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> L::U32 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, and the columns of each line.
        unsafe {
            let mut sums = L::U32::splat(0);
            let mut g = 0;
            while g + NIBBLE_LINES <= lines {
                let mut pairs = products_of_nibbles::<L>(block, query, g);
                for i in 1..NIBBLE_LINES {
                    pairs = pairs.add_pairs(products_of_nibbles::<L>(block, query, g + i));
                }
                sums = sums.add(pairs.widen_pairs());
                g += NIBBLE_LINES;
            }
            while g < lines {
                sums = sums.add(products_of_nibbles::<L>(block, query, g).widen_pairs());
                g += 1;
            }
            sums
        }
    }
}

/// The products of a line, two pairs added in 16 bits.
///
/// # Safety
/// As for [`Products::sums`], with `line < lines`.
#[inline(always)]
unsafe fn products_of_nibbles<L: SimdF32x16<U32: BytePairs>>(
    block: *const u8,
    query: *const i8,
    line: usize,
) -> L::U32 {
    // SAFETY: upheld by the caller.
    unsafe {
        let columns = query.add(NibbleBlocks::COLUMNS * line).cast::<u32>();
        let (first, second) = (columns.read_unaligned(), columns.add(1).read_unaligned());
        let half = L::U32::splat(0x0F0F_0F0F);
        let codes = L::U32::load(block.add(LINE * line).cast());
        let low = codes.and(half).byte_products(L::U32::splat(first));
        low.add_pairs(codes.shift_right::<4>().and(half).byte_products(L::U32::splat(second)))
    }
}
