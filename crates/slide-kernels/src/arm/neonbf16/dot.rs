//! [`crate::api::dot`] by the instructions for `bf16`.

use half::bf16;

use super::{Bfdot, Bfmlal, F32x16};
use crate::api::dot::Table;
use crate::arm::neon;
use crate::generic::dot::dot_of_pairs;

wrappers!("neon,bf16", Table {
    fn dot_bf16(a: &[bf16], b: &[bf16]) -> f32 = dot_of_pairs::<F32x16, Bfmlal>;
    fn dot_bf16_native(a: &[bf16], b: &[bf16]) -> f32 = dot_of_pairs::<F32x16, Bfdot>;
}
    const TABLE: Table = Table { dot_bf16, ..neon::KERNELS.dot };
);

pub(crate) const NATIVE: Table = Table { dot_bf16: dot_bf16_native, ..TABLE };
