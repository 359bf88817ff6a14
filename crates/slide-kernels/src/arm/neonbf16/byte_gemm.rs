//! [`crate::api::byte_gemm`] by `smmla` and `usmmla`: two rows times two vectors, eight elements of the depth at once.

use core::arch::aarch64::*;
use core::arch::asm;

use super::F32x16;
use super::matrix::{MatrixProduct, matrix_tiles, work};
use crate::api::byte_gemm::Table;
use crate::generic::byte_gemm::{Bytes, Steps};
use crate::generic::gemm::{Tiles, bytes_by};
use crate::generic::tile::{Tile, TileFunction, TileList};
use crate::{Matrix, MatrixI8, RowIds};

const SIGNED: Tiles = matrix_tiles!(Smmla);
const UNSIGNED: Tiles = matrix_tiles!(Usmmla);

/// # Safety
/// The contract of [`work`].
#[target_feature(enable = "neon,dotprod,i8mm")]
unsafe fn tile<M: MatrixProduct, const ROWS: usize, const TWOS: usize>(tile: &Tile) {
    // SAFETY: the level of the table that lists this function has `i8mm`; whoever made the tile vouches for its
    // pointers.
    unsafe { work::<M, ROWS, TWOS>(tile) }
}

wrappers!("neon,dotprod,i8mm", Table {
    fn gemm_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: MatrixI8<'_>, out: &mut [i32])
        = |values, rows, vectors, out| bytes_by::<F32x16, Steps<Eights>>(SIGNED, values, rows, vectors, out);
    fn gemm_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: Matrix<'_, u8>, out: &mut [i32])
        = |values, rows, vectors, out| bytes_by::<F32x16, Steps<Eights>>(UNSIGNED, values, rows, vectors, out);
});

/// Eight bytes of a vector, then those of the next one.
struct Eights;

impl Bytes for Eights {
    const STEP: usize = 8;
    const BIAS: u8 = 0;
}

/// `i8` times `i8`.
struct Smmla;

impl MatrixProduct for Smmla {
    const BY_SAMPLES: bool = false;

    #[inline(always)]
    unsafe fn add(rows: uint16x8_t, examples: uint16x8_t, mut sums: float32x4_t) -> float32x4_t {
        // SAFETY: upheld by the caller: `i8mm` is available; the instruction touches nothing but registers.
        unsafe {
            asm!(
                "smmla {sums:v}.4s, {rows:v}.16b, {examples:v}.16b",
                sums = inout(vreg) sums, rows = in(vreg) rows, examples = in(vreg) examples,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sums
    }
}

/// `u8` times `i8`: the first factor is the unsigned one.
struct Usmmla;

impl MatrixProduct for Usmmla {
    const BY_SAMPLES: bool = true;

    #[inline(always)]
    unsafe fn add(rows: uint16x8_t, examples: uint16x8_t, mut sums: float32x4_t) -> float32x4_t {
        // SAFETY: upheld by the caller: `i8mm` is available; the instruction touches nothing but registers.
        unsafe {
            asm!(
                "usmmla {sums:v}.4s, {examples:v}.16b, {rows:v}.16b",
                sums = inout(vreg) sums, rows = in(vreg) rows, examples = in(vreg) examples,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sums
    }
}
