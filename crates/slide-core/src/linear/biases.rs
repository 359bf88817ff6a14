//! The scores of labels for an example without features, and their order.

use super::scores::GROUP;

/// Scores of labels that no feature speaks for or against.
#[derive(Debug, Default)]
pub(crate) struct Biases {
    labels: usize,
    /// Of each label, and padding to whole groups.
    values: Vec<f32>,
    /// The labels, best first.
    ranked: Vec<u32>,
}

impl Biases {
    pub(super) fn new(biases: &[f32]) -> Self {
        let mut values = biases.to_vec();
        values.resize(biases.len().next_multiple_of(GROUP), f32::NEG_INFINITY);
        let mut ranked: Vec<u32> = (0..biases.len() as u32).collect();
        ranked.sort_unstable_by_key(|&label| rank(biases[label as usize], label));
        Self { labels: biases.len(), values, ranked }
    }

    /// Of each label.
    pub(crate) fn all(&self) -> &[f32] {
        &self.values[..self.labels]
    }

    /// The same, followed by padding to whole groups.
    pub(super) fn padded(&self) -> &[f32] {
        &self.values
    }

    /// The labels, best first.
    pub(super) fn ranked(&self) -> &[u32] {
        &self.ranked
    }
}

/// A sort key that is smaller for better scores, as [`slide_kernels::Kernels::top_k`] ranks them: equal scores (`-0` equals `+0`)
/// by label, NaN last.
pub(super) fn rank(score: f32, label: u32) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    let descending = if score.is_nan() { u32::MAX } else { !ascending };
    u64::from(descending) << 32 | u64::from(label)
}
