//! [`crate::api::sddmm`] on AVX-512.

use super::F32x16;
use crate::api::optimiser::{AdagradStep, AdamStep, MomentumStep, Target};
use crate::api::sddmm::{Backward, Table};
use crate::generic::optimiser::{Adagrad, Adam, Momentum};
use crate::generic::sddmm;
use crate::{CscPattern, Matrix, TableMut, views};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn forward(
        table: views::Table<'_>,
        bias: &[f32],
        pattern: &CscPattern<'_>,
        vectors: Matrix<'_>,
        out: &mut [f32],
    ) = sddmm::forward::<F32x16, 8>;
    fn adam_backward(target: Target<'_, TableMut<'_>, 2>, work: Backward<'_>, step: &AdamStep)
        = sddmm::backward::<F32x16, Adam<F32x16>, 2, 4>;
    fn momentum_backward(target: Target<'_, TableMut<'_>, 1>, work: Backward<'_>, step: &MomentumStep)
        = sddmm::backward::<F32x16, Momentum<F32x16>, 1, 8>;
    fn adagrad_backward(target: Target<'_, TableMut<'_>, 1>, work: Backward<'_>, step: &AdagradStep)
        = sddmm::backward::<F32x16, Adagrad<F32x16>, 1, 8>;
});
