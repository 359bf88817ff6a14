//! The scores of an example: the lists of its features are added up, and nothing else is looked at.
//!
//! Between examples every score stands at its label's bias. The labels that a list has are *touched*, by groups of 16 places, a cache
//! line of scores: the best labels are those of the touched groups, or of the others those with the best biases, whose order is known.
//! So an example costs what its lists cost, however many labels there are. Where lists reach most of a block, the whole block counts as
//! touched, which is less work.

use std::ops::Range;
use std::sync::Arc;

use slide_kernels::Kernels;

use super::labels::{Labels, rank};
use super::postings::{BLOCK, Postings};

/// Labels of a group.
const GROUP: usize = 16;
/// Groups of a block.
const GROUPS: usize = BLOCK / GROUP;
/// Weights widened at once.
const WIDENED: usize = 256;
/// A block with this share of as many entries as labels counts as touched.
const DENSE: usize = 4;
/// How many lists ahead of its use a list is prefetched.
const AHEAD: usize = 4;

/// Scores of an example, kept from example to example.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scores {
    /// Whose scores these are.
    labels: Option<Arc<Labels>>,
    /// By the label's place, whole blocks.
    values: Vec<f32>,
    /// Whether a score of each group may differ from its bias.
    is_touched: Vec<u8>,
    /// Runs of touched groups.
    touched: Vec<Range<usize>>,
    /// The lists of the example in a block.
    lists: Vec<Range<usize>>,
    /// The best score of each touched group.
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
        let labels = postings.labels().count();
        let Self { values: scores, is_touched, touched, lists, .. } = self;
        let blocks = scores.chunks_exact_mut(BLOCK).zip(is_touched.chunks_exact_mut(GROUPS));
        for (block, (scores, is_touched)) in blocks.enumerate() {
            // Arrays, so that no index needs a check.
            let scores: &mut [f32; BLOCK] = scores.try_into().expect("a block");
            let is_touched: &mut [u8; GROUPS] = is_touched.try_into().expect("the groups of a block");
            lists.clear();
            lists.extend(features.iter().map(|&feature| postings.range(feature, block)));
            let entries: usize = lists.iter().map(Range::len).sum();
            let lists = Lists { postings, kernels, lists, values, scale };
            let (groups, labels) = (block * GROUPS, BLOCK.min(labels - block * BLOCK));
            if DENSE * entries >= labels {
                lists.add(scores, |_| ());
                let count = labels.div_ceil(GROUP);
                is_touched[..count].fill(1);
                touched.push(groups..groups + count);
            } else {
                lists.add(scores, |place| is_touched[usize::from(place) / GROUP] = 1);
                push_runs(is_touched, groups, touched);
            }
        }
    }

    /// Sets all scores to the biases.
    fn reset(&mut self, postings: &Postings) {
        let labels = postings.labels();
        if self.labels.as_ref().is_none_or(|own| !Arc::ptr_eq(own, labels)) {
            self.values.clear();
            self.values.extend_from_slice(labels.padded_biases());
            self.is_touched.clear();
            self.is_touched.resize(postings.blocks() * GROUPS, 0);
            self.labels = Some(Arc::clone(labels));
        } else {
            for run in &self.touched {
                let places = run.start * GROUP..run.end * GROUP;
                self.values[places.clone()].copy_from_slice(&labels.padded_biases()[places]);
                self.is_touched[run.clone()].fill(0);
            }
        }
        self.touched.clear();
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
        let group = place / GROUP;
        if self.is_touched[group] == 0 {
            self.is_touched[group] = 1;
            self.touched.push(group..group + 1);
        }
    }

    /// The `k` best labels with their scores, best first (equal scores: the lower label first), or all if there are fewer.
    pub(crate) fn best(&mut self, kernels: &Kernels, k: usize) -> &[(u32, f32)] {
        self.best.clear();
        let Some(labels) = &self.labels else { return &[] };
        let k = k.min(labels.count());
        let (groups, _) = self.values.as_chunks::<GROUP>();
        self.highest.clear();
        let touched = || self.touched.iter().cloned().flatten();
        self.touched.iter().for_each(|run| self.highest.extend(groups[run.clone()].iter().map(highest)));
        self.chosen.resize(k, 0);
        self.chosen_values.resize(k, 0.0);
        // As many groups have a score of at least `least`, so the best labels have, too.
        let found = kernels.top_k(&self.highest, &mut self.chosen, &mut self.chosen_values);
        let least = if found < k { f32::NEG_INFINITY } else { self.chosen_values.last().copied().unwrap_or(0.0) };
        let ranks = &mut self.ranks;
        ranks.clear();
        for (group, _) in touched().zip(&self.highest).filter(|(_, highest)| **highest >= least) {
            for (place, &score) in (group * GROUP..labels.count()).zip(&groups[group]) {
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
        let before = ranks.len();
        ranks.extend(others.filter(|&rank| !is_touched(rank as u32)).take(k));
        if ranks.len() > before {
            first(ranks, k);
        }
        self.best.extend(ranks.iter().map(|&rank| (rank as u32, self.values[labels.place(rank as u32)])));
        &self.best
    }
}

/// The lists of an example in a block.
struct Lists<'a> {
    postings: &'a Postings,
    kernels: &'a Kernels,
    lists: &'a [Range<usize>],
    /// Of the features.
    values: &'a [f32],
    scale: f32,
}

impl Lists<'_> {
    /// Adds them to the scores of the block, and calls `touch` for each place.
    #[inline(always)]
    fn add(&self, scores: &mut [f32; BLOCK], mut touch: impl FnMut(u16)) {
        let mut widened = [0.0; WIDENED];
        for (number, (list, &value)) in self.lists.iter().zip(self.values).enumerate() {
            if let Some(later) = self.lists.get(number + AHEAD) {
                self.postings.prefetch(later);
            }
            let value = value * self.scale;
            let (places, weights) = self.postings.entries(list.clone());
            for (places, weights) in places.chunks(WIDENED).zip(weights.chunks(WIDENED)) {
                let widened = &mut widened[..weights.len()];
                self.kernels.f16_to_f32(weights, widened);
                for (&place, &weight) in places.iter().zip(&*widened) {
                    scores[usize::from(place)] += value * weight;
                    touch(place);
                }
            }
        }
    }
}

/// The touched groups of a block, whose first group is `first`, as runs.
fn push_runs(is_touched: &[u8; GROUPS], first: usize, runs: &mut Vec<Range<usize>>) {
    let mut run: Option<Range<usize>> = None;
    for (number, word) in is_touched.as_chunks::<8>().0.iter().enumerate() {
        if u64::from_ne_bytes(*word) == 0 {
            runs.extend(run.take());
            continue;
        }
        for (group, &flag) in (first + 8 * number..).zip(word) {
            if flag == 0 {
                runs.extend(run.take());
            } else {
                run.get_or_insert(group..group).end = group + 1;
            }
        }
    }
    runs.extend(run);
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
