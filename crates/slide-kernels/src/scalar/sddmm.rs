//! Specification of [`crate::api::sddmm`].

use super::optimiser::Step;
use super::row_update::{get, update_element};
use super::{dot_in_lanes, fma};
use crate::api::optimiser::Target;
use crate::api::sddmm::{Backward, Table};
use crate::{CscPattern, Matrix, TableMut, views};

pub(crate) const TABLE: Table =
    Table { forward, adam_backward: backward, momentum_backward: backward, adagrad_backward: backward };

fn forward(table: views::Table<'_>, bias: &[f32], pattern: &CscPattern<'_>, vectors: Matrix<'_>, out: &mut [f32]) {
    for (i, &row) in pattern.rows().iter().enumerate() {
        let entries = pattern.starts()[i] as usize..pattern.starts()[i + 1] as usize;
        for (out, &example) in out[entries.clone()].iter_mut().zip(&pattern.examples()[entries]) {
            *out = bias[row as usize] + dot_in_lanes::<16>(table.row(row), vectors.row(example as usize));
        }
    }
}

fn backward<S: Step<N>, const N: usize>(mut target: Target<'_, TableMut<'_>, N>, work: Backward<'_>, step: &S) {
    let Backward { pattern, coefficients, vectors, mut input_gradient, rounding } = work;
    for (i, &row) in pattern.rows().iter().enumerate() {
        let entries = pattern.starts()[i] as usize..pattern.starts()[i + 1] as usize;
        for k in 0..vectors.width() {
            let weight = get(&target.weights, row, k);
            let mut gradient = 0.0;
            for e in entries.clone() {
                let example = pattern.examples()[e] as usize;
                if let Some(input_gradient) = &mut input_gradient {
                    let sum = &mut input_gradient.row_mut(example)[k];
                    *sum = fma(coefficients[e], weight, *sum);
                }
                gradient = fma(coefficients[e], vectors.row(example)[k], gradient);
            }
            update_element(&mut target, i, row, k, gradient, rounding, step);
        }
    }
}
