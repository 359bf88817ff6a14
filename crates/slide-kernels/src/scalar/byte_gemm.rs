//! Specification of [`crate::api::byte_gemm`].

use crate::api::byte_gemm::Table;
use crate::{Matrix, MatrixI8, RowIds};

pub(crate) const TABLE: Table = Table { gemm_i8, gemm_u8_i8 };

fn gemm_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: MatrixI8<'_>, out: &mut [i32]) {
    each(rows, vectors.rows(), out, |row, vector| dot(values.row(row), vectors.row(vector)));
}

fn gemm_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: Matrix<'_, u8>, out: &mut [i32]) {
    each(rows, vectors.rows(), out, |row, vector| dot(values.row(row), vectors.row(vector)));
}

fn each(rows: RowIds<'_>, vectors: usize, out: &mut [i32], product: impl Fn(usize, usize) -> i32) {
    let pairs = rows.ids().iter().flat_map(|&row| (0..vectors).map(move |vector| (row as usize, vector)));
    for (out, (row, vector)) in out.iter_mut().zip(pairs) {
        *out = product(row, vector);
    }
}

fn dot<T: Copy + Into<i32>>(row: &[i8], vector: &[T]) -> i32 {
    row.iter().zip(vector).fold(0, |sum, (&a, &b)| sum.wrapping_add(i32::from(a) * b.into()))
}
