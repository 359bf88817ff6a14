//! Confidence intervals and comparisons by the bootstrap over test examples.
//!
//! A resample has as many examples as the test set, drawn from it with replacement. Of the values of a metric over the resamples
//! the middle 95 % are its percentile interval (Efron, Tibshirani: An Introduction to the Bootstrap, 1993, section 13.3). Two
//! evaluations of the same examples are compared by the differences of their metrics over the same resamples, the paired bootstrap
//! (Koehn: Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004).
//!
//! The intervals tell how much depends on the choice of the test examples, and not what another training would give.
//!
//! Which examples a resample has is a function of their number and of the resample's: the same on every machine, with any number of
//! threads, and for both sides of a comparison.

use serde::Serialize;
use slide_kernels::rng::{CounterRng, RngKey};
use slide_mem::Workers;
use thiserror::Error;

use super::{At, Metrics, MetricsAt, Terms};
use crate::streams;

/// One in so many resamples is left out at either end of an interval: 2.5 %.
const ONE_OUTSIDE_OF: usize = 40;

/// The metrics of a test set and of its resamples.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    examples: u64,
    resamples: usize,
    /// One entry for each cutoff.
    at: Vec<At<Values>>,
}

/// A metric of the test set, and of each resample.
#[derive(Clone, Debug)]
struct Values {
    whole: f64,
    resampled: Vec<f64>,
}

/// The middle 95 % of the resamples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// At most 2.5 % of the resamples are below this.
    pub lower: f64,
    /// At most 2.5 % of the resamples are above this.
    pub upper: f64,
}

/// By how much a metric of one evaluation is above that of another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The difference in the test set, from -1 to 1.
    pub difference: f64,
    /// The interval of the difference.
    #[serde(flatten)]
    pub interval: Interval,
    /// The share of the resamples in which the first is better; those in which both are equal count half.
    pub better: f64,
}

/// Two evaluations that cannot be paired example by example.
#[derive(Debug, Error)]
#[error("evaluations that cannot be compared: {first}, and {second}")]
pub struct ComparisonError {
    first: String,
    second: String,
}

impl Bootstrap {
    /// `terms` has an entry for each example and cutoff of `metrics`, example by example.
    pub(super) fn new(metrics: &Metrics, terms: &[Terms<f32>], resamples: usize, workers: &Workers) -> Self {
        let mut drawn = vec![Vec::new(); resamples.max(1)];
        workers.each(&mut drawn, |resample, at| *at = draw(metrics, terms, resample as u32));
        let at = metrics.at.iter().enumerate().map(|(cutoff, at)| {
            let values = |&whole: &f64, resampled: &Vec<f64>| Values { whole, resampled: resampled.clone() };
            at.zip(&columns(drawn.iter().map(|at| at[cutoff])), values)
        });
        Self { examples: metrics.examples, resamples: drawn.len(), at: at.collect() }
    }

    /// The intervals of the metrics, one entry for each cutoff, ascending.
    #[must_use]
    pub fn intervals(&self) -> Vec<At<Interval>> {
        self.at.iter().map(|at| at.map(|values| Interval::of(values.resampled.clone()))).collect()
    }

    /// By how much the metrics are above those of `other`, an evaluation of the same examples in the same order; one entry for each
    /// cutoff, ascending. There is no PSP unless both have it.
    ///
    /// # Errors
    /// Other numbers of examples or resamples, or other cutoffs. Whether the examples are the same is not checked.
    pub fn compare(&self, other: &Self) -> Result<Vec<At<Difference>>, ComparisonError> {
        let [first, second] = [self, other].map(|Self { examples, resamples, at }| {
            let cutoffs: Vec<usize> = at.iter().map(|at| at.k).collect();
            format!("{examples} examples in {resamples} resamples at {cutoffs:?}")
        });
        if first != second {
            return Err(ComparisonError { first, second });
        }
        Ok(self.at.iter().zip(&other.at).map(|(first, second)| first.zip(second, Difference::of)).collect())
    }
}

