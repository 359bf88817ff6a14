//! Specification of [`crate::api::dot`].

use super::dot_in_lanes;
use crate::api::dot::Table;

pub(crate) const TABLE: Table = Table { dot };

fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_in_lanes::<64>(a.iter().copied(), b)
}
