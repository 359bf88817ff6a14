//! [`crate::api::loss`] on AVX-512.

use super::F32x16;
use crate::api::loss::Table;
use crate::{MatrixMut, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn sigmoid_columns(z: MatrixMut, loss: &mut [f32]) = generic::loss::sigmoid_columns::<F32x16>;
    fn sigmoid_entries(z: &mut [f32]) -> f32 = generic::loss::sigmoid_entries::<F32x16>;
    fn binary_cross_entropy(z: &mut [f32], targets: &[f32]) -> f32 = generic::loss::binary_cross_entropy::<F32x16>;
});
