//! [`crate::api::blocks`] on NEON.

use core::arch::aarch64::*;

use super::{F32x16, U32x16};
use crate::NibbleBlocks;
use crate::api::blocks::Table;
use crate::generic::blocks::{self, LINE, Products};

wrappers!("neon", Table {
    fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_nibble_blocks::<Nibbles>;
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

/// Eight elements of the query, four of them in every word.
///
/// # Safety
/// NEON is available; `query` is valid for reading eight elements.
#[inline(always)]
pub(in crate::arm) unsafe fn columns(query: *const i8) -> [int8x16_t; 2] {
    // SAFETY: upheld by the caller.
    unsafe {
        let words = query.cast::<u32>();
        let four = |words: *const u32| vreinterpretq_s8_u32(vdupq_n_u32(words.read_unaligned()));
        [four(words), four(words.add(1))]
    }
}

/// The low and the high halves of 16 bytes.
///
/// # Safety
/// NEON is available; `codes` is valid for reading 16 bytes.
#[inline(always)]
pub(in crate::arm) unsafe fn nibbles(codes: *const u8) -> [int8x16_t; 2] {
    // SAFETY: upheld by the caller.
    unsafe {
        let codes = vld1q_u8(codes);
        [vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8(0x0F))), vreinterpretq_s8_u8(vshrq_n_u8::<4>(codes))]
    }
}
