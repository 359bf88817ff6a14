//! [`crate::api::blocks`] on AVX-512 with VNNI: four products of `u8` and `i8` are added to the `i32` of their row at once.

use core::arch::x86_64::*;

use crate::api::blocks::Table;
use crate::generic::SimdF32x16;
use crate::generic::blocks::{self, LINE, Products};
use crate::x86::avx512::{F32x16, U32x16};
use crate::{BitBlocks, NibbleBlocks};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni", Table {
    fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_nibble_blocks::<Nibbles>;
    fn score_bit_blocks(blocks: BitBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_bit_blocks::<Bits>;
});

/// Codes of four bits. The high ones are multiplied where they lie, and their sum is divided: a shift for all lines, not for each.
struct Nibbles;

impl Nibbles {
    /// Lines whose sums, at most `4 * 16 * 15 * 128` each in magnitude, do not wrap.
    const LINES: usize = 1 << 14;
    /// Lines with their own sums: two products of each take as long as the latency of one.
    const CHAINS: usize = 4;
}

impl Products for Nibbles {
    type Scores = F32x16;
    const COLUMNS: usize = NibbleBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> U32x16 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, and the columns of each line.
        unsafe {
            let zero = _mm512_setzero_si512();
            let mut sums = zero;
            let mut g = 0;
            while g < lines {
                let end = lines.min(g + Self::LINES);
                let mut chains = [[zero; 2]; Self::CHAINS];
                while g + Self::CHAINS <= end {
                    for (i, chain) in chains.iter_mut().enumerate() {
                        *chain = add_nibbles(*chain, block, query, g + i);
                    }
                    g += Self::CHAINS;
                }
                while g < end {
                    chains[0] = add_nibbles(chains[0], block, query, g);
                    g += 1;
                }
                let [a, b, c, d] = chains;
                let add = |i: usize| _mm512_add_epi32(_mm512_add_epi32(a[i], b[i]), _mm512_add_epi32(c[i], d[i]));
                sums = _mm512_add_epi32(sums, _mm512_add_epi32(add(0), _mm512_srai_epi32::<4>(add(1))));
            }
            U32x16(sums, F32x16::token())
        }
    }
}

/// Adds the products of a line with the low halves of its bytes to the first sums, those with the high halves, sixteenfold, to the
/// second.
///
/// # Safety
/// As for [`Products::sums`], with `line < lines`.
#[inline(always)]
unsafe fn add_nibbles([low, high]: [__m512i; 2], block: *const u8, query: *const i8, line: usize) -> [__m512i; 2] {
    // SAFETY: the caller has VNNI and the line of the block, and the columns of the query for it.
    unsafe {
        let columns = query.add(Nibbles::COLUMNS * line).cast::<i32>();
        let first = _mm512_set1_epi32(columns.read_unaligned());
        let second = _mm512_set1_epi32(columns.add(1).read_unaligned());
        let codes = _mm512_loadu_si512(block.add(LINE * line).cast());
        [
            _mm512_dpbusd_epi32(low, _mm512_and_si512(codes, _mm512_set1_epi8(0x0F)), first),
            _mm512_dpbusd_epi32(high, _mm512_and_si512(codes, _mm512_set1_epi8(0xF0_u8 as i8)), second),
        ]
    }
}

/// Single bits, each multiplied where it lies, and its sum divided; the eight bits of a byte have their own sums.
struct Bits;

impl Bits {
    /// Lines whose sums, at most `4 * 128 * 128` each in magnitude, do not wrap.
    const LINES: usize = 1 << 14;
}

impl Products for Bits {
    type Scores = F32x16;
    const COLUMNS: usize = BitBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> U32x16 {
        // SAFETY: guaranteed by the caller: lines `g < lines` of the block, and the columns of each line.
        unsafe {
            let zero = _mm512_setzero_si512();
            let mut sums = zero;
            let mut g = 0;
            while g < lines {
                let end = lines.min(g + Self::LINES);
                let mut of_bits = [zero; 8];
                while g < end {
                    let columns = query.add(Self::COLUMNS * g).cast::<i32>();
                    let codes = _mm512_loadu_si512(block.add(LINE * g).cast());
                    for (j, sum) in of_bits.iter_mut().enumerate() {
                        let bits = _mm512_and_si512(codes, _mm512_set1_epi8(1 << j));
                        let columns = _mm512_set1_epi32(columns.add(j).read_unaligned());
                        *sum = _mm512_dpbusd_epi32(*sum, bits, columns);
                    }
                    g += 1;
                }
                // The sum of bit `j` is a multiple of `2^j`, so that nothing is lost.
                let once =
                    of_bits.into_iter().rev().reduce(|high, low| _mm512_add_epi32(low, _mm512_srai_epi32::<1>(high)));
                let once = once.unwrap_or(zero);
                sums = _mm512_add_epi32(sums, _mm512_add_epi32(once, once));
            }
            U32x16(sums, F32x16::token())
        }
    }
}
