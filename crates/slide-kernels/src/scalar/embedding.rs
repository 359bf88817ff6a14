//! Specification of [`crate::api::embedding`].

use super::fma;
use crate::api::embedding::Table;
use crate::{RowIds, views};

pub(crate) const TABLE: Table = Table { forward };

fn forward(table: views::Table<'_>, rows: RowIds<'_>, values: &[f32], bias: &[f32], out: &mut [f32]) {
    out.copy_from_slice(bias);
    for (&row, &value) in rows.ids().iter().zip(values) {
        for (out, weight) in out.iter_mut().zip(table.row(row)) {
            *out = fma(value, weight, *out);
        }
    }
}
