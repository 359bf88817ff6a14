//! The weights as an inverted index: for each feature the labels that it speaks for or against.
//!
//! Labels stand at places of the index, see [`Labels`]. Places are cut into blocks of 65,536, so that a label takes two bytes in a
//! list, as does its weight, and the scores of a block stay in the second cache.

use std::ops::Range;
use std::sync::Arc;

use half::f16;
use slide_kernels::Kernels;

use super::label_weights::LabelWeights;
use super::labels::Labels;

/// Labels of a block.
pub(super) const BLOCK: usize = 1 << 16;

/// For each feature its labels, with a weight each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Postings {
    features: usize,
    blocks: usize,
    /// Where the list of each feature starts in each block, feature by feature, and the end of the last.
    starts: Vec<usize>,
    /// In the block, ascending in a list.
    places: Vec<u16>,
    weights: Vec<f16>,
    labels: Arc<Labels>,
}

impl Postings {
    /// The index of `features` features over the labels of `weights`.
    pub(super) fn new(features: usize, weights: &LabelWeights, kernels: &Kernels) -> Self {
        let mut rounded = vec![f16::ZERO; weights.weights().len()];
        kernels.f32_to_f16(weights.weights(), &mut rounded);
        Self::from_lists(features, weights.biases(), |visit| {
            let mut rounded = rounded.iter();
            for label in 0..weights.biases().len() {
                for (&feature, &weight) in weights.label(label).0.iter().zip(&mut rounded) {
                    visit(feature, label as u32, weight);
                }
            }
        })
    }

    /// From `(feature, label, weight)`, as `lists` gives them, three times, in any order.
    pub(crate) fn from_lists(features: usize, biases: &[f32], lists: impl Fn(&mut dyn FnMut(u32, u32, f16))) -> Self {
        let mut counts = vec![0; biases.len()];
        lists(&mut |_, label, _| counts[label as usize] += 1);
        let labels = Labels::new(biases, &counts);
        let blocks = biases.len().div_ceil(BLOCK);
        let list_of = |feature: u32, label: u32| feature as usize * blocks + labels.place(label) / BLOCK;
        let mut starts = vec![0; features * blocks + 1];
        lists(&mut |feature, label, _| starts[list_of(feature, label) + 1] += 1);
        for list in 1..starts.len() {
            starts[list] += starts[list - 1];
        }
        // Place and weight as one number, so that they are sorted together.
        let mut entries = vec![0; starts[features * blocks]];
        let mut next = starts.clone();
        lists(&mut |feature, label, weight| {
            let at = &mut next[list_of(feature, label)];
            entries[*at] = (labels.place(label) % BLOCK) as u32 * BLOCK as u32 + u32::from(weight.to_bits());
            *at += 1;
        });
        starts.windows(2).for_each(|list| entries[list[0]..list[1]].sort_unstable());
        let places = entries.iter().map(|entry| (entry / BLOCK as u32) as u16).collect();
        let weights = entries.iter().map(|&entry| f16::from_bits(entry as u16)).collect();
        Self { features, blocks, starts, places, weights, labels: Arc::new(labels) }
    }

    /// The list of a feature: labels, ascending, and weights.
    pub(crate) fn list(&self, feature: usize) -> impl Iterator<Item = (u32, f16)> {
        let mut list: Vec<(u32, f16)> = Vec::new();
        for block in 0..self.blocks {
            let (places, weights) = self.entries(self.range(feature as u32, block));
            let labels = places.iter().map(|&place| self.labels.at(block * BLOCK + usize::from(place)));
            list.extend(labels.zip(weights.iter().copied()));
        }
        list.sort_unstable_by_key(|entry| entry.0);
        list.into_iter()
    }

    /// Where the entries of a feature in a block are.
    pub(super) fn range(&self, feature: u32, block: usize) -> Range<usize> {
        let list = feature as usize * self.blocks + block;
        self.starts[list]..self.starts[list + 1]
    }

    /// The places of labels, in their block, and weights.
    pub(super) fn entries(&self, range: Range<usize>) -> (&[u16], &[f16]) {
        (&self.places[range.clone()], &self.weights[range])
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Number of weights.
    pub(crate) fn weights(&self) -> usize {
        self.weights.len()
    }

    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// The labels.
    pub(crate) fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }
}
