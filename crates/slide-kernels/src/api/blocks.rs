//! One query against rows of short codes in blocks of sixteen: the scan of a list of an inverted file.
//!
//! A block has the codes of a few columns of sixteen rows side by side, so that each row has its own lane, and no sum over
//! lanes is needed. So are codes laid out for the tables in registers of André, Kermarrec, Le Scouarnec, *Cache locality is
//! not enough: high-performance nearest neighbor search with product quantization fast scan*; here they are multiplied.

use crate::{BitBlocks, CodeBlocks, Kernels, NibbleBlocks};

table! {
    /// Safety: the level is available; `query.len() == blocks.width()`, `out.len() == blocks.rows()`.
    score_nibble_blocks: unsafe fn(NibbleBlocks<'_>, &[i8], f32, f32, &mut [f32]),
    /// Safety: as for `score_nibble_blocks`.
    score_bit_blocks: unsafe fn(BitBlocks<'_>, &[i8], f32, f32, &mut [f32]),
}

impl Kernels {
    /// `out[i] = fma(d, scales[i] * scale, offsets[i] + base)`, where `d` is the sum over the columns `k` of
    /// `(c_ik - 8) * query[k]` with the codes `c_ik` of row `i`, as an `f32`.
    ///
    /// The sum is exact, whatever the bytes are, for a width below 2^21, and modulo 2^32 for greater ones; nothing saturates. Its
    /// conversion to `f32` is rounded to nearest, ties to even (a sum below 2^24 is exact); then product, sum and the
    /// fused multiply-add are rounded once each. A NaN or infinity among scales and offsets affects its row only. Without rows nothing
    /// happens.
    ///
    /// # Panics
    /// Unless `query.len() == blocks.width()` and `out.len() == blocks.rows()`.
    pub fn score_nibble_blocks(&self, blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32]) {
        check("score_nibble_blocks", blocks, query, out);
        // SAFETY: a `Kernels` value proves its level; the lengths were checked.
        unsafe { (self.blocks.score_nibble_blocks)(blocks, query, scale, base, out) }
    }

    /// `out[i] = fma(d, scales[i] * scale, offsets[i] + base)`, where `d` is the sum of the elements of `query` where row `i` has
    /// a one, minus the sum of the others, as an `f32`.
    ///
    /// The sum is exact, whatever the bytes are, for a width below 2^24, and modulo 2^32 for greater ones; nothing saturates.
    /// Everything else is as in [`score_nibble_blocks`](Kernels::score_nibble_blocks).
    ///
    /// In the caches a row takes as long as one of four-bit codes, of which the products are as many; from memory it
    /// takes as long as its bytes do.
    ///
    /// # Panics
    /// Unless `query.len() == blocks.width()` and `out.len() == blocks.rows()`.
    pub fn score_bit_blocks(&self, blocks: BitBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32]) {
        check("score_bit_blocks", blocks, query, out);
        // SAFETY: a `Kernels` value proves its level; the lengths were checked.
        unsafe { (self.blocks.score_bit_blocks)(blocks, query, scale, base, out) }
    }
}

fn check<const BITS: usize>(method: &str, blocks: CodeBlocks<'_, BITS>, query: &[i8], out: &[f32]) {
    assert_eq!(query.len(), blocks.width(), "{method}: query and rows differ in width");
    assert_eq!(out.len(), blocks.rows(), "{method}: out needs an element for each row");
}
