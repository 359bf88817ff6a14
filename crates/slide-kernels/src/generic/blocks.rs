//! Bodies of [`crate::api::blocks`].
//!
//! A line has the codes of a few columns of sixteen rows, four bytes a row, and so each row its lane of 32 bits. The part of the query
//! that belongs to the line is the same for all rows, so a few blocks share its broadcasts; and their sums, which do not
//! depend on each other, hide the latency of the products.

use super::{LANES, SimdF32x16, SimdU32x16, prefetch};
use crate::NibbleBlocks;

/// Bytes of a line.
pub(crate) const LINE: usize = 64;

/// Products of the codes of blocks and a query.
pub(crate) trait Products {
    /// Sixteen scores.
    type Scores: SimdF32x16;
    /// Columns of a line.
    const COLUMNS: usize;

    /// For each row of `N` blocks the sum over the columns of code times query. `ahead` may be prefetched, as many lines each.
    ///
    /// # Safety
    /// The instruction set of the implementation is available; each of `blocks` is valid for reading `lines` lines, and `query` for
    /// as many times [`COLUMNS`](Products::COLUMNS) elements.
    unsafe fn sums<const N: usize>(
        blocks: [*const u8; N],
        ahead: [*const u8; N],
        query: *const i8,
        lines: usize,
    ) -> [<Self::Scores as SimdF32x16>::U32; N];
}

/// Prefetches the line that `line` is in a block to come.
#[inline(always)]
pub(crate) fn ask(ahead: *const u8, line: usize) {
    prefetch(ahead.wrapping_add(LINE * line));
}

/// Rows of whole blocks, with what makes scores of sums.
struct Rows<'a> {
    codes: &'a [u8],
    scales: &'a [f32],
    offsets: &'a [f32],
    width: usize,
}

/// A query, and how much greater sums are with its unsigned codes than with the codes that they represent.
struct Query<'a> {
    values: &'a [i8],
    scale: f32,
    base: f32,
    excess: i32,
}

/// # Safety
/// `P` multiplies codes of four bits; the contract of [`crate::api::blocks::Table::score_nibble_blocks`].
#[inline(always)]
pub(crate) unsafe fn score_nibble_blocks<P: Products, const N: usize>(
    blocks: NibbleBlocks<'_>,
    query: &[i8],
    scale: f32,
    base: f32,
    out: &mut [f32],
) {
    const { assert!(P::COLUMNS == NibbleBlocks::COLUMNS) };
    let (codes, scales, offsets, width) = (blocks.codes(), blocks.scales(), blocks.offsets(), blocks.width());
    let query = Query { values: query, scale, base, excess: sum(query).wrapping_mul(8) };
    // SAFETY: upheld by the caller; the view has as many codes, scales and offsets as its rows need.
    unsafe { scan::<P, N>(&Rows { codes, scales, offsets, width }, &query, out) }
}

#[inline(always)]
fn sum(values: &[i8]) -> i32 {
    values.iter().fold(0, |sum, &value| sum.wrapping_add(i32::from(value)))
}

/// `N` blocks at once, then the others one by one.
///
/// # Safety
/// The instruction set of `P` is available; there are a scale, an offset and an element of `out` for each row, whole blocks of
/// rows, all their lines, and as many elements of the query as columns.
#[inline(always)]
unsafe fn scan<P: Products, const N: usize>(rows: &Rows<'_>, query: &Query<'_>, out: &mut [f32]) {
    let (count, mut first) = (out.len() / LANES, 0);
    // SAFETY: upheld by the caller; the blocks are below `count`.
    unsafe {
        while first + N <= count {
            score::<P, N>(rows, query, first, count, out);
            first += N;
        }
        while first < count {
            score::<P, 1>(rows, query, first, count, out);
            first += 1;
        }
    }
}

/// Blocks `first..first + N` of `count`.
///
/// # Safety
/// As for [`scan`]; `first + N <= count`.
#[inline(always)]
unsafe fn score<P: Products, const N: usize>(
    rows: &Rows<'_>,
    query: &Query<'_>,
    first: usize,
    count: usize,
    out: &mut [f32],
) {
    let lines = rows.width / P::COLUMNS;
    // Where none follow, those that are there are asked for, and nothing is read that belongs to others.
    let block = |b: usize| rows.codes.as_ptr().wrapping_add(b.min(count - 1) * lines * LINE);
    let (blocks, ahead) = (core::array::from_fn(|j| block(first + j)), core::array::from_fn(|j| block(first + N + j)));
    // SAFETY: as above; each block has sixteen scales, offsets and scores, and `lines` lines.
    unsafe {
        let sums = P::sums::<N>(blocks, ahead, query.values.as_ptr(), lines);
        let excess = <P::Scores as SimdF32x16>::U32::splat(query.excess.wrapping_neg() as u32);
        let (scale, base) = (P::Scores::splat(query.scale), P::Scores::splat(query.base));
        for (j, sum) in sums.into_iter().enumerate() {
            let row = LANES * (first + j);
            let factor = P::Scores::load(rows.scales.as_ptr().add(row)).mul(scale);
            let offset = P::Scores::load(rows.offsets.as_ptr().add(row)).add(base);
            sum.add(excess).signed_to_f32().fma(factor, offset).store(out.as_mut_ptr().add(row));
        }
    }
}
