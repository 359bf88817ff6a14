//! Specification of [`crate::api::axpy`].

use super::fma;
use crate::Values;
use crate::api::axpy::Table;

pub(crate) const TABLE: Table = Table { axpy };

fn axpy(a: f32, x: Values<'_>, y: &mut [f32]) {
    for (i, y) in y.iter_mut().enumerate() {
        *y = fma(a, x.get(i), *y);
    }
}
