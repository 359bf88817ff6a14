//! Examples in the form of the input layer: features by internal row, ascending, values scaled.

use super::Numbering;
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
pub(crate) fn unit_scale(values: impl Iterator<Item = f32>) -> f64 {
    let square: f64 = values.map(|value| f64::from(value) * f64::from(value)).sum();
    if square > 0.0 { 1.0 / square.sqrt() } else { 1.0 }
}

/// How the features of files become rows of the input layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeatureRows<'a> {
    normalize: Normalize,
    numbering: &'a Numbering,
    partition: Partition,
}

impl<'a> FeatureRows<'a> {
    pub(crate) fn new(normalize: Normalize, numbering: &'a Numbering) -> Self {
        Self { normalize, numbering, partition: Partition::new(numbering.places()) }
    }

    /// Replaces `row` by the internal rows, ascending, and the scaled values of an example. Features that the model does not have are
    /// left out, as if the example did not have them.
    pub(crate) fn row(&self, columns: &[u32], values: &[f32], row: &mut Vec<(u32, f32)>) {
        row.clear();
        let known = |(&column, &value): (&u32, &f32)| {
            self.numbering.place(column).map(|place| (self.partition.to_internal(place), value))
        };
        row.extend(columns.iter().zip(values).filter_map(known));
        let scale = match self.normalize {
            Normalize::None => 1.0,
            Normalize::L2 => unit_scale(row.iter().map(|entry| entry.1)),
        };
        row.iter_mut().for_each(|(_, value)| *value = (f64::from(*value) * scale) as f32);
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

    /// Adds an example.
    pub(crate) fn push(&mut self, columns: &[u32], values: &[f32], rows: &FeatureRows<'_>) {
        rows.row(columns, values, &mut self.row);
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
