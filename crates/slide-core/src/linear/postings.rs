//! The weights as an inverted index: for each feature the labels that it speaks for or against.
//!
//! Labels stand at places of the index, see [`Labels`]. Places are cut into blocks of 65,536, so that a label takes two bytes in a
//! list, as does its weight, and the scores of a block stay in the second cache.

use std::ops::Range;
use std::sync::Arc;

use half::f16;
use slide_mem::{Arena, Elements, MemError, Placement, Report};

use super::label_weights::LabelWeights;
use super::labels::Labels;
use crate::layer::partition::Partition;
use crate::runtime::Runtime;

/// Labels of a block.
pub(crate) const BLOCK: usize = 1 << 16;
/// So many entries of a list are prefetched: the processor foresees the others.
const FORESEEN: usize = 64;

/// For each feature its labels, with a weight each.
#[derive(Debug)]
pub(crate) struct Postings {
    /// The features, and their order.
    features: Partition,
    blocks: usize,
    /// Where the list of each feature starts in each block, feature by feature, and the end of the last.
    starts: Elements<u64>,
    /// Of each list the places in the block, ascending, and then the bits of as many weights.
    entries: Elements<u16>,
    labels: Arc<Labels>,
    /// By feature; if there are any, weights are integers times the scale of their feature, rounded to f16.
    scales: Option<Vec<f32>>,
    /// Lists are read at random places, which large pages make cheaper. None if they lie in a file.
    arena: Option<Arena>,
}

impl Postings {
    /// The index of `features` features over the labels of `weights`.
    pub(super) fn new(features: usize, weights: &LabelWeights, runtime: &Runtime) -> Result<Self, MemError> {
        let mut rounded = vec![f16::ZERO; weights.weights().len()];
        runtime.kernels().f32_to_f16(weights.weights(), &mut rounded);
        Self::from_lists(Partition::new(features), weights.biases(), runtime.placement(), |visit| {
            let mut rounded = rounded.iter();
            for label in 0..weights.biases().len() {
                for (&feature, &weight) in weights.label(label).0.iter().zip(&mut rounded) {
                    visit(feature, label as u32, weight);
                }
            }
        })
    }

    /// From `(feature, label, weight)`, as `lists` gives them, three times, in any order.
    pub(crate) fn from_lists(
        features: Partition,
        biases: &[f32],
        placement: &Placement,
        lists: impl Fn(&mut dyn FnMut(u32, u32, f16)),
    ) -> Result<Self, MemError> {
        let mut counts = vec![0; biases.len()];
        lists(&mut |_, label, _| counts[label as usize] += 1);
        let entries: usize = counts.iter().map(|&count| count as usize).sum();
        let labels = Labels::new(biases, &counts);
        let blocks = biases.len().div_ceil(BLOCK);
        let lists_of_all = features.rows() * blocks;
        let bytes = Arena::bytes_for::<u64>(lists_of_all + 1)? + Arena::bytes_for::<u16>(2 * entries)?;
        let arena = Arena::new(bytes, *placement)?;
        let mut starts = arena.slab::<u64>(lists_of_all + 1)?;
        let list_of = |feature: u32, label: u32| feature as usize * blocks + labels.place(label) / BLOCK;
        lists(&mut |feature, label, _| starts[list_of(feature, label) + 1] += 1);
        for list in 1..starts.len() {
            starts[list] += starts[list - 1];
        }
        // Place and weight as one number, so that they are sorted together.
        let mut pairs = vec![0; entries];
        let mut next = starts.to_vec();
        lists(&mut |feature, label, weight| {
            let at = &mut next[list_of(feature, label)];
            pairs[*at as usize] = (labels.place(label) % BLOCK) as u32 * BLOCK as u32 + u32::from(weight.to_bits());
            *at += 1;
        });
        let mut entries = arena.slab(2 * entries)?;
        for list in starts.windows(2) {
            let list = list[0] as usize..list[1] as usize;
            let pairs = &mut pairs[list.clone()];
            pairs.sort_unstable();
            let (places, weights) = entries[2 * list.start..2 * list.end].split_at_mut(pairs.len());
            for ((&pair, place), weight) in pairs.iter().zip(places).zip(weights) {
                (*place, *weight) = ((pair / BLOCK as u32) as u16, pair as u16);
            }
        }
        let (starts, entries) = (Elements::Slab(starts), Elements::Slab(entries));
        Ok(Self { features, blocks, starts, entries, labels: Arc::new(labels), scales: None, arena: Some(arena) })
    }

