//! Specification of [`crate::api::row_update`].

use half::bf16;

use super::optimiser::Step;
use crate::api::optimiser::Target;
use crate::api::row_update::{Rounding, Table};
use crate::{Matrix, RowIds, TableMut, ValuesMut};

pub(crate) const TABLE: Table = Table {
    adam_rows: update_rows,
    momentum_rows: update_rows,
    adagrad_rows: update_rows,
    adam_scattered: update_scattered,
    momentum_scattered: update_scattered,
    adagrad_scattered: update_scattered,
};

fn update_rows<S: Step<N>, const N: usize>(
    mut target: Target<'_, TableMut<'_>, N>,
    rows: RowIds<'_>,
    gradient: Matrix<'_>,
    rounding: Rounding,
    step: &S,
) {
    for (i, &row) in rows.ids().iter().enumerate() {
        for (k, &gradient) in gradient.row(i).iter().enumerate() {
            update_element(&mut target, i, row, k, gradient, rounding, step);
        }
    }
}

/// Element `k` of row `row`, which is the `i`-th of those that are updated.
pub(crate) fn update_element<S: Step<N>, const N: usize>(
    target: &mut Target<'_, TableMut<'_>, N>,
    i: usize,
    row: u32,
    k: usize,
    gradient: f32,
    rounding: Rounding,
    step: &S,
) {
    let weight = get(&target.weights, row, k);
    let states = target.states.each_ref().map(|state| get(state, row, k));
    let decay = target.decay.rows.map_or(target.decay.all, |rows| rows[i]);
    let (weight, states) = step.apply(weight, states, gradient, decay);
    set(&mut target.weights, row, k, weight, rounding, 0);
    for (number, (table, state)) in target.states.iter_mut().zip(states).enumerate() {
        set(table, row, k, state, rounding, 1 + number);
    }
}

pub(crate) fn get(table: &TableMut<'_>, row: u32, k: usize) -> f32 {
    table.as_table().values().get(row as usize * table.stride() + k)
}

/// Stores element `k` of row `row` in the format of the table, for whose `role` see [`narrow`].
fn set(table: &mut TableMut<'_>, row: u32, k: usize, value: f32, rounding: Rounding, role: usize) {
    let at = row as usize * table.stride() + k;
    match table.values_mut() {
        ValuesMut::F32(values) => values[at] = value,
        ValuesMut::Bf16(values) => values[at] = narrow(value, rounding, row, k as u32, role),
    }
}

/// Element `k` of row `row` as a `bf16`; `role` is 0 for a weight, 1 and 2 for the states of its optimiser.
pub(crate) fn narrow(value: f32, rounding: Rounding, row: u32, k: u32, role: usize) -> bf16 {
    match rounding {
        Rounding::Nearest => round_to_nearest(value),
        Rounding::Stochastic { key, first_row } => {
            let random = mix(row_key(key, first_row, row) ^ k);
            let addend = match role {
                0 => random >> 16,
                1 => random & 0xFFFF,
                _ => random.wrapping_mul(SECOND_STATE) >> 16,
            };
            round_with(value, addend)
        }
    }
}

/// Makes the random bits of a second state of those of weight and first state.
pub(crate) const SECOND_STATE: u32 = 0x9E37_79B1;

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

fn update_scattered<S: Step<N>, const N: usize>(
    mut target: Target<'_, &mut [f32], N>,
    rows: RowIds<'_>,
    gradient: &[f32],
    step: &S,
) {
    for (i, &row) in rows.ids().iter().enumerate() {
        let at = row as usize;
        let decay = target.decay.rows.map_or(target.decay.all, |rows| rows[i]);
        let states = target.states.each_ref().map(|state| state[at]);
        let (weight, states) = step.apply(target.weights[at], states, gradient[i], decay);
        target.weights[at] = weight;
        for (all, state) in target.states.iter_mut().zip(states) {
            all[at] = state;
        }
    }
}
