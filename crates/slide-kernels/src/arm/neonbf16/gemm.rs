//! [`crate::api::gemm`] by `bfmmla`: two rows times two samples, four elements of the depth at once.
#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are numbered everywhere at once")]

use core::arch::aarch64::*;
use core::arch::asm;

use super::{F32x16, KERNELS};
use crate::api::gemm::Table;
use crate::generic::factors::{Halves, Rounded};
use crate::generic::gemm::{Tiles, forward_by};
use crate::generic::tile::{Tile, TileFunction, TileList};
use crate::generic::{LANES, Lanes};
use crate::{Matrix, MatrixMut, RowIds, Values, views};

// 32 registers: 24 sums of two rows and two samples each, 3 of two rows, the rest for two samples.
const TILES: Tiles = &[TileList {
    functions: &[(6, tile::<6, 3> as TileFunction), (4, tile::<4, 2>), (2, tile::<2, 1>), (1, tile::<1, 1>)],
    packing: None,
}];

/// Sixteen samples, two in a register.
const COUPLES: usize = LANES / 2;

wrappers!("neon,bf16", Table {
    fn forward(table: views::Table<'_>, rows: RowIds<'_>, bias: &[f32], inputs: Matrix<'_>, out: MatrixMut<'_>)
        = |table: views::Table<'_>, rows, bias, inputs, out| match table.values() {
            Values::F32(_) => (KERNELS.gemm.forward)(table, rows, bias, inputs, out),
            Values::Bf16(values) => {
                forward_by::<F32x16, Halves<Couples>>(TILES, values, table.stride(), rows, bias, inputs, out)
            }
        };
}
    const NATIVE: Table = Table { forward, ..KERNELS.gemm };
);

/// Four elements of a sample, then the same of the next one.
struct Couples;

impl Rounded<F32x16> for Couples {
    const STEP: usize = 4;

    #[inline(always)]
    unsafe fn pack(rows: [F32x16; 4], to: *mut f32) {
        for quarter in 0..4 {
            // SAFETY: passed on to the caller: `bf16` is available, and there is room for two registers of each quarter.
            unsafe {
                let [a, b, c, d] = rows.map(|row| rounded(row.0[quarter]));
                let first = vreinterpretq_u32_u16(vcombine_u16(vzip1_u16(a, b), vzip2_u16(a, b)));
                let last = vreinterpretq_u32_u16(vcombine_u16(vzip1_u16(c, d), vzip2_u16(c, d)));
                let to = to.cast::<u32>().add(8 * quarter);
                vst1q_u32(to, vzip1q_u32(first, last));
                vst1q_u32(to.add(4), vzip2q_u32(first, last));
            }
        }
    }
}

/// To nearest, ties to even.
///
/// # Safety
/// `bf16` is available.
#[inline(always)]
unsafe fn rounded(values: float32x4_t) -> uint16x4_t {
    let halves: uint16x8_t;
    // SAFETY: passed on to the caller; the instruction touches nothing but registers.
    unsafe {
        asm!(
            ".arch_extension bf16",
            "bfcvtn {halves:v}.4h, {values:v}.4s",
            halves = out(vreg) halves, values = in(vreg) values, options(pure, nomem, nostack, preserves_flags)
        );
        vget_low_u16(halves)
    }
}

/// `ROWS` rows in `TWOS` pairs, of which the last may lack its second; a step is four elements.
///
/// # Safety
/// The contract of [`TileFunction`].
#[target_feature(enable = "neon,bf16")]
unsafe fn tile<const ROWS: usize, const TWOS: usize>(tile: &Tile) {
    const { assert!(TWOS == ROWS.div_ceil(2)) };
    // The second row of the last pair is the first once more, if there is none.
    let second = |p: usize| (2 * p + 1).min(ROWS - 1);
    // SAFETY: the caller's word: rows of `left` and the panel have `depth` steps, rows of `out` sixteen lanes, of which
    // `last_lanes` exist; and its word that `bf16` is available.
    unsafe {
        let last = F32x16::first(tile.last_lanes);
        let mut sums = [[vdupq_n_f32(0.0); COUPLES]; TWOS];
        for p in 0..TWOS {
            let start = |j: usize| match &tile.start {
                Some(start) => F32x16::splat(start[j]),
                None => F32x16::load_part(tile.out.add(j * tile.out_stride), last),
            };
            let (first, second) = (start(2 * p), start(second(p)));
            for q in 0..4 {
                (sums[p][2 * q], sums[p][2 * q + 1]) = halves(first.0[q], second.0[q]);
            }
        }
        let mut panel = tile.panel.cast::<u16>();
        for i in 0..tile.depth {
            let element = |j: usize| vld1_u16(tile.left[j].cast::<u16>().add(4 * i));
            let mut left = [vdupq_n_u16(0); TWOS];
            for p in 0..TWOS {
                left[p] = vcombine_u16(element(2 * p), element(second(p)));
            }
            for n in 0..COUPLES {
                let right = vld1q_u16(panel.add(8 * n));
                for p in 0..TWOS {
                    sums[p][n] = add(left[p], right, sums[p][n]);
                }
            }
            panel = panel.add(8 * COUPLES);
        }
        for p in 0..TWOS {
            let (mut first, mut second) = (F32x16::zero(), F32x16::zero());
            for q in 0..4 {
                (first.0[q], second.0[q]) = halves(sums[p][2 * q], sums[p][2 * q + 1]);
            }
            first.store_part(tile.out.add(2 * p * tile.out_stride), last);
            if 2 * p + 1 < ROWS {
                second.store_part(tile.out.add((2 * p + 1) * tile.out_stride), last);
            }
        }
    }
}

/// The lower halves of both, and the upper halves.
///
/// # Safety
/// NEON is available.
#[inline(always)]
unsafe fn halves(a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
    // SAFETY: passed on to the caller.
    unsafe {
        let (a, b) = (vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b));
        (vreinterpretq_f32_f64(vzip1q_f64(a, b)), vreinterpretq_f32_f64(vzip2q_f64(a, b)))
    }
}

/// `bfmmla`: two rows of four elements times two samples of four.
///
/// # Safety
/// `bf16` is available.
#[inline(always)]
unsafe fn add(rows: uint16x8_t, samples: uint16x8_t, mut sums: float32x4_t) -> float32x4_t {
    // SAFETY: passed on to the caller; the instruction touches nothing but registers.
    unsafe {
        asm!(
            ".arch_extension bf16",
            "bfmmla {sums:v}.4s, {rows:v}.8h, {samples:v}.8h",
            sums = inout(vreg) sums, rows = in(vreg) rows, samples = in(vreg) samples,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}
