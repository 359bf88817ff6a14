//! [`crate::api::blocks`] with `sdot`, which adds four products of `i8` to the `i32` of their row.

use core::arch::aarch64::*;
use core::arch::asm;

use super::{F32x16, U32x16};
use crate::api::blocks::Table;
use crate::arm::neon::blocks::{columns, nibbles};
use crate::generic::blocks::{self, LINE, Products};
use crate::{BitBlocks, NibbleBlocks};

wrappers!("neon,dotprod,i8mm", Table {
    fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_nibble_blocks::<Nibbles>;
    fn score_bit_blocks(blocks: BitBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_bit_blocks::<Bits>;
});

/// Codes of four bits.
struct Nibbles;

impl Products for Nibbles {
    type Scores = F32x16;
    const COLUMNS: usize = NibbleBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> U32x16 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, the columns of each line, and `dotprod`.
        unsafe {
            // Low and high codes have their own sums: eight chains.
            let mut sums = [[vdupq_n_s32(0); 2]; 4];
            for g in 0..lines {
                let [first, second] = columns(query.add(Self::COLUMNS * g));
                for (i, [a, b]) in sums.iter_mut().enumerate() {
                    let [low, high] = nibbles(block.add(LINE * g + 16 * i));
                    *a = sdot(*a, low, first);
                    *b = sdot(*b, high, second);
                }
            }
            U32x16(sums.map(|[a, b]| vreinterpretq_u32_s32(vaddq_s32(a, b))))
        }
    }
}

/// Single bits: a one is multiplied as -1.
struct Bits;

impl Products for Bits {
    type Scores = F32x16;
    const COLUMNS: usize = BitBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> U32x16 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, the columns of each line, and `dotprod`.
        unsafe {
            // Even and odd bits have their own sums: eight chains.
            let mut sums = [[vdupq_n_s32(0); 2]; 4];
            for g in 0..lines {
                let columns = columns::<8>(query.add(Self::COLUMNS * g));
                for (i, sums) in sums.iter_mut().enumerate() {
                    let codes = vld1q_u8(block.add(LINE * g + 16 * i));
                    for (j, &columns) in columns.iter().enumerate() {
                        let ones = vreinterpretq_s8_u8(vtstq_u8(codes, vdupq_n_u8(1 << j)));
                        sums[j % 2] = sdot(sums[j % 2], ones, columns);
                    }
                }
            }
            let minus_two = |sum| vmulq_n_s32(sum, -2);
            U32x16(sums.map(|[a, b]| vreinterpretq_u32_s32(minus_two(vaddq_s32(a, b)))))
        }
    }
}

/// Four products and their sum, in each lane.
///
/// # Safety
/// The feature `dotprod` is available.
#[inline(always)]
unsafe fn sdot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: upheld by the caller; the instruction touches no memory.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}
