//! The scores of an example: the lists of its features are added up, and nothing else is looked at.
//!
//! Between examples every score stands at its label's bias. The labels that a list has are *touched*, by groups of 16, a cache line
//! of scores: the best labels are those of the touched groups, or of the others those with the best biases, whose order is known.
//! So an example costs what its lists cost, however many labels there are.

use std::sync::Arc;

use slide_kernels::{Kernels, prefetch};

use super::biases::{Biases, rank};
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
    biases: Option<Arc<Biases>>,
    /// Of each label, whole blocks.
    values: Vec<f32>,
    /// Whether a score of each group may differ from its bias.
    is_touched: Vec<u8>,
    /// The touched groups, ascending.
    touched: Vec<u32>,
    /// The best score of each of them.
    best_of_touched: Vec<f32>,
    /// What the best labels are chosen from and with.
    candidates: Vec<f32>,
    places: Vec<u32>,
    place_values: Vec<f32>,
    chosen: Vec<u32>,
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
        let biases = postings.biases();
        if self.biases.as_ref().is_none_or(|own| !Arc::ptr_eq(own, biases)) {
            self.values.clear();
            self.values.extend_from_slice(biases.padded());
            self.values.resize(postings.blocks() * BLOCK, f32::NEG_INFINITY);
            self.is_touched.clear();
            self.is_touched.resize(postings.blocks() * GROUPS, 0);
            self.biases = Some(Arc::clone(biases));
        } else {
            let (biases, _) = biases.padded().as_chunks::<GROUP>();
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

    /// The score of a label.
    pub(crate) fn of(&self, label: u32) -> f32 {
        self.values[label as usize]
    }

    /// Gives `labels` the lowest score.
    pub(super) fn exclude(&mut self, labels: impl IntoIterator<Item = u32>) {
        for label in labels {
            let group = label as usize / GROUP;
            self.values[label as usize] = f32::NEG_INFINITY;
            if self.is_touched[group] == 0 {
                self.is_touched[group] = 1;
                self.touched.push(group as u32);
            }
        }
        self.touched.sort_unstable();
    }

    /// The `k` best labels with their scores, best first (equal scores: the lower label first), or all if there are fewer.
    pub(crate) fn best(&mut self, kernels: &Kernels, k: usize) -> &[(u32, f32)] {
        let Self { biases: Some(biases), values, is_touched, touched, best_of_touched, candidates, .. } = self else {
            return &[];
        };
        let (places, place_values) = (&mut self.places, &mut self.place_values);
        let (chosen, best) = (&mut self.chosen, &mut self.best);
        let labels = biases.all().len();
        let k = k.min(labels);
        places.resize(k, 0);
        place_values.resize(k, 0.0);
        let (groups, _) = values.as_chunks::<GROUP>();
        // The best labels are in the groups whose best labels are the best, as many groups as labels.
        best_of_touched.clear();
        best_of_touched.extend(touched.iter().map(|&group| highest(&groups[group as usize])));
        let count = kernels.top_k(best_of_touched, places, place_values);
        chosen.clear();
        chosen.extend_from_slice(&places[..count]);
        chosen.sort_unstable();
        candidates.clear();
        chosen.iter().for_each(|&place| candidates.extend_from_slice(&groups[touched[place as usize] as usize]));
        let count = kernels.top_k(candidates, places, place_values);
        let label = |place: u32| touched[chosen[place as usize / GROUP] as usize] * GROUP as u32 + place % GROUP as u32;
        let own = places[..count].iter().zip(&*place_values).map(|(&place, &score)| (label(place), score));
        // Without the padding.
        let mut own = own.filter(|&(label, _)| (label as usize) < labels).peekable();
        // Of the labels of other groups those with the best biases.
        let bias = |label: u32| biases.all()[label as usize];
        let others = biases.ranked().iter().take_while(|&&label| count < k || bias(label) >= place_values[k - 1]);
        let others = others.filter(|&&label| is_touched[label as usize / GROUP] == 0);
        let mut others = others.map(|&label| (label, bias(label))).peekable();
        best.clear();
        let order = |&(label, score): &(u32, f32)| rank(score, label);
        while best.len() < k {
            let is_own = own.peek().map_or(u64::MAX, order) < others.peek().map_or(u64::MAX, order);
            let Some(next) = (if is_own { own.next() } else { others.next() }) else { break };
            best.push(next);
        }
        best
    }
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
