//! [`crate::api::dot`] on AVX2.

use super::F32x16;
use crate::api::dot::Table;
use crate::generic;

wrappers!("avx,avx2,fma,f16c", Table {
    fn dot(a: &[f32], b: &[f32]) -> f32 = generic::dot::dot::<F32x16>;
});
