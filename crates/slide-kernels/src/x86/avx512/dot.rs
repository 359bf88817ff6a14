//! [`crate::api::dot`] on AVX-512.

use super::F32x16;
use crate::api::dot::Table;
use crate::generic;

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn dot(a: &[f32], b: &[f32]) -> f32 = generic::dot::dot::<F32x16>;
});
