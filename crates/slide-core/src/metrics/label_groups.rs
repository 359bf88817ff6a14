//! Macro averages over frequent and rare labels.
//!
//! Labels are in three groups by the number of their training examples: head, torso and tail. Each has about a third of all
//! occurrences of labels in the training examples, so the groups mean the same for a hundred labels and for millions, and the
//! tail has most of the labels. With the labels in descending order of frequency, a label is in the head if the labels that are more
//! frequent have less than a third of the occurrences together, in the torso if they have less than two thirds, else in the tail.
//! Labels of the same frequency are thus in the same group. If few labels have most of the occurrences, or all labels are
//! equally frequent, a group may be empty.
//!
//! Macro-averaged metrics at k are the mean over labels instead of over examples (Schultheis et al.: Generalized Test Utilities for
//! Long-tail Performance in Extreme Multi-label Classification, NeurIPS 2023). Here they are over the labels of a group that occur in the
//! test set, since the others have no recall. Of such a label:
//!
//! * precision@k: of the examples with it among the best k predictions, the share that has it; 0 without such examples
//! * recall@k: of the examples that have it, the share with it among the best k predictions
//! * F1@k: their harmonic mean, 0 if both are 0

use serde::Serialize;

/// A group of labels of similar frequency, and macro averages over those of its labels that occur in the test set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelGroup {
    /// `head`, `torso` or `tail`.
    pub name: &'static str,
    /// Number of labels.
    pub labels: usize,
    /// Those of them that occur in the test set.
    pub labels_in_test: usize,
    /// The least and the most training examples of a label; none without labels.
    pub training_examples: Option<(u32, u32)>,
    /// One entry for each cutoff, ascending.
    pub at: Vec<MacroAt>,
}

/// The macro averages at one cutoff, from 0 to 1; all 0 if no label occurs in the test set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MacroAt {
    /// The cutoff: number of predicted labels.
    pub k: usize,
    /// The mean precision@k.
    pub precision: f64,
    /// The mean recall@k.
    pub recall: f64,
    /// The mean F1@k.
    pub f1: f64,
}

const NAMES: [&str; 3] = ["head", "torso", "tail"];

/// Counts by label.
#[derive(Clone, Debug)]
pub(super) struct LabelCounts<'a> {
    /// In the training examples.
    frequencies: &'a [u32],
    /// In the test set.
    occurrences: Vec<u32>,
    /// By cutoff and label.
    predictions: Vec<Vec<Predicted>>,
}

/// Examples with a label among their best k predictions.
#[derive(Clone, Copy, Debug, Default)]
struct Predicted {
    all: u32,
    hits: u32,
}

impl<'a> LabelCounts<'a> {
    pub(super) fn new(frequencies: &'a [u32], cutoffs: usize) -> Self {
        let labels = frequencies.len();
        Self {
            frequencies,
            occurrences: vec![0; labels],
            predictions: vec![vec![Predicted::default(); labels]; cutoffs],
        }
    }

    /// Adds an example; labels beyond those given are in no group.
    pub(super) fn add(&mut self, cutoffs: &[usize], predicted: &[u32], truth: &[u32]) {
        for &label in truth {
            if let Some(occurrences) = self.occurrences.get_mut(label as usize) {
                *occurrences += 1;
            }
        }
        for (&k, predictions) in cutoffs.iter().zip(&mut self.predictions) {
            for label in predicted.iter().take(k) {
                if let Some(predicted) = predictions.get_mut(*label as usize) {
                    predicted.all += 1;
                    predicted.hits += u32::from(truth.binary_search(label).is_ok());
                }
            }
        }
    }

    /// Adds the counts of `other`, which has as many cutoffs.
    ///
    /// # Panics
    /// When the frequencies differ.
    pub(super) fn merge(&mut self, other: &Self) {
        assert_eq!(self.frequencies, other.frequencies, "accumulators of different labels");
        for (count, other) in self.occurrences.iter_mut().zip(&other.occurrences) {
            *count += other;
        }
        for (count, other) in self.predictions.iter_mut().flatten().zip(other.predictions.iter().flatten()) {
            count.all += other.all;
            count.hits += other.hits;
        }
    }

    pub(super) fn groups(&self, cutoffs: &[usize]) -> Vec<LabelGroup> {
        let ranges = frequency_ranges(self.frequencies);
        NAMES.into_iter().zip(ranges).map(|(name, range)| self.group(name, range, cutoffs)).collect()
    }

