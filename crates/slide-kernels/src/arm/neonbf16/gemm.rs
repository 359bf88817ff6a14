//! [`crate::api::gemm`] by `bfmmla`: two rows times two examples, four elements of the depth at once.

use core::arch::aarch64::*;
use core::arch::asm;

use super::matrix::{MatrixProduct, matrix_tiles, work};
use super::{F32x16, KERNELS};
use crate::api::gemm::Table;
use crate::generic::factors::{Halves, Rounded};
use crate::generic::gemm::{Tiles, forward_by};
use crate::generic::tile::{Tile, TileFunction, TileList};
use crate::{Matrix, MatrixMut, RowIds, Values, views};

const TILES: Tiles = matrix_tiles!(Bfmmla);

/// # Safety
/// The contract of [`work`].
#[target_feature(enable = "neon,bf16")]
unsafe fn tile<M: MatrixProduct, const ROWS: usize, const TWOS: usize>(tile: &Tile) {
    // SAFETY: the level of the table that lists this function has `bf16`; whoever made the tile vouches for its
    // pointers.
    unsafe { work::<M, ROWS, TWOS>(tile) }
}

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

/// Four elements of an example, then the same of the next one.
struct Couples;

impl Rounded<F32x16> for Couples {
    const STEP: usize = 4;

    #[inline(always)]
    unsafe fn pack(rows: [F32x16; 4], to: *mut f32) {
        for quarter in 0..4 {
            // SAFETY: upheld by the caller: `bf16` is available, and there is room for two registers of each quarter.
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
    // SAFETY: upheld by the caller; the instruction touches nothing but registers.
    unsafe {
        asm!(
            // A closure does not have the features of the function that it is inlined into.
            ".arch_extension bf16",
            "bfcvtn {halves:v}.4h, {values:v}.4s",
            halves = out(vreg) halves, values = in(vreg) values, options(pure, nomem, nostack, preserves_flags)
        );
        vget_low_u16(halves)
    }
}

/// Two rows of four elements times two examples of four.
struct Bfmmla;

impl MatrixProduct for Bfmmla {
    const BY_SAMPLES: bool = false;

    #[inline(always)]
    unsafe fn add(rows: uint16x8_t, examples: uint16x8_t, mut sums: float32x4_t) -> float32x4_t {
        // SAFETY: upheld by the caller: `bf16` is available; the instruction touches nothing but registers.
        unsafe {
            asm!(
                "bfmmla {sums:v}.4s, {rows:v}.8h, {examples:v}.8h",
                sums = inout(vreg) sums, rows = in(vreg) rows, examples = in(vreg) examples,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sums
    }
}
