//! The scores of an example: the lists of its features are added up, and nothing else is looked at.
//!
//! Between examples every score stands at its label's bias. The labels that a list has are *touched*, by groups of 16 places, a cache
//! line of scores: the best labels are those of the touched groups, or of the others those with the best biases, whose order is known.
//! So an example costs what its lists cost, however many labels there are.

use std::sync::Arc;

use slide_kernels::{Kernels, prefetch};

use super::labels::{Labels, rank};
use super::postings::{BLOCK, Postings};

/// Labels of a group.
pub(super) const GROUP: usize = 16;
/// Groups of a block.
const GROUPS: usize = BLOCK / GROUP;
/// Weights widened at once.
const WIDENED: usize = 256;
/// How many lists ahead of its use a list is prefetched.
const AHEAD: usize = 4;
/// So many entries of it: the processor foresees the others.
const FORESEEN: usize = 64;

/// Scores of an example, kept from example to example.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scores {
    /// Whose scores these are.
    labels: Option<Arc<Labels>>,
    /// By the label's place, whole blocks.
    values: Vec<f32>,
    /// Whether a score of each group may differ from its bias.
    is_touched: Vec<u8>,
    /// The touched groups, ascending.
    touched: Vec<u32>,
    /// The best score of each of them.
    highest: Vec<f32>,
    /// Places and values of the best of these.
    chosen: Vec<u32>,
    chosen_values: Vec<f32>,
    /// Labels by their rank.
    ranks: Vec<u64>,
    best: Vec<(u32, f32)>,
}

impl Scores {
    /// Replaces the scores by those of an example whose values are multiplied with `scale`: features are added in their order.
    pub(crate) fn score(
        &mut self,
        postings: &Postings,
        kernels: &Kernels,
        (features, values): (&[u32], &[f32]),
        scale: f32,
    ) {
        self.reset(postings);
        let mut widened = [0.0; WIDENED];
        let blocks = self.values.chunks_exact_mut(BLOCK).zip(self.is_touched.chunks_exact_mut(GROUPS));
        for (block, (sums, is_touched)) in blocks.enumerate() {
            // Arrays, so that no index needs a check.
            let sums: &mut [f32; BLOCK] = sums.try_into().expect("a block");
            let is_touched: &mut [u8; GROUPS] = is_touched.try_into().expect("the groups of a block");
            for (number, (&feature, &value)) in features.iter().zip(values).enumerate() {
                if let Some(&later) = features.get(number + AHEAD) {
                    let mut range = postings.range(later, block);
                    range.end = range.end.min(range.start + FORESEEN);
                    let (labels, weights) = postings.entries(range);
                    prefetch(labels);
                    prefetch(weights);
                }
                let value = value * scale;
                let (labels, weights) = postings.entries(postings.range(feature, block));
                for (labels, weights) in labels.chunks(WIDENED).zip(weights.chunks(WIDENED)) {
                    let widened = &mut widened[..weights.len()];
                    kernels.f16_to_f32(weights, widened);
                    for (&label, &weight) in labels.iter().zip(&*widened) {
                        sums[usize::from(label)] += value * weight;
                        is_touched[usize::from(label) / GROUP] = 1;
                    }
                }
            }
        }
        self.list_touched();
    }

    /// Sets all scores to the biases.
    fn reset(&mut self, postings: &Postings) {
        let labels = postings.labels();
        if self.labels.as_ref().is_none_or(|own| !Arc::ptr_eq(own, labels)) {
            self.values.clear();
            self.values.extend_from_slice(labels.padded_biases());
            self.values.resize(postings.blocks() * BLOCK, f32::NEG_INFINITY);
            self.is_touched.clear();
            self.is_touched.resize(postings.blocks() * GROUPS, 0);
            self.labels = Some(Arc::clone(labels));
        } else {
            let (biases, _) = labels.padded_biases().as_chunks::<GROUP>();
            let (values, _) = self.values.as_chunks_mut::<GROUP>();
            for &group in &self.touched {
                values[group as usize] = biases[group as usize];
                self.is_touched[group as usize] = 0;
            }
        }
        self.touched.clear();
    }