    /// Lists as they are stored, `starts` and `entries` as the fields of these names, in the order of `features`. What they say
    /// is not looked at: lists that are not where entries are count as empty.
    pub(crate) fn stored(
        features: Partition,
        labels: Labels,
        starts: Elements<u64>,
        entries: Elements<u16>,
        arena: Option<Arena>,
    ) -> Self {
        let blocks = labels.count().div_ceil(BLOCK);
        Self { features, blocks, starts, entries, labels: Arc::new(labels), scales: None, arena }
    }

    /// The same labels with the weights that `weight_of` makes of those of each feature, or without; `scales` are those of the new weights.
    pub(crate) fn with_weights(
        &self,
        placement: &Placement,
        scales: Option<Vec<f32>>,
        weight_of: impl Fn(u32, f16) -> Option<f16>,
    ) -> Result<Self, MemError> {
        let biases: Vec<f32> = self.labels.biases().collect();
        let changed = Self::from_lists(self.features, &biases, placement, |visit| {
            for (feature, label, weight) in self.entries_by_feature() {
                if let Some(weight) = weight_of(feature, weight) {
                    visit(feature, label, weight);
                }
            }
        })?;
        Ok(Self { scales, ..changed })
    }

    /// Says what weights are multiples of: a scale for each feature.
    pub(crate) fn with_scales(self, scales: Vec<f32>) -> Self {
        Self { scales: Some(scales), ..self }
    }

    /// What the weights of each feature are multiples of, if they are.
    pub(crate) fn scales(&self) -> Option<&[f32]> {
        self.scales.as_deref()
    }

    /// Feature, label and weight of all entries, feature by feature.
    pub(crate) fn entries_by_feature(&self) -> impl Iterator<Item = (u32, u32, f16)> {
        (0..self.features() as u32)
            .flat_map(|feature| self.list(feature as usize).map(move |(label, weight)| (feature, label, weight)))
    }

    /// The first weight that is no finite number, and its feature.
    pub(crate) fn not_finite(&self) -> Option<(u32, f16)> {
        let lists = (0..self.features() as u32).flat_map(|row| (0..self.blocks).map(move |block| (row, block)));
        let mut wrong = lists.filter_map(|(row, block)| {
            let (_, weights) = self.entries(self.range(row, block));
            let all_are_finite = weights.iter().fold(true, |all, weight| all & weight.is_finite());
            let weight = weights.iter().find(|weight| !all_are_finite && !weight.is_finite())?;
            Some((self.partition().to_logical(row), *weight))
        });
        wrong.next()
    }

    /// The list of a feature: labels, ascending, and weights.
    pub(crate) fn list(&self, feature: usize) -> impl Iterator<Item = (u32, f16)> {
        let mut list: Vec<(u32, f16)> = Vec::new();
        for block in 0..self.blocks {
            let (places, weights) = self.entries(self.range(feature as u32, block));
            let label = |place: u16| self.labels.order().get(block * BLOCK + usize::from(place)).copied();
            list.extend(places.iter().zip(weights).filter_map(|(&place, &weight)| Some((label(place)?, weight))));
        }
        list.sort_unstable_by_key(|entry| entry.0);
        list.into_iter()
    }

    /// Where the entries of a feature in a block are.
    pub(crate) fn range(&self, feature: u32, block: usize) -> Range<usize> {
        let list = feature as usize * self.blocks + block;
        let (start, end) = (self.starts[list] as usize, self.starts[list + 1] as usize);
        // A file may say anything.
        if start <= end && end <= self.weights() { start..end } else { 0..0 }
    }

    /// The same of all features and blocks, in the order of the features in files.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let rows = (0..self.features() as u32).map(|feature| self.features.to_internal(feature));
        rows.flat_map(move |row| (0..self.blocks).map(move |block| self.range(row, block)))
    }

    /// Places and weights of some whole lists, as they lie.
    pub(crate) fn raw_entries(&self, list: Range<usize>) -> &[u16] {
        &self.entries[2 * list.start..2 * list.end]
    }

    /// The places of labels, in their block, and weights.
    pub(super) fn entries(&self, list: Range<usize>) -> (&[u16], &[f16]) {
        let (places, weights) = self.entries[2 * list.start..2 * list.end].split_at(list.len());
        (places, bytemuck::cast_slice(weights))
    }

    /// Asks for the first cache lines of a list.
    pub(super) fn prefetch(&self, list: &Range<usize>) {
        slide_kernels::prefetch(&self.entries[2 * list.start..2 * list.end.min(list.start + FORESEEN)]);
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Number of weights.
    pub(crate) fn weights(&self) -> usize {
        self.entries.len() / 2
    }

    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.features.rows()
    }

    /// The features, and their order.
    pub(crate) fn partition(&self) -> &Partition {
        &self.features
    }

    /// The pages and nodes of the lists.
    pub(crate) fn report(&self) -> Report {
        self.arena.as_ref().map(Arena::report).unwrap_or_default()
    }

    /// The labels.
    pub(crate) fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }
}
