//! [`crate::api::softmax`] on NEON.

use super::F32x16;
use crate::api::softmax::Table;
use crate::{Matrix, MatrixMut, generic};

wrappers!("neon", Table {
    fn log_sum_exp(values: &[f32]) -> (f32, f32) = generic::softmax::log_sum_exp::<F32x16>;
    fn column_max_sum(z: Matrix, max: &mut [f32], sum: &mut [f32]) = generic::softmax::column_max_sum::<F32x16>;
    fn softmax_columns(z: MatrixMut, max: &[f32], inverse_sum: &[f32]) = generic::softmax::softmax_columns::<F32x16>;
    fn softmax_entries(z: &mut [f32], samples: &[u32], max: &[f32], inverse_sum: &[f32])
        = generic::softmax::softmax_entries::<F32x16>;
});
