//! Specification of [`crate::api::dot`].

use half::bf16;

use super::{dot_in_lanes, dot_in_lanes_of_pairs, widen};
use crate::api::dot::Table;

pub(crate) const TABLE: Table = Table { dot, dot_bf16, dot_bf16_f32 };

fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_in_lanes::<64>(a.iter().copied(), b)
}

fn dot_bf16(a: &[bf16], b: &[bf16]) -> f32 {
    dot_in_lanes_of_pairs::<64>(a, b)
}

fn dot_bf16_f32(a: &[bf16], b: &[f32]) -> f32 {
    dot_in_lanes::<64>(a.iter().map(|&a| widen(a)), b)
}
