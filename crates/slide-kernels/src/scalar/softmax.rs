//! Specification of [`crate::api::softmax`].

use super::{fma, reduce_sum};
use crate::api::softmax::Table;
use crate::numerics::exp;
use crate::{Matrix, MatrixMut};

pub(crate) const TABLE: Table = Table { max_sum, softmax, column_max_sum, softmax_columns, softmax_entries };

/// The larger of two; `old` if they are equal or one is NaN.
fn larger(new: f32, old: f32) -> f32 {
    if new > old { new } else { old }
}

fn max_sum(values: &[f32]) -> (f32, f32) {
    let max = max(values);
    let mut sum = [0.0; 16];
    for (i, &value) in values.iter().enumerate() {
        sum[i % 16] += exp(value - max);
    }
    (max, reduce_sum(sum))
}

fn max(values: &[f32]) -> f32 {
    // The sum turns -0 into +0, so that the maximum does not depend on the order of the values.
    values.iter().fold(f32::NEG_INFINITY, |max, &value| larger(value, max)) + 0.0
}

fn softmax(z: &mut [f32], total: f32, labels: &[u32], targets: &[f32]) -> (f32, f32) {
    let max = max(z);
    let terms = labels.iter().zip(targets);
    let inner = terms.fold(0.0, |inner, (&label, &target)| fma(target, z[label as usize] - max, inner));
    let mut sum = [0.0; 16];
    for (i, z) in z.iter_mut().enumerate() {
        *z = exp(*z - max);
        sum[i % 16] += *z;
    }
    let sum = reduce_sum(sum);
    for z in z {
        *z *= total / sum;
    }
    (sum, inner)
}

fn column_max_sum(z: Matrix, max: &mut [f32], sum: &mut [f32]) {
    max.fill(f32::NEG_INFINITY);
    sum.fill(0.0);
    for u in 0..z.rows() {
        for (max, &z) in max.iter_mut().zip(z.row(u)) {
            *max = larger(z, *max);
        }
    }
    for u in 0..z.rows() {
        for ((sum, &max), &z) in sum.iter_mut().zip(&*max).zip(z.row(u)) {
            *sum += exp(z - max);
        }
    }
}

fn softmax_columns(mut z: MatrixMut, max: &[f32], inverse_sum: &[f32]) {
    for u in 0..z.rows() {
        for ((z, &max), &inverse_sum) in z.row_mut(u).iter_mut().zip(max).zip(inverse_sum) {
            *z = exp(*z - max) * inverse_sum;
        }
    }
}

fn softmax_entries(z: &mut [f32], examples: &[u32], max: &[f32], inverse_sum: &[f32]) {
    for (z, &example) in z.iter_mut().zip(examples) {
        *z = exp(*z - max[example as usize]) * inverse_sum[example as usize];
    }
}
