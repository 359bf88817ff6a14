//! Bodies of [`crate::api::blocks`].
//!
//! A line has the codes of a few columns of sixteen rows, four bytes a row, and so each row its lane of 32 bits. It is bound by the
//! products of bytes and by what unpacks their factors, in the caches; by reading the codes, from memory. So the blocks are read in
//! order, one by one, which is what processors prefetch by themselves: several blocks at once share the broadcasts of the query,
//! but a Zen 4 then reads from memory at half the rate. The chains of sums that hide the latency are different lines of one block.

use super::{LANES, SimdF32x16, SimdU32x16};
use crate::{BitBlocks, CodeBlocks, NibbleBlocks};

/// Bytes of a line.
pub(crate) const LINE: usize = 64;

/// Products of the codes of a block and a query.
pub(crate) trait Products {
    /// Sixteen scores.
    type Scores: SimdF32x16;
    /// Columns of a line.
    const COLUMNS: usize;

    /// For each row of the block the sum over the columns of code times query, modulo 2^32.
    ///
    /// # Safety
    /// The instruction set of the implementation is available; `block` is valid for reading `lines` lines, and `query` for as many
    /// times [`COLUMNS`](Products::COLUMNS) elements.
    unsafe fn sums(block: *const u8, query: *const i8, lines: usize) -> <Self::Scores as SimdF32x16>::U32;
}

/// A query, and how much greater sums are with codes that are not negative than with the numbers that these represent.
struct Query<'a> {
    values: &'a [i8],
    scale: f32,
    base: f32,
    excess: i32,
}

/// # Safety
/// `P` multiplies codes of four bits; the contract of [`crate::api::blocks::Table::score_nibble_blocks`].
#[inline(always)]
pub(crate) unsafe fn score_nibble_blocks<P: Products>(
    blocks: NibbleBlocks<'_>,
    query: &[i8],
    scale: f32,
    base: f32,
    out: &mut [f32],
) {
    let query = Query { values: query, scale, base, excess: sum(query).wrapping_mul(8) };
    // SAFETY: a `Kernels` value proves the level; `Kernels::score_nibble_blocks` asserted the lengths of query and
    // output.
    unsafe { score::<P, 4>(blocks, &query, out) }
}

/// # Safety
/// `P` multiplies single bits, of which a one counts as 2; the contract of [`crate::api::blocks::Table::score_bit_blocks`].
#[inline(always)]
pub(crate) unsafe fn score_bit_blocks<P: Products>(
    blocks: BitBlocks<'_>,
    query: &[i8],
    scale: f32,
    base: f32,
    out: &mut [f32],
) {
    let query = Query { values: query, scale, base, excess: sum(query) };
    // SAFETY: a `Kernels` value proves the level; `Kernels::score_bit_blocks` asserted the lengths of query and output.
    unsafe { score::<P, 1>(blocks, &query, out) }
}

#[inline(always)]
fn sum(values: &[i8]) -> i32 {
    values.iter().fold(0, |sum, &value| sum.wrapping_add(i32::from(value)))
}

/// # Safety
/// The instruction set of `P` is available; there are as many elements of the query as columns, and of `out` as rows.
#[inline(always)]
unsafe fn score<P: Products, const BITS: usize>(blocks: CodeBlocks<'_, BITS>, query: &Query<'_>, out: &mut [f32]) {
    const { assert!(P::COLUMNS == CodeBlocks::<BITS>::COLUMNS) };
    let lines = blocks.width() / P::COLUMNS;
    // SAFETY: upheld by the caller; by its construction the view has `lines` lines for each sixteen scales and offsets.
    unsafe {
        let simd = P::Scores::token();
        let excess = <P::Scores as SimdF32x16>::U32::splat(simd, query.excess.wrapping_neg() as u32);
        let (scale, base) = (P::Scores::splat(simd, query.scale), P::Scores::splat(simd, query.base));
        let mut block = blocks.codes().as_ptr();
        for row in (0..out.len()).step_by(LANES) {
            let sums = P::sums(block, query.values.as_ptr(), lines).add(excess);
            let factor = P::Scores::load(blocks.scales().as_ptr().add(row)).mul(scale);
            let offset = P::Scores::load(blocks.offsets().as_ptr().add(row)).add(base);
            sums.signed_to_f32().fma(factor, offset).store(out.as_mut_ptr().add(row));
            block = block.add(LINE * lines);
        }
    }
}
