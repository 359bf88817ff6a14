//! [`crate::api::probe`] on NEON.

use super::F32x16;
use crate::api::probe::Table;
use crate::{RowIds, generic};

wrappers!("neon", Table {
    fn multiply_adds(rounds: usize) -> (f32, u64) = generic::probe::multiply_adds::<F32x16, 6>;
    fn divisions(rounds: usize) -> (f32, u64) = generic::probe::divisions::<F32x16, 4>;
    fn read(words: &[u32]) -> u32 = generic::probe::read::<F32x16>;
    fn read_rows(words: &[u32], stride: usize, width: usize, rows: RowIds<'_>) -> u32
        = generic::probe::read_rows::<F32x16>;
    fn update(a: &mut [f32], b: &mut [f32], c: &mut [f32], factor: f32) = generic::probe::update::<F32x16>;
});
