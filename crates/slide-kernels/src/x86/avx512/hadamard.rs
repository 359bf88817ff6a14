//! [`crate::api::hadamard`] on AVX-512.

use super::F32x16;
use crate::api::hadamard::Table;
use crate::{MatrixMut, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn hadamard(vectors: MatrixMut<'_>) = generic::hadamard::hadamard::<F32x16>;
});
