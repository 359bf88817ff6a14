//! [`crate::api::quant`] on AVX-512, without VNNI.

use core::arch::x86_64::*;

use super::{F32x16, U32x16};
use crate::api::quant::Table;
use crate::generic::byte_dot::{self, Products};
use crate::generic::quant::{self, LowBytes};
use crate::x86::avx2;
use crate::{Affine, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut, RowIds, views};

wrappers! {
    "avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
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
        ..avx2::KERNELS.quant
    };
}

/// What the implementors of [`Products`] with registers of 512 bits have in common.
macro_rules! registers {
    () => {
        const WIDTH: usize = 64;
        type Bytes = __m512i;

        #[inline(always)]
        unsafe fn load(from: *const u8) -> __m512i {
            // SAFETY: upheld by the caller.
            unsafe { _mm512_loadu_si512(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const u8, count: usize) -> __m512i {
            // SAFETY: upheld by the caller.
            unsafe { _mm512_maskz_loadu_epi8((1 << count) - 1, from.cast()) }
        }
        #[inline(always)]
        unsafe fn splat(value: u8) -> __m512i {
            // SAFETY: upheld by the caller.
            unsafe { _mm512_set1_epi8(value as i8) }
        }
    };
}
pub(in crate::x86) use registers;

/// The rest of it, where the sums are in one register.
macro_rules! sums {
    () => {
        type Sums = __m512i;

        #[inline(always)]
        unsafe fn zero() -> __m512i {
            // SAFETY: upheld by the caller.
            unsafe { _mm512_setzero_si512() }
        }
        #[inline(always)]
        unsafe fn add(a: __m512i, b: __m512i) -> __m512i {
            // SAFETY: upheld by the caller.
            unsafe { _mm512_add_epi32(a, b) }
        }
        #[inline(always)]
        unsafe fn reduce_sum(sums: __m512i) -> i32 {
            // SAFETY: upheld by the caller.
            unsafe { _mm512_reduce_add_epi32(sums) }
        }
        #[inline(always)]
        unsafe fn reduce_sum4([a, b, c, d]: [__m512i; 4]) -> [i32; 4] {
            // SAFETY: upheld by the caller; the array has 16 bytes.
            unsafe {
                // Each step puts the parts to be added side by side, for twice as many vectors as the step before.
                let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
                let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
                let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
                let half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64::<1>(all));
                let sums = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
                core::mem::transmute::<__m128i, [i32; 4]>(sums)
            }
        }
    };
}
pub(in crate::x86) use sums;

/// `i8` times `i8`, as on AVX2.
struct Signed;

/// `u8` times `i8`, as on AVX2.
struct Unsigned;

/// The low seven bits and the highest one, as unsigned bytes: times any `i8`, the sum of two products of either fits `i16`
/// (`2 * 127 * 128` and `2 * 128 * 128`, the latter only as `-32768`), where the sum of two whole ones would saturate.
///
/// # Safety
/// AVX-512 is available.
#[inline(always)]
unsafe fn pair_products(vector: __m512i, row: __m512i) -> (__m512i, __m512i) {
    // SAFETY: upheld by the caller.
    unsafe {
        let (low, high) = (_mm512_set1_epi8(0x7F), _mm512_set1_epi8(i8::MIN));
        let low = _mm512_maddubs_epi16(_mm512_and_si512(vector, low), row);
        (low, _mm512_maddubs_epi16(_mm512_and_si512(vector, high), row))
    }
}

impl Products for Signed {
    registers!();
    sums!();

    #[inline(always)]
    unsafe fn add_products(sums: __m512i, vector: __m512i, row: __m512i) -> __m512i {
        // SAFETY: upheld by the caller.
        unsafe {
            // The highest bit counts -128. The negative of the sum of two products is in -32768..=32512: it fits.
            let (low, high) = pair_products(vector, row);
            let negative = _mm512_sub_epi16(high, low);
            _mm512_add_epi32(sums, _mm512_madd_epi16(negative, _mm512_set1_epi16(-1)))
        }
    }
}

impl Products for Unsigned {
    registers!();
    sums!();

    #[inline(always)]
    unsafe fn add_products(sums: __m512i, vector: __m512i, row: __m512i) -> __m512i {
        // SAFETY: upheld by the caller.
        unsafe {
            let (low, high) = pair_products(vector, row);
            let one = _mm512_set1_epi16(1);
            _mm512_add_epi32(sums, _mm512_add_epi32(_mm512_madd_epi16(low, one), _mm512_madd_epi16(high, one)))
        }
    }
}

impl LowBytes for U32x16 {
    #[inline(always)]
    unsafe fn store_low_bytes(self, to: *mut u8) {
        // SAFETY: `self` proves AVX-512; the pointer is guaranteed by the caller.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(self.0)) }
    }
    #[inline(always)]
    unsafe fn store_masked_low_bytes(self, to: *mut u8, count: usize) {
        // SAFETY: `self` proves AVX-512; the pointer is guaranteed by the caller.
        unsafe { _mm_mask_storeu_epi8(to.cast(), (1 << count) - 1, _mm512_cvtepi32_epi8(self.0)) }
    }
}
