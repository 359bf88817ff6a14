//! [`crate::api::probe`], the specification.

use super::{fma, sqrt};
use crate::RowIds;
use crate::api::probe::Table;

pub(crate) const TABLE: Table = Table { multiply_adds, divisions, read, read_rows, update };

fn multiply_adds(rounds: usize) -> (f32, u64) {
    ((0..rounds).fold(1.0, |x, _| fma(-0.5, 0.25, x)), 2 * rounds as u64)
}

fn divisions(rounds: usize) -> (f32, u64) {
    ((0..rounds).fold(1.0, |x, _| sqrt(2.0 / x)), rounds as u64)
}

fn read(words: &[u32]) -> u32 {
    words.iter().fold(0, |sum, word| sum ^ word)
}

fn read_rows(words: &[u32], stride: usize, width: usize, rows: RowIds<'_>) -> u32 {
    rows.ids().iter().fold(0, |sum, &row| sum ^ read(&words[row as usize * stride..][..width]))
}

fn update(a: &mut [f32], b: &mut [f32], c: &mut [f32], factor: f32) {
    for slice in [a, b, c] {
        slice.iter_mut().for_each(|x| *x *= factor);
    }
}
