//! Examples in the form of the input layer: features by internal row, ascending, values scaled.

use crate::choice::choices;
use crate::layer::partition::Partition;
use crate::views::list_range;

choices! {
    /// How the features of an example are scaled before they enter the network, in training and in prediction.
    pub enum Normalize ("scaling") {
        /// No scaling.
        None = "none",
        /// To Euclidean length 1 (an example of zeros is unchanged).
        L2 = "l2",
    }
}

/// The factor that gives a row the Euclidean length 1; 1 for a row of zeros.
pub(crate) fn unit_scale(values: &[f32]) -> f64 {
    let square: f64 = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    if square > 0.0 { 1.0 / square.sqrt() } else { 1.0 }
}

impl Normalize {
    /// Replaces `row` by the internal rows, ascending, and the scaled values of an example; `indices` are below the
    /// partition's rows.
    pub(crate) fn row(self, indices: &[u32], values: &[f32], features: &Partition, row: &mut Vec<(u32, f32)>) {
        let scale = match self {
            Self::None => 1.0,
            Self::L2 => unit_scale(values),
        };
        row.clear();
        let pairs = indices.iter().zip(values);
        row.extend(pairs.map(|(&index, &x)| (features.to_internal(index), (f64::from(x) * scale) as f32)));
        row.sort_unstable_by_key(|entry| entry.0);
    }
}

/// Examples that are added one after another, for prediction; the buffers are reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputRows {
    ends: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f32>,
    row: Vec<(u32, f32)>,
}

impl InputRows {
    /// Removes all examples.
    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.rows.clear();
        self.values.clear();
    }

    /// Adds an example; `indices` are below the partition's rows.
    pub(crate) fn push(&mut self, indices: &[u32], values: &[f32], normalize: Normalize, features: &Partition) {
        normalize.row(indices, values, features, &mut self.row);
        self.rows.extend(self.row.iter().map(|entry| entry.0));
        self.values.extend(self.row.iter().map(|entry| entry.1));
        self.ends.push(self.rows.len());
    }

    /// Internal feature rows of an example, ascending, and their values.
    pub(crate) fn features(&self, example: usize) -> (&[u32], &[f32]) {
        let range = list_range(&self.ends, example);
        (&self.rows[range.clone()], &self.values[range])
    }
}
