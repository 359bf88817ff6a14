//! Sampled dense-dense matrix products (SDDMM): the forward and backward pass of a layer of which each example uses only some
//! rows. A pass reads each active row once, however many examples use it.

use super::optimiser::{AdagradStep, AdamStep, MomentumStep, Optimiser, Target, call_for_optimiser};
use super::row_update::check_tables;
use crate::{CscPattern, Kernels, Matrix, MatrixMut, Rounding, TableMut, views};

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    forward: unsafe fn(views::Table<'_>, &[f32], &CscPattern<'_>, Matrix<'_>, &mut [f32]),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adam_backward: unsafe fn(Target<'_, TableMut<'_>, 2>, Backward<'_>, &AdamStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    momentum_backward: unsafe fn(Target<'_, TableMut<'_>, 1>, Backward<'_>, &MomentumStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adagrad_backward: unsafe fn(Target<'_, TableMut<'_>, 1>, Backward<'_>, &AdagradStep),
}

/// The checked arguments of [`Kernels::sddmm_backward`].
pub(crate) struct Backward<'a> {
    pub(crate) pattern: &'a CscPattern<'a>,
    pub(crate) coefficients: &'a [f32],
    pub(crate) vectors: Matrix<'a>,
    pub(crate) input_gradient: Option<MatrixMut<'a>>,
    pub(crate) rounding: Rounding,
}

impl Kernels {
    /// The forward pass: `out[e] = bias[n] + <table[n], vectors[s]>` for every entry `e` = (row `n`, example `s`) of `pattern`.
    ///
    /// Order: the dot product in 16 virtual lanes as in [`rows_dot`](Kernels::rows_dot), then one addition of the bias.
    ///
    /// # Panics
    /// Unless `table.width() == vectors.width()`, `out.len() == pattern.entries()`, `pattern.row_bound()` is at most
    /// `table.rows()` and `bias.len()`, and `pattern.example_bound() <= vectors.rows()`.
    pub fn sddmm_forward(
        &self,
        table: views::Table<'_>,
        bias: &[f32],
        pattern: &CscPattern<'_>,
        vectors: Matrix<'_>,
        out: &mut [f32],
    ) {
        assert_eq!(table.width(), vectors.width(), "sddmm_forward: table and vectors differ in width");
        assert_eq!(out.len(), pattern.entries(), "sddmm_forward: out needs one element per entry");
        assert!(pattern.row_bound() <= table.rows(), "sddmm_forward: rows were checked against a longer table");
        assert!(pattern.row_bound() <= bias.len(), "sddmm_forward: rows were checked against a longer bias");
        assert!(pattern.example_bound() <= vectors.rows(), "sddmm_forward: examples were checked against more vectors");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.sddmm.forward)(table, bias, pattern, vectors, out) }
    }

    /// The backward pass, fused with the optimiser: for each active row `n` in ascending order, with its entries `e` = (`n`, `s`)
    /// in order and `c = coefficients[e]`:
    ///
    /// * `input_gradient[s] = fma(c, w_n, input_gradient[s])`, with the weights from before the update (skipped if
    ///   `input_gradient` is `None`);
    /// * the gradient of the row, one chain of fused multiply-adds per element: `g = fma(c, vectors[s], g)` from `+0.0`;
    /// * the step of the optimiser ([`AdamStep`], [`MomentumStep`], [`AdagradStep`] have the formulas) on row `n` of
    ///   `weights` and its states, with `decay[i]`, if given, for the `i`-th active row; `bf16` is rounded as
    ///   specified by `rounding`.
    ///
    /// With sparse inputs as coefficients this is also the backward pass of an embedding (rows are features, vectors the
    /// gradients of the examples).
    ///
    /// # Panics
    /// Unless all widths are equal, the states have one format, `pattern.row_bound()` is at most the rows of `weights` and
    /// of each state, `pattern.example_bound()` at most those of `vectors` and `input_gradient`, `coefficients.len() ==
    /// pattern.entries()`, and the decays, if given, are as many as the active rows.
    pub fn sddmm_backward(
        &self,
        weights: TableMut<'_>,
        optimiser: Optimiser<'_, TableMut<'_>>,
        pattern: &CscPattern<'_>,
        coefficients: &[f32],
        vectors: Matrix<'_>,
        input_gradient: Option<MatrixMut<'_>>,
        rounding: Rounding,
    ) {
        let width = vectors.width();
        check_tables("sddmm_backward", &weights, &optimiser, width, pattern.row_bound());
        assert!(
            pattern.example_bound() <= vectors.rows(),
            "sddmm_backward: examples were checked against more vectors"
        );
        if let Some(gradient) = &input_gradient {
            assert_eq!(gradient.width(), width, "sddmm_backward: weights and input_gradient differ in width");
            assert!(
                pattern.example_bound() <= gradient.rows(),
                "sddmm_backward: examples were checked against more rows than input_gradient has"
            );
        }
        assert_eq!(coefficients.len(), pattern.entries(), "sddmm_backward: one coefficient per entry");
        let decays = optimiser.decays().unwrap_or(pattern.len());
        assert_eq!(decays, pattern.len(), "sddmm_backward: one decay per active row");
        let (table, work) = (&self.sddmm, Backward { pattern, coefficients, vectors, input_gradient, rounding });
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe {
            call_for_optimiser!(
                optimiser,
                weights,
                (table.adam_backward),
                (table.momentum_backward),
                (table.adagrad_backward),
                (work)
            );
        }
    }
}
