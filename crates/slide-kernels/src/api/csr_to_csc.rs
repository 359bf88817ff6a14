//! Conversion of a sparse matrix from CSR to CSC by a counting sort.
//!
//! The matrix has a line per training example and a column per row of a weight table ("row" below always means a row of
//! weights). CSR lists for each example the rows that it uses; CSC lists for each row the examples that use it.

use core::ops::Range;

use crate::Kernels;

table! {
    /// `scan(counters, first, start, rows, starts)`: an exclusive prefix sum over the counters that are not zero, from
    /// `start`. Each of them is replaced by the sum before it; its index plus `first` goes to `rows`, the sum to `starts`.
    /// Returns how many there are. Counters that were zero are left in an unspecified state.
    ///
    /// Safety: the level is available; `rows` and `starts` have room for every counter that is not zero; `start` and the
    /// counters add up to less than 2^32.
    scan: unsafe fn(&mut [u32], u32, u32, &mut [u32], &mut [u32]) -> usize,
}

/// A sparse matrix in CSR: the row indices of consecutive examples, ascending within each, and optionally their values.
#[derive(Clone, Copy, Debug)]
pub struct CsrView<'a> {
    /// Row indices, one example after the other.
    pub rows: &'a [u32],
    /// One value per row index, or empty.
    pub values: &'a [f32],
    /// The entries of example `s` are `rows[bounds[s * stride]..bounds[s * stride + 1]]`.
    pub bounds: &'a [u32],
    /// Distance between the bounds of consecutive examples. 1 is plain CSR: each list ends where the next begins. If the
    /// lists were split into shards of rows, an example has one bound per shard and one for the end: `stride` is that number,
    /// and `bounds` begins at the bound of the shard.
    pub stride: usize,
}

impl<'a> CsrView<'a> {
    /// The number of examples.
    pub fn examples(&self) -> usize {
        if self.bounds.len() < 2 { 0 } else { (self.bounds.len() - 2) / self.stride.max(1) + 1 }
    }

    /// The range of each example's entries.
    fn places(&self) -> impl Iterator<Item = Range<usize>> + use<'a> {
        self.bounds.windows(2).step_by(self.stride.max(1)).map(|pair| pair[0] as usize..pair[1] as usize)
    }
}

/// The output of [`Kernels::csr_to_csc`]: a sparse matrix in CSC, the parts of a [`CscPattern`](crate::CscPattern) and the values.
///
/// The result is the first [`CscShape::rows`] elements of `rows`, one more of `starts`, and the first [`CscShape::entries`] of
/// `examples` and `values`. Later elements of `rows` and `starts` are unspecified and differ between levels, some of which write
/// whole vectors. Later elements of `examples` and `values` are not written.
#[derive(Debug)]
pub struct CscMut<'a> {
    /// Needs as many elements as the range has rows, or as there are entries if those are fewer.
    pub rows: &'a mut [u32],
    /// Needs one element more than that.
    pub starts: &'a mut [u32],
    /// Needs one element per entry.
    pub examples: &'a mut [u32],
    /// Needs one element per entry; may be empty if the input has no values.
    pub values: &'a mut [f32],
}

/// The size of what [`Kernels::csr_to_csc`] has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CscShape {
    /// Rows with at least one entry; `starts` has one element more.
    pub rows: usize,
    /// Entries, that is pairs of row and example.
    pub entries: usize,
}

impl Kernels {
    /// Converts the rows of `range` from CSR to CSC: lists the rows that occur in `blocks`, ascending and relative to
    /// `range.start`, and for each row the examples that list it, ascending, with their values.
    ///
    /// Examples are numbered from 0 through all blocks. A row that an example lists twice gets two entries, in the order of
    /// the list.
    ///
    /// Cost: two passes over the entries, and one vectorised pass over the rows of the range. `counters` and `places` are
    /// scratch: their content before the call does not matter, and after it is unspecified. The range is processed in tiles of
    /// `counters.len()` rows. The counters and the output of a tile should fit the cache of a core: 8,192 counters work well
    /// if each example has some rows in each tile.
    ///
    /// # Panics
    /// If `counters` is empty, `places` does not have one element per example, a slice of `out` is too short, bounds are out of
    /// range for `rows`, a stride is 0, some blocks have values but not one per row index, the rows of an example do not ascend
    /// from tile to tile, or there are 2^32 entries or more.
    pub fn csr_to_csc<'a>(
        &self,
        blocks: impl Iterator<Item = CsrView<'a>> + Clone,
        range: Range<u32>,
        counters: &mut [u32],
        places: &mut [u32],
        out: CscMut<'_>,
    ) -> CscShape {
        assert!(!counters.is_empty(), "csr_to_csc: counters is empty");
        let mut with_values = None;
        for lists in blocks.clone().filter(|lists| !lists.rows.is_empty()) {
            assert!(lists.stride > 0, "csr_to_csc: stride is 0");
            let has_values = !lists.values.is_empty();
            assert!(
                !has_values || lists.values.len() == lists.rows.len(),
                "csr_to_csc: values and rows differ in length"
            );
            let all = *with_values.get_or_insert(has_values) == has_values;
            assert!(all, "csr_to_csc: some blocks have values, others do not");
        }
        let examples: usize = blocks.clone().map(|lists| lists.examples()).sum();
        assert_eq!(places.len(), examples, "csr_to_csc: places needs one element per example");
        for_each_list(blocks.clone(), places, |_, lists, list, place| {
            let rows = &lists.rows[list.clone()];
            // Usually nothing has to be skipped.
            let before = if rows.first().is_none_or(|&row| row >= range.start) {
                0
            } else {
                rows.partition_point(|&row| row < range.start)
            };
            *place = (list.start + before) as u32;
        });

        let mut sorted = CscShape { rows: 0, entries: 0 };
        for first in range.clone().step_by(counters.len()) {
            let tile = counters.len().min((range.end - first) as usize);
            let counters = &mut counters[..tile];
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

/// Calls `work` with each example's index, its block, the range of its entries, and its element of `places`.
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
