//! Metrics of a ranking of labels: P@k, nDCG@k, PSP@k and R@k, their confidence intervals, and macro averages over frequent and
//! rare labels.
//!
//! With `y` the labels of an example and `l_1, l_2, ...` the predicted ones, best first:
//!
//! * `P@k` = |{l_1..l_k} in y| / k
//! * `nDCG@k` = sum over hits at rank r <= k of 1/log2(r + 1), divided by sum for r = 1..min(k, |y|) of 1/log2(r + 1)
//! * `PSP@k` = sum over hits at rank <= k of 1/p_l, divided by the same of the best ranking, both summed over all examples
//!   before dividing, as the Extreme Classification Repository's scripts do
//! * `R@k` = |{l_1..l_k} in y| / |y|
//!
//! and the mean over all examples. An example without labels counts as 0 in all of them, as in those scripts;
//! [`Metrics::examples_without_labels`] is their number, from which a mean over the others follows.
//!
//! [`Accumulator::finish`] gives an [`Evaluation`], which has the macro averages of each [`LabelGroup`] too, and of which a
//! [`Bootstrap`] gives intervals and comparisons.

mod bootstrap;
mod calibration;
mod label_groups;

use serde::Serialize;
use slide_mem::Workers;

pub use bootstrap::{Bootstrap, ComparisonError, Difference, Interval};
use calibration::Calibration;
use label_groups::LabelCounts;
pub use label_groups::{LabelGroup, MacroAt};

/// Inverse propensities of labels: the weights of hits in PSP.
///
/// Jain, Prabhu, Varma: Extreme Multi-label Loss Functions for Recommendation, Tagging, Ranking & Other Missing Label
/// Applications (KDD 2016), section 4: `1/p_l = 1 + C (N_l + B)^-A` with `C = (ln N - 1)(B + 1)^A`, `N` training examples
/// of which `N_l` have the label.
#[derive(Clone, Debug, PartialEq)]
pub struct Propensity {
    inverse: Vec<f64>,
    /// Of labels without training examples.
    of_unknown: f64,
}

impl Propensity {
    /// The paper's A for most sets (Wikipedia sets: 0.5, Amazon sets: 0.6).
    pub const A: f64 = 0.55;
    /// The paper's B for most sets (Wikipedia sets: 0.4, Amazon sets: 2.6).
    pub const B: f64 = 1.5;

    /// Propensities from the label frequencies of `examples` training examples, with [`Self::A`] and [`Self::B`].
    pub fn new(frequencies: &[u32], examples: usize) -> Self {
        Self::with_constants(frequencies, examples, Self::A, Self::B)
    }

    /// The same with other constants. `C` is at least 0; for fewer than e examples the formula would be negative.
    pub fn with_constants(frequencies: &[u32], examples: usize, a: f64, b: f64) -> Self {
        let c = ((examples.max(1) as f64).ln() - 1.0).max(0.0) * (b + 1.0).powf(a);
        let inverse = |frequency: u32| 1.0 + c * (f64::from(frequency) + b).powf(-a);
        Self { inverse: frequencies.iter().copied().map(inverse).collect(), of_unknown: inverse(0) }
    }

    /// Whether these can be A and B: from 0 to 2, and from 0.01 to 100. With these all sums are in range.
    #[must_use]
    pub fn are_constants(a: f64, b: f64) -> bool {
        (0.0..=2.0).contains(&a) && (0.01..=100.0).contains(&b)
    }

    /// `1/p` of a label; a label beyond those given has no training example.
    pub fn inverse(&self, label: u32) -> f64 {
        self.inverse.get(label as usize).copied().unwrap_or(self.of_unknown)
    }
}

/// Sums of reals that do not depend on the order or grouping of the additions: integers in units of 2^-40.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct ExactSum(u128);

impl ExactSum {
    const UNIT: f64 = (1_u64 << 40) as f64;

    fn add(&mut self, value: f64) {
        self.0 += (value * Self::UNIT).round() as u128;
    }

    fn get(self) -> f64 {
        self.0 as f64 / Self::UNIT
    }
}

