//! Specification of [`crate::api::blocks`].

use super::fma;
use crate::api::blocks::Table;
use crate::{BitBlocks, CodeBlocks, NibbleBlocks};

pub(crate) const TABLE: Table = Table { score_nibble_blocks, score_bit_blocks };

fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32]) {
    score(blocks, |code| i32::from(code) - 8, query, scale, base, out);
}

fn score_bit_blocks(blocks: BitBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32]) {
    score(blocks, |code| if code == 1 { 1 } else { -1 }, query, scale, base, out);
}

fn score<const BITS: usize>(
    blocks: CodeBlocks<'_, BITS>,
    number: impl Fn(u8) -> i32,
    query: &[i8],
    scale: f32,
    base: f32,
    out: &mut [f32],
) {
    for (i, out) in out.iter_mut().enumerate() {
        let products = query.iter().enumerate().map(|(k, &x)| number(blocks.code(i, k)) * i32::from(x));
        let sum = products.fold(0, i32::wrapping_add);
        *out = fma(sum as f32, blocks.scales()[i] * scale, blocks.offsets()[i] + base);
    }
}
