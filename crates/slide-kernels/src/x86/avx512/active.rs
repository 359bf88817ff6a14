//! [`crate::api::active`] on AVX-512.

use super::F32x16;
use crate::api::active::{Backward, Table};
use crate::{ActiveRows, Matrix, generic, views};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn forward(
        table: views::Table<'_>,
        bias: &[f32],
        active: &ActiveRows<'_>,
        vectors: Matrix<'_>,
        out: &mut [f32],
    ) = generic::active::forward::<F32x16, 8>;
    fn backward(arguments: Backward<'_>) = generic::active::backward::<F32x16, 8>;
});
