//! [`crate::api::elementwise`] on AVX-512.

use super::F32x16;
use crate::api::elementwise::Table;
use crate::generic;

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn relu(x: &mut [f32]) = generic::elementwise::relu::<F32x16>;
    fn relu_backward(delta: &mut [f32], activation: &[f32]) = generic::elementwise::relu_backward::<F32x16>;
    fn dropout(x: &mut [f32], random: &[u32], threshold: u32, scale: f32) = generic::elementwise::dropout::<F32x16>;
    fn exp(x: &mut [f32]) = generic::elementwise::exp::<F32x16>;
    fn ln(x: &mut [f32]) = generic::elementwise::ln::<F32x16>;
    fn sigmoid(x: &mut [f32]) = generic::elementwise::sigmoid::<F32x16>;
    fn softplus(x: &mut [f32]) = generic::elementwise::softplus::<F32x16>;
});
