//! The weights as training makes them: label by label.

use crate::views::list_range;

/// Weights of labels, label by label.
#[derive(Clone, Debug, Default)]
pub(super) struct LabelWeights {
    /// Where each label's weights end.
    ends: Vec<usize>,
    features: Vec<u32>,
    weights: Vec<f32>,
    /// Score of each label for an example without features.
    biases: Vec<f32>,
}

impl LabelWeights {
    /// A weight of the next label.
    pub(super) fn push(&mut self, feature: u32, weight: f32) {
        self.features.push(feature);
        self.weights.push(weight);
    }

    /// The next label has been pushed: `bias` is its score for an example without features.
    pub(super) fn push_label(&mut self, bias: f32) {
        self.biases.push(bias);
        self.ends.push(self.weights.len());
    }

    /// Adds the labels of `other` behind these.
    pub(super) fn append(&mut self, other: &Self) {
        let before = self.weights.len();
        self.features.extend_from_slice(&other.features);
        self.weights.extend_from_slice(&other.weights);
        self.biases.extend_from_slice(&other.biases);
        self.ends.extend(other.ends.iter().map(|end| before + end));
    }

    /// The features of a label, their weights, and the score for an example without features.
    pub(super) fn label(&self, label: usize) -> (&[u32], &[f32], f32) {
        let range = list_range(&self.ends, label);
        (&self.features[range.clone()], &self.weights[range], self.biases[label])
    }

    /// All weights, label by label.
    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Score of each label for an example without features.
    pub(super) fn biases(&self) -> &[f32] {
        &self.biases
    }
}
