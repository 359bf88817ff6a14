//! [`crate::api::quant`] on NEON.

use core::arch::aarch64::*;

use super::{F32x16, NEON, U32x16};
use crate::api::quant::Table;
use crate::generic::byte_dot::{self, Products, load_below_16, store_below_16};
use crate::generic::quant::{self, LowBytes};
use crate::{Affine, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut, RowIds, scalar, views};

wrappers! {
    "neon", Table {
        fn quantize_rows_i8(table: views::Table<'_>, out: QuantizedTableMut<'_>) = quant::quantize_rows_i8::<F32x16>;
        fn quantize_rows_u8(vectors: Matrix<'_>, out: QuantizedBatchMut<'_>) = quant::quantize_rows_u8::<F32x16>;
        fn row_sums_i8(values: MatrixI8<'_>, out: &mut [i32]) = byte_dot::row_sums_i8::<Unsigned>;
        fn dot_i8(a: &[i8], b: &[i8]) -> i32 = byte_dot::dot_i8::<Signed, 4>;
        fn dot_u8_i8(a: &[u8], b: &[i8]) -> i32 = byte_dot::dot_u8_i8::<Unsigned, 4>;
        fn rows_dot_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[i8], out: &mut [i32])
            = byte_dot::rows_dot_i8::<Signed, 4>;
        fn rows_dot_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[u8], out: &mut [i32])
            = byte_dot::rows_dot_u8_i8::<Unsigned, 4>;
        fn rows_dot_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[i8], scale: f32, out: &mut [f32])
            = byte_dot::rows_dot_i8_scaled::<Signed, 4>;
        fn rows_dot_u8_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[u8], affine: Affine, out: &mut [f32])
            = byte_dot::rows_dot_u8_i8_scaled::<Unsigned, 4>;
    }
    const TABLE: Table = Table {
        quantize_rows_i8,
        quantize_rows_u8,
        row_sums_i8,
        dot_i8,
        dot_u8_i8,
        rows_dot_i8,
        rows_dot_u8_i8,
        rows_dot_i8_scaled,
        rows_dot_u8_i8_scaled,
        ..scalar::quant::TABLE
    };
}

/// What the implementors of [`Products`] have in common.
macro_rules! registers {
    () => {
        const WIDTH: usize = 16;
        type Bytes = int8x16_t;
        type Sums = int32x4_t;

        #[inline(always)]
        unsafe fn load(from: *const u8) -> int8x16_t {
            // SAFETY: upheld by the caller.
            unsafe { vld1q_s8(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const u8, count: usize) -> int8x16_t {
            // SAFETY: upheld by the caller.
            unsafe {
                let bytes = load_below_16(from, count);
                vcombine_s8(vcreate_s8(bytes as u64), vcreate_s8((bytes >> 64) as u64))
            }
        }
        #[inline(always)]
        unsafe fn splat(value: u8) -> int8x16_t {
            // SAFETY: upheld by the caller.
            unsafe { vdupq_n_s8(value as i8) }
        }
        #[inline(always)]
        unsafe fn zero() -> int32x4_t {
            // SAFETY: upheld by the caller.
            unsafe { vdupq_n_s32(0) }
        }
        #[inline(always)]
        unsafe fn add(a: int32x4_t, b: int32x4_t) -> int32x4_t {
            // SAFETY: upheld by the caller.
            unsafe { vaddq_s32(a, b) }
        }
        #[inline(always)]
        unsafe fn reduce_sum(sums: int32x4_t) -> i32 {
            // SAFETY: upheld by the caller.
            unsafe { vaddvq_s32(sums) }
        }
        #[inline(always)]
        unsafe fn reduce_sum4([a, b, c, d]: [int32x4_t; 4]) -> [i32; 4] {
            // SAFETY: upheld by the caller; the array has 16 bytes.
            unsafe { core::mem::transmute::<int32x4_t, [i32; 4]>(vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d))) }
        }
    };
}
pub(in crate::arm) use registers;

/// `i8` times `i8`: a product fits `i16`, and pairs of them are added in `i32`.
pub(super) struct Signed;

impl Products for Signed {
    registers!();

    #[inline(always)]
    unsafe fn add_products(sums: int32x4_t, vector: int8x16_t, row: int8x16_t) -> int32x4_t {
        // SAFETY: upheld by the caller.
        unsafe {
            let low = vmull_s8(vget_low_s8(vector), vget_low_s8(row));
            vpadalq_s16(vpadalq_s16(sums, low), vmull_high_s8(vector, row))
        }
    }
}

/// `u8` times `i8`: `a b = (a - 128) b + 128 b` fits `i16` as well, and the two terms do.
pub(super) struct Unsigned;

impl Products for Unsigned {
    registers!();

    #[inline(always)]
    unsafe fn add_products(sums: int32x4_t, vector: int8x16_t, row: int8x16_t) -> int32x4_t {
        // SAFETY: upheld by the caller.
        unsafe {
            let vector = veorq_s8(vector, vdupq_n_s8(i8::MIN));
            let low = vmlal_s8(vshll_n_s8::<7>(vget_low_s8(row)), vget_low_s8(vector), vget_low_s8(row));
            let high = vmlal_high_s8(vshll_high_n_s8::<7>(row), vector, row);
            vpadalq_s16(vpadalq_s16(sums, low), high)
        }
    }
}

impl LowBytes for U32x16 {
    #[inline(always)]
    unsafe fn store_low_bytes(self, to: *mut u8) {
        // SAFETY: `self` proves NEON; the pointer is guaranteed by the caller.
        unsafe { vst1q_u8(to, low_bytes(self)) }
    }
    #[inline(always)]
    unsafe fn store_masked_low_bytes(self, to: *mut u8, count: usize) {
        // SAFETY: `self` proves NEON; a register has 16 bytes; the pointer is guaranteed by the caller.
        unsafe { store_below_16(to, core::mem::transmute::<uint8x16_t, u128>(low_bytes(self)), count) }
    }
}

#[inline(always)]
fn low_bytes(words: U32x16) -> uint8x16_t {
    let [a, b, c, d] = words.0;
    let low = NEON.vcombine_u16(NEON.vmovn_u32(a), NEON.vmovn_u32(b));
    let high = NEON.vcombine_u16(NEON.vmovn_u32(c), NEON.vmovn_u32(d));
    NEON.vcombine_u8(NEON.vmovn_u16(low), NEON.vmovn_u16(high))
}
