//! Specification of [`crate::api::gemm`].

use super::fma;
use crate::api::gemm::Table;
use crate::{Matrix, MatrixMut, RowIds, views};

pub(crate) const TABLE: Table = Table { forward, backward, gradient };

fn forward(table: views::Table<'_>, rows: RowIds<'_>, bias: &[f32], inputs: Matrix<'_>, mut out: MatrixMut<'_>) {
    for (r, &row) in rows.ids().iter().enumerate() {
        let out = out.row_mut(r);
        out.fill(bias[row as usize]);
        for (k, weight) in table.row(row).enumerate() {
            for (out, &input) in out.iter_mut().zip(inputs.row(k)) {
                *out = fma(weight, input, *out);
            }
        }
    }
}

fn backward(table: views::Table<'_>, rows: RowIds<'_>, deltas: Matrix<'_>, mut input_gradient: MatrixMut<'_>) {
    for (r, &row) in rows.ids().iter().enumerate() {
        for (s, &delta) in deltas.row(r).iter().enumerate() {
            for (sum, weight) in input_gradient.row_mut(s).iter_mut().zip(table.row(row)) {
                *sum = fma(delta, weight, *sum);
            }
        }
    }
}

fn gradient(deltas: Matrix<'_>, inputs: Matrix<'_>, mut gradient: MatrixMut<'_>) {
    for r in 0..deltas.rows() {
        for (s, &delta) in deltas.row(r).iter().enumerate() {
            for (sum, &input) in gradient.row_mut(r).iter_mut().zip(inputs.row(s)) {
                *sum = fma(delta, input, *sum);
            }
        }
    }
}
