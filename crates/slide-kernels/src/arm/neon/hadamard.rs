//! [`crate::api::hadamard`] on NEON.

use super::F32x16;
use crate::api::hadamard::Table;
use crate::{MatrixMut, generic};

wrappers!("neon", Table {
    fn hadamard(vectors: MatrixMut<'_>) = generic::hadamard::hadamard::<F32x16>;
});
