//! Embedding bag: a weighted sum of rows.

use crate::{Kernels, RowIds, views};

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    forward: unsafe fn(views::Table<'_>, RowIds<'_>, &[f32], &[f32], &mut [f32]),
}

impl Kernels {
    /// `out = bias + sum_i values[i] * table[rows[i]]`: a sparse vector times a table of one row per feature.
    ///
    /// Order: for each element a chain of fused multiply-adds over ascending `i` that starts from the bias.
    ///
    /// # Panics
    /// Unless `rows.bound() <= table.rows()`, `values.len() == rows.len()`, and `bias` and `out` have the width of the
    /// table.
    pub fn embedding_forward(
        &self,
        table: views::Table<'_>,
        rows: RowIds<'_>,
        values: &[f32],
        bias: &[f32],
        out: &mut [f32],
    ) {
        assert!(rows.bound() <= table.rows(), "embedding_forward: rows were checked against a longer table");
        assert_eq!(values.len(), rows.len(), "embedding_forward: values and rows differ in length");
        assert_eq!(bias.len(), table.width(), "embedding_forward: bias and table differ in width");
        assert_eq!(out.len(), table.width(), "embedding_forward: out and table differ in width");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.embedding.forward)(table, rows, values, bias, out) }
    }
}
