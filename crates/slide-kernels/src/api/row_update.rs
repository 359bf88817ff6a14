//! The optimiser on chosen rows: Adam, with moments that were left alone while a row was not touched.

use crate::{Kernels, Matrix, MatrixMut, RowIds, TableMut};

/// One step of Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1), element by
/// element. With the gradient `g` and the decays `d` of the row:
///
/// ```text
/// m = fma(d[0], m, (1 - beta1) * g)
/// v = fma(d[1], v, ((1 - beta2) * g) * g)
/// w = fma(-step_size, m / fma(sqrt(v), inverse_sqrt_correction, epsilon), w)
/// ```
///
/// `d = [beta1, beta2]` is plain Adam. A row that was left alone for `n` steps and shall catch up has
/// `[beta1^(1 + n), beta2^(1 + n)]`; one whose moments were frozen has `[beta1, beta2]`: the caller decides.
///
/// A subnormal `m` or `v`, or a -0, becomes +0, so that moments without gradient do not end as subnormals, which are slow.
/// Square root and division are those of IEEE 754; weights stored as `bf16` are widened, updated in `f32` and
/// rounded as `rounding` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Decay of the first moment, in [0, 1).
    pub beta1: f32,
    /// Decay of the second moment, in [0, 1).
    pub beta2: f32,
    /// `learning_rate / (1 - beta1^t)`.
    pub step_size: f32,
    /// `1 / sqrt(1 - beta2^t)`.
    pub inverse_sqrt_correction: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// How weights are rounded to `bf16`; without effect on `f32`.
    pub rounding: Rounding,
}

/// How an `f32` becomes a `bf16`. A NaN becomes a quiet NaN either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to even.
    Nearest,
    /// Up with a probability of the part that is cut off, so that the expected value is exact and small updates are not
    /// lost: 16 random bits are added to the lower half before it is cut off.
    ///
    /// The bits are the upper half of `mix(mix(key ^ mix(first_row + row)) ^ element)`, where `mix` is the `lowbias32`
    /// finaliser of C. Wellons (hash-prospector): a pure function, whatever the order of the work.
    Stochastic {
        /// Of the step: two steps with one key round alike.
        key: u32,
        /// Added to the number of a row, for a table that is part of a larger one.
        first_row: u32,
    },
}

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adam_rows:
        unsafe fn(TableMut<'_>, MatrixMut<'_>, MatrixMut<'_>, RowIds<'_>, Matrix<'_>, &[[f32; 2]], &AdamStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adam_scattered:
        unsafe fn(&mut [f32], &mut [f32], &mut [f32], RowIds<'_>, &[f32], &[[f32; 2]], &AdamStep),
}

impl Kernels {
    /// The step of [`AdamStep`] on chosen rows: `gradient[i]` and `decay[i]` are those of row `rows[i]`.
    ///
    /// # Panics
    /// Unless `rows` ascend strictly, `rows.bound()` is at most the rows of `weights`, `m` and `v`, all widths are equal,
    /// and `gradient` and `decay` have one row (pair) per row number.
    pub fn adam_rows(
        &self,
        weights: TableMut<'_>,
        m: MatrixMut<'_>,
        v: MatrixMut<'_>,
        rows: RowIds<'_>,
        gradient: Matrix<'_>,
        decay: &[[f32; 2]],
        step: &AdamStep,
    ) {
        let width = weights.width();
        assert!(rows.is_ascending(), "adam_rows: row numbers must ascend strictly");
        assert!(
            rows.bound() <= weights.rows() && rows.bound() <= m.rows() && rows.bound() <= v.rows(),
            "adam_rows: row numbers were checked against a longer table"
        );
        assert!(
            m.width() == width && v.width() == width && gradient.width() == width,
            "adam_rows: weights, m, v and gradient differ in width"
        );
        assert_eq!(gradient.rows(), rows.len(), "adam_rows: gradient needs one row per row number");
        assert_eq!(decay.len(), rows.len(), "adam_rows: one pair of decays per row number");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.row_update.adam_rows)(weights, m, v, rows, gradient, decay, step) }
    }

    /// The step of [`AdamStep`] on chosen elements, such as the biases of rows: `gradient[i]` and `decay[i]` are those of
    /// element `rows[i]`.
    ///
    /// # Panics
    /// Unless `rows` ascend strictly, `rows.bound()` is at most the lengths of `weights`, `m` and `v`, and `gradient`
    /// and `decay` are as long as `rows`.
    pub fn adam_scattered(
        &self,
        weights: &mut [f32],
        m: &mut [f32],
        v: &mut [f32],
        rows: RowIds<'_>,
        gradient: &[f32],
        decay: &[[f32; 2]],
        step: &AdamStep,
    ) {
        assert!(rows.is_ascending(), "adam_scattered: row numbers must ascend strictly");
        assert!(
            rows.bound() <= weights.len() && rows.bound() <= m.len() && rows.bound() <= v.len(),
            "adam_scattered: row numbers were checked against longer slices"
        );
        assert_eq!(gradient.len(), rows.len(), "adam_scattered: gradient and rows differ in length");
        assert_eq!(decay.len(), rows.len(), "adam_scattered: decay and rows differ in length");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.row_update.adam_scattered)(weights, m, v, rows, gradient, decay, step) }
    }
}