impl Interval {
    /// `values` are not empty.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let outside = values.len() / ONE_OUTSIDE_OF;
        Self { lower: values[outside], upper: values[values.len() - 1 - outside] }
    }
}

impl Difference {
    fn of(first: &Values, second: &Values) -> Self {
        let pairs = first.resampled.iter().zip(&second.resampled);
        let differences: Vec<f64> = pairs.map(|(first, second)| first - second).collect();
        let count = |is: fn(&f64) -> bool| differences.iter().copied().filter(is).count() as f64;
        let better = count(|&difference| difference > 0.0) + 0.5 * count(|&difference| difference == 0.0);
        Self {
            difference: first.whole - second.whole,
            better: better / differences.len() as f64,
            interval: Interval::of(differences),
        }
    }
}

/// The metrics of a resample.
fn draw(metrics: &Metrics, terms: &[Terms<f32>], resample: u32) -> Vec<MetricsAt> {
    let cutoffs = metrics.at.len();
    let mut sums = vec![[0.0; 5]; cutoffs];
    let mut rng = CounterRng::new(RngKey::new(0, streams::BOOTSTRAP, 0, resample));
    for _ in 0..metrics.examples {
        // No data set has 2^32 examples.
        let example = rng.below(metrics.examples as u32) as usize;
        for (sums, terms) in sums.iter_mut().zip(&terms[example * cutoffs..]) {
            for (sum, &term) in sums.iter_mut().zip(terms) {
                *sum += f64::from(term);
            }
        }
    }
    let at = metrics.at.iter().zip(sums);
    at.map(|(at, sums)| MetricsAt::from_sums(at.k, metrics.examples, sums, at.psp.is_some())).collect()
}

