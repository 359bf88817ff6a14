//! [`crate::api::dot`] on NEON.

use half::bf16;

use super::F32x16;
use crate::api::dot::Table;
use crate::generic;
use crate::generic::pairs::Widening;

wrappers!("neon", Table {
    fn dot(a: &[f32], b: &[f32]) -> f32 = generic::dot::dot::<F32x16, f32>;
    fn dot_bf16(a: &[bf16], b: &[bf16]) -> f32 = generic::dot::dot_of_pairs::<F32x16, Widening>;
    fn dot_bf16_f32(a: &[bf16], b: &[f32]) -> f32 = generic::dot::dot::<F32x16, bf16>;
});
