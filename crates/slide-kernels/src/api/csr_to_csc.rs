//! The active sets of a batch transposed: from the rows of each example to the examples of each row.

use core::ops::Range;

use crate::Kernels;

table! {
    /// Replaces each counter that is not zero by the sum of those before it and of the first argument after it, and lists
    /// these counters by number (counted from the second argument) and their sums. Returns how many there are.
    /// (The others hold anything then.)
    ///
    /// Safety: the level is available; both lists have room for every counter that is not zero; the sum of all is less than
    /// 2^32.
    scan: unsafe fn(&mut [u32], u32, u32, &mut [u32], &mut [u32]) -> usize,
}

/// What consecutive examples list: row numbers, ascending within an example, and perhaps a value with each.
#[derive(Clone, Copy, Debug)]
pub struct CsrView<'a> {
    /// Row numbers, of one example after the other.
    pub rows: &'a [u32],
    /// The value of each row number, or none at all.
    pub values: &'a [f32],
    /// Example `s` has the places `bounds[s * stride]..bounds[s * stride + 1]` of `rows`.
    pub bounds: &'a [u32],
    /// 1 if every list ends where the next begins. More if each example has as many bounds, of which two matter: for lists that
    /// were cut into chunks of rows once and are sorted chunk by chunk.
    pub stride: usize,
}

impl<'a> CsrView<'a> {
    /// The number of examples.
    pub fn examples(&self) -> usize {
        if self.bounds.len() < 2 { 0 } else { (self.bounds.len() - 2) / self.stride.max(1) + 1 }
    }

    /// The places of each example's rows.
    fn places(&self) -> impl Iterator<Item = Range<usize>> + use<'a> {
        self.bounds.windows(2).step_by(self.stride.max(1)).map(|pair| pair[0] as usize..pair[1] as usize)
    }
}

/// Where [`Kernels::csr_to_csc`] writes: the parts of an [`CscPattern`](crate::CscPattern), and the values.
///
/// The lists that come out are the first [`CscShape::rows`] of `rows`, one more of `starts`, and the first [`CscShape::entries`] of
/// `examples` and `values`. What `rows` and `starts` hold behind them is unspecified, and differs from level to level: some write
/// whole vectors. Behind them `examples` and `values` are not written.
#[derive(Debug)]
pub struct CscMut<'a> {
    /// Has room for as many elements as there are rows, or entries if they are fewer.
    pub rows: &'a mut [u32],
    /// Has room for one more.
    pub starts: &'a mut [u32],
    /// Has room for the entries.
    pub examples: &'a mut [u32],
    /// Has room for the entries too; empty if the examples list no values.
    pub values: &'a mut [f32],
}

/// What [`Kernels::csr_to_csc`] has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CscShape {
    /// Rows that an example lists; `starts` has one element more.
    pub rows: usize,
    /// Pairs of row and example.
    pub entries: usize,
}

