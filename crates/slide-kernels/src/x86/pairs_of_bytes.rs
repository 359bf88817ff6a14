//! Products of codes for processors without VNNI: of `u8` and `i8`, added in pairs of 16 bits, which saturate unless codes are short.

use core::marker::PhantomData;

use crate::generic::blocks::{LINE, Products};
use crate::generic::{SimdF32x16, SimdU32x16};
use crate::{BitBlocks, NibbleBlocks};

/// 64 bytes, or 32 sums of pairs.
pub(crate) trait BytePairs: SimdU32x16 {
    /// Of each two bytes, `u8` in `self` and `i8` in `other`, the products, added in 16 bits.
    fn byte_products(self, other: Self) -> Self;
    /// The sums of 16 bits.
    fn add_pairs(self, other: Self) -> Self;
    /// `FACTOR` times the sum of each two of the sums of 16 bits, in 32.
    fn widen_pairs<const FACTOR: i16>(self) -> Self;
    /// A fourth of each lane, as `i32`, rounded down.
    fn quarter(self) -> Self;
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
            let mut sums = L::U32::splat(L::token(), 0);
            let mut g = 0;
            while g + NIBBLE_LINES <= lines {
                let mut pairs = products_of_nibbles::<L>(block, query, g);
                for i in 1..NIBBLE_LINES {
                    pairs = pairs.add_pairs(products_of_nibbles::<L>(block, query, g + i));
                }
                sums = sums.add(pairs.widen_pairs::<1>());
                g += NIBBLE_LINES;
            }
            while g < lines {
                sums = sums.add(products_of_nibbles::<L>(block, query, g).widen_pairs::<1>());
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
    // SAFETY: the caller has the instruction set, line `line` of the block, and the eight columns of it.
    unsafe {
        let simd = L::token();
        let columns = query.add(NibbleBlocks::COLUMNS * line).cast::<u32>();
        let (first, second) = (columns.read_unaligned(), columns.add(1).read_unaligned());
        let half = L::U32::splat(simd, 0x0F0F_0F0F);
        let codes = L::U32::load(block.add(LINE * line).cast());
        let low = codes.and(half).byte_products(L::U32::splat(simd, first));
        low.add_pairs(codes.shift_right::<4>().and(half).byte_products(L::U32::splat(simd, second)))
    }
}

/// Single bits.
pub(crate) struct Bits<L>(PhantomData<L>);

/// Lines whose products are added in 16 bits: bits are multiplied as 1, 2, 4 or 8, each of these twice a line, and two products are
/// at most `2 * 8 * 128` in magnitude: `8 * 2048 < 2^15`.
const BIT_LINES: usize = 4;

impl<L: SimdF32x16<U32: BytePairs>> Products for Bits<L> {
    type Scores = L;
    const COLUMNS: usize = BitBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> L::U32 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, and the columns of each line.
        unsafe {
            let zero = L::U32::splat(L::token(), 0);
            let mut sums = zero;
            let mut g = 0;
            while g + BIT_LINES <= lines {
                let mut pairs = [zero; 4];
                for i in 0..BIT_LINES {
                    pairs = add_bits::<L>(pairs, block, query, g + i);
                }
                sums = sums.add(twice::<L>(pairs));
                g += BIT_LINES;
            }
            while g < lines {
                sums = sums.add(twice::<L>(add_bits::<L>([zero; 4], block, query, g)));
                g += 1;
            }
            sums
        }
    }
}

/// Adds the products of a line: those of the bits that are multiplied as 1, as 2, as 4, as 8.
///
/// # Safety
/// As for [`Products::sums`], with `line < lines`.
#[inline(always)]
unsafe fn add_bits<L: SimdF32x16<U32: BytePairs>>(
    mut pairs: [L::U32; 4],
    block: *const u8,
    query: *const i8,
    line: usize,
) -> [L::U32; 4] {
    // SAFETY: the caller has the instruction set, line `line` of the block, and the 32 columns of it.
    unsafe {
        let simd = L::token();
        let columns = query.add(BitBlocks::COLUMNS * line).cast::<u32>();
        let codes = L::U32::load(block.add(LINE * line).cast());
        for (half, codes) in [codes, codes.shift_right::<4>()].into_iter().enumerate() {
            for (j, pairs) in pairs.iter_mut().enumerate() {
                let columns = L::U32::splat(simd, columns.add(4 * half + j).read_unaligned());
                *pairs = pairs.add_pairs(codes.and(L::U32::splat(simd, 0x0101_0101 << j)).byte_products(columns));
            }
        }
        pairs
    }
}

/// Twice the sum of the products of bits that were multiplied as 1, 2, 4, 8.
#[inline(always)]
fn twice<L: SimdF32x16<U32: BytePairs>>([a, b, c, d]: [L::U32; 4]) -> L::U32 {
    let (low, high) = (a.widen_pairs::<8>().add(b.widen_pairs::<4>()), c.widen_pairs::<2>().add(d.widen_pairs::<1>()));
    low.add(high).quarter()
}
