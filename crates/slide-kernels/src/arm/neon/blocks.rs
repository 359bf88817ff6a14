//! [`crate::api::blocks`] on NEON.

use core::arch::aarch64::*;

use super::{F32x16, NEON, U32x16};
use crate::api::blocks::Table;
use crate::generic::blocks::{self, LINE, Products};
use crate::{BitBlocks, NibbleBlocks};

wrappers!("neon", Table {
    fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_nibble_blocks::<Nibbles>;
    fn score_bit_blocks(blocks: BitBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_bit_blocks::<Bits>;
});

/// Codes of four bits: products of `i8`, added in 16 bits.
struct Nibbles;

impl Nibbles {
    /// Lines whose products, two in each of the sums and at most `15 * 128` in magnitude, are added in 16 bits:
    /// `16 * 1920 < 2^15`.
    const LINES: usize = 8;
}

impl Products for Nibbles {
    type Scores = F32x16;
    const COLUMNS: usize = NibbleBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> U32x16 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, and the columns of each line.
        unsafe {
            let mut sums = [[vdupq_n_s32(0); 2]; 4];
            let mut g = 0;
            while g < lines {
                let end = lines.min(g + Self::LINES);
                let mut short = [[vdupq_n_s16(0); 2]; 4];
                while g < end {
                    let [first, second] = columns(query.add(Self::COLUMNS * g));
                    for (i, [a, b]) in short.iter_mut().enumerate() {
                        let [low, high] = nibbles(block.add(LINE * g + 16 * i));
                        *a = vmlal_s8(*a, vget_low_s8(low), vget_low_s8(first));
                        *b = vmlal_high_s8(*b, low, first);
                        *a = vmlal_s8(*a, vget_low_s8(high), vget_low_s8(second));
                        *b = vmlal_high_s8(*b, high, second);
                    }
                    g += 1;
                }
                for (sums, [a, b]) in sums.iter_mut().zip(short) {
                    *sums = [vpadalq_s16(sums[0], a), vpadalq_s16(sums[1], b)];
                }
            }
            // Two sums of each row, side by side.
            U32x16(sums.map(|[a, b]| vreinterpretq_u32_s32(vpaddq_s32(a, b))))
        }
    }
}

/// `4 N` elements of the query, four of them in every word.
///
/// # Safety
/// NEON is available; `query` is valid for reading `4 N` elements.
#[inline(always)]
pub(in crate::arm) unsafe fn columns<const N: usize>(query: *const i8) -> [int8x16_t; N] {
    let mut columns = [NEON.vdupq_n_s8(0); N];
    for (j, columns) in columns.iter_mut().enumerate() {
        // SAFETY: the caller has NEON and `4 N` elements to read, of which word `j < N` is four.
        *columns = unsafe { vreinterpretq_s8_u32(vdupq_n_u32(query.cast::<u32>().add(j).read_unaligned())) };
    }
    columns
}

/// The low and the high halves of 16 bytes.
///
/// # Safety
/// NEON is available; `codes` is valid for reading 16 bytes.
#[inline(always)]
pub(in crate::arm) unsafe fn nibbles(codes: *const u8) -> [int8x16_t; 2] {
    // SAFETY: the caller has NEON and 16 bytes to read.
    unsafe {
        let codes = vld1q_u8(codes);
        [vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8(0x0F))), vreinterpretq_s8_u8(vshrq_n_u8::<4>(codes))]
    }
}

/// Single bits: they select the elements of the query, which are added in 16 bits.
struct Bits;

impl Bits {
    /// Lines whose elements, sixteen in each of the sums, are added in 16 bits: `16 * 8 * 128 < 2^15`.
    const LINES: usize = 8;
}

impl Products for Bits {
    type Scores = F32x16;
    const COLUMNS: usize = BitBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> U32x16 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, and the columns of each line.
        unsafe {
            let mut sums = [vdupq_n_s32(0); 4];
            let mut g = 0;
            while g < lines {
                let end = lines.min(g + Self::LINES);
                let mut short = [vdupq_n_s16(0); 4];
                while g < end {
                    let columns = columns::<8>(query.add(Self::COLUMNS * g));
                    for (i, short) in short.iter_mut().enumerate() {
                        let codes = vld1q_u8(block.add(LINE * g + 16 * i));
                        for (j, &columns) in columns.iter().enumerate() {
                            let chosen = vreinterpretq_s8_u8(vtstq_u8(codes, vdupq_n_u8(1 << j)));
                            *short = vpadalq_s8(*short, vandq_s8(chosen, columns));
                        }
                    }
                    g += 1;
                }
                for (sum, short) in sums.iter_mut().zip(short) {
                    *sum = vpadalq_s16(*sum, short);
                }
            }
            U32x16(sums.map(|sum| vreinterpretq_u32_s32(vaddq_s32(sum, sum))))
        }
    }
}
