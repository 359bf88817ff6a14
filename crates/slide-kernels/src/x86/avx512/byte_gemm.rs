//! [`crate::api::byte_gemm`] by products of 16 bits.

use super::lanes::by_intrinsic;
use super::{F32x16, U32x16};
use crate::api::byte_gemm::Table;
use crate::generic::gemm::bytes_by;
use crate::x86::wide_bytes::{Wide, WidePairs, WidenedBytes};
use crate::{Matrix, MatrixI8, RowIds};

row_tile_lists!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Wide, [12 6 4 2 1] x 1, [12 6 4 2 1] x 2, [8 6 4 2 1] x 3, [6 5 4 3 2 1] x 4);

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn gemm_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: MatrixI8<'_>, out: &mut [i32])
        = |values, rows, vectors, out| bytes_by::<F32x16, WidenedBytes<true>>(TILES, values, rows, vectors, out);
    fn gemm_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: Matrix<'_, u8>, out: &mut [i32])
        = |values, rows, vectors, out| bytes_by::<F32x16, WidenedBytes<false>>(TILES, values, rows, vectors, out);
});

impl WidePairs for U32x16 {
    by_intrinsic! {
        fn products(self, other) -> U32x16 = avx512bw._mm512_madd_epi16;
    }
}
