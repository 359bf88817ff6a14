//! [`crate::api::byte_gemm`] with VNNI: `u8` of the vectors times `i8` of the rows, four at once.

use core::arch::x86_64::*;

use super::quant::SignedRows;
use crate::api::byte_gemm::Table;
use crate::generic::byte_dot::Products;
use crate::generic::byte_gemm::{Bytes, Steps};
use crate::generic::gemm::bytes_by;
use crate::generic::tile::Multiply;
use crate::generic::{SimdF32x16, SimdU32x16};
use crate::x86::avx512::{F32x16, U32x16};
use crate::{Matrix, MatrixI8, RowIds};

row_tile_lists!(
    "avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni", Dpbusd,
    [12 6 4 2 1] x 1, [12 6 4 2 1] x 2, [8 6 4 2 1] x 3, [6 5 4 3 2 1] x 4
);

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni", Table {
    fn gemm_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: MatrixI8<'_>, out: &mut [i32])
        = |values, rows, vectors, out| bytes_by::<F32x16, Steps<Signed>>(TILES, values, rows, vectors, out);
    fn gemm_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: Matrix<'_, u8>, out: &mut [i32])
        = |values, rows, vectors, out| bytes_by::<F32x16, Steps<Unsigned>>(TILES, values, rows, vectors, out);
});

/// Four bytes of the depth lie in a word.
struct Dpbusd;

impl Multiply<F32x16> for Dpbusd {
    type Left = U32x16;

    #[inline(always)]
    unsafe fn left(from: *const f32) -> U32x16 {
        // SAFETY: the caller has AVX-512 and a word to read.
        unsafe { U32x16::splat(F32x16::token(), from.cast::<u32>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn add(left: U32x16, right: F32x16, sum: F32x16) -> F32x16 {
        // SAFETY: VNNI is guaranteed by the caller.
        U32x16(unsafe { _mm512_dpbusd_epi32(sum.bitcast_u32().0, right.bitcast_u32().0, left.0) }, sum.1).bitcast_f32()
    }
}

struct Unsigned;

impl Bytes for Unsigned {
    const STEP: usize = 4;
    const BIAS: u8 = 0;
}

/// `(x + 128) w`, and `128 w` for all elements of the row is taken off.
struct Signed;

impl Bytes for Signed {
    const STEP: usize = 4;
    const BIAS: u8 = 128;

    #[inline(always)]
    unsafe fn correction(row: *const i8, width: usize) -> i32 {
        // SAFETY: the caller has VNNI and a row of `width` bytes.
        unsafe { SignedRows::excess(row.cast(), width).wrapping_neg() }
    }
}
