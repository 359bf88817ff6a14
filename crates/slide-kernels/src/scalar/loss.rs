//! Specification of [`crate::api::loss`].

use super::{fma, reduce_sum};
use crate::MatrixMut;
use crate::api::loss::Table;
use crate::numerics::{exp, ln_1p, sigmoid, softplus};

pub(crate) const TABLE: Table = Table { sigmoid_columns, sigmoid_entries, binary_cross_entropy };

fn sigmoid_columns(mut z: MatrixMut, loss: &mut [f32]) {
    for u in 0..z.rows() {
        for (z, loss) in z.row_mut(u).iter_mut().zip(&mut *loss) {
            *loss += softplus(*z);
            *z = sigmoid(*z);
        }
    }
}

fn sigmoid_entries(z: &mut [f32]) -> f32 {
    let mut lanes = [0.0; 16];
    for (i, z) in z.iter_mut().enumerate() {
        lanes[i % 16] += softplus(*z);
        *z = sigmoid(*z);
    }
    reduce_sum(lanes)
}

fn binary_cross_entropy(z: &mut [f32], targets: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    for (i, (z, &target)) in z.iter_mut().zip(targets).enumerate() {
        let positive = if *z < 0.0 { 0.0 } else { *z };
        lanes[i % 16] += fma(-target, *z, positive) + ln_1p(exp(-z.abs()));
        *z = sigmoid(*z) - target;
    }
    reduce_sum(lanes)
}
