//! [`crate::api::embedding`] on AVX-512.

use super::F32x16;
use crate::api::embedding::Table;
use crate::{MatrixMut, RowIds, generic, views};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn forward(table: views::Table<'_>, rows: RowIds<'_>, values: &[f32], bias: &[f32], out: &mut [f32])
        = generic::embedding::forward::<F32x16, 8>;
    fn backward(out_gradient: &[f32], rows: RowIds<'_>, values: &[f32], gradient: MatrixMut<'_>)
        = generic::embedding::backward::<F32x16, 8>;
});