/// What an example adds to the sums of a cutoff, or such sums: hits, nDCG, recall, 1/p of the hits, 1/p of the best ranking.
type Terms<T> = [T; 5];

/// Metrics of the examples added so far. Parts of a test set may be added to separate accumulators and merged in
/// any order with the same bits as result, since the sums are integers; only the resamples of a [`Bootstrap`] depend on the order.
#[derive(Clone, Debug)]
pub struct Accumulator<'a> {
    cutoffs: Vec<usize>,
    propensity: Option<&'a Propensity>,
    label_counts: Option<LabelCounts<'a>>,
    calibration: Calibration,
    sums: Vec<Terms<ExactSum>>,
    /// Of each example and cutoff, example by example; seven digits are enough for intervals.
    terms: Vec<Terms<f32>>,
    examples: u64,
    examples_without_labels: u64,
    /// 1/p of the labels of an example, kept to avoid an allocation per example.
    scratch: Vec<f64>,
}

/// The result of an [`Accumulator`], as fractions from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Number of examples.
    pub examples: u64,
    /// Examples without a label: each counts as 0.
    pub examples_without_labels: u64,
    /// One entry for each cutoff, ascending.
    pub at: Vec<MetricsAt>,
}

/// What is known of each metric at one cutoff: its value ([`MetricsAt`]), its [`Interval`], its [`Difference`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct At<T> {
    /// The cutoff: number of predicted labels.
    pub k: usize,
    /// Of P@k.
    pub precision: T,
    /// Of nDCG@k.
    pub ndcg: T,
    /// Of PSP@k; none without propensities.
    pub psp: Option<T>,
    /// Of R@k.
    pub recall: T,
}

/// The metrics at one cutoff.
pub type MetricsAt = At<f64>;

/// The result of an [`Accumulator`] with all that was counted. Of each example and cutoff it holds 20 bytes.
///
/// ```
/// use slide_core::{Runtime, metrics::Accumulator};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut accumulator = Accumulator::new(None);
/// for (predicted, labels) in [([0, 2], [0, 1]), ([0, 1], [1, 2]), ([2, 1], [1, 2])] {
///     accumulator.add(&predicted, &labels);
/// }
/// let evaluation = accumulator.finish();
/// let runtime = Runtime::new(&Default::default())?;
/// let intervals = evaluation.bootstrap(1000, runtime.workers()).intervals();
/// let (precision, interval) = (evaluation.metrics.at[0].precision, intervals[0].precision);
/// assert!(interval.lower < precision && precision < interval.upper);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluation {
    /// The metrics.
    pub metrics: Metrics,
    /// How far the probabilities of the predictions are from the shares of them that are right: the expected calibration error, a
    /// mean over 15 bins. 0 if no probabilities were added.
    pub calibration_error: f64,
    /// Macro averages over the labels of each group, the most frequent labels first; empty without label frequencies.
    pub label_groups: Vec<LabelGroup>,
    /// What the data set has that the model does not; nothing if no model was evaluated.
    pub unknown: Unknown,
    terms: Vec<Terms<f32>>,
}

/// What examples have that a model does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unknown {
    /// Feature entries, all examples together.
    pub features: u64,
    /// Examples that have any of these.
    pub examples_with_features: u64,
    /// Label entries, all examples together.
    pub labels: u64,
    /// Examples that have any of these.
    pub examples_with_labels: u64,
}

impl Unknown {
    /// Adds an example with this number of unknown features and labels.
    pub fn add(&mut self, features: u64, labels: u64) {
        self.features += features;
        self.examples_with_features += u64::from(features > 0);
        self.labels += labels;
        self.examples_with_labels += u64::from(labels > 0);
    }
}

impl<T> At<T> {
    /// `f` of each metric.
    pub fn map<V>(&self, f: impl Fn(&T) -> V) -> At<V> {
        self.zip(self, |value, _| f(value))
    }