/// The values of each metric in `samples`, of which there is at least one.
fn columns(samples: impl ExactSizeIterator<Item = MetricsAt> + Clone) -> At<Vec<f64>> {
    let of = |value: fn(MetricsAt) -> f64| samples.clone().map(value).collect();
    At {
        k: samples.clone().next().map_or(0, |at| at.k),
        precision: of(|at| at.precision),
        ndcg: of(|at| at.ndcg),
        psp: samples.clone().map(|at| at.psp).collect(),
        recall: of(|at| at.recall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Accumulator, Evaluation, Propensity};
    use crate::runtime::{Runtime, RuntimeOptions};

    fn bootstrap_by(threads: usize, evaluation: &Evaluation) -> Bootstrap {
        let options = RuntimeOptions { threads: threads.try_into().ok(), ..RuntimeOptions::default() };
        evaluation.bootstrap(1000, Runtime::new(&options).unwrap().workers())
    }

    fn bootstrap(evaluation: &Evaluation) -> Bootstrap {
        bootstrap_by(1, evaluation)
    }

    /// 1,000 examples, the first two without labels, the others with label 0, which is predicted where `is_hit`.
    fn hits(is_hit: impl Fn(u32) -> bool) -> Evaluation {
        let mut accumulator = Accumulator::with_cutoffs(&[1], None);
        for example in 0..1000 {
            accumulator.add(&[u32::from(!is_hit(example))], if example < 2 { &[] } else { &[0] });
        }
        accumulator.finish()
    }

    /// The width of the 95 % interval of the mean of 1,000 draws that are 1 with this probability: that of the normal distribution.
    fn width(probability: f64) -> f64 {
        3.92 * (probability * (1.0 - probability) / 1000.0).sqrt()
    }

    /// The ends of an interval of 1,000 resamples vary: the standard deviation of its width is 3 %.
    fn assert_width(interval: Interval, expected: f64) {
        let found = interval.upper - interval.lower;
        assert!((found / expected - 1.0).abs() < 0.1, "width {found} instead of {expected}");
    }

    #[test]
    fn an_interval_leaves_out_as_many_at_both_ends() {
        let thousand = (0..1000).map(|number| f64::from(number * 7 % 1000)).collect();
        assert_eq!(Interval::of(thousand), Interval { lower: 25.0, upper: 974.0 });
        assert_eq!(Interval::of(vec![2.0, 1.0]), Interval { lower: 1.0, upper: 2.0 });
    }

    #[test]
    fn equal_examples_have_intervals_without_width() {
        let propensity = Propensity::new(&[1, 2, 3], 100);
        let mut accumulator = Accumulator::new(Some(&propensity));
        (0..50).for_each(|_| accumulator.add(&[2, 1], &[0, 1]));
        let evaluation = accumulator.finish();
        for (at, interval) in evaluation.metrics.at.iter().zip(bootstrap(&evaluation).intervals()) {
            at.zip(&interval, |value, interval| {
                assert_eq!(interval.lower, interval.upper);
                assert!((interval.lower - value).abs() < 1e-7, "{interval:?} of {value}");
            });
            assert!(interval.psp.is_some());
        }
    }

    #[test]
    fn the_interval_of_a_coin_is_that_of_the_binomial_distribution() {
        for (heads, probability) in [(500, 0.5), (100, 0.1)] {
            let [at] = bootstrap(&hits(|example| example < heads)).intervals()[..] else { panic!("one cutoff") };
            assert_width(at.precision, width(probability));
            let middle = 0.5 * (at.precision.lower + at.precision.upper);
            assert!((middle - probability).abs() < 0.1 * width(probability), "{at:?}");
        }
    }

    #[test]
    fn a_difference_has_the_width_of_the_examples_that_differ() {
        // The second has the hits of the first and those of one example in ten.
        let first = bootstrap(&hits(|example| example % 2 == 0));
        let second = bootstrap(&hits(|example| example % 2 == 0 || example % 10 == 3));
        let [at] = first.compare(&second).unwrap()[..] else { panic!("one cutoff") };
        assert!((at.precision.difference + 0.1).abs() < 1e-12, "{at:?}");
        assert_width(at.precision.interval, width(0.1));
        assert_eq!((at.precision.better, at.psp), (0.0, None));
        assert_eq!(second.compare(&first).unwrap()[0].precision.better, 1.0);
        // As many hits, of other examples.
        let other = bootstrap(&hits(|example| example % 2 == 1));
        let Difference { difference, interval, better } = first.compare(&other).unwrap()[0].precision;
        assert_eq!(difference, 0.0);
        assert_width(interval, 2.0 * width(0.5));
        assert!((better - 0.5).abs() < 0.05, "{better}");
    }

    #[test]
    fn an_evaluation_differs_from_itself_by_nothing() {
        let evaluation = bootstrap(&hits(|example| example % 3 == 0));
        let nothing = Difference { difference: 0.0, interval: Interval { lower: 0.0, upper: 0.0 }, better: 0.5 };
        let at = At { k: 1, precision: nothing, ndcg: nothing, psp: None, recall: nothing };
        assert_eq!(evaluation.compare(&evaluation).unwrap(), [at]);
    }

    #[test]
    fn threads_do_not_matter() {
        let evaluation = hits(|example| example % 7 < 3);
        assert_eq!(bootstrap_by(3, &evaluation).intervals(), bootstrap(&evaluation).intervals());
    }

    #[test]
    fn other_examples_cannot_be_compared() {
        let empty = Accumulator::with_cutoffs(&[1], None).finish();
        assert_eq!(bootstrap(&empty).intervals()[0].precision, Interval { lower: 0.0, upper: 0.0 });
        let error = bootstrap(&empty).compare(&bootstrap(&hits(|_| true))).unwrap_err();
        let [first, second] = [0, 1000].map(|examples| format!("{examples} examples in 1000 resamples at [1]"));
        assert_eq!(error.to_string(), format!("evaluations that cannot be compared: {first}, and {second}"));
    }
}
