//! [`crate::api::quant`] on AVX-512 with VNNI: four products of `u8` and `i8` are added to an `i32` at once, and wrap.

use core::arch::x86_64::*;

use pulp::x86::V4;

use crate::api::quant::Table;
use crate::generic::byte_dot::{self, Products};
use crate::generic::{SimdF32x16, SimdU32x16};
use crate::x86::avx512;
use crate::x86::avx512::quant::{registers, sums};
use crate::x86::avx512::{F32x16, U32x16};
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
    unsafe fn add_products(sums: U32x16, vector: __m512i, row: __m512i) -> U32x16 {
        // SAFETY: the caller has VNNI; no memory is touched.
        U32x16(unsafe { _mm512_dpbusd_epi32(sums.0, vector, row) }, sums.1)
    }
}

/// `i8` times `i8`: `(a + 128) b` is one of `u8` and `i8`, and `128 b` is summed beside it.
struct Signed;

/// The sums of `(a + 128) b` and of `128 b`.
#[derive(Clone, Copy)]
struct Biased(U32x16, U32x16);

impl Products for Signed {
    registers!();
    type Sums = Biased;

    #[inline(always)]
    fn zero(simd: V4) -> Biased {
        Biased(U32x16::splat(simd, 0), U32x16::splat(simd, 0))
    }
    #[inline(always)]
    fn add(a: Biased, b: Biased) -> Biased {
        Biased(a.0.add(b.0), a.1.add(b.1))
    }
    #[inline(always)]
    fn reduce_sum(Biased(products, excess): Biased) -> i32 {
        let simd = products.1.avx512f;
        simd._mm512_reduce_add_epi32(simd._mm512_sub_epi32(products.0, excess.0))
    }
    #[inline(always)]
    unsafe fn add_products(Biased(products, excess): Biased, vector: __m512i, row: __m512i) -> Biased {
        let simd = products.1;
        let bias = simd.avx512f._mm512_set1_epi8(i8::MIN);
        let vector = simd.avx512f._mm512_xor_si512(vector, bias);
        // SAFETY: the caller has VNNI; no memory is touched.
        let add = |sums: U32x16, bytes| U32x16(unsafe { _mm512_dpbusd_epi32(sums.0, bytes, row) }, simd);
        Biased(add(products, vector), add(excess, bias))
    }
}

/// `i8` times `i8` for many rows: `(row + 128) vector`; what the bias adds depends on the vector alone.
pub(super) struct SignedRows;

impl Products for SignedRows {
    registers!();
    sums!();

    #[inline(always)]
    unsafe fn add_products(sums: U32x16, vector: __m512i, row: __m512i) -> U32x16 {
        let simd = sums.1.avx512f;
        let row = simd._mm512_xor_si512(row, simd._mm512_set1_epi8(i8::MIN));
        // SAFETY: the caller has VNNI; no memory is touched.
        U32x16(unsafe { _mm512_dpbusd_epi32(sums.0, row, vector) }, sums.1)
    }
    #[inline(always)]
    unsafe fn excess(vector: *const u8, width: usize) -> i32 {
        // SAFETY: the caller has VNNI and `width` bytes; each register ends at `width`.
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
