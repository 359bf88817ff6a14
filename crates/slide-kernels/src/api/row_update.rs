//! The step of an optimiser on chosen rows of a table, or on chosen elements.

use super::optimiser::{AdagradStep, AdamStep, MomentumStep, Optimiser, Target, call_for_optimiser};
use crate::{Kernels, Matrix, RowIds, TableMut, Values};

/// How an `f32` becomes a `bf16`. A NaN becomes a quiet NaN either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To nearest, ties to even.
    Nearest,
    /// Stochastically: up with a probability equal to the truncated fraction, so that the expected value is exact and small
    /// updates are not lost. 16 random bits are added to the lower half before it is truncated.
    ///
    /// The bits come from `r = mix(mix(key ^ mix(first_row + row)) ^ element)`, where `mix` is the `lowbias32` finaliser of
    /// C. Wellons (hash-prospector): a pure function, independent of the order of evaluation. A weight takes the upper half of
    /// `r`, the first state of its optimiser (`m`, the velocity, the sum) the lower half, the second (`v`) the upper half
    /// of `r * 0x9E3779B1` (modulo `2^32`). Over all words `r`, every pair of bits of weight and first state comes up
    /// equally often, and of the two states, and of weight and second state nearly so: their rounding
    /// errors are independent.
    Stochastic {
        /// The key of the step. Steps with equal keys round in the same way.
        key: u32,
        /// Added to the row index, for a table that is part of a larger one.
        first_row: u32,
    },
}

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adam_rows: unsafe fn(Target<'_, TableMut<'_>, 2>, RowIds<'_>, Matrix<'_>, Rounding, &AdamStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    momentum_rows: unsafe fn(Target<'_, TableMut<'_>, 1>, RowIds<'_>, Matrix<'_>, Rounding, &MomentumStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adagrad_rows: unsafe fn(Target<'_, TableMut<'_>, 1>, RowIds<'_>, Matrix<'_>, Rounding, &AdagradStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adam_scattered: unsafe fn(Target<'_, &mut [f32], 2>, RowIds<'_>, &[f32], &AdamStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    momentum_scattered: unsafe fn(Target<'_, &mut [f32], 1>, RowIds<'_>, &[f32], &MomentumStep),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    adagrad_scattered: unsafe fn(Target<'_, &mut [f32], 1>, RowIds<'_>, &[f32], &AdagradStep),
}

/// Panics unless weights and states have `width` columns and `rows` rows, and the states one format.
pub(super) fn check_tables(
    kernel: &str,
    weights: &TableMut<'_>,
    optimiser: &Optimiser<'_, TableMut<'_>>,
    width: usize,
    rows: usize,
) {
    let (first, second) = optimiser.states();
    let all = [Some(weights), Some(first), second];
    for table in all.into_iter().flatten() {
        assert_eq!(table.width(), width, "{kernel}: weights, states and gradients differ in width");
        assert!(rows <= table.rows(), "{kernel}: row indices were checked against a longer table");
    }
    let is_bf16 = |table: &TableMut<'_>| matches!(table.as_table().values(), Values::Bf16(_));
    let one_format = second.is_none_or(|second| is_bf16(first) == is_bf16(second));
    assert!(one_format, "{kernel}: the states differ in format");
}

impl Kernels {
    /// The step of an optimiser ([`AdamStep`], [`MomentumStep`], [`AdagradStep`] have the formulas) on chosen rows:
    /// `gradient[i]` (and `decay[i]`, if given) are those of row `rows[i]`.
    ///
    /// Weights and states are `f32` or `bf16`; `bf16` is rounded as specified by `rounding`.
    ///
    /// # Panics
    /// Unless `rows` ascend strictly, `rows.bound()` is at most the rows of `weights` and of each state, all widths are
    /// equal, the states have one format, and `gradient` and the decays have one row (element) per row index.
    pub fn update_rows(
        &self,
        weights: TableMut<'_>,
        optimiser: Optimiser<'_, TableMut<'_>>,
        rows: RowIds<'_>,
        gradient: Matrix<'_>,
        rounding: Rounding,
    ) {
        assert!(rows.is_ascending(), "update_rows: row indices must ascend strictly");
        check_tables("update_rows", &weights, &optimiser, gradient.width(), rows.bound());
        assert_eq!(gradient.rows(), rows.len(), "update_rows: gradient needs one row per row index");
        let decays = optimiser.decays().unwrap_or(rows.len());
        assert_eq!(decays, rows.len(), "update_rows: one decay per row index");
        let table = &self.row_update;
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe {
            call_for_optimiser!(
                optimiser,
                weights,
                (table.adam_rows),
                (table.momentum_rows),
                (table.adagrad_rows),
                (rows, gradient, rounding)
            );
        }
    }

    /// The step of an optimiser on chosen elements, such as the biases of rows: `gradient[i]` (and `decay[i]`, if
    /// given) are those of element `rows[i]`.
    ///
    /// # Panics
    /// Unless `rows` ascend strictly, `rows.bound()` is at most the lengths of `weights` and of each state, and `gradient`
    /// and the decays are as long as `rows`.
    pub fn update_scattered(
        &self,
        weights: &mut [f32],
        optimiser: Optimiser<'_, &mut [f32]>,
        rows: RowIds<'_>,
        gradient: &[f32],
    ) {
        assert!(rows.is_ascending(), "update_scattered: row indices must ascend strictly");
        let (first, second) = optimiser.states();
        let shortest = second.map_or(first.len(), |second| first.len().min(second.len())).min(weights.len());
        assert!(rows.bound() <= shortest, "update_scattered: row indices were checked against longer slices");
        assert_eq!(gradient.len(), rows.len(), "update_scattered: gradient and rows differ in length");
        let decays = optimiser.decays().unwrap_or(rows.len());
        assert_eq!(decays, rows.len(), "update_scattered: one decay per row index");
        let table = &self.row_update;
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe {
            call_for_optimiser!(
                optimiser,
                weights,
                (table.adam_scattered),
                (table.momentum_scattered),
                (table.adagrad_scattered),
                (rows, gradient)
            );
        }
    }
}
