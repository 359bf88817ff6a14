//! The training points as the engine reads them: features and labels by internal row, ascending, values scaled.

use crate::config::Normalize;
use crate::data::Dataset;
use crate::layer::partition::Partition;

/// Points in internal row order. Also used, without labels, for prediction.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    feature_starts: Vec<u64>,
    features: Vec<u32>,
    values: Vec<f32>,
    label_starts: Vec<u64>,
    labels: Vec<u32>,
}

impl Prepared {
    /// Renumbers and scales all points of `data`.
    pub fn new(data: &Dataset, normalize: Normalize, features: &Partition, labels: &Partition) -> Self {
        let mut prepared = Self::empty();
        for point in 0..data.points() {
            let (indices, values) = data.features(point);
            prepared.push(indices, values, normalize, features);
            prepared.labels.extend(data.labels(point).iter().map(|&l| labels.to_internal(l)));
            let begin = *prepared.label_starts.last().expect("never empty") as usize;
            prepared.labels[begin..].sort_unstable();
            prepared.label_starts.push(prepared.labels.len() as u64);
        }
        prepared
    }

    /// No points.
    pub fn empty() -> Self {
        Self { feature_starts: vec![0], label_starts: vec![0], ..Self::default() }
    }

    /// Adds the features of a point; `indices` are below the partition's rows.
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
        self.features.extend(row.iter().map(|entry| entry.0));
        self.values.extend(row.iter().map(|entry| entry.1));
        self.feature_starts.push(self.features.len() as u64);
    }

    /// A number that differs, but for an unlikely accident, for other points, another order or other values (FNV-1a).
    pub fn digest(&self) -> u64 {
        let starts = self.feature_starts.iter().chain(&self.label_starts).copied();
        let words = self.features.iter().chain(&self.labels).copied().chain(self.values.iter().map(|x| x.to_bits()));
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
}