    /// `f` of each metric here and in `other`; PSP if both have it.
    pub fn zip<U, V>(&self, other: &At<U>, f: impl Fn(&T, &U) -> V) -> At<V> {
        At {
            k: self.k,
            precision: f(&self.precision, &other.precision),
            ndcg: f(&self.ndcg, &other.ndcg),
            psp: self.psp.as_ref().zip(other.psp.as_ref()).map(|(psp, other)| f(psp, other)),
            recall: f(&self.recall, &other.recall),
        }
    }
}

impl MetricsAt {
    /// The metrics of `examples` examples with these sums; all 0 without examples.
    fn from_sums(k: usize, examples: u64, sums: Terms<f64>, with_psp: bool) -> Self {
        let examples = examples.max(1) as f64;
        let [hits, ndcg, recall, propensity_hits, propensity_best] = sums;
        let psp = if propensity_best == 0.0 { 0.0 } else { propensity_hits / propensity_best };
        Self {
            k,
            precision: hits / (k as f64 * examples),
            ndcg: ndcg / examples,
            psp: with_psp.then_some(psp),
            recall: recall / examples,
        }
    }
}

impl Evaluation {
    /// The metrics of resamples of the examples, at least one, by the threads of `workers`. The result does not depend on their
    /// number.
    ///
    /// # Panics
    /// If it is called from inside a task of `workers`.
    #[must_use]
    pub fn bootstrap(&self, resamples: usize, workers: &Workers) -> Bootstrap {
        Bootstrap::new(&self.metrics, &self.terms, resamples, workers)
    }
}

impl Metrics {
    /// The metrics at cutoff `k`, if it is one of the cutoffs.
    pub fn at(&self, k: usize) -> Option<&MetricsAt> {
        self.at.iter().find(|at| at.k == k)
    }
}

impl<'a> Accumulator<'a> {
    /// The usual cutoffs.
    pub const CUTOFFS: [usize; 3] = [1, 3, 5];
    /// The largest cutoff that an evaluation takes: it predicts that many labels for each example.
    pub const LARGEST_CUTOFF: usize = 1000;

    /// Without examples; cutoffs 1, 3 and 5.
    pub fn new(propensity: Option<&'a Propensity>) -> Self {
        Self::with_cutoffs(&Self::CUTOFFS, propensity)
    }

    /// Without examples; `cutoffs` in any order, of which zeros are dropped.
    pub fn with_cutoffs(cutoffs: &[usize], propensity: Option<&'a Propensity>) -> Self {
        let mut cutoffs: Vec<usize> = cutoffs.iter().copied().filter(|&k| k > 0).collect();
        cutoffs.sort_unstable();
        cutoffs.dedup();
        let sums = vec![Terms::default(); cutoffs.len()];
        Self {
            cutoffs,
            propensity,
            label_counts: None,
            calibration: Calibration::default(),
            sums,
            terms: Vec::new(),
            examples: 0,
            examples_without_labels: 0,
            scratch: Vec::new(),
        }
    }

    /// Counts by label too, for the [`LabelGroup`]s of labels of which there are `frequencies` in the training examples. To be called
    /// before any example is added.
    #[must_use]
    pub fn with_label_groups(mut self, frequencies: &'a [u32]) -> Self {
        self.label_counts = Some(LabelCounts::new(frequencies, self.cutoffs.len()));
        self
    }

    /// Number of predictions per example: the largest cutoff.
    pub fn depth(&self) -> usize {
        self.cutoffs.last().copied().unwrap_or(0)
    }

