//! The two passes of a sampled layer over its active rows, each read once a pass however many samples want it.

use super::row_update::AdamStep;
use crate::{ActiveRows, Kernels, Matrix, MatrixMut, TableMut, views};

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    forward: unsafe fn(views::Table<'_>, &[f32], &ActiveRows<'_>, Matrix<'_>, &mut [f32]),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    backward: unsafe fn(Backward<'_>),
}

/// The arguments of [`Kernels::active_backward`], checked.
pub(crate) struct Backward<'a> {
    pub(crate) weights: TableMut<'a>,
    pub(crate) m: MatrixMut<'a>,
    pub(crate) v: MatrixMut<'a>,
    pub(crate) active: &'a ActiveRows<'a>,
    pub(crate) coefficients: &'a [f32],
    pub(crate) vectors: Matrix<'a>,
    pub(crate) input_gradient: Option<MatrixMut<'a>>,
    pub(crate) decay: &'a [[f32; 2]],
    pub(crate) step: &'a AdamStep,
}

impl Kernels {
    /// Pass 1: `out[e] = bias[n] + <table[n], vectors[s]>` for every entry `e` = (row `n`, sample `s`).
    ///
    /// Order: the dot product in 16 virtual lanes as in [`rows_dot`](Kernels::rows_dot), then the bias plus that.
    ///
    /// # Panics
    /// Unless `table.width() == vectors.width()`, `out.len() == active.entries()`, `active.row_bound()` is at most
    /// `table.rows()` and `bias.len()`, and `active.member_bound() <= vectors.rows()`.
    pub fn active_forward(
        &self,
        table: views::Table<'_>,
        bias: &[f32],
        active: &ActiveRows<'_>,
        vectors: Matrix<'_>,
        out: &mut [f32],
    ) {
        assert_eq!(table.width(), vectors.width(), "active_forward: table and vectors differ in width");
        assert_eq!(out.len(), active.entries(), "active_forward: out needs one element per entry");
        assert!(active.row_bound() <= table.rows(), "active_forward: rows were checked against a longer table");
        assert!(active.row_bound() <= bias.len(), "active_forward: rows were checked against a longer bias");
        assert!(active.member_bound() <= vectors.rows(), "active_forward: members were checked against more vectors");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.active.forward)(table, bias, active, vectors, out) }
    }

    /// Pass 2, backward and optimiser in one: for each active row `n`, in order, with its entries `e` = (`n`, `s`) in
    /// order and `c = coefficients[e]`:
    ///
    /// * `input_gradient[s] = fma(c, w_n, input_gradient[s])`, with the weights from before the update (skipped if
    ///   there is no `input_gradient`);
    /// * the gradient of the row: one chain per element, `g = fma(c, vectors[s], g)` from `+0.0`;
    /// * the step of [`AdamStep`] on row `n` of `weights`, `m` and `v`, with `decay[i]` for the `i`-th active row.
    ///
    /// With sparse inputs as coefficients this is also the backward pass of an embedding (rows are features, vectors the
    /// gradients of the samples).
    ///
    /// # Panics
    /// Unless all widths are equal, `active.row_bound()` is at most the rows of `weights`, `m` and `v`,
    /// `active.member_bound()` at most those of `vectors` and `input_gradient`, `coefficients.len() ==
    /// active.entries()` and `decay.len() == active.len()`.
    pub fn active_backward(
        &self,
        weights: TableMut<'_>,
        m: MatrixMut<'_>,
        v: MatrixMut<'_>,
        active: &ActiveRows<'_>,
        coefficients: &[f32],
        vectors: Matrix<'_>,
        input_gradient: Option<MatrixMut<'_>>,
        decay: &[[f32; 2]],
        step: &AdamStep,
    ) {
        let (width, rows) = (weights.width(), active.row_bound());
        assert!(
            m.width() == width && v.width() == width && vectors.width() == width,
            "active_backward: weights, m, v and vectors differ in width"
        );
        assert!(
            rows <= weights.rows() && rows <= m.rows() && rows <= v.rows(),
            "active_backward: rows were checked against a longer table"
        );
        assert!(active.member_bound() <= vectors.rows(), "active_backward: members were checked against more vectors");
        if let Some(gradient) = &input_gradient {
            assert_eq!(gradient.width(), width, "active_backward: weights and input_gradient differ in width");
            assert!(
                active.member_bound() <= gradient.rows(),
                "active_backward: members were checked against more rows than input_gradient has"
            );
        }
        assert_eq!(coefficients.len(), active.entries(), "active_backward: one coefficient per entry");
        assert_eq!(decay.len(), active.len(), "active_backward: one pair of decays per active row");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe {
            (self.active.backward)(Backward {
                weights,
                m,
                v,
                active,
                coefficients,
                vectors,
                input_gradient,
                decay,
                step,
            });
        }
    }
}
