//! Specification of [`crate::api::active`].

use super::row_update::{adam, store};
use super::{dot_in_lanes, fma};
use crate::api::active::{Backward, Table};
use crate::{ActiveRows, Matrix, views};

pub(crate) const TABLE: Table = Table { forward, backward };

fn forward(table: views::Table<'_>, bias: &[f32], active: &ActiveRows<'_>, vectors: Matrix<'_>, out: &mut [f32]) {
    for (i, &row) in active.rows().iter().enumerate() {
        let entries = active.starts()[i] as usize..active.starts()[i + 1] as usize;
        for (out, &sample) in out[entries.clone()].iter_mut().zip(&active.members()[entries]) {
            *out = bias[row as usize] + dot_in_lanes::<16>(table.row(row), vectors.row(sample as usize));
        }
    }
}

fn backward(arguments: Backward<'_>) {
    let Backward { mut weights, mut m, mut v, active, coefficients, vectors, mut input_gradient, decay, step } =
        arguments;
    for (i, &row) in active.rows().iter().enumerate() {
        let entries = active.starts()[i] as usize..active.starts()[i + 1] as usize;
        for k in 0..weights.width() {
            let at = row as usize * weights.stride() + k;
            let weight = weights.as_table().values().get(at);
            let mut gradient = 0.0;
            for e in entries.clone() {
                let sample = active.members()[e] as usize;
                if let Some(input_gradient) = &mut input_gradient {
                    let sum = &mut input_gradient.row_mut(sample)[k];
                    *sum = fma(coefficients[e], weight, *sum);
                }
                gradient = fma(coefficients[e], vectors.row(sample)[k], gradient);
            }
            let (m, v) = (&mut m.row_mut(row as usize)[k], &mut v.row_mut(row as usize)[k]);
            let updated = adam(weight, m, v, gradient, decay[i], step);
            store(&mut weights.values_mut(), at, updated, step.rounding, row, k as u32);
        }
    }
}
