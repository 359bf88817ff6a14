//! [`crate::api::axpy`] on AVX2.

use super::F32x16;
use crate::api::axpy::Table;
use crate::{Values, generic};

wrappers!("avx,avx2,fma,f16c", Table {
    fn axpy(a: f32, x: Values<'_>, y: &mut [f32]) = generic::axpy::axpy::<F32x16>;
});
