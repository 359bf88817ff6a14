//! [`crate::api::topk`] on AVX-512.

use super::F32x16;
use crate::api::topk::Table;
use crate::generic;

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn top_k(scores: &[f32], indices: &mut [u32], values: &mut [f32]) = generic::topk::top_k::<F32x16>;
    fn select_above(scores: &[f32], threshold: f32, indices: &mut [u32], values: &mut [f32]) -> usize
        = generic::topk::select_above::<F32x16>;
});
