//! The weights as an inverted index: for each feature the labels that it speaks for or against.
//!
//! Labels are cut into blocks of 65,536, so that a label takes two bytes in a list, as does its weight, and the scores of a block
//! stay in the second cache.

use std::ops::Range;
use std::sync::Arc;

use half::f16;
use slide_kernels::Kernels;

use super::biases::Biases;
use super::label_weights::LabelWeights;

/// Labels of a block.
pub(super) const BLOCK: usize = 1 << 16;

/// For each feature its labels, with a weight each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Postings {
    features: usize,
    blocks: usize,
    /// Where the list of each feature starts in each block, feature by feature, and the end of the last.
    starts: Vec<usize>,
    /// Numbers in the block, ascending in a list.
    labels: Vec<u16>,
    weights: Vec<f16>,
    biases: Arc<Biases>,
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

    /// From `(feature, label, weight)`, as `lists` gives them twice: in any order of the features, but the labels of a feature
    /// ascending.
    pub(crate) fn from_lists(features: usize, biases: &[f32], lists: impl Fn(&mut dyn FnMut(u32, u32, f16))) -> Self {
        let blocks = biases.len().div_ceil(BLOCK);
        let list_of = |feature: u32, label: u32| feature as usize * blocks + label as usize / BLOCK;
        let mut starts = vec![0; features * blocks + 1];
        lists(&mut |feature, label, _| starts[list_of(feature, label) + 1] += 1);
        for list in 1..starts.len() {
            starts[list] += starts[list - 1];
        }
        let entries = starts[features * blocks];
        let (mut labels, mut weights) = (vec![0; entries], vec![f16::ZERO; entries]);
        let mut next = starts.clone();
        lists(&mut |feature, label, weight| {
            let place = &mut next[list_of(feature, label)];
            labels[*place] = (label as usize % BLOCK) as u16;
            weights[*place] = weight;
            *place += 1;
        });
        Self { features, blocks, starts, labels, weights, biases: Arc::new(Biases::new(biases)) }
    }

    /// The list of a feature: labels, ascending, and weights.
    pub(crate) fn list(&self, feature: usize) -> impl Iterator<Item = (u32, f16)> {
        (0..self.blocks).flat_map(move |block| {
            let (labels, weights) = self.entries(self.range(feature as u32, block));
            let labels = labels.iter().map(move |&label| (block * BLOCK) as u32 + u32::from(label));
            labels.zip(weights.iter().copied())
        })
    }

    /// Where the entries of a feature in a block are.
    pub(super) fn range(&self, feature: u32, block: usize) -> Range<usize> {
        let list = feature as usize * self.blocks + block;
        self.starts[list]..self.starts[list + 1]
    }

    /// Labels, numbered in the block, and weights.
    pub(super) fn entries(&self, range: Range<usize>) -> (&[u16], &[f16]) {
        (&self.labels[range.clone()], &self.weights[range])
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

    /// Score of each label for an example without features; negative infinity for a label that was never trained.
    pub(crate) fn biases(&self) -> &Arc<Biases> {
        &self.biases
    }
}