    fn group(&self, name: &'static str, range: Option<(u32, u32)>, cutoffs: &[usize]) -> LabelGroup {
        let is_in = |frequency| range.is_some_and(|(least, most)| (least..=most).contains(&frequency));
        let labels: Vec<usize> = (0..self.frequencies.len()).filter(|&label| is_in(self.frequencies[label])).collect();
        let tested: Vec<usize> = labels.iter().copied().filter(|&label| self.occurrences[label] > 0).collect();
        let at = cutoffs.iter().zip(&self.predictions).map(|(&k, predictions)| {
            let mut sums = [0.0; 3];
            for &label in &tested {
                let Predicted { all, hits } = predictions[label];
                let [all, hits, occurrences] = [all, hits, self.occurrences[label]].map(f64::from);
                let terms = [hits / all.max(1.0), hits / occurrences, 2.0 * hits / (all + occurrences)];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
            let [precision, recall, f1] = sums.map(|sum| sum / tested.len().max(1) as f64);
            MacroAt { k, precision, recall, f1 }
        });
        LabelGroup {
            name,
            labels: labels.len(),
            labels_in_test: tested.len(),
            training_examples: range,
            at: at.collect(),
        }
    }
}

/// The least and the greatest frequency of head, torso and tail; none of an empty group.
fn frequency_ranges(frequencies: &[u32]) -> [Option<(u32, u32)>; NAMES.len()] {
    let mut descending = frequencies.to_vec();
    descending.sort_unstable_by(|left, right| right.cmp(left));
    let sum = |frequencies: &[u32]| frequencies.iter().map(|&frequency| u64::from(frequency)).sum::<u64>();
    let total = sum(&descending).max(1);
    let mut ranges = [None; NAMES.len()];
    let mut more_frequent = 0;
    for equal in descending.chunk_by(|left, right| left == right) {
        // Labels without training examples are in the tail, although nothing is left of the total.
        let group = (3 * more_frequent / total).min(2) as usize;
        let most = ranges[group].map_or(equal[0], |(_, most)| most);
        ranges[group] = Some((equal[0], most));
        more_frequent += sum(equal);
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_a_third_of_the_occurrences() {
        // 6, 6 and 6 of 18.
        assert_eq!(frequency_ranges(&[0, 2, 3, 6, 1, 3, 2, 1]), [Some((6, 6)), Some((3, 3)), Some((0, 2))]);
        // Labels before a bound of 6 or 12 of 18 are in the group that it ends, with all of their frequency.
        assert_eq!(frequency_ranges(&[5, 4, 4, 3, 1, 1]), [Some((4, 5)), None, Some((1, 3))]);
        assert_eq!(frequency_ranges(&[2; 9]), [Some((2, 2)), None, None]);
        assert_eq!(frequency_ranges(&[]), [None; 3]);
    }

    #[test]
    fn macro_averages_by_hand() {
        let mut counts = LabelCounts::new(&[6, 3, 3, 2, 2, 1, 1, 0], 2);
        let cutoffs = [1, 3];
        counts.add(&cutoffs, &[0, 1, 7], &[0, 2]);
        counts.add(&cutoffs, &[0, 2, 1, 3], &[1, 2]);
        counts.add(&cutoffs, &[1, 0, 8], &[1, 8]);
        let [head, torso, tail] = &counts.groups(&cutoffs)[..] else { panic!("three groups") };
        let check = |group: &LabelGroup, name, labels, expected: [[f64; 3]; 2]| {
            assert_eq!((group.name, [group.labels, group.labels_in_test]), (name, labels));
            for ((at, k), expected) in group.at.iter().zip(cutoffs).zip(expected) {
                assert_eq!(at.k, k);
                for (found, expected) in [at.precision, at.recall, at.f1].into_iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-12, "{name}: {found} instead of {expected} in {at:?}");
                }
            }
        };
        // Label 0 is predicted for 2 (k = 1) or 3 examples, of which 1 has it, the only one.
        check(head, "head", [1, 1], [[1.0 / 2.0, 1.0, 2.0 / 3.0], [1.0 / 3.0, 1.0, 1.0 / 2.0]]);
        // k = 1: label 1 once, rightly, of the 2 examples that have it; label 2 never.
        // k = 3: label 1 three times, twice rightly; label 2 once, rightly, of 2.
        check(torso, "torso", [2, 2], [[1.0 / 2.0, 1.0 / 4.0, 1.0 / 3.0], [5.0 / 6.0, 3.0 / 4.0, 11.0 / 15.0]]);
        check(tail, "tail", [5, 0], [[0.0; 3]; 2]);
        assert_eq!(tail.training_examples, Some((0, 2)));
    }
}