    /// Adds an example: distinct labels `predicted`, best first (fewer than [`Self::depth`] count as misses after the last, more are
    /// ignored), and its labels `truth`, ascending.
    pub fn add(&mut self, predicted: &[u32], truth: &[u32]) {
        self.examples += 1;
        if let Some(counts) = &mut self.label_counts {
            counts.add(&self.cutoffs, predicted, truth);
        }
        if truth.is_empty() {
            self.examples_without_labels += 1;
            self.terms.extend(self.cutoffs.iter().map(|_| Terms::default()));
            return;
        }
        let best = &mut self.scratch;
        best.clear();
        if let Some(propensity) = self.propensity {
            best.extend(truth.iter().map(|&label| propensity.inverse(label)));
            best.sort_unstable_by(|a, b| b.total_cmp(a));
        }
        let (mut rank, mut hits) = (0, 0);
        let (mut gain, mut ideal, mut weighted, mut weighted_best) = (0.0, 0.0, 0.0, 0.0);
        for (&cutoff, sums) in self.cutoffs.iter().zip(&mut self.sums) {
            while rank < cutoff {
                let discount = 1.0 / (rank as f64 + 2.0).log2();
                if rank < truth.len() {
                    ideal += discount;
                }
                weighted_best += best.get(rank).copied().unwrap_or(0.0);
                if let Some(label) = predicted.get(rank).filter(|label| truth.binary_search(label).is_ok()) {
                    hits += 1;
                    gain += discount;
                    weighted += self.propensity.map_or(0.0, |propensity| propensity.inverse(*label));
                }
                rank += 1;
            }
            let terms = [f64::from(hits), gain / ideal, f64::from(hits) / truth.len() as f64, weighted, weighted_best];
            sums.iter_mut().zip(terms).for_each(|(sum, term)| sum.add(term));
            self.terms.push(terms.map(|term| term as f32));
        }
    }

    /// Adds the probability of a prediction, which was right or not.
    pub fn add_probability(&mut self, probability: f32, is_right: bool) {
        self.calibration.add(probability, is_right);
    }

