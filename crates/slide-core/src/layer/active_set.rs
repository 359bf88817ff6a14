//! The active sets of a batch as sparse matrices: by example ([`Csr`]), and by row ([`Csc`]).
//!
//! An example lists its active rows, ascending. The owner of a shard (or of another run of rows) needs the transpose: for each of its rows the
//! examples in whose set it is. [`Csc::fill`] computes it by a counting sort, one shard at a time, so that all
//! owners work in parallel.

use std::ops::Range;

use slide_kernels::{CscMut, CscPattern, CsrView, Kernels};

/// The active rows of the examples of a block in one layer, in compressed sparse rows: for each example its rows, ascending,
/// with a value each (the input value of a feature, or the target of an output row).
#[derive(Clone, Debug, Default)]
pub(crate) struct Csr {
    /// Where each example's list begins, and the end of the last.
    pub(crate) starts: Vec<u32>,
    /// Internal rows, ascending within an example.
    pub(crate) rows: Vec<u32>,
    /// One value per row.
    pub(crate) values: Vec<f32>,
    /// For each example where in its list each shard's rows begin: `[examples][shards + 1]`.
    shard_bounds: Vec<u32>,
    /// The first row of each shard, and the number of rows.
    shard_starts: Vec<usize>,
}

impl Csr {
    /// Empties the lists, for a new batch over rows of which `starts` are the first of each shard, and at last their number.
    pub(crate) fn clear(&mut self, starts: impl IntoIterator<Item = usize>) {
        self.shard_starts.clear();
        self.shard_starts.extend(starts);
        self.starts.clear();
        self.starts.push(0);
        self.rows.clear();
        self.values.clear();
        self.shard_bounds.clear();
    }

    /// Ends the list of the current example: what was pushed to `rows` and `values` since the last call.
    pub(crate) fn finish_example(&mut self) {
        let begin = *self.starts.last().expect("`clear` pushes the first start") as usize;
        self.starts.push(self.rows.len() as u32);
        let list = &self.rows[begin..];
        let mut position = 0;
        let (_, starts) = self.shard_starts.split_last().expect("`clear` was given the number of rows");
        for &first in starts {
            while position < list.len() && (list[position] as usize) < first {
                position += 1;
            }
            self.shard_bounds.push((begin + position) as u32);
        }
        self.shard_bounds.push(self.rows.len() as u32);
    }

    /// Number of finished examples.
    pub(crate) fn examples(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The rows and values of an example.
    pub(crate) fn example(&self, example: usize) -> (&[u32], &[f32]) {
        let range = self.starts[example] as usize..self.starts[example + 1] as usize;
        (&self.rows[range.clone()], &self.values[range])
    }

    /// The part of every list in a shard.
    fn in_shard(&self, shard: usize) -> CsrView<'_> {
        CsrView {
            rows: &self.rows,
            values: &self.values,
            bounds: self.shard_bounds.get(shard..).unwrap_or_default(),
            stride: self.shard_starts.len(),
        }
    }

    /// The number of entries of all lists in a shard.
    fn entries_in_shard(&self, shard: usize) -> usize {
        self.shard_bounds
            .chunks_exact(self.shard_starts.len())
            .map(|bounds| (bounds[shard + 1] - bounds[shard]) as usize)
            .sum()
    }
}

/// Rows whose counters fit in the cache of a core, together with the output.
const COUNTERS: usize = 16_384;

/// The active rows of one shard in compressed sparse columns: for each row the examples in whose set it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Csc {
    /// The rows in any set, ascending, numbered from the shard's first.
    pub(crate) rows: Vec<u32>,
    /// Where each row's list of examples begins, and the end of the last.
    pub(crate) starts: Vec<u32>,
    /// Examples of the batch, ascending within a row.
    pub(crate) examples: Vec<u32>,
    /// The value of each entry.
    pub(crate) values: Vec<f32>,
    counters: Vec<u32>,
    places: Vec<u32>,
}

impl Csc {
    /// Transposes the lists of `blocks`, whose examples follow each other, for one of their shards, which has the rows `range`.
    pub(crate) fn fill<'a>(
        &mut self,
        kernels: &Kernels,
        blocks: impl Iterator<Item = &'a Csr> + Clone,
        range: Range<usize>,
        shard: usize,
    ) {
        let entries = blocks.clone().map(|lists| lists.entries_in_shard(shard)).sum();
        let most_rows = range.len().min(entries);
        self.rows.resize(most_rows, 0);
        self.starts.resize(most_rows + 1, 0);
        self.examples.resize(entries, 0);
        self.values.resize(entries, 0.0);
        self.counters.resize(range.len().clamp(1, COUNTERS), 0);
        self.places.resize(blocks.clone().map(Csr::examples).sum(), 0);
        let sorted = kernels.csr_to_csc(
            blocks.map(|lists| lists.in_shard(shard)),
            range.start as u32..range.end as u32,
            &mut self.counters,
            &mut self.places,
            CscMut {
                rows: &mut self.rows,
                starts: &mut self.starts,
                examples: &mut self.examples,
                values: &mut self.values,
            },
        );
        self.rows.truncate(sorted.rows);
        self.starts.truncate(sorted.rows + 1);
    }

    /// The pattern as the kernels take it, for a shard of `rows` rows and a batch of `examples` examples.
    pub(crate) fn pattern(&self, rows: usize, examples: usize) -> CscPattern<'_> {
        CscPattern::new(&self.rows, &self.starts, &self.examples, rows, examples)
            .expect("transposed lists are ascending and in range")
    }

    /// The examples (with values) of the `index`-th listed row.
    #[cfg(test)]
    fn row(&self, index: usize) -> (&[u32], &[f32]) {
        let range = self.starts[index] as usize..self.starts[index + 1] as usize;
        (&self.examples[range.clone()], &self.values[range])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::partition::Partition;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn transposing_agrees_with_a_search(
            sets in prop::collection::vec(prop::collection::btree_set(0u32..3000, 0..40), 1..20),
            cut in 0usize..20,
        ) {
            let partition = Partition::new(3000);
            let mut blocks = [Csr::default(), Csr::default()];
            blocks.iter_mut().for_each(|block| block.clear(partition.starts()));
            for (example, set) in sets.iter().enumerate() {
                let block = &mut blocks[usize::from(example >= cut)];
                for &row in set {
                    block.rows.push(row);
                    block.values.push(row as f32 + example as f32);
                }
                block.finish_example();
            }
            let mut transposed = Csc::default();
            for shard in 0..partition.shards() {
                let range = partition.start(shard)..partition.start(shard + 1);
                transposed.fill(Kernels::best(), blocks.iter(), range, shard);
                let first = partition.start(shard) as u32;
                let mut listed = transposed.rows.iter();
                for row in first..partition.start(shard + 1) as u32 {
                    let wanted: Vec<u32> = (0..sets.len() as u32)
                        .filter(|&s| sets[s as usize].contains(&row))
                        .collect();
                    if wanted.is_empty() {
                        continue;
                    }
                    prop_assert_eq!(listed.next(), Some(&(row - first)));
                    let index = transposed.rows.iter().position(|&r| r == row - first).unwrap();
                    let (examples, values) = transposed.row(index);
                    prop_assert_eq!(examples, &wanted[..]);
                    for (&example, &value) in examples.iter().zip(values) {
                        prop_assert_eq!(value, row as f32 + example as f32);
                    }
                }
                prop_assert_eq!(listed.next(), None);
            }
        }
    }
}
