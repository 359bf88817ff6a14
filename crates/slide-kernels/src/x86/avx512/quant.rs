//! [`crate::api::quant`] on AVX-512, without VNNI.

use core::arch::x86_64::*;

use pulp::x86::V4;

use super::{F32x16, U32x16};
use crate::api::quant::Table;
use crate::generic::byte_dot::{self, Products};
use crate::generic::quant::{self, LowBytes};
use crate::generic::{SimdF32x16, SimdU32x16};
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
        type Token = V4;

        #[inline(always)]
        unsafe fn token() -> V4 {
            // SAFETY: the caller has AVX-512.
            unsafe { F32x16::token() }
        }

        #[inline(always)]
        unsafe fn load(from: *const u8) -> __m512i {
            // SAFETY: the caller has AVX-512 and 64 bytes to read.
            unsafe { _mm512_loadu_si512(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const u8, count: usize) -> __m512i {
            // SAFETY: the caller has AVX-512 and `count` bytes to read; no others are touched.
            unsafe { _mm512_maskz_loadu_epi8((1 << count) - 1, from.cast()) }
        }
        #[inline(always)]
        fn splat(simd: V4, value: u8) -> __m512i {
            simd.avx512f._mm512_set1_epi8(value as i8)
        }
    };
}
pub(in crate::x86) use registers;

/// The rest of it, where the sums are in one register.
macro_rules! sums {
    () => {
        type Sums = U32x16;

        #[inline(always)]
        fn zero(simd: V4) -> U32x16 {
            U32x16::splat(simd, 0)
        }
        #[inline(always)]
        fn add(a: U32x16, b: U32x16) -> U32x16 {
            SimdU32x16::add(a, b)
        }
        #[inline(always)]
        fn reduce_sum(sums: U32x16) -> i32 {
            sums.1.avx512f._mm512_reduce_add_epi32(sums.0)
        }
        #[inline(always)]
        fn reduce_sum4([a, b, c, d]: [U32x16; 4]) -> [i32; 4] {
            let V4 { sse2, avx, avx2, avx512f: simd, .. } = a.1;
            // Each step puts the parts to be added side by side, for twice as many vectors as the step before.
            let pairs = |a: U32x16, b: U32x16| {
                simd._mm512_add_epi32(simd._mm512_unpacklo_epi32(a.0, b.0), simd._mm512_unpackhi_epi32(a.0, b.0))
            };
            let (ab, cd) = (pairs(a, b), pairs(c, d));
            let all = simd._mm512_add_epi32(simd._mm512_unpacklo_epi64(ab, cd), simd._mm512_unpackhi_epi64(ab, cd));
            let (low, high) = (simd._mm512_castsi512_si256(all), simd._mm512_extracti64x4_epi64::<1>(all));
            let half = avx2._mm256_add_epi32(low, high);
            let sums = sse2._mm_add_epi32(avx._mm256_castsi256_si128(half), avx2._mm256_extracti128_si256::<1>(half));
            // SAFETY: both are 16 bytes of plain numbers.
            unsafe { core::mem::transmute::<__m128i, [i32; 4]>(sums) }
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
#[inline(always)]
fn pair_products(simd: V4, vector: __m512i, row: __m512i) -> (__m512i, __m512i) {
    let (low, high) = (simd.avx512f._mm512_set1_epi8(0x7F), simd.avx512f._mm512_set1_epi8(i8::MIN));
    let products = |bits| simd.avx512bw._mm512_maddubs_epi16(simd.avx512f._mm512_and_si512(vector, bits), row);
    (products(low), products(high))
}

impl Products for Signed {
    registers!();
    sums!();

    #[inline(always)]
    unsafe fn add_products(sums: U32x16, vector: __m512i, row: __m512i) -> U32x16 {
        // The highest bit counts -128. The negative of the sum of two products is in -32768..=32512: it fits.
        let (low, high) = pair_products(sums.1, vector, row);
        let V4 { avx512f, avx512bw, .. } = sums.1;
        let negative = avx512bw._mm512_sub_epi16(high, low);
        sums.add(U32x16(avx512bw._mm512_madd_epi16(negative, avx512f._mm512_set1_epi16(-1)), sums.1))
    }
}

impl Products for Unsigned {
    registers!();
    sums!();

    #[inline(always)]
    unsafe fn add_products(sums: U32x16, vector: __m512i, row: __m512i) -> U32x16 {
        let (low, high) = pair_products(sums.1, vector, row);
        let one = sums.1.avx512f._mm512_set1_epi16(1);
        let widened = |pairs| U32x16(sums.1.avx512bw._mm512_madd_epi16(pairs, one), sums.1);
        sums.add(widened(low).add(widened(high)))
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
