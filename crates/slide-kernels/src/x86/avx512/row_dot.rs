//! [`crate::api::row_dot`] on AVX-512.

use half::bf16;

use super::F32x16;
use crate::api::row_dot::Table;
use crate::generic::pairs::Widening;
use crate::{Matrix, RowIds, generic, views};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn rows_dot(table: views::Table<'_>, rows: RowIds<'_>, vector: &[f32], out: &mut [f32])
        = generic::row_dot::rows_dot::<F32x16, 8, 8>;
    fn rows_dot_bf16(table: Matrix<'_, bf16>, rows: RowIds<'_>, vector: &[bf16], out: &mut [f32])
        = generic::row_dot::rows_dot_of_pairs::<F32x16, Widening, 4, 4>;
    fn vectors_dot(row: &[f32], vectors: Matrix<'_>, ids: RowIds<'_>, out: &mut [f32])
        = generic::row_dot::vectors_dot::<F32x16, 8, 8>;
});
