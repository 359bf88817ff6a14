//! [`crate::api::blocks`] on AVX-512 with VNNI: four products of `u8` and `i8` are added to the `i32` of their row at once.

use core::arch::x86_64::*;

use crate::NibbleBlocks;
use crate::api::blocks::Table;
use crate::generic::blocks::{self, LINE, Products, ask};
use crate::x86::avx512::{F32x16, U32x16};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni", Table {
    fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_nibble_blocks::<Nibbles, 4>;
});

/// Codes of four bits. The high ones are multiplied where they lie, and the sum divided: a shift for all lines, not for each.
struct Nibbles;

impl Nibbles {
    /// Lines whose sums, at most `4 * 16 * 15 * 128` each in magnitude, do not wrap.
    const LINES: usize = 1 << 14;
}

impl Products for Nibbles {
    type Scores = F32x16;
    const COLUMNS: usize = NibbleBlocks::COLUMNS;

    #[inline(always)]
    unsafe fn sums<const N: usize>(
        blocks: [*const u8; N],
        ahead: [*const u8; N],
        query: *const i8,
        lines: usize,
    ) -> [U32x16; N] {
        // SAFETY: guaranteed by the caller: lines `g < lines` of each block, and the columns of each line.
        unsafe {
            let (zero, low, high) = (_mm512_setzero_si512(), _mm512_set1_epi8(0x0F), _mm512_set1_epi8(0xF0_u8 as i8));
            let mut sums = [zero; N];
            let mut g = 0;
            while g < lines {
                let end = lines.min(g + Self::LINES);
                let (mut of_low, mut of_high) = ([zero; N], [zero; N]);
                while g < end {
                    let columns = query.add(Self::COLUMNS * g).cast::<i32>();
                    let first = _mm512_set1_epi32(columns.read_unaligned());
                    let second = _mm512_set1_epi32(columns.add(1).read_unaligned());
                    for j in 0..N {
                        ask(ahead[j], g);
                        let codes = _mm512_loadu_si512(blocks[j].add(LINE * g).cast());
                        of_low[j] = _mm512_dpbusd_epi32(of_low[j], _mm512_and_si512(codes, low), first);
                        of_high[j] = _mm512_dpbusd_epi32(of_high[j], _mm512_and_si512(codes, high), second);
                    }
                    g += 1;
                }
                for j in 0..N {
                    let both = _mm512_add_epi32(of_low[j], _mm512_srai_epi32::<4>(of_high[j]));
                    sums[j] = _mm512_add_epi32(sums[j], both);
                }
            }
            sums.map(U32x16)
        }
    }
}
