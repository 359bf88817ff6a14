//! [`crate::api::row_update`] on NEON.

use super::F32x16;
use crate::api::optimiser::{AdagradStep, AdamStep, MomentumStep, Target};
use crate::api::row_update::{Rounding, Table};
use crate::generic::optimiser::{Adagrad, Adam, Momentum};
use crate::generic::row_update::{update_rows, update_scattered};
use crate::{Matrix, RowIds, TableMut};

wrappers!("neon", Table {
    fn adam_rows(
        target: Target<'_, TableMut<'_>, 2>,
        rows: RowIds<'_>,
        gradient: Matrix<'_>,
        rounding: Rounding,
        step: &AdamStep,
    ) = update_rows::<F32x16, Adam<F32x16>, 2>;
    fn momentum_rows(
        target: Target<'_, TableMut<'_>, 1>,
        rows: RowIds<'_>,
        gradient: Matrix<'_>,
        rounding: Rounding,
        step: &MomentumStep,
    ) = update_rows::<F32x16, Momentum<F32x16>, 1>;
    fn adagrad_rows(
        target: Target<'_, TableMut<'_>, 1>,
        rows: RowIds<'_>,
        gradient: Matrix<'_>,
        rounding: Rounding,
        step: &AdagradStep,
    ) = update_rows::<F32x16, Adagrad<F32x16>, 1>;
    fn adam_scattered(target: Target<'_, &mut [f32], 2>, rows: RowIds<'_>, gradient: &[f32], step: &AdamStep)
        = update_scattered::<F32x16, Adam<F32x16>, 2>;
    fn momentum_scattered(target: Target<'_, &mut [f32], 1>, rows: RowIds<'_>, gradient: &[f32], step: &MomentumStep)
        = update_scattered::<F32x16, Momentum<F32x16>, 1>;
    fn adagrad_scattered(target: Target<'_, &mut [f32], 1>, rows: RowIds<'_>, gradient: &[f32], step: &AdagradStep)
        = update_scattered::<F32x16, Adagrad<F32x16>, 1>;
});
