//! Embedding bag: a weighted sum of rows, and its gradient.

use crate::{Kernels, MatrixMut, RowIds, views};

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    forward: unsafe fn(views::Table<'_>, RowIds<'_>, &[f32], &[f32], &mut [f32]),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    backward: unsafe fn(&[f32], RowIds<'_>, &[f32], MatrixMut<'_>),
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
    /// `gradient[rows[i]] += values[i] * out_gradient`, for each `i`: the backward pass of
    /// [`embedding_forward`](Kernels::embedding_forward), which adds a multiple of one vector to scattered rows.
    /// ([`sddmm_backward`](Kernels::sddmm_backward) is fused with the optimiser step and stores no gradient.)
    ///
    /// Order: element `k` of row `rows[i]` becomes `fma(values[i], out_gradient[k], it)`, for ascending `i`. So rows may come
    /// in any order, and one that is listed twice gets both terms. Padding between rows is not written.
    ///
    /// # Panics
    /// Unless `rows.bound() <= gradient.rows()`, `values.len() == rows.len()`, and `out_gradient` has the width of
    /// `gradient`.
    pub fn embedding_backward(&self, out_gradient: &[f32], rows: RowIds<'_>, values: &[f32], gradient: MatrixMut<'_>) {
        assert!(rows.bound() <= gradient.rows(), "embedding_backward: rows were checked against a longer table");
        assert_eq!(values.len(), rows.len(), "embedding_backward: values and rows differ in length");
        assert_eq!(
            out_gradient.len(),
            gradient.width(),
            "embedding_backward: out_gradient and gradient differ in width"
        );
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.embedding.backward)(out_gradient, rows, values, gradient) }
    }
}
