//! [`crate::api::axpy`] on NEON.

use super::F32x16;
use crate::api::axpy::Table;
use crate::{Values, generic};

wrappers!("neon", Table {
    fn axpy(a: f32, x: Values<'_>, y: &mut [f32]) = generic::axpy::axpy::<F32x16>;
});
