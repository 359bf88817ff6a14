//! Specification of [`crate::api::hadamard`].

use crate::MatrixMut;
use crate::api::hadamard::Table;

pub(crate) const TABLE: Table = Table { hadamard };

fn hadamard(mut vectors: MatrixMut<'_>) {
    for i in 0..vectors.rows() {
        transform(vectors.row_mut(i));
    }
}

pub(crate) fn transform(x: &mut [f32]) {
    let mut h = 1;
    while h < x.len() {
        for block in x.chunks_exact_mut(2 * h) {
            for i in 0..h {
                let (a, b) = (block[i], block[i + h]);
                block[i] = a + b;
                block[i + h] = a - b;
            }
        }
        h *= 2;
    }
}