    fn list_touched(&mut self) {
        let (words, _) = self.is_touched.as_chunks::<8>();
        for (number, word) in words.iter().enumerate() {
            if u64::from_ne_bytes(*word) != 0 {
                let places = (0..8).filter(|&place| word[place] != 0);
                self.touched.extend(places.map(|place| (8 * number + place) as u32));
            }
        }
    }

    /// The score of a label of the index that was asked last.
    pub(crate) fn of(&self, label: u32) -> f32 {
        self.labels.as_ref().map_or(f32::NAN, |labels| self.values[labels.place(label)])
    }

    /// Gives a label the lowest score.
    pub(super) fn exclude(&mut self, label: u32) {
        let Some(labels) = &self.labels else { return };
        let place = labels.place(label);
        self.values[place] = f32::NEG_INFINITY;
        if self.is_touched[place / GROUP] == 0 {
            self.is_touched[place / GROUP] = 1;
            self.touched.push((place / GROUP) as u32);
        }
    }

    /// The `k` best labels with their scores, best first (equal scores: the lower label first), or all if there are fewer.
    pub(crate) fn best(&mut self, kernels: &Kernels, k: usize) -> &[(u32, f32)] {
        self.best.clear();
        let Some(labels) = &self.labels else { return &[] };
        let k = k.min(labels.count());
        let (groups, _) = self.values.as_chunks::<GROUP>();
        self.highest.clear();
        self.highest.extend(self.touched.iter().map(|&group| highest(&groups[group as usize])));
        self.chosen.resize(k, 0);
        self.chosen_values.resize(k, 0.0);
        // As many groups have a score of at least `least`, so the best labels have, too.
        let found = kernels.top_k(&self.highest, &mut self.chosen, &mut self.chosen_values);
        let least = if found < k { f32::NEG_INFINITY } else { self.chosen_values.last().copied().unwrap_or(0.0) };
        let ranks = &mut self.ranks;
        ranks.clear();
        for (&group, _) in self.touched.iter().zip(&self.highest).filter(|(_, highest)| **highest >= least) {
            let first = group as usize * GROUP;
            for (place, &score) in (first..labels.count()).zip(&groups[group as usize]) {
                if score >= least || found < k {
                    ranks.push(rank(score, labels.at(place)));
                }
            }
        }
        first(ranks, k);
        // The best of the labels of other groups follow one another.
        let worst = if ranks.len() < k { u64::MAX } else { ranks.last().copied().unwrap_or(0) };
        let others = labels.ranked().iter().map(|&label| rank(labels.bias(label), label));
        let others = others.take_while(|&rank| rank < worst);
        let is_touched = |label: u32| self.is_touched[labels.place(label) / GROUP] != 0;
        let touched = ranks.len();
        ranks.extend(others.filter(|&rank| !is_touched(rank as u32)).take(k));
        if ranks.len() > touched {
            first(ranks, k);
        }
        self.best.extend(ranks.iter().map(|&rank| (rank as u32, self.values[labels.place(rank as u32)])));
        &self.best
    }
}

/// Keeps the first `k`, in order.
fn first(ranks: &mut Vec<u64>, k: usize) {
    if ranks.len() > k && k > 0 {
        ranks.select_nth_unstable(k - 1);
    }
    ranks.truncate(k);
    ranks.sort_unstable();
}

/// The best score of a group, in four lanes.
fn highest(group: &[f32; GROUP]) -> f32 {
    let higher = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; 4];
    for scores in group.as_chunks::<4>().0 {
        lanes = std::array::from_fn(|lane| higher(scores[lane], lanes[lane]));
    }
    higher(higher(lanes[0], lanes[1]), higher(lanes[2], lanes[3]))
}
