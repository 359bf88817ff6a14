//! [`crate::api::quant`] on AVX2.

use core::arch::x86_64::*;

use super::{F32x16, U32x16};
use crate::api::quant::Table;
use crate::generic::byte_dot::{self, Products, load_below_16, store_below_16};
use crate::generic::quant::{self, LowBytes};
use crate::{Affine, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut, RowIds, views};

wrappers!("avx,avx2,fma,f16c", Table {
    fn quantize_rows_i8(table: views::Table<'_>, out: QuantizedTableMut<'_>) = quant::quantize_rows_i8::<F32x16>;
    fn quantize_rows_u8(vectors: Matrix<'_>, out: QuantizedBatchMut<'_>) = quant::quantize_rows_u8::<F32x16>;
    fn dequantize_i8(values: &[i8], scale: f32, out: &mut [f32]) = quant::dequantize_i8;
    fn dequantize_u8(values: &[u8], affine: Affine, out: &mut [f32]) = quant::dequantize_u8;
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
});

/// What [`Signed`] and [`Unsigned`] have in common.
macro_rules! registers {
    () => {
        const WIDTH: usize = 32;
        type Bytes = __m256i;
        type Sums = __m256i;

        #[inline(always)]
        unsafe fn load(from: *const u8) -> __m256i {
            // SAFETY: upheld by the caller.
            unsafe { _mm256_loadu_si256(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const u8, count: usize) -> __m256i {
            // SAFETY: upheld by the caller.
            unsafe {
                if count < 16 {
                    return _mm256_zextsi128_si256(below_16(from, count));
                }
                _mm256_set_m128i(below_16(from.add(16), count - 16), _mm_loadu_si128(from.cast()))
            }
        }
        #[inline(always)]
        unsafe fn splat(value: u8) -> __m256i {
            // SAFETY: upheld by the caller.
            unsafe { _mm256_set1_epi8(value as i8) }
        }
        #[inline(always)]
        unsafe fn zero() -> __m256i {
            // SAFETY: upheld by the caller.
            unsafe { _mm256_setzero_si256() }
        }
        #[inline(always)]
        unsafe fn add(a: __m256i, b: __m256i) -> __m256i {
            // SAFETY: upheld by the caller.
            unsafe { _mm256_add_epi32(a, b) }
        }
        #[inline(always)]
        unsafe fn reduce_sum(sums: __m256i) -> i32 {
            // SAFETY: upheld by the caller.
            unsafe {
                let four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
                let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b11_10_11_10>(four));
                _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b01_01_01_01>(two)))
            }
        }
        #[inline(always)]
        unsafe fn reduce_sum4([a, b, c, d]: [__m256i; 4]) -> [i32; 4] {
            // SAFETY: upheld by the caller; the array has 16 bytes.
            unsafe {
                let halves = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
                let sums = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
                core::mem::transmute::<__m128i, [i32; 4]>(sums)
            }
        }
    };
}

/// `i8` times `i8`.
struct Signed;

/// `u8` times `i8`.
struct Unsigned;

/// The low seven bits and the highest one, as unsigned bytes: times any `i8`, the sum of two products of either fits `i16`
/// (`2 * 127 * 128` and `2 * 128 * 128`, the latter only as `-32768`), where the sum of two whole ones would saturate.
///
/// # Safety
/// AVX2 is available.
#[inline(always)]
unsafe fn pair_products(vector: __m256i, row: __m256i) -> (__m256i, __m256i) {
    // SAFETY: upheld by the caller.
    unsafe {
        let (low, high) = (_mm256_set1_epi8(0x7F), _mm256_set1_epi8(i8::MIN));
        let low = _mm256_maddubs_epi16(_mm256_and_si256(vector, low), row);
        (low, _mm256_maddubs_epi16(_mm256_and_si256(vector, high), row))
    }
}

impl Products for Signed {
    registers!();

    #[inline(always)]
    unsafe fn add_products(sums: __m256i, vector: __m256i, row: __m256i) -> __m256i {
        // SAFETY: upheld by the caller.
        unsafe {
            // The highest bit counts -128. The negative of the sum of two products is in -32768..=32512: it fits.
            let (low, high) = pair_products(vector, row);
            let negative = _mm256_sub_epi16(high, low);
            _mm256_add_epi32(sums, _mm256_madd_epi16(negative, _mm256_set1_epi16(-1)))
        }
    }
}

impl Products for Unsigned {
    registers!();

    #[inline(always)]
    unsafe fn add_products(sums: __m256i, vector: __m256i, row: __m256i) -> __m256i {
        // SAFETY: upheld by the caller.
        unsafe {
            let (low, high) = pair_products(vector, row);
            let one = _mm256_set1_epi16(1);
            _mm256_add_epi32(sums, _mm256_add_epi32(_mm256_madd_epi16(low, one), _mm256_madd_epi16(high, one)))
        }
    }
}

/// # Safety
/// AVX2 is available; `from` is valid for reading `count < 16` bytes.
#[inline(always)]
unsafe fn below_16(from: *const u8, count: usize) -> __m128i {
    // SAFETY: upheld by the caller.
    unsafe {
        let bytes = load_below_16(from, count);
        _mm_set_epi64x((bytes >> 64) as i64, bytes as i64)
    }
}

impl LowBytes for U32x16 {
    #[inline(always)]
    unsafe fn store_low_bytes(self, to: *mut u8) {
        // SAFETY: `self` proves AVX2; the pointer is guaranteed by the caller.
        unsafe { _mm_storeu_si128(to.cast(), low_bytes(self)) }
    }
    #[inline(always)]
    unsafe fn store_masked_low_bytes(self, to: *mut u8, count: usize) {
        // SAFETY: `self` proves AVX2; a register has 16 bytes; the pointer is guaranteed by the caller.
        unsafe { store_below_16(to, core::mem::transmute::<__m128i, u128>(low_bytes(self)), count) }
    }
}

#[inline(always)]
fn low_bytes(words: U32x16) -> __m128i {
    // SAFETY: `words` proves AVX2.
    unsafe {
        let mask = _mm256_set1_epi32(0xFF);
        let halves = _mm256_packus_epi32(_mm256_and_si256(words.0, mask), _mm256_and_si256(words.1, mask));
        // The packing works within 128 bits: quarters 0 and 2 are the first eight.
        let halves = _mm256_permute4x64_epi64::<0b11_01_10_00>(halves);
        _mm_packus_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves))
    }
}