impl Kernels {
    /// Turns example -> rows into row -> examples: lists the rows of `range` that at least one example of `blocks` lists,
    /// ascending and counted from `range.start`, and for each the examples that list it, ascending, with their values.
    /// (It is the transposition of a sparse matrix, from rows to columns of compressed storage.)
    ///
    /// Examples are numbered through all blocks, from 0. One that lists a row twice becomes an example twice, in the order of
    /// its list.
    ///
    /// Cost: two passes over the entries, and one over the rows of the range in vectors. `counters` and `places` are
    /// scratch, whatever they hold (what they hold afterwards is unspecified, and differs from level to level): the range is
    /// worked in pieces of `counters.len()` rows. Counters and what is written for a piece should stay in the cache of a core:
    /// 8,192 are good where an example has some rows in each piece.
    ///
    /// # Panics
    /// If `counters` is empty, `places` has not one element per example, a list of `out` is too short, bounds are not places of
    /// `rows`, a stride is 0, there are values but not one for each row of every block, the rows of an example do not ascend from piece to piece, or there are
    /// 2^32 entries.
    pub fn csr_to_csc<'a>(
        &self,
        blocks: impl Iterator<Item = CsrView<'a>> + Clone,
        range: Range<u32>,
        counters: &mut [u32],
        places: &mut [u32],
        out: CscMut<'_>,
    ) -> CscShape {
        assert!(!counters.is_empty(), "csr_to_csc: no counters");
        let mut with_values = None;
        for lists in blocks.clone().filter(|lists| !lists.rows.is_empty()) {
            assert!(lists.stride > 0, "csr_to_csc: a stride of 0");
            let has_values = !lists.values.is_empty();
            assert!(!has_values || lists.values.len() == lists.rows.len(), "csr_to_csc: not one value for each row");
            let all = *with_values.get_or_insert(has_values) == has_values;
            assert!(all, "csr_to_csc: some blocks have values, others have none");
        }
        let examples: usize = blocks.clone().map(|lists| lists.examples()).sum();
        assert_eq!(places.len(), examples, "csr_to_csc: places needs one element per example");
        for_each_list(blocks.clone(), places, |_, lists, list, place| {
            let rows = &lists.rows[list.clone()];
            // Most callers begin where they ought to.
            let before = if rows.first().is_none_or(|&row| row >= range.start) {
                0
            } else {
                rows.partition_point(|&row| row < range.start)
            };
            *place = (list.start + before) as u32;
        });

        let mut sorted = CscShape { rows: 0, entries: 0 };
        for first in range.clone().step_by(counters.len()) {
            let piece = counters.len().min((range.end - first) as usize);
            let counters = &mut counters[..piece];
            counters.fill(0);
            let mut entries = 0;
            for_each_list(blocks.clone(), places, |_, lists, list, place| {
                for &row in &lists.rows[*place as usize..list.end] {
                    let Some(counter) = counters.get_mut(row.wrapping_sub(first) as usize) else { break };
                    *counter += 1;
                    entries += 1;
                }
            });
            assert!(
                out.rows.len() - sorted.rows >= counters.len().min(entries) && out.starts.len() > out.rows.len(),
                "csr_to_csc: rows or starts has too few elements"
            );
            assert!(
                out.examples.len() - sorted.entries >= entries && u32::try_from(sorted.entries + entries).is_ok(),
                "csr_to_csc: examples has too few elements"
            );
            let (rows, starts) = (&mut out.rows[sorted.rows..], &mut out.starts[sorted.rows..]);
            // SAFETY: a `Kernels` value proves its level; there are no more counters other than zero than entries or
            // counters; the sum is that of the entries.
            let listed_rows =
                unsafe { (self.csr_to_csc.scan)(counters, first - range.start, sorted.entries as u32, rows, starts) };
            for_each_list(blocks.clone(), places, |example, lists, list, place| {
                let rows = &lists.rows[*place as usize..list.end];
                let mut count = 0;
                if lists.values.is_empty() {
                    for &row in rows {
                        let Some(cursor) = counters.get_mut(row.wrapping_sub(first) as usize) else { break };
                        out.examples[*cursor as usize] = example;
                        *cursor += 1;
                        count += 1;
                    }
                } else {
                    for (&row, &value) in rows.iter().zip(&lists.values[*place as usize..list.end]) {
                        let Some(cursor) = counters.get_mut(row.wrapping_sub(first) as usize) else { break };
                        out.examples[*cursor as usize] = example;
                        out.values[*cursor as usize] = value;
                        *cursor += 1;
                        count += 1;
                    }
                }
                *place += count;
            });
            sorted.rows += listed_rows;
            sorted.entries += entries;
        }
        out.starts[sorted.rows] = sorted.entries as u32;
        for_each_list(blocks, places, |_, lists, list, place| {
            let next = lists.rows[..list.end].get(*place as usize);
            assert!(next.is_none_or(|&row| row >= range.end), "csr_to_csc: the rows of an example must ascend");
        });
        sorted
    }
}

/// Calls `work` with the number of each example, the block and the places of its list, and its element of `places`.
#[inline(always)]
fn for_each_list<'a>(
    blocks: impl Iterator<Item = CsrView<'a>>,
    places: &mut [u32],
    mut work: impl FnMut(u32, &CsrView<'a>, Range<usize>, &mut u32),
) {
    let mut places = places.iter_mut().enumerate();
    for lists in blocks {
        for (list, (example, place)) in lists.places().zip(&mut places) {
            work(example as u32, &lists, list, place);
        }
    }
}
