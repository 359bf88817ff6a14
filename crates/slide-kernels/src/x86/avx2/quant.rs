//! [`crate::api::quant`] on AVX2.

use core::arch::x86_64::*;

use pulp::x86::V3;

use super::{F32x16, U32x16};
use crate::api::quant::Table;
use crate::generic::SimdF32x16;
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
        type Sums = (__m256i, V3);
        type Token = V3;

        #[inline(always)]
        unsafe fn token() -> V3 {
            // SAFETY: the caller has AVX2.
            unsafe { F32x16::token() }
        }

        #[inline(always)]
        unsafe fn load(from: *const u8) -> __m256i {
            // SAFETY: the caller has AVX2 and 32 bytes to read.
            unsafe { _mm256_loadu_si256(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const u8, count: usize) -> __m256i {
            // SAFETY: the caller has AVX2 and `count` bytes to read, fewer than 32.
            unsafe {
                if count < 16 {
                    return _mm256_zextsi128_si256(below_16(from, count));
                }
                _mm256_set_m128i(below_16(from.add(16), count - 16), _mm_loadu_si128(from.cast()))
            }
        }
        #[inline(always)]
        fn splat(simd: V3, value: u8) -> __m256i {
            simd.avx._mm256_set1_epi8(value as i8)
        }
        #[inline(always)]
        fn zero(simd: V3) -> Self::Sums {
            (simd.avx._mm256_setzero_si256(), simd)
        }
        #[inline(always)]
        fn add((a, simd): Self::Sums, (b, _): Self::Sums) -> Self::Sums {
            (simd.avx2._mm256_add_epi32(a, b), simd)
        }
        #[inline(always)]
        fn reduce_sum((sums, V3 { sse2, avx, avx2, .. }): Self::Sums) -> i32 {
            let four = sse2._mm_add_epi32(avx._mm256_castsi256_si128(sums), avx2._mm256_extracti128_si256::<1>(sums));
            let two = sse2._mm_add_epi32(four, sse2._mm_shuffle_epi32::<0b11_10_11_10>(four));
            sse2._mm_cvtsi128_si32(sse2._mm_add_epi32(two, sse2._mm_shuffle_epi32::<0b01_01_01_01>(two)))
        }
        #[inline(always)]
        fn reduce_sum4([a, b, c, d]: [Self::Sums; 4]) -> [i32; 4] {
            let V3 { sse2, avx, avx2, .. } = a.1;
            let halves = avx2._mm256_hadd_epi32(avx2._mm256_hadd_epi32(a.0, b.0), avx2._mm256_hadd_epi32(c.0, d.0));
            let (low, high) = (avx._mm256_castsi256_si128(halves), avx2._mm256_extracti128_si256::<1>(halves));
            // SAFETY: both are 16 bytes of plain numbers.
            unsafe { core::mem::transmute::<__m128i, [i32; 4]>(sse2._mm_add_epi32(low, high)) }
        }
    };
}

/// `i8` times `i8`.
struct Signed;

/// `u8` times `i8`.
struct Unsigned;

/// The low seven bits and the highest one, as unsigned bytes: times any `i8`, the sum of two products of either fits `i16`
/// (`2 * 127 * 128` and `2 * 128 * 128`, the latter only as `-32768`), where the sum of two whole ones would saturate.
#[inline(always)]
fn pair_products(simd: V3, vector: __m256i, row: __m256i) -> (__m256i, __m256i) {
    let (low, high) = (simd.avx._mm256_set1_epi8(0x7F), simd.avx._mm256_set1_epi8(i8::MIN));
    let products = |bits| simd.avx2._mm256_maddubs_epi16(simd.avx2._mm256_and_si256(vector, bits), row);
    (products(low), products(high))
}

impl Products for Signed {
    registers!();

    #[inline(always)]
    unsafe fn add_products((sums, simd): Self::Sums, vector: __m256i, row: __m256i) -> Self::Sums {
        // The highest bit counts -128. The negative of the sum of two products is in -32768..=32512: it fits.
        let (low, high) = pair_products(simd, vector, row);
        let V3 { avx, avx2, .. } = simd;
        let products = avx2._mm256_madd_epi16(avx2._mm256_sub_epi16(high, low), avx._mm256_set1_epi16(-1));
        (avx2._mm256_add_epi32(sums, products), simd)
    }
}

impl Products for Unsigned {
    registers!();

    #[inline(always)]
    unsafe fn add_products((sums, simd): Self::Sums, vector: __m256i, row: __m256i) -> Self::Sums {
        let (low, high) = pair_products(simd, vector, row);
        let V3 { avx, avx2, .. } = simd;
        let one = avx._mm256_set1_epi16(1);
        let products = avx2._mm256_add_epi32(avx2._mm256_madd_epi16(low, one), avx2._mm256_madd_epi16(high, one));
        (avx2._mm256_add_epi32(sums, products), simd)
    }
}

/// # Safety
/// AVX2 is available; `from` is valid for reading `count < 16` bytes.
#[inline(always)]
unsafe fn below_16(from: *const u8, count: usize) -> __m128i {
    // SAFETY: the caller has AVX2 and `count` bytes to read, fewer than 16.
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
fn low_bytes(U32x16(low, high, V3 { sse2, avx, avx2, .. }): U32x16) -> __m128i {
    let mask = avx._mm256_set1_epi32(0xFF);
    let halves = avx2._mm256_packus_epi32(avx2._mm256_and_si256(low, mask), avx2._mm256_and_si256(high, mask));
    // The packing works within 128 bits: quarters 0 and 2 are the first eight.
    let halves = avx2._mm256_permute4x64_epi64::<0b11_01_10_00>(halves);
    sse2._mm_packus_epi16(avx._mm256_castsi256_si128(halves), avx2._mm256_extracti128_si256::<1>(halves))
}
