//! The training examples as the engine reads them: features and labels by internal row, ascending, values scaled.

use bytemuck::Pod;
use slide_mem::{Arena, MemError, Placement, Report, Slab};

use super::input_rows::FeatureRows;
use super::{Dataset, Normalize, Numbering};
use crate::layer::partition::Partition;

/// Examples in internal row order, in two compressed sparse matrices.
#[derive(Debug)]
pub(crate) struct TrainingSet {
    feature_starts: Column<u64>,
    features: Column<u32>,
    values: Column<f32>,
    label_starts: Column<u64>,
    labels: Column<u32>,
}

/// An array that is filled once, in order.
#[derive(Debug)]
struct Column<T> {
    slab: Slab<T>,
    written: usize,
}

impl<T: Pod> Column<T> {
    fn new(arena: &Arena, len: usize) -> Result<Self, MemError> {
        Ok(Self { slab: arena.slab(len)?, written: 0 })
    }

    fn push(&mut self, value: T) {
        self.slab[self.written] = value;
        self.written += 1;
    }
}

impl TrainingSet {
    /// Renumbers and scales all examples of `data`, whose features and labels all have places, into arrays with the given placement.
    ///
    /// # Errors
    /// [`MemError`] if there is no memory for them.
    pub(crate) fn new(
        data: &Dataset,
        normalize: Normalize,
        [features, labels]: [&Numbering; 2],
        placement: Placement,
    ) -> Result<Self, MemError> {
        let partition = Partition::new(labels.places());
        let starts = data.examples() + 1;
        let (feature_entries, label_entries) = (data.feature_entries(), data.label_entries());
        let bytes = [
            Arena::bytes_for::<u64>(starts)?,
            Arena::bytes_for::<u64>(starts)?,
            Arena::bytes_for::<u32>(feature_entries)?,
            Arena::bytes_for::<f32>(feature_entries)?,
            Arena::bytes_for::<u32>(label_entries)?,
        ];
        let arena = Arena::new(bytes.into_iter().fold(0, usize::saturating_add), placement)?;
        let mut set = Self {
            feature_starts: Column::new(&arena, starts)?,
            features: Column::new(&arena, feature_entries)?,
            values: Column::new(&arena, feature_entries)?,
            label_starts: Column::new(&arena, starts)?,
            labels: Column::new(&arena, label_entries)?,
        };
        set.feature_starts.push(0);
        set.label_starts.push(0);
        let (rows, mut row) = (FeatureRows::new(normalize, features), Vec::new());
        for example in 0..data.examples() {
            let (indices, values) = data.features(example);
            rows.row(indices, values, &mut row);
            for &(feature, value) in &row {
                set.features.push(feature);
                set.values.push(value);
            }
            set.feature_starts.push(set.features.written as u64);
            let begin = set.labels.written;
            labels
                .places_of(data.labels(example))
                .iter()
                .for_each(|&label| set.labels.push(partition.to_internal(label)));
            set.labels.slab[begin..set.labels.written].sort_unstable();
            set.label_starts.push(set.labels.written as u64);
        }
        Ok(set)
    }

    /// A hash (FNV-1a) of the examples, their order and their values.
    pub(crate) fn digest(&self) -> u64 {
        let starts = self.feature_starts.slab.iter().chain(&*self.label_starts.slab).copied();
        let words = self.features.slab.iter().chain(&*self.labels.slab).copied();
        let words = words.chain(self.values.slab.iter().map(|x| x.to_bits()));
        starts
            .chain(words.map(u64::from))
            .fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// Number of examples.
    pub(crate) fn examples(&self) -> usize {
        self.feature_starts.slab.len() - 1
    }

    /// Internal feature rows of an example, ascending, and their values.
    pub(crate) fn features(&self, example: usize) -> (&[u32], &[f32]) {
        let starts = &self.feature_starts.slab;
        let range = starts[example] as usize..starts[example + 1] as usize;
        (&self.features.slab[range.clone()], &self.values.slab[range])
    }

    /// The features of all examples: where each example's begin, and the end of the last; internal rows; values.
    pub(crate) fn feature_arrays(&self) -> (&[u64], &[u32], &[f32]) {
        (&self.feature_starts.slab, &self.features.slab, &self.values.slab)
    }

    /// Internal label rows of an example, ascending.
    pub(crate) fn labels(&self, example: usize) -> &[u32] {
        let starts = &self.label_starts.slab;
        &self.labels.slab[starts[example] as usize..starts[example + 1] as usize]
    }

    /// The pages and nodes of the arrays.
    pub(crate) fn report(&self) -> Report {
        self.features.slab.report()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{IndexBase, InputRows, Parts};

    #[test]
    fn training_and_prediction_read_the_same_rows() {
        let parts = Parts {
            feature_indptr: vec![0, 2, 2, 3],
            feature_indices: vec![1, 1500, 0],
            feature_values: vec![3.0, -4.0, 2.0],
            label_indptr: vec![0, 1, 4, 4],
            label_indices: vec![2, 0, 1, 2047],
            feature_count: 2048,
            label_count: 2048,
        };
        // Rows 0..512 are every fourth one.
        let (data, all) = (Dataset::try_from(parts).unwrap(), Numbering::all(2048, IndexBase::Zero));
        let set = TrainingSet::new(&data, Normalize::L2, [&all, &all], Placement::default()).unwrap();
        let mut rows = InputRows::default();
        for example in 0..data.examples() {
            let (indices, values) = data.features(example);
            rows.push(indices, values, &FeatureRows::new(Normalize::L2, &all));
            assert_eq!(set.features(example), rows.features(example));
        }
        assert_eq!(set.examples(), 3);
        assert_eq!(set.features(0), (&[375, 512][..], &[-0.8, 0.6][..]));
        assert_eq!((set.labels(1), set.labels(2)), (&[0, 512, 2047][..], &[][..]));
        assert!(set.report().mapped_bytes > 0);
    }
}
