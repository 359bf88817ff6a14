//! [`crate::api::quant`] on AVX-512 with VNNI: four products of `u8` and `i8` are added to an `i32` at once, and wrap.

use core::arch::x86_64::*;

use crate::api::quant::Table;
use crate::generic::byte_dot::{self, Products};
use crate::x86::avx512;
use crate::x86::avx512::quant::{registers, sums};
use crate::{Affine, MatrixI8, QuantizedTable, RowIds};

wrappers! {
    "avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni", Table {
        fn row_sums_i8(values: MatrixI8<'_>, out: &mut [i32]) = byte_dot::row_sums_i8::<Unsigned>;
        fn dot_i8(a: &[i8], b: &[i8]) -> i32 = byte_dot::dot_i8::<Signed, 4>;
        fn dot_u8_i8(a: &[u8], b: &[i8]) -> i32 = byte_dot::dot_u8_i8::<Unsigned, 8>;
        fn rows_dot_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[i8], out: &mut [i32])
            = byte_dot::rows_dot_i8::<SignedRows, 4>;
        fn rows_dot_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[u8], out: &mut [i32])
            = byte_dot::rows_dot_u8_i8::<Unsigned, 4>;
        fn rows_dot_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[i8], scale: f32, out: &mut [f32])
            = byte_dot::rows_dot_i8_scaled::<SignedRows, 4>;
        fn rows_dot_u8_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[u8], affine: Affine, out: &mut [f32])
            = byte_dot::rows_dot_u8_i8_scaled::<Unsigned, 4>;
    }
    const TABLE: Table = Table {
        row_sums_i8,
        dot_i8,
        dot_u8_i8,
        rows_dot_i8,
        rows_dot_u8_i8,
        rows_dot_i8_scaled,
        rows_dot_u8_i8_scaled,
        ..avx512::KERNELS.quant
    };
}

/// `u8` times `i8`.
struct Unsigned;

impl Products for Unsigned {
    registers!();
    sums!();

    #[inline(always)]
    unsafe fn add_products(sums: __m512i, vector: __m512i, row: __m512i) -> __m512i {
        // SAFETY: upheld by the caller.
        unsafe { _mm512_dpbusd_epi32(sums, vector, row) }
    }
}

/// `i8` times `i8`: `(a + 128) b` is one of `u8` and `i8`, and `128 b` is summed beside it.
struct Signed;

/// The sums of `(a + 128) b` and of `128 b`.
#[derive(Clone, Copy)]
struct Biased(__m512i, __m512i);

impl Products for Signed {
    registers!();
    type Sums = Biased;

    #[inline(always)]
    unsafe fn zero() -> Biased {
        // SAFETY: upheld by the caller.
        unsafe { Biased(_mm512_setzero_si512(), _mm512_setzero_si512()) }
    }
    #[inline(always)]
    unsafe fn add(a: Biased, b: Biased) -> Biased {
        // SAFETY: upheld by the caller.
        unsafe { Biased(_mm512_add_epi32(a.0, b.0), _mm512_add_epi32(a.1, b.1)) }
    }
    #[inline(always)]
    unsafe fn reduce_sum(sums: Biased) -> i32 {
        // SAFETY: upheld by the caller.
        unsafe { _mm512_reduce_add_epi32(_mm512_sub_epi32(sums.0, sums.1)) }
    }
    #[inline(always)]
    unsafe fn add_products(sums: Biased, vector: __m512i, row: __m512i) -> Biased {
        // SAFETY: upheld by the caller.
        unsafe {
            let bias = _mm512_set1_epi8(i8::MIN);
            let products = _mm512_dpbusd_epi32(sums.0, _mm512_xor_si512(vector, bias), row);
            Biased(products, _mm512_dpbusd_epi32(sums.1, bias, row))
        }
    }
}

/// `i8` times `i8` for many rows: `(row + 128) vector`; what the bias adds depends on the vector alone.
pub(super) struct SignedRows;

impl Products for SignedRows {
    registers!();
    sums!();

    #[inline(always)]
    unsafe fn add_products(sums: __m512i, vector: __m512i, row: __m512i) -> __m512i {
        // SAFETY: upheld by the caller.
        unsafe { _mm512_dpbusd_epi32(sums, _mm512_xor_si512(row, _mm512_set1_epi8(i8::MIN)), vector) }
    }
    #[inline(always)]
    unsafe fn excess(vector: *const u8, width: usize) -> i32 {
        // SAFETY: upheld by the caller.
        unsafe {
            let (bias, mut sums) = (_mm512_set1_epi8(i8::MIN), _mm512_setzero_si512());
            let mut k = 0;
            while k + Self::WIDTH <= width {
                sums = _mm512_dpbusd_epi32(sums, bias, Self::load(vector.add(k)));
                k += Self::WIDTH;
            }
            if k < width {
                sums = _mm512_dpbusd_epi32(sums, bias, Self::load_masked(vector.add(k), width - k));
            }
            _mm512_reduce_add_epi32(sums)
        }
    }
}
