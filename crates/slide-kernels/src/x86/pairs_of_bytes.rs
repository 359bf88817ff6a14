//! Products of codes for processors without VNNI: of `u8` and `i8`, added in pairs of 16 bits, which saturate unless codes are short.

use core::marker::PhantomData;

use crate::NibbleBlocks;
use crate::generic::blocks::{LINE, Products, ask};
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
    unsafe fn sums<const N: usize>(
        blocks: [*const u8; N],
        ahead: [*const u8; N],
        query: *const i8,
        lines: usize,
    ) -> [L::U32; N] {
        // SAFETY: guaranteed by the caller: lines `g < lines` of each block, and the columns of each line.
        unsafe {
            let zero = L::U32::splat(0);
            let mut sums = [zero; N];
            let mut g = 0;
            while g + NIBBLE_LINES <= lines {
                let mut pairs = [zero; N];
                for i in 0..NIBBLE_LINES {
                    add_line::<L, N>(&mut pairs, blocks, ahead, query, g + i);
                }
                for j in 0..N {
                    sums[j] = sums[j].add(pairs[j].widen_pairs());
                }
                g += NIBBLE_LINES;
            }
            let mut pairs = [zero; N];
            while g < lines {
                add_line::<L, N>(&mut pairs, blocks, ahead, query, g);
                g += 1;
            }
            for j in 0..N {
                sums[j] = sums[j].add(pairs[j].widen_pairs());
            }
            sums
        }
    }
}

/// Adds the products of a line of each block in 16 bits.
///
/// # Safety
/// As for [`Products::sums`], with `line < lines`.
#[inline(always)]
unsafe fn add_line<L: SimdF32x16<U32: BytePairs>, const N: usize>(
    pairs: &mut [L::U32; N],
    blocks: [*const u8; N],
    ahead: [*const u8; N],
    query: *const i8,
    line: usize,
) {
    // SAFETY: upheld by the caller.
    unsafe {
        let columns = query.add(NibbleBlocks::COLUMNS * line).cast::<u32>();
        let (first, second) = (columns.read_unaligned(), columns.add(1).read_unaligned());
        let (first, second) = (L::U32::splat(first), L::U32::splat(second));
        let low = L::U32::splat(0x0F0F_0F0F);
        for j in 0..N {
            ask(ahead[j], line);
            let codes = L::U32::load(blocks[j].add(LINE * line).cast());
            pairs[j] = pairs[j].add_pairs(codes.and(low).byte_products(first));
            pairs[j] = pairs[j].add_pairs(codes.shift_right::<4>().and(low).byte_products(second));
        }
    }
}
