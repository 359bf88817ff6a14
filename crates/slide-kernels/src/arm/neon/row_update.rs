//! [`crate::api::row_update`] on NEON.

use super::F32x16;
use crate::api::row_update::{AdamStep, Table};
use crate::{Matrix, MatrixMut, RowIds, TableMut, generic};

wrappers!("neon", Table {
    fn adam_rows(
        weights: TableMut<'_>,
        m: MatrixMut<'_>,
        v: MatrixMut<'_>,
        rows: RowIds<'_>,
        gradient: Matrix<'_>,
        decay: &[[f32; 2]],
        step: &AdamStep,
    ) = generic::row_update::adam_rows::<F32x16>;
    fn adam_scattered(
        weights: &mut [f32],
        m: &mut [f32],
        v: &mut [f32],
        rows: RowIds<'_>,
        gradient: &[f32],
        decay: &[[f32; 2]],
        step: &AdamStep,
    ) = generic::row_update::adam_scattered::<F32x16>;
});
