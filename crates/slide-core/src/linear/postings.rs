//! The weights as an inverted index: for each feature the labels that it speaks for or against, and the scores of all labels by
//! adding up the lists of an example's features.
//!
//! Labels are cut into blocks of 65,536, so that a label takes two bytes in a list, as does its weight, and the scores of a block
//! stay in the second cache.

use half::f16;
use slide_kernels::Kernels;

/// Labels of a block.
const BLOCK: usize = 1 << 16;
/// Weights widened at once.
const WIDENED: usize = 256;

/// Weights of consecutive labels, label by label.
#[derive(Clone, Debug, Default)]
pub(super) struct LabelWeights {
    /// The first label.
    pub(super) first: usize,
    /// Where each label's weights end.
    pub(super) ends: Vec<usize>,
    pub(super) features: Vec<u32>,
    pub(super) weights: Vec<f32>,
    /// Score of each label for an example without features.
    pub(super) biases: Vec<f32>,
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
    /// The index of `features` features over labels whose weights are `runs`, by ascending labels.
    pub(super) fn new(features: usize, runs: &[LabelWeights], kernels: &Kernels) -> Self {
        let biases: Vec<f32> = runs.iter().flat_map(|run| &run.biases).copied().collect();
        let mut rounded = Vec::new();
        let mut index = Self::empty(features, biases);
        let each = |visit: &mut dyn FnMut(usize, u32, usize, usize)| {
            for (number, run) in runs.iter().enumerate() {
                let mut begin = 0;
                for (offset, &end) in run.ends.iter().enumerate() {
                    (begin..end).for_each(|at| visit(run.first + offset, run.features[at], number, at));
                    begin = end;
                }
            }
        };
        each(&mut |label, feature, _, _| index.blocks[label / BLOCK].starts[feature as usize + 1] += 1);
        index.reserve();
        for run in runs {
            let mut weights = vec![f16::ZERO; run.weights.len()];
            kernels.f32_to_f16(&run.weights, &mut weights);
            rounded.push(weights);
        }
        let mut next: Vec<Vec<usize>> = index.blocks.iter().map(|block| block.starts.clone()).collect();
        each(&mut |label, feature, run, at| {
            let place = &mut next[label / BLOCK][feature as usize];
            let block = &mut index.blocks[label / BLOCK];
            block.labels[*place] = (label % BLOCK) as u16;
            block.weights[*place] = rounded[run][at];
            *place += 1;
        });
        index
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

    /// From lists in the order of the features, each with ascending labels.
    pub(crate) fn from_lists<'a>(
        features: usize,
        biases: Vec<f32>,
        lists: impl Fn(&mut dyn FnMut(u32, u32, f16)) + 'a,
    ) -> Self {
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
            let labels = block.labels[range.clone()].iter().map(move |&label| (number * BLOCK) as u32 + u32::from(label));
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
