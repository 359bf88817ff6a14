//! Specification of [`crate::api::blocks`].

use super::fma;
use crate::NibbleBlocks;
use crate::api::blocks::Table;

pub(crate) const TABLE: Table = Table { score_nibble_blocks };

fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32]) {
    for (i, out) in out.iter_mut().enumerate() {
        let sum = query
            .iter()
            .enumerate()
            .fold(0_i32, |sum, (k, &x)| sum.wrapping_add((i32::from(blocks.code(i, k)) - 8) * i32::from(x)));
        *out = fma(sum as f32, blocks.scales()[i] * scale, blocks.offsets()[i] + base);
    }
}
