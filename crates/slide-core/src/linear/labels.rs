//! The labels of an index: their places in it, and their scores for an example without features.
//!
//! Labels with many weights come first. They are in most lists that are added up, so most additions go to few cache lines.

use std::cmp::Reverse;

use super::postings::BLOCK;

/// The labels of an index.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    /// The label at each place, and the place of each label.
    order: Vec<u32>,
    places: Vec<u32>,
    /// Score for an example without features, by place; padded to whole blocks. Negative infinity for a label that was never trained.
    biases: Vec<f32>,
    /// The labels, those with the best biases first.
    ranked: Vec<u32>,
}

impl Labels {
    /// Labels of which `weights` gives the number of weights.
    pub(super) fn new(biases: &[f32], weights: &[u32]) -> Self {
        let all = || 0..biases.len() as u32;
        let mut order: Vec<u32> = all().collect();
        order.sort_by_key(|&label| Reverse(weights[label as usize]));
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &label)| places[label as usize] = place as u32);
        let mut ranked: Vec<u32> = all().collect();
        ranked.sort_unstable_by_key(|&label| rank(biases[label as usize], label));
        Self { biases: by_place(biases, &order), order, places, ranked }
    }

    /// From what is stored: labels in the order of their places and of their biases. None unless these are all labels.
    pub(crate) fn stored(biases: &[f32], order: &[u32], ranked: &[u32]) -> Option<Self> {
        let mut places = vec![u32::MAX; biases.len()];
        for (&label, place) in order.iter().zip(0..) {
            *places.get_mut(label as usize)? = place;
        }
        let is_complete = order.len() == biases.len() && places.iter().all(|&place| place != u32::MAX);
        let is_in_range = ranked.len() == biases.len() && ranked.iter().all(|&label| (label as usize) < biases.len());
        (is_complete && is_in_range).then(|| Self {
            biases: by_place(biases, order),
            order: order.to_vec(),
            places,
            ranked: ranked.to_vec(),
        })
    }

    /// Number of labels.
    pub(crate) fn count(&self) -> usize {
        self.order.len()
    }

    /// The labels in the order of their places.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The label at a place.
    pub(super) fn at(&self, place: usize) -> u32 {
        self.order[place]
    }

    /// The place of a label.
    pub(super) fn place(&self, label: u32) -> usize {
        self.places[label as usize] as usize
    }

    /// The score of a label for an example without features.
    pub(super) fn bias(&self, label: u32) -> f32 {
        self.biases[self.place(label)]
    }

    /// Of each label.
    pub(crate) fn biases(&self) -> impl ExactSizeIterator<Item = f32> {
        (0..self.count() as u32).map(|label| self.bias(label))
    }

    /// By place, padded to whole blocks.
    pub(super) fn padded_biases(&self) -> &[f32] {
        &self.biases
    }

    /// The labels, those with the best biases first.
    pub(crate) fn ranked(&self) -> &[u32] {
        &self.ranked
    }
}

/// Biases by place, padded to whole blocks: a list of a damaged file may have any place of a block.
fn by_place(biases: &[f32], order: &[u32]) -> Vec<f32> {
    let mut by_place: Vec<f32> = order.iter().map(|&label| biases[label as usize]).collect();
    by_place.resize(order.len().next_multiple_of(BLOCK), f32::NEG_INFINITY);
    by_place
}

/// A sort key that is smaller for better scores: equal scores (`-0` equals `+0`) by label, which the lower half is; NaN last.
pub(super) fn rank(score: f32, label: u32) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    let descending = if score.is_nan() { u32::MAX } else { !ascending };
    u64::from(descending) << 32 | u64::from(label)
}
