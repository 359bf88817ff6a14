//! Small dense matrix products: a batch (or group) of examples that share one set of rows.
//!
//! `R` rows, `S` examples, `K` elements per row. Each output element is one chain of fused multiply-adds, so the result does
//! not depend on the tiling.

use crate::{Kernels, Matrix, MatrixMut, RowIds, views};

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    forward: unsafe fn(views::Table<'_>, RowIds<'_>, &[f32], Matrix<'_>, MatrixMut<'_>),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    backward: unsafe fn(views::Table<'_>, RowIds<'_>, Matrix<'_>, MatrixMut<'_>),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    gradient: unsafe fn(Matrix<'_>, Matrix<'_>, MatrixMut<'_>),
}

impl Kernels {
    /// `out[r][s] = bias[rows[r]] + sum_k table[rows[r]][k] * inputs[k][s]`.
    ///
    /// `inputs` is transposed, `[K][S]`: the lanes are examples ([`transpose`](Kernels::transpose) makes it).
    /// Multiples of 16 examples are fastest.
    ///
    /// Order: a chain of fused multiply-adds over ascending `k` that starts from the bias.
    ///
    /// With [`Precision::Native`](crate::Precision::Native) and rows of `bf16` the inputs are rounded to `bf16` too, to the
    /// nearest, and products of two or four are added to the chain at once (`vdpbf16ps`, `bfmmla`), with the rounding
    /// that [`dot_bf16`](Kernels::dot_bf16) describes. Where nothing overflows the error is at most
    ///
    /// ```text
    /// v A + (1 + v) g(2 ceil(K / 2)) (|b| + A) + sum_{w_k or x_k subnormal} |w_k x_k| + 4 (K + 1) 2^-126
    /// ```
    ///
    /// with `b` the bias, `A = sum_k |w_k x_k|`, `v = 2^-8`, and `g` and `u` as there. Rounding moves an input by at most `v`
    /// times itself, and so makes no term larger than `1 + v` times what it was. Then products are exact, and a term, as the bias,
    /// passes at most two roundings for each pair of the chain. A flushed value is less than 2^-126; that happens at most three
    /// times per pair and once at the start. The first term of the bound is by far the largest.
    ///
    /// Where `vdpbf16ps` is slower than multiply-adds ([`Quirks`](crate::Quirks)), the product is the reproducible one.
    ///
    /// # Panics
    /// Unless `rows.bound()` is at most `table.rows()` and `bias.len()`, `inputs` is `[K][S]` and `out` is `[R][S]`.
    pub fn gemm_forward(
        &self,
        table: views::Table<'_>,
        rows: RowIds<'_>,
        bias: &[f32],
        inputs: Matrix<'_>,
        out: MatrixMut<'_>,
    ) {
        assert!(rows.bound() <= table.rows(), "gemm_forward: rows were checked against a longer table");
        assert!(rows.bound() <= bias.len(), "gemm_forward: rows were checked against a longer bias");
        assert_eq!(inputs.rows(), table.width(), "gemm_forward: inputs need one row per column of the table");
        assert_eq!(out.rows(), rows.len(), "gemm_forward: out needs one row per row index");
        assert_eq!(out.width(), inputs.width(), "gemm_forward: out and inputs differ in examples");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.gemm.forward)(table, rows, bias, inputs, out) }
    }

    /// `input_gradient[s][k] += sum_r deltas[r][s] * table[rows[r]][k]`.
    ///
    /// Order: a chain of fused multiply-adds over ascending `r` that starts from what `input_gradient` holds.
    ///
    /// # Panics
    /// Unless `rows.bound() <= table.rows()`, `deltas` is `[R][S]` and `input_gradient` is `[S][K]`.
    pub fn gemm_backward(
        &self,
        table: views::Table<'_>,
        rows: RowIds<'_>,
        deltas: Matrix<'_>,
        input_gradient: MatrixMut<'_>,
    ) {
        assert!(rows.bound() <= table.rows(), "gemm_backward: rows were checked against a longer table");
        assert_eq!(deltas.rows(), rows.len(), "gemm_backward: deltas need one row per row index");
        assert_eq!(input_gradient.rows(), deltas.width(), "gemm_backward: input_gradient needs one row per example");
        assert_eq!(input_gradient.width(), table.width(), "gemm_backward: input_gradient and table differ in width");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.gemm.backward)(table, rows, deltas, input_gradient) }
    }

    /// `gradient[r][k] += sum_s deltas[r][s] * inputs[s][k]`.
    ///
    /// Order: a chain of fused multiply-adds over ascending `s` that starts from what `gradient` holds.
    ///
    /// # Panics
    /// Unless `deltas` is `[R][S]`, `inputs` is `[S][K]` and `gradient` is `[R][K]`.
    pub fn gemm_gradient(&self, deltas: Matrix<'_>, inputs: Matrix<'_>, gradient: MatrixMut<'_>) {
        assert_eq!(deltas.width(), inputs.rows(), "gemm_gradient: inputs need one row per column of deltas");
        assert_eq!(gradient.rows(), deltas.rows(), "gemm_gradient: gradient and deltas differ in rows");
        assert_eq!(gradient.width(), inputs.width(), "gemm_gradient: gradient and inputs differ in width");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.gemm.gradient)(deltas, inputs, gradient) }
    }
}
