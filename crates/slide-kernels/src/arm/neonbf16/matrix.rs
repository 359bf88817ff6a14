//! Tiles of dense products by the instructions that multiply two rows with two examples: `bfmmla`, `smmla`, `usmmla`.
#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are numbered everywhere at once")]

use core::arch::aarch64::*;

use super::F32x16;
use crate::arm::neon::{NEON, TOKEN};
use crate::generic::tile::Tile;
use crate::generic::{LANES, SimdF32x16};

/// An instruction that takes 64 bits of each of two rows and of each of two examples, and adds four sums of products.
pub(super) trait MatrixProduct {
    /// Whether the sums are those of the first example, then of the second one; otherwise by rows.
    const BY_SAMPLES: bool;

    /// # Safety
    /// The instruction set of the implementation is available.
    unsafe fn add(rows: uint16x8_t, examples: uint16x8_t, sums: float32x4_t) -> float32x4_t;
}

/// Sixteen examples, two in a register.
const COUPLES: usize = LANES / 2;

/// `ROWS` rows in `TWOS` pairs, of which the last may lack its second, and sixteen examples; a step is 64 bits of each. Sums are
/// `f32` or `i32`, depending on the instruction.
///
/// # Safety
/// The contract of [`TileFunction`](crate::generic::tile::TileFunction), for tiles of one vector; the instruction set of `M` is
/// available.
#[inline(always)]
pub(super) unsafe fn work<M: MatrixProduct, const ROWS: usize, const TWOS: usize>(tile: &Tile) {
    const { assert!(TWOS == ROWS.div_ceil(2)) };
    // The second row of the last pair is the first once more, if there is none.
    let second = |p: usize| (2 * p + 1).min(ROWS - 1);
    // SAFETY: guaranteed by the caller: rows of `left` and the panel have `depth` steps, rows of `out` sixteen lanes, of which
    // `last_lanes` exist.
    unsafe {
        let last = F32x16::first(tile.last_lanes);
        // Rows are loaded and stored in arrays of their own: where the compiler numbers them at run time, that array is in
        // memory, and the sums must not be.
        let mut starts = [[F32x16::zero(TOKEN); 2]; TWOS];
        for p in 0..TWOS {
            let start = |j: usize| match &tile.start {
                Some(start) => F32x16::splat(TOKEN, start[j]),
                None => F32x16::load_masked(tile.out.add(j * tile.out_stride), last),
            };
            starts[p] = [start(2 * p), start(second(p))];
        }
        let mut sums = [[vdupq_n_f32(0.0); COUPLES]; TWOS];
        for p in 0..TWOS {
            let [first, second] = starts[p];
            for q in 0..4 {
                (sums[p][2 * q], sums[p][2 * q + 1]) = match M::BY_SAMPLES {
                    true => (vzip1q_f32(first.0[q], second.0[q]), vzip2q_f32(first.0[q], second.0[q])),
                    false => halves(first.0[q], second.0[q]),
                };
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
                    sums[p][n] = M::add(left[p], right, sums[p][n]);
                }
            }
            panel = panel.add(8 * COUPLES);
        }
        let mut results = [[F32x16::zero(TOKEN); 2]; TWOS];
        for p in 0..TWOS {
            for q in 0..4 {
                let (a, b) = (sums[p][2 * q], sums[p][2 * q + 1]);
                (results[p][0].0[q], results[p][1].0[q]) = match M::BY_SAMPLES {
                    true => (vuzp1q_f32(a, b), vuzp2q_f32(a, b)),
                    false => halves(a, b),
                };
            }
        }
        for (j, row) in results.as_flattened().iter().take(ROWS).enumerate() {
            row.store_masked(tile.out.add(j * tile.out_stride), last);
        }
    }
}

/// The lower halves of both, and the upper halves.
#[inline(always)]
fn halves(a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
    let (a, b) = (NEON.vreinterpretq_f64_f32(a), NEON.vreinterpretq_f64_f32(b));
    (NEON.vreinterpretq_f32_f64(NEON.vzip1q_f64(a, b)), NEON.vreinterpretq_f32_f64(NEON.vzip2q_f64(a, b)))
}

/// Tiles of one vector of examples. 32 registers: 24 sums, 3 pairs of rows, the rest for examples.
macro_rules! matrix_tiles {
    ($product:ty) => {
        &[TileList {
            functions: &[
                (6, tile::<$product, 6, 3> as TileFunction),
                (4, tile::<$product, 4, 2>),
                (2, tile::<$product, 2, 1>),
                (1, tile::<$product, 1, 1>),
            ],
            packing: None,
        }]
    };
}
pub(super) use matrix_tiles;
