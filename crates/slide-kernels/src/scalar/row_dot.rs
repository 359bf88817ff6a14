//! Specification of [`crate::api::row_dot`].

use half::bf16;

use super::{dot_in_lanes, dot_in_lanes_of_pairs};
use crate::api::row_dot::Table;
use crate::{Matrix, RowIds, views};

pub(crate) const TABLE: Table = Table { rows_dot, rows_dot_bf16, vectors_dot };

fn rows_dot(table: views::Table<'_>, rows: RowIds<'_>, vector: &[f32], out: &mut [f32]) {
    for (out, &row) in out.iter_mut().zip(rows.ids()) {
        *out = dot_in_lanes::<16>(table.row(row), vector);
    }
}

fn rows_dot_bf16(table: Matrix<'_, bf16>, rows: RowIds<'_>, vector: &[bf16], out: &mut [f32]) {
    for (out, &row) in out.iter_mut().zip(rows.ids()) {
        *out = dot_in_lanes_of_pairs::<16>(table.row(row as usize), vector);
    }
}

fn vectors_dot(row: &[f32], vectors: Matrix<'_>, ids: RowIds<'_>, out: &mut [f32]) {
    rows_dot(vectors.into(), ids, row, out);
}
