//! Metrics of a ranking of labels: P@k, nDCG@k, PSP@k and R@k.
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

use serde::Serialize;

/// Inverse propensities of labels: the weights of hits in PSP.
///
/// Jain, Prabhu, Varma: Extreme Multi-label Loss Functions for Recommendation, Tagging, Ranking & Other Missing Label
/// Applications (KDD 2016), section 4: `1/p_l = 1 + C (N_l + B)^-A` with `C = (ln N - 1)(B + 1)^A`, `N` training examples
/// of which `N_l` have the label.
#[derive(Clone, Debug, PartialEq)]
pub struct Propensity {
    inverse: Vec<f64>,
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
        let inverse = frequencies.iter().map(|&frequency| 1.0 + c * (f64::from(frequency) + b).powf(-a)).collect();
        Self { inverse }
    }

    /// `1/p` of a label; 1 for a label beyond those given.
    pub fn inverse(&self, label: u32) -> f64 {
        self.inverse.get(label as usize).copied().unwrap_or(1.0)
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

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    hits: u64,
    ndcg: ExactSum,
    recall: ExactSum,
    propensity_hits: ExactSum,
    propensity_best: ExactSum,
}

/// Metrics of the examples added so far. Parts of a test set may be added to separate accumulators and merged in
/// any order with the same bits as result, since the sums are integers.
#[derive(Clone, Debug)]
pub struct Accumulator<'a> {
    cutoffs: Vec<usize>,
    propensity: Option<&'a Propensity>,
    sums: Vec<Sums>,
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

/// The metrics at one cutoff.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MetricsAt {
    /// The cutoff: number of predicted labels.
    pub k: usize,
    /// P@k.
    pub precision: f64,
    /// nDCG@k.
    pub ndcg: f64,
    /// PSP@k; none without propensities.
    pub psp: Option<f64>,
    /// R@k.
    pub recall: f64,
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

    /// Without examples; cutoffs 1, 3 and 5.
    pub fn new(propensity: Option<&'a Propensity>) -> Self {
        Self::with_cutoffs(&Self::CUTOFFS, propensity)
    }

    /// Without examples; `cutoffs` in any order, of which zeros are dropped.
    pub fn with_cutoffs(cutoffs: &[usize], propensity: Option<&'a Propensity>) -> Self {
        let mut cutoffs: Vec<usize> = cutoffs.iter().copied().filter(|&k| k > 0).collect();
        cutoffs.sort_unstable();
        cutoffs.dedup();
        let sums = vec![Sums::default(); cutoffs.len()];
        Self { cutoffs, propensity, sums, examples: 0, examples_without_labels: 0, scratch: Vec::new() }
    }

    /// Number of predictions per example: the largest cutoff.
    pub fn depth(&self) -> usize {
        self.cutoffs.last().copied().unwrap_or(0)
    }

    /// Adds an example: distinct labels `predicted`, best first (fewer than [`Self::depth`] count as misses after the last, more are
    /// ignored), and its labels `truth`, ascending.
    pub fn add(&mut self, predicted: &[u32], truth: &[u32]) {
        self.examples += 1;
        if truth.is_empty() {
            self.examples_without_labels += 1;
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
            sums.hits += hits;
            sums.ndcg.add(gain / ideal);
            sums.recall.add(hits as f64 / truth.len() as f64);
            sums.propensity_hits.add(weighted);
            sums.propensity_best.add(weighted_best);
        }
    }

    /// Adds the examples of `other`.
    ///
    /// # Panics
    /// When the cutoffs differ.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.cutoffs, other.cutoffs, "accumulators of different cutoffs");
        self.examples += other.examples;
        self.examples_without_labels += other.examples_without_labels;
        for (sums, others) in self.sums.iter_mut().zip(&other.sums) {
            sums.hits += others.hits;
            sums.ndcg.0 += others.ndcg.0;
            sums.recall.0 += others.recall.0;
            sums.propensity_hits.0 += others.propensity_hits.0;
            sums.propensity_best.0 += others.propensity_best.0;
        }
    }

    /// The metrics so far; all 0 without examples.
    pub fn metrics(&self) -> Metrics {
        let examples = self.examples.max(1) as f64;
        let at = self.cutoffs.iter().zip(&self.sums).map(|(&k, sums)| MetricsAt {
            k,
            precision: sums.hits as f64 / (k as f64 * examples),
            ndcg: sums.ndcg.get() / examples,
            psp: self.propensity.map(|_| match sums.propensity_best.get() {
                0.0 => 0.0,
                best => sums.propensity_hits.get() / best,
            }),
            recall: sums.recall.get() / examples,
        });
        Metrics { examples: self.examples, examples_without_labels: self.examples_without_labels, at: at.collect() }
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
        assert_eq!(propensity.inverse(3), 1.0);
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
        let propensity = Propensity { inverse: vec![1.0, 2.0, 4.0] };
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
            let mut accumulator = Accumulator::new(Some(&propensity));
            for seed in seeds {
                let (predicted, truth) = example(seed);
                accumulator.add(&predicted, &truth);
            }
            accumulator
        };
        let whole = of(&mut (0..999)).metrics();
        assert!(whole.at(5).unwrap().precision > 0.0);
        for parts in [2, 3, 10] {
            let mut merged = Accumulator::new(Some(&propensity));
            for part in (0..parts).rev() {
                merged.merge(&of(&mut (0..999).rev().filter(|seed| seed % parts == part)));
            }
            assert_eq!(merged.metrics(), whole);
        }
    }
}
