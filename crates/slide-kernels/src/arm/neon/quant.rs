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
        type Token = ();

        #[inline(always)]
        unsafe fn token() {}

        #[inline(always)]
        unsafe fn load(from: *const u8) -> int8x16_t {
            // SAFETY: the caller has NEON and 16 bytes to read.
            unsafe { vld1q_s8(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const u8, count: usize) -> int8x16_t {
            // SAFETY: the caller has NEON and `count` bytes to read, fewer than 16.
            unsafe {
                let bytes = load_below_16(from, count);
                vcombine_s8(vcreate_s8(bytes as u64), vcreate_s8((bytes >> 64) as u64))
            }
        }
        #[inline(always)]
        fn splat(_: (), value: u8) -> int8x16_t {
            NEON.vdupq_n_s8(value as i8)
        }
        #[inline(always)]
        fn zero(_: ()) -> int32x4_t {
            NEON.vdupq_n_s32(0)
        }
        #[inline(always)]
        fn add(a: int32x4_t, b: int32x4_t) -> int32x4_t {
            NEON.vaddq_s32(a, b)
        }
        #[inline(always)]
        fn reduce_sum(sums: int32x4_t) -> i32 {
            NEON.vaddvq_s32(sums)
        }
        #[inline(always)]
        fn reduce_sum4([a, b, c, d]: [int32x4_t; 4]) -> [i32; 4] {
            let sums = NEON.vpaddq_s32(NEON.vpaddq_s32(a, b), NEON.vpaddq_s32(c, d));
            // SAFETY: both are 16 bytes of plain numbers.
            unsafe { core::mem::transmute::<int32x4_t, [i32; 4]>(sums) }
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
        let low = NEON.vmull_s8(NEON.vget_low_s8(vector), NEON.vget_low_s8(row));
        NEON.vpadalq_s16(NEON.vpadalq_s16(sums, low), NEON.vmull_high_s8(vector, row))
    }
}

/// `u8` times `i8`: `a b = (a - 128) b + 128 b` fits `i16` as well, and the two terms do.
pub(super) struct Unsigned;

impl Products for Unsigned {
    registers!();

    #[inline(always)]
    unsafe fn add_products(sums: int32x4_t, vector: int8x16_t, row: int8x16_t) -> int32x4_t {
        let vector = NEON.veorq_s8(vector, NEON.vdupq_n_s8(i8::MIN));
        let (row_low, vector_low) = (NEON.vget_low_s8(row), NEON.vget_low_s8(vector));
        let low = NEON.vmlal_s8(NEON.vshll_n_s8::<7>(row_low), vector_low, row_low);
        let high = NEON.vmlal_high_s8(NEON.vshll_high_n_s8::<7>(row), vector, row);
        NEON.vpadalq_s16(NEON.vpadalq_s16(sums, low), high)
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
