//! [`crate::api::softmax`] on NEON.

use super::F32x16;
use crate::api::softmax::Table;
use crate::{Matrix, MatrixMut, generic};

wrappers!("neon", Table {
    fn max_sum(values: &[f32]) -> (f32, f32) = generic::softmax::max_sum::<F32x16>;
    fn softmax(z: &mut [f32], total: f32, labels: &[u32], targets: &[f32]) -> (f32, f32)
        = generic::softmax::softmax::<F32x16>;
    fn column_max_sum(z: Matrix, max: &mut [f32], sum: &mut [f32]) = generic::softmax::column_max_sum::<F32x16>;
    fn softmax_columns(z: MatrixMut, max: &[f32], inverse_sum: &[f32]) = generic::softmax::softmax_columns::<F32x16>;
    fn softmax_entries(z: &mut [f32], examples: &[u32], max: &[f32], inverse_sum: &[f32])
        = generic::softmax::softmax_entries::<F32x16>;
});
