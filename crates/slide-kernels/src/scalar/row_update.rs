//! Specification of [`crate::api::row_update`].

use half::bf16;

use super::{fma, sqrt};
use crate::api::row_update::{AdamStep, Rounding, Table};
use crate::{Matrix, MatrixMut, RowIds, TableMut, ValuesMut};

pub(crate) const TABLE: Table = Table { adam_rows, adam_scattered };

/// One element: updates the moments and returns the new weight.
pub(crate) fn adam(weight: f32, m: &mut f32, v: &mut f32, gradient: f32, decay: [f32; 2], step: &AdamStep) -> f32 {
    *m = flush(fma(decay[0], *m, (1.0 - step.beta1) * gradient));
    *v = flush(fma(decay[1], *v, ((1.0 - step.beta2) * gradient) * gradient));
    let denominator = fma(sqrt(*v), step.inverse_sqrt_correction, step.epsilon);
    fma(-step.step_size, *m / denominator, weight)
}

/// Subnormal values and -0 become +0: `beta1` times the smallest one rounds to itself, so the moment of a unit that gets no more
/// gradient would stay there, and slow down every step of its row.
fn flush(moment: f32) -> f32 {
    if moment.abs() < f32::MIN_POSITIVE { 0.0 } else { moment }
}

/// Stores a weight at position `at`, which is element `k` of row `row`, in the format of the table.
pub(crate) fn store(values: &mut ValuesMut<'_>, at: usize, weight: f32, rounding: Rounding, row: u32, k: u32) {
    match values {
        ValuesMut::F32(values) => values[at] = weight,
        ValuesMut::Bf16(values) => {
            values[at] = match rounding {
                Rounding::Nearest => round_to_nearest(weight),
                Rounding::Stochastic { key, first_row } => {
                    round_with(weight, mix(row_key(key, first_row, row) ^ k) >> 16)
                }
            }
        }
    }
}

/// To the nearest `bf16`, ties to even.
pub(crate) fn round_to_nearest(x: f32) -> bf16 {
    let last_kept = (x.to_bits() >> 16) & 1;
    round_with(x, 0x7FFF + last_kept)
}

/// Adds `addend < 2^16` to the lower half and cuts it off. The carry of an infinity cannot reach its exponent; that of
/// a NaN could, so it is made quiet instead.
pub(crate) fn round_with(x: f32, addend: u32) -> bf16 {
    let bits = if x.is_nan() { x.to_bits() | 0x0040_0000 } else { x.to_bits() + addend };
    bf16::from_bits((bits >> 16) as u16)
}

/// The part of the random bits that a row shares.
pub(crate) fn row_key(key: u32, first_row: u32, row: u32) -> u32 {
    mix(key ^ mix(first_row.wrapping_add(row)))
}

/// `lowbias32` of C. Wellons' hash-prospector.
fn mix(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
    x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

fn adam_rows(
    mut weights: TableMut<'_>,
    mut m: MatrixMut<'_>,
    mut v: MatrixMut<'_>,
    rows: RowIds<'_>,
    gradient: Matrix<'_>,
    decay: &[[f32; 2]],
    step: &AdamStep,
) {
    for (i, &row) in rows.ids().iter().enumerate() {
        for k in 0..weights.width() {
            let at = row as usize * weights.stride() + k;
            let weight = weights.as_table().values().get(at);
            let (m, v) = (&mut m.row_mut(row as usize)[k], &mut v.row_mut(row as usize)[k]);
            let updated = adam(weight, m, v, gradient.row(i)[k], decay[i], step);
            store(&mut weights.values_mut(), at, updated, step.rounding, row, k as u32);
        }
    }
}

fn adam_scattered(
    weights: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
    rows: RowIds<'_>,
    gradient: &[f32],
    decay: &[[f32; 2]],
    step: &AdamStep,
) {
    for (i, &row) in rows.ids().iter().enumerate() {
        let at = row as usize;
        weights[at] = adam(weights[at], &mut m[at], &mut v[at], gradient[i], decay[i], step);
    }
}
