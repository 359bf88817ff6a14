//! The training points as the engine reads them: features and labels by internal row, ascending, values scaled.

use std::ops::Deref;

use bytemuck::Pod;
use slide_mem::{Arena, MemError, Placement, Report, Slab};

use crate::config::Normalize;
use crate::data::Dataset;
use crate::layer::partition::Partition;

/// Points in internal row order: all at once from a data set, or one after another for prediction, without labels.
#[derive(Debug)]
pub struct Prepared {
    feature_starts: Column<u64>,
    features: Column<u32>,
    values: Column<f32>,
    label_starts: Column<u64>,
    labels: Column<u32>,
}

/// An array that is written once, from its start.
#[derive(Debug)]
enum Column<T> {
    /// Of a length known before, on the pages that tables ask for.
    Placed { slab: Slab<T>, written: usize },
    /// Of any length.
    Grown(Vec<T>),
}

impl<T: Pod> Column<T> {
    fn placed(arena: &Arena, len: usize) -> Result<Self, MemError> {
        Ok(Self::Placed { slab: arena.slab(len)?, written: 0 })
    }

    fn push(&mut self, value: T) {
        match self {
            Self::Placed { slab, written } => {
                slab[*written] = value;
                *written += 1;
            }
            Self::Grown(values) => values.push(value),
        }
    }

    /// What was written from `start` on.
    fn tail_mut(&mut self, start: usize) -> &mut [T] {
        match self {
            Self::Placed { slab, written } => &mut slab[start..*written],
            Self::Grown(values) => &mut values[start..],
        }
    }
}

impl<T> Deref for Column<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Placed { slab, written } => &slab[..*written],
            Self::Grown(values) => values,
        }
    }
}

impl Prepared {
    /// Renumbers and scales all points of `data`, whose arrays then lie as `placement` says.
    ///
    /// # Errors
    /// [`MemError`] if there is no memory for them.
    pub fn new(
        data: &Dataset,
        normalize: Normalize,
        features: &Partition,
        labels: &Partition,
        placement: Placement,
    ) -> Result<Self, MemError> {
        let (starts, parts) = (data.points() + 1, data.parts());
        let (feature_entries, label_entries) = (parts.feature_indices.len(), parts.label_indices.len());
        let bytes = [
            Arena::bytes_for::<u64>(starts)?,
            Arena::bytes_for::<u64>(starts)?,
            Arena::bytes_for::<u32>(feature_entries)?,
            Arena::bytes_for::<f32>(feature_entries)?,
            Arena::bytes_for::<u32>(label_entries)?,
        ];
        let arena = Arena::new(bytes.into_iter().fold(0, usize::saturating_add), placement)?;
        let mut prepared = Self {
            feature_starts: Column::placed(&arena, starts)?,
            features: Column::placed(&arena, feature_entries)?,
            values: Column::placed(&arena, feature_entries)?,
            label_starts: Column::placed(&arena, starts)?,
            labels: Column::placed(&arena, label_entries)?,
        };
        prepared.feature_starts.push(0);
        prepared.label_starts.push(0);
        for point in 0..data.points() {
            let (indices, values) = data.features(point);
            prepared.push(indices, values, normalize, features);
            let begin = prepared.labels.len();
            data.labels(point).iter().for_each(|&label| prepared.labels.push(labels.to_internal(label)));
            prepared.labels.tail_mut(begin).sort_unstable();
            prepared.label_starts.push(prepared.labels.len() as u64);
        }
        Ok(prepared)
    }

    /// No points, to which [`push`](Self::push) may add some.
    pub fn empty() -> Self {
        Self {
            feature_starts: Column::Grown(vec![0]),
            features: Column::Grown(Vec::new()),
            values: Column::Grown(Vec::new()),
            label_starts: Column::Grown(vec![0]),
            labels: Column::Grown(Vec::new()),
        }
    }

    /// Adds the features of a point; `indices` are below the partition's rows.
    ///
    /// # Panics
    /// If the points come from a data set, which are all there will be.
    pub fn push(&mut self, indices: &[u32], values: &[f32], normalize: Normalize, features: &Partition) {
        let scale = match normalize {
            Normalize::None => 1.0,
            Normalize::L2 => {
                let square: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
                if square > 0.0 { 1.0 / square.sqrt() } else { 1.0 }
            }
        };
        let mut row: Vec<(u32, f32)> = indices
            .iter()
            .zip(values)
            .map(|(&index, &value)| (features.to_internal(index), (f64::from(value) * scale) as f32))
            .collect();
        row.sort_unstable_by_key(|entry| entry.0);
        for (feature, value) in row {
            self.features.push(feature);
            self.values.push(value);
        }
        self.feature_starts.push(self.features.len() as u64);
    }

    /// A number that differs, but for an unlikely accident, for other points, another order or other values (FNV-1a).
    pub fn digest(&self) -> u64 {
        let starts = self.feature_starts.iter().chain(&*self.label_starts).copied();
        let words = self.features.iter().chain(&*self.labels).copied().chain(self.values.iter().map(|x| x.to_bits()));
        starts
            .chain(words.map(u64::from))
            .fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.feature_starts.len() - 1
    }

    /// Internal feature rows of a point, ascending, and their values.
    pub fn features(&self, point: usize) -> (&[u32], &[f32]) {
        let range = self.feature_starts[point] as usize..self.feature_starts[point + 1] as usize;
        (&self.features[range.clone()], &self.values[range])
    }

    /// Internal label rows of a point, ascending.
    pub fn labels(&self, point: usize) -> &[u32] {
        &self.labels[self.label_starts[point] as usize..self.label_starts[point + 1] as usize]
    }

    /// What pages the points of a data set lie on.
    pub fn report(&self) -> Report {
        match &self.features {
            Column::Placed { slab, .. } => slab.report(),
            Column::Grown(_) => Report::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Parts;

    /// The points of a data set, placed, and one after another, grown.
    #[test]
    fn placed_points_are_those_that_are_pushed() {
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
        let (data, partition) = (Dataset::try_from(parts).unwrap(), Partition::new(2048));
        let placed = Prepared::new(&data, Normalize::L2, &partition, &partition, Placement::default()).unwrap();
        let mut grown = Prepared::empty();
        for point in 0..data.points() {
            let (indices, values) = data.features(point);
            grown.push(indices, values, Normalize::L2, &partition);
            assert_eq!(placed.features(point), grown.features(point));
        }
        assert_eq!((placed.points(), grown.points()), (3, 3));
        assert_eq!(placed.features(0), (&[375, 512][..], &[-0.8, 0.6][..]));
        assert_eq!((placed.labels(1), placed.labels(2)), (&[0, 512, 2047][..], &[][..]));
        assert!(placed.report().mapped_bytes > 0);
        assert_eq!(grown.report(), Report::default());
    }
}
