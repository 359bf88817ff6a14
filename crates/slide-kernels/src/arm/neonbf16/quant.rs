//! [`crate::api::quant`] with the instructions that add four products of bytes to an `i32`, and wrap.

use core::arch::aarch64::*;
use core::arch::asm;

use crate::arm::neon::NEON;

use crate::api::quant::Table;
use crate::arm::neon;
use crate::arm::neon::quant::registers;
use crate::generic::byte_dot::{self, Products, load_below_16};
use crate::{Affine, MatrixI8, QuantizedTable, RowIds};

wrappers! {
    "neon,dotprod,i8mm", Table {
        fn row_sums_i8(values: MatrixI8<'_>, out: &mut [i32]) = byte_dot::row_sums_i8::<Unsigned>;
        fn dot_i8(a: &[i8], b: &[i8]) -> i32 = byte_dot::dot_i8::<Signed, 8>;
        fn dot_u8_i8(a: &[u8], b: &[i8]) -> i32 = byte_dot::dot_u8_i8::<Unsigned, 8>;
        fn rows_dot_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[i8], out: &mut [i32])
            = byte_dot::rows_dot_i8::<Signed, 8>;
        fn rows_dot_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[u8], out: &mut [i32])
            = byte_dot::rows_dot_u8_i8::<Unsigned, 8>;
        fn rows_dot_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[i8], scale: f32, out: &mut [f32])
            = byte_dot::rows_dot_i8_scaled::<Signed, 8>;
        fn rows_dot_u8_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[u8], affine: Affine, out: &mut [f32])
            = byte_dot::rows_dot_u8_i8_scaled::<Unsigned, 8>;
    }
    const TABLE: Table = Table {
        row_sums_i8,
        dot_i8,
        dot_u8_i8,
        rows_dot_i8,
        rows_dot_u8_i8,
        rows_dot_i8_scaled,
        rows_dot_u8_i8_scaled,
        ..neon::KERNELS.quant
    };
}

/// `i8` times `i8`.
struct Signed;

impl Products for Signed {
    registers!();

    #[inline(always)]
    unsafe fn add_products(mut sums: int32x4_t, vector: int8x16_t, row: int8x16_t) -> int32x4_t {
        // SAFETY: upheld by the caller: `dotprod` is available; the instruction touches no memory.
        unsafe {
            asm!(
                "sdot {sums:v}.4s, {vector:v}.16b, {row:v}.16b",
                sums = inout(vreg) sums,
                vector = in(vreg) vector,
                row = in(vreg) row,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }
}

/// `u8` times `i8`.
struct Unsigned;

impl Products for Unsigned {
    registers!();

    #[inline(always)]
    unsafe fn add_products(mut sums: int32x4_t, vector: int8x16_t, row: int8x16_t) -> int32x4_t {
        // SAFETY: upheld by the caller: `i8mm` is available; the instruction touches no memory.
        unsafe {
            asm!(
                "usdot {sums:v}.4s, {vector:v}.16b, {row:v}.16b",
                sums = inout(vreg) sums,
                vector = in(vreg) vector,
                row = in(vreg) row,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }
}
