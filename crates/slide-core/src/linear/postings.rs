//! The weights as an inverted index: for each feature the labels that it speaks for or against, and the scores of all labels by
//! adding up the lists of an example's features.
//!
//! Labels are cut into blocks of 65,536, so that a label takes two bytes in a list, as does its weight, and the scores of a block
//! stay in the second cache.

use half::f16;
use slide_kernels::Kernels;

use crate::views::list_range;

/// Labels of a block.
const BLOCK: usize = 1 << 16;
/// Weights widened at once.
const WIDENED: usize = 256;

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
}

/// The lists of a block.
#[derive(Clone, Debug, Default)]
struct Block {
    /// Where each feature's list starts, and the end of the last.
    starts: Vec<usize>,
    /// Numbers in the block, ascending in a list.
    labels: Vec<u16>,
    weights: Vec<f16>,
}

/// For each feature its labels, with a weight each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Postings {
    blocks: Vec<Block>,
    /// Score of each label for an example without features; negative infinity for a label that was never trained.
    biases: Vec<f32>,
}

/// Scores of all labels, and what adding them up needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scores {
    values: Vec<f32>,
    labels: usize,
}

impl Scores {
    /// The score of each label.
    pub(crate) fn all(&self) -> &[f32] {
        &self.values[..self.labels]
    }

    /// The score of each label, to be changed.
    pub(super) fn all_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.labels]
    }
}

impl Postings {
    /// The index of `features` features over the labels of `weights`.
    pub(super) fn new(features: usize, weights: &LabelWeights, kernels: &Kernels) -> Self {
        let mut rounded = vec![f16::ZERO; weights.weights.len()];
        kernels.f32_to_f16(&weights.weights, &mut rounded);
        Self::from_lists(features, weights.biases.clone(), |visit| {
            for label in 0..weights.ends.len() {
                let range = list_range(&weights.ends, label);
                for (&feature, &weight) in weights.features[range.clone()].iter().zip(&rounded[range]) {
                    visit(feature, label as u32, weight);
                }
            }
        })
    }

    /// Blocks whose `starts` are all 0: to be counted into, one place behind each feature's own.
    fn empty(features: usize, biases: Vec<f32>) -> Self {
        let block = Block { starts: vec![0; features + 1], ..Block::default() };
        Self { blocks: vec![block; biases.len().div_ceil(BLOCK)], biases }
    }

    /// Sums up the counts, and makes room for the lists.
    fn reserve(&mut self) {
        for block in &mut self.blocks {
            for feature in 1..block.starts.len() {
                block.starts[feature] += block.starts[feature - 1];
            }
            let entries = *block.starts.last().expect("one more than features");
            block.labels.resize(entries, 0);
            block.weights.resize(entries, f16::ZERO);
        }
    }

    /// From `(feature, label, weight)`, as `lists` gives them twice: in any order of the features, but the labels of a feature
    /// ascending.
    pub(crate) fn from_lists(features: usize, biases: Vec<f32>, lists: impl Fn(&mut dyn FnMut(u32, u32, f16))) -> Self {
        let mut index = Self::empty(features, biases);
        lists(&mut |feature, label, _| index.blocks[label as usize / BLOCK].starts[feature as usize + 1] += 1);
        index.reserve();
        let mut next: Vec<Vec<usize>> = index.blocks.iter().map(|block| block.starts.clone()).collect();
        lists(&mut |feature, label, weight| {
            let place = &mut next[label as usize / BLOCK][feature as usize];
            let block = &mut index.blocks[label as usize / BLOCK];
            block.labels[*place] = (label as usize % BLOCK) as u16;
            block.weights[*place] = weight;
            *place += 1;
        });
        index
    }

    /// The list of a feature: labels, ascending, and weights.
    pub(crate) fn list(&self, feature: usize) -> impl Iterator<Item = (u32, f16)> {
        self.blocks.iter().enumerate().flat_map(move |(number, block)| {
            let range = block.starts[feature]..block.starts[feature + 1];
            let labels =
                block.labels[range.clone()].iter().map(move |&label| (number * BLOCK) as u32 + u32::from(label));
            labels.zip(block.weights[range].iter().copied())
        })
    }

    /// Number of weights.
    pub(crate) fn weights(&self) -> usize {
        self.blocks.iter().map(|block| block.weights.len()).sum()
    }

    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.blocks.first().map_or(0, |block| block.starts.len() - 1)
    }

    /// Score of each label for an example without features.
    pub(crate) fn biases(&self) -> &[f32] {
        &self.biases
    }

    /// The scores of all labels for an example whose values are multiplied with `scale`: features are added in their order.
    pub(crate) fn scores(
        &self,
        kernels: &Kernels,
        (features, values): (&[u32], &[f32]),
        scale: f32,
        scores: &mut Scores,
    ) {
        scores.labels = self.biases.len();
        scores.values.resize(self.blocks.len() * BLOCK, 0.0);
        scores.values[..self.biases.len()].copy_from_slice(&self.biases);
        let mut widened = [0.0; WIDENED];
        for (block, sums) in self.blocks.iter().zip(scores.values.chunks_exact_mut(BLOCK)) {
            // An array, so that no index needs a check.
            let sums: &mut [f32; BLOCK] = sums.try_into().expect("a block");
            for (&feature, &value) in features.iter().zip(values) {
                let value = value * scale;
                let range = block.starts[feature as usize]..block.starts[feature as usize + 1];
                let (labels, weights) = (&block.labels[range.clone()], &block.weights[range]);
                for (labels, weights) in labels.chunks(WIDENED).zip(weights.chunks(WIDENED)) {
                    let widened = &mut widened[..weights.len()];
                    kernels.f16_to_f32(weights, widened);
                    for (&label, &weight) in labels.iter().zip(&*widened) {
                        sums[label as usize] += value * weight;
                    }
                }
            }
        }
    }
}
