//! The features of a block of examples, as the rows of a model.

use super::predictor::Example;
use crate::data::{FeatureRows, InputRows};
use crate::layer::partition::Partition;
use crate::views::list_range;

/// Examples as a model takes them: features in the order in which they are added up.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    sorted: InputRows,
    /// The features as the model numbers them, if that is not the order of training.
    is_renumbered: bool,
    ends: Vec<usize>,
    rows: Vec<u32>,
}

impl Inputs {
    /// Takes `examples`; `features` are the rows of the model that they refer to.
    pub(super) fn take(&mut self, examples: &[Example<'_>], as_trained: &FeatureRows<'_>, features: &Partition) {
        let order = Partition::new(features.rows());
        let Self { sorted, is_renumbered, ends, rows } = self;
        sorted.clear();
        examples.iter().for_each(|(columns, values)| sorted.push(columns, values, as_trained));
        *is_renumbered = *features != order;
        ends.clear();
        rows.clear();
        for example in (0..examples.len()).filter(|_| *is_renumbered) {
            let features = sorted.features(example).0.iter().map(|&row| features.to_internal(order.to_logical(row)));
            rows.extend(features);
            ends.push(rows.len());
        }
    }

    /// The rows of an example's features, in the order of sums, and their values.
    pub(super) fn features(&self, example: usize) -> (&[u32], &[f32]) {
        let (sorted, values) = self.sorted.features(example);
        (if self.is_renumbered { &self.rows[list_range(&self.ends, example)] } else { sorted }, values)
    }
}
