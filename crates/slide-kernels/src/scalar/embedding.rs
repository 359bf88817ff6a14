//! Specification of [`crate::api::embedding`].

use super::fma;
use crate::api::embedding::Table;
use crate::{MatrixMut, RowIds, views};

pub(crate) const TABLE: Table = Table { forward, backward };

fn forward(table: views::Table<'_>, rows: RowIds<'_>, values: &[f32], bias: &[f32], out: &mut [f32]) {
    out.copy_from_slice(bias);
    for (&row, &value) in rows.ids().iter().zip(values) {
        for (out, weight) in out.iter_mut().zip(table.row(row)) {
            *out = fma(value, weight, *out);
        }
    }
}

fn backward(out_gradient: &[f32], rows: RowIds<'_>, values: &[f32], mut gradient: MatrixMut<'_>) {
    for (&row, &value) in rows.ids().iter().zip(values) {
        for (sum, &out_gradient) in gradient.row_mut(row as usize).iter_mut().zip(out_gradient) {
            *sum = fma(value, out_gradient, *sum);
        }
    }
}
