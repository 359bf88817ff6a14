//! The active sets of a batch, sample by sample and row by row.
//!
//! A sample lists the rows it wants, ascending. The owner of a chunk wants the opposite: for each of its rows the
//! samples that want it. [`Transposed::fill`] turns one into the other by a counting sort, one chunk at a time,
//! so that all owners do it at once.

use slide_kernels::{CscMut, CscPattern, Kernels};

use crate::layer::partition::Partition;

/// What the samples of a block want of one layer: for each sample its rows, ascending, with a value each (the input
/// value of a feature, or the target of an output row).
#[derive(Clone, Debug, Default)]
pub struct SampleLists {
    /// Where each sample's list begins, and the end of the last.
    pub starts: Vec<u32>,
    /// Internal rows, ascending within a sample.
    pub rows: Vec<u32>,
    /// One value per row.
    pub values: Vec<f32>,
    /// For each sample where in its list each chunk's rows begin: `[samples][chunks + 1]`.
    chunk_bounds: Vec<u32>,
    /// The first row of each chunk, and the number of rows.
    chunk_starts: Vec<usize>,
}

impl SampleLists {
    /// Empties the lists, for a new batch over the rows of `partition`.
    pub fn clear(&mut self, partition: &Partition) {
        self.chunk_starts = partition.starts();
        self.starts.clear();
        self.starts.push(0);
        self.rows.clear();
        self.values.clear();
        self.chunk_bounds.clear();
    }

    /// Ends the list of the current sample: what was pushed to `rows` and `values` since the last call.
    pub fn finish_sample(&mut self) {
        let begin = *self.starts.last().expect("`clear` pushes the first start") as usize;
        self.starts.push(self.rows.len() as u32);
        let list = &self.rows[begin..];
        let mut position = 0;
        for &first in &self.chunk_starts {
            while position < list.len() && (list[position] as usize) < first {
                position += 1;
            }
            self.chunk_bounds.push((begin + position) as u32);
        }
    }

    /// Number of finished samples.
    pub fn samples(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The rows and values of a sample.
    pub fn sample(&self, sample: usize) -> (&[u32], &[f32]) {
        let range = self.starts[sample] as usize..self.starts[sample + 1] as usize;
        (&self.rows[range.clone()], &self.values[range])
    }

    /// The part of every list that lies in a chunk.
    fn in_chunk(&self, chunk: usize, chunks: usize) -> slide_kernels::CsrView<'_> {
        slide_kernels::CsrView {
            rows: &self.rows,
            values: &self.values,
            bounds: self.chunk_bounds.get(chunk..).unwrap_or_default(),
            stride: chunks + 1,
        }
    }

    /// How many rows of a chunk the samples want together, each counted as often as it is wanted.
    fn entries_in_chunk(&self, chunk: usize, chunks: usize) -> usize {
        self.chunk_bounds.chunks_exact(chunks + 1).map(|bounds| (bounds[chunk + 1] - bounds[chunk]) as usize).sum()
    }
}

/// Rows whose counters stay in the cache of a core, together with what is written for them.
const COUNTERS: usize = 16_384;

/// What the rows of one chunk are wanted by.
#[derive(Clone, Debug, Default)]
pub struct Transposed {
    /// The wanted rows, ascending, numbered from the chunk's first.
    pub rows: Vec<u32>,
    /// Where each row's list of samples begins, and the end of the last.
    pub starts: Vec<u32>,
    /// Samples of the batch, ascending within a row.
    pub members: Vec<u32>,
    /// The value that came with each member.
    pub values: Vec<f32>,
    counters: Vec<u32>,
    places: Vec<u32>,
}

impl Transposed {
    /// Transposes the lists of `blocks`, whose samples follow each other, for one chunk of `partition`.
    pub fn fill<'a>(
        &mut self,
        kernels: &Kernels,
        blocks: impl Iterator<Item = &'a SampleLists> + Clone,
        partition: &Partition,
        chunk: usize,
    ) {
        let (first, end, chunks) = (partition.start(chunk), partition.start(chunk + 1), partition.chunks());
        let entries = blocks.clone().map(|lists| lists.entries_in_chunk(chunk, chunks)).sum();
        let most_rows = (end - first).min(entries);
        self.rows.resize(most_rows, 0);
        self.starts.resize(most_rows + 1, 0);
        self.members.resize(entries, 0);
        self.values.resize(entries, 0.0);
        self.counters.resize((end - first).clamp(1, COUNTERS), 0);
        self.places.resize(blocks.clone().map(SampleLists::samples).sum(), 0);
        let sorted = kernels.csr_to_csc(
            blocks.map(|lists| lists.in_chunk(chunk, chunks)),
            first as u32..end as u32,
            &mut self.counters,
            &mut self.places,
            CscMut {
                rows: &mut self.rows,
                starts: &mut self.starts,
                examples: &mut self.members,
                values: &mut self.values,
            },
        );
        self.rows.truncate(sorted.rows);
        self.starts.truncate(sorted.rows + 1);
    }

    /// The lists as the kernels take them, for a chunk of `rows` rows and a batch of `samples` samples.
    pub fn active_rows(&self, rows: usize, samples: usize) -> CscPattern<'_> {
        CscPattern::new(&self.rows, &self.starts, &self.members, rows, samples)
            .expect("transposed lists are ascending and in range")
    }

    /// The samples (with values) of the `index`-th wanted row.
    #[cfg(test)]
    fn row(&self, index: usize) -> (&[u32], &[f32]) {
        let range = self.starts[index] as usize..self.starts[index + 1] as usize;
        (&self.members[range.clone()], &self.values[range])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn transposing_agrees_with_a_search(
            sets in prop::collection::vec(prop::collection::btree_set(0u32..3000, 0..40), 1..20),
            cut in 0usize..20,
        ) {
            let partition = Partition::new(3000);
            let mut blocks = [SampleLists::default(), SampleLists::default()];
            blocks.iter_mut().for_each(|block| block.clear(&partition));
            for (sample, set) in sets.iter().enumerate() {
                let block = &mut blocks[usize::from(sample >= cut)];
                for &row in set {
                    block.rows.push(row);
                    block.values.push(row as f32 + sample as f32);
                }
                block.finish_sample();
            }
            let mut transposed = Transposed::default();
            for chunk in 0..partition.chunks() {
                transposed.fill(Kernels::best(), blocks.iter(), &partition, chunk);
                let first = partition.start(chunk) as u32;
                let mut listed = transposed.rows.iter();
                for row in first..partition.start(chunk + 1) as u32 {
                    let wanted: Vec<u32> = (0..sets.len() as u32)
                        .filter(|&s| sets[s as usize].contains(&row))
                        .collect();
                    if wanted.is_empty() {
                        continue;
                    }
                    prop_assert_eq!(listed.next(), Some(&(row - first)));
                    let index = transposed.rows.iter().position(|&r| r == row - first).unwrap();
                    let (members, values) = transposed.row(index);
                    prop_assert_eq!(members, &wanted[..]);
                    for (&sample, &value) in members.iter().zip(values) {
                        prop_assert_eq!(value, row as f32 + sample as f32);
                    }
                }
                prop_assert_eq!(listed.next(), None);
            }
        }
    }
}