    /// Adds the examples of `other`.
    ///
    /// # Panics
    /// When the cutoffs or the label frequencies differ.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.cutoffs, other.cutoffs, "accumulators of different cutoffs");
        self.examples += other.examples;
        self.examples_without_labels += other.examples_without_labels;
        for (sum, other) in self.sums.iter_mut().flatten().zip(other.sums.iter().flatten()) {
            sum.0 += other.0;
        }
        self.terms.extend(&other.terms);
        self.calibration.merge(&other.calibration);
        match (&mut self.label_counts, &other.label_counts) {
            (Some(counts), Some(others)) => counts.merge(others),
            (counts, others) => assert!(counts.is_none() && others.is_none(), "accumulators of different labels"),
        }
    }

    /// The metrics so far; all 0 without examples.
    pub fn metrics(&self) -> Metrics {
        let at = self.cutoffs.iter().zip(&self.sums).map(|(&k, sums)| {
            MetricsAt::from_sums(k, self.examples, sums.map(ExactSum::get), self.propensity.is_some())
        });
        Metrics { examples: self.examples, examples_without_labels: self.examples_without_labels, at: at.collect() }
    }

    /// All that was counted.
    #[must_use]
    pub fn finish(self) -> Evaluation {
        let label_groups = self.label_counts.as_ref().map(|counts| counts.groups(&self.cutoffs)).unwrap_or_default();
        let calibration_error = self.calibration.error();
        Evaluation {
            metrics: self.metrics(),
            calibration_error,
            label_groups,
            unknown: Unknown::default(),
            terms: self.terms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-10, "{found} instead of {expected}");
    }

    #[test]
    fn inverse_propensities_by_hand() {
        // N = 1000: ln N - 1 = 5.907755278982137; 2.5^0.55 = 1.655251860660884; C = 9.778822911...
        let propensity = Propensity::new(&[0, 1, 100], 1000);
        let c = 5.907755278982137 * 2.5_f64.powf(0.55);
        close(propensity.inverse(1), 1.0 + 5.907755278982137); // (1 + B)^-A cancels (B + 1)^A
        close(propensity.inverse(0), 1.0 + c / 1.5_f64.powf(0.55));
        close(propensity.inverse(2), 1.0 + c * (-0.55 * 101.5_f64.ln()).exp());
        assert_eq!(propensity.inverse(3), propensity.inverse(0));
        assert_eq!(Propensity::new(&[1], 2).inverse(0), 1.0);
    }

    #[test]
    fn one_example_by_hand() {
        // Labels 2, 5, 7; predicted 5 (hit), 1, 2 (hit), 9, 7 (hit).
        let mut accumulator = Accumulator::new(None);
        accumulator.add(&[5, 1, 2, 9, 7], &[2, 5, 7]);
        let metrics = accumulator.metrics();
        let [one, three, five] = metrics.at[..] else { panic!("three cutoffs") };
        close(one.precision, 1.0);
        close(three.precision, 2.0 / 3.0);
        close(five.precision, 3.0 / 5.0);
        close(one.recall, 1.0 / 3.0);
        close(three.recall, 2.0 / 3.0);
        close(five.recall, 1.0);
        // 1/log2(2) = 1, 1/log2(3) = 0.6309297535714575, 1/log2(4) = 0.5, 1/log2(6) = 0.38685280723454163
        close(one.ndcg, 1.0);
        close(three.ndcg, 1.5 / 2.1309297535714575);
        close(five.ndcg, 1.8868528072345416 / 2.1309297535714575);
        assert_eq!(five.psp, None);
    }

    #[test]
    fn psp_divides_sums_over_all_examples() {
        // 1/p = 1, 2, 4 for labels 0, 1, 2.
        let propensity = Propensity { inverse: vec![1.0, 2.0, 4.0], of_unknown: 1.0 };
        let mut accumulator = Accumulator::new(Some(&propensity));
        accumulator.add(&[0, 2], &[0, 2]);
        accumulator.add(&[1, 0], &[1]);
        let metrics = accumulator.metrics();
        // k = 1: hits weigh 1 + 2, the best 4 + 2. k = 3: 5 + 2 of 6... the best is 4 + 1 and 2.
        close(metrics.at(1).unwrap().psp.unwrap(), 3.0 / 6.0);
        close(metrics.at(3).unwrap().psp.unwrap(), 7.0 / 7.0);
        close(metrics.at(3).unwrap().precision, 3.0 / 6.0);
    }

    #[test]
    fn few_predictions_and_examples_without_labels_count_as_misses() {
        let mut accumulator = Accumulator::with_cutoffs(&[2, 1, 2, 0], None);
        accumulator.add(&[3], &[3]);
        accumulator.add(&[], &[3]);
        accumulator.add(&[3, 4], &[]);
        let metrics = accumulator.metrics();
        assert_eq!((metrics.examples, metrics.examples_without_labels), (3, 1));
        assert_eq!(metrics.at.iter().map(|at| at.k).collect::<Vec<_>>(), [1, 2]);
        close(metrics.at(1).unwrap().precision, 1.0 / 3.0);
        close(metrics.at(2).unwrap().precision, 1.0 / 6.0);
        close(metrics.at(2).unwrap().ndcg, 1.0 / 3.0);
        assert_eq!(Accumulator::new(None).metrics().at(5).unwrap().ndcg, 0.0);
    }

    #[test]
    fn merging_gives_the_same_bits_in_any_grouping() {
        let frequencies: Vec<u32> = (0..100).map(|label| label * label % 37).collect();
        let propensity = Propensity::new(&frequencies, 5000);
        let example = |seed: u32| {
            let predicted: Vec<u32> = (0..5).map(|rank| (seed * 7 + rank * 13) % 100).collect();
            let mut truth: Vec<u32> = (0..seed % 6).map(|rank| (seed * 5 + rank * 31) % 100).collect();
            truth.sort_unstable();
            truth.dedup();
            (predicted, truth)
        };
        let of = |seeds: &mut dyn Iterator<Item = u32>| {
            let mut accumulator = Accumulator::new(Some(&propensity)).with_label_groups(&frequencies);
            for seed in seeds {
                let (predicted, truth) = example(seed);
                accumulator.add(&predicted, &truth);
            }
            accumulator
        };
        let whole = of(&mut (0..999)).finish();
        assert!(whole.metrics.at(5).unwrap().precision > 0.0 && whole.label_groups[0].at[2].recall > 0.0);
        for parts in [2, 3, 10] {
            let mut merged = of(&mut (0..0));
            for part in (0..parts).rev() {
                merged.merge(&of(&mut (0..999).rev().filter(|seed| seed % parts == part)));
            }
            let merged = merged.finish();
            assert_eq!((merged.metrics, merged.label_groups), (whole.metrics.clone(), whole.label_groups.clone()));
            assert_eq!(merged.terms.len(), whole.terms.len());
        }
    }
}
