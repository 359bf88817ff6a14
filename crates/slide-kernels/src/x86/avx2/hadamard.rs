//! [`crate::api::hadamard`] on AVX2.

use super::F32x16;
use crate::api::hadamard::Table;
use crate::{MatrixMut, generic};

wrappers!("avx,avx2,fma,f16c", Table {
    fn hadamard(vectors: MatrixMut<'_>) = generic::hadamard::hadamard::<F32x16>;
});
