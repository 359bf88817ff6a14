//! [`crate::api::dot`] on NEON.

use super::F32x16;
use crate::api::dot::Table;
use crate::generic;

wrappers!("neon", Table {
    fn dot(a: &[f32], b: &[f32]) -> f32 = generic::dot::dot::<F32x16>;
});
