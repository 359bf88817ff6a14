//! [`crate::api::dot`] on AVX-512.

use half::bf16;

use super::F32x16;
use crate::api::dot::Table;
use crate::generic;
use crate::generic::pairs::Widening;

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn dot(a: &[f32], b: &[f32]) -> f32 = generic::dot::dot::<F32x16, f32>;
    fn dot_bf16(a: &[bf16], b: &[bf16]) -> f32 = generic::dot::dot_of_pairs::<F32x16, Widening>;
    fn dot_bf16_f32(a: &[bf16], b: &[f32]) -> f32 = generic::dot::dot::<F32x16, bf16>;
});
