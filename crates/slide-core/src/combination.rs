//! One score from the two parts of a model, as a probability: logistic regression (iteratively reweighted least squares with a
//! line search) on examples that neither part was trained on.
//!
//! A label with the network's score `z`, the linear part's score `s` and `n` the logarithm of its training examples has the score
//! `c + a z + g s`, or one whose three coefficients also depend on `n`. Which of both is decided by the precision on the same
//! examples; between them lie mixtures.

use serde::{Deserialize, Serialize};
use slide_kernels::numerics;

use crate::choice::choices;
use crate::setting::settings;

choices! {
    /// The parts of a model.
    pub enum Parts ("part") {
        /// The network and the sparse linear part; a label's score is made from both.
        Both = "both",
        /// The network alone.
        Network = "network",
        /// The sparse linear part alone.
        Linear = "linear",
    }
}

impl Parts {
    /// Whether the network is one of them.
    #[must_use]
    pub fn has_network(self) -> bool {
        self != Self::Linear
    }

    /// Whether the linear part is one of them.
    #[must_use]
    pub fn has_linear(self) -> bool {
        self != Self::Network
    }
}

settings! {
    /// What the model consists of.
    pub struct ModelConfig in "model" {
        /// Parts of the model: the network, the sparse linear part, or both with the sum of their scores
        model: Parts = Parts::Both, "PARTS";
    }
}

/// Coefficients of the score: `[constant, network, linear]`, and the same to be multiplied with the logarithm of the label's
/// frequency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Combination {
    pub(crate) plain: [f32; 3],
    pub(crate) by_frequency: [f32; 3],
}

impl Default for Combination {
    /// What fits most sets, for data without examples to choose by.
    fn default() -> Self {
        Self { plain: [0.5, 0.45, 3.6], by_frequency: [0.0; 3] }
    }
}

/// What the precision must be multiplied with by coefficients that depend on the frequency.
const LEAST_GAIN: f64 = 1.002;
/// Linear scores below this, as those of labels that were never trained, count as this.
pub(crate) const LEAST_LINEAR: f32 = -5.0;

/// A label that may be one of an example's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// The network's score: a logit, or the logarithm of a probability.
    pub(crate) network: f32,
    /// The linear part's score.
    pub(crate) linear: f32,
    /// [`log_frequency`] of the label.
    pub(crate) log_frequency: f32,
    /// Whether the label is one of the example's.
    pub(crate) is_label: bool,
}

/// The logarithm of a number of training examples, which may be 0.
pub(crate) fn log_frequency(frequency: u32) -> f32 {
    numerics::ln(frequency as f32 + 0.5)
}

impl Combination {
    /// The score of a label: the logit of its probability.
    pub(crate) fn score(&self, network: f32, linear: f32, log_frequency: f32) -> f32 {
        let coefficient = |i: usize| self.plain[i] + self.by_frequency[i] * log_frequency;
        coefficient(0) + coefficient(1) * network + coefficient(2) * linear.max(LEAST_LINEAR)
    }

    /// The combination that fits the candidates of examples, given one example after another. `uses` says which of the two scores
    /// there are. The default if none of the candidates is a label, or all are.
    pub(crate) fn fit(examples: &[Vec<Candidate>], uses: [bool; 2]) -> Self {
        let start = Self::default().plain.map(f64::from);
        let used = [true, uses[0], uses[1]];
        let start: Vec<f64> = (0..3).map(|i| if used[i] { start[i] } else { 0.0 }).collect();
        let candidates = || examples.iter().flatten();
        if candidates().all(|one| one.is_label) || !candidates().any(|one| one.is_label) {
            return Self { plain: [start[0] as f32, start[1] as f32, start[2] as f32], by_frequency: [0.0; 3] };
        }
        let plain = regression(examples, &used, &start, 3);
        let mut wide_start = plain.clone();
        wide_start.resize(6, 0.0);
        let wide = regression(examples, &used, &wide_start, 6);
        let mixture = |share: f64| {
            let mixed = |i: usize| ((1.0 - share) * plain.get(i).unwrap_or(&0.0) + share * wide[i]) as f32;
            Self { plain: [mixed(0), mixed(1), mixed(2)], by_frequency: [mixed(3), mixed(4), mixed(5)] }
        };
        let simple = mixture(0.0);
        // A gain that is smaller is chance.
        let mut best = (simple.precision(examples) as f64 * LEAST_GAIN, simple);
        for share in [0.25, 0.5, 0.75, 1.0] {
            let combination = mixture(share);
            let precision = combination.precision(examples) as f64;
            if precision > best.0 {
                best = (precision, combination);
            }
        }
        best.1
    }

    /// The sum of P@1, P@3 and P@5 over the examples, in fifteenths.
    fn precision(&self, examples: &[Vec<Candidate>]) -> u64 {
        let mut ranked: Vec<(f32, bool)> = Vec::new();
        let mut sum = 0;
        for candidates in examples {
            ranked.clear();
            ranked.extend(
                candidates.iter().map(|one| (self.score(one.network, one.linear, one.log_frequency), one.is_label)),
            );
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            for (k, worth) in [(1, 15), (3, 5), (5, 3)] {
                sum += worth * ranked.iter().take(k).filter(|one| one.1).count() as u64;
            }
        }
        sum
    }
}

/// `values[i]` belongs to coefficient `i`.
fn inputs(one: &Candidate, used: &[bool; 3], width: usize) -> [f64; 6] {
    let plain = [1.0, one.network, one.linear.max(LEAST_LINEAR)].map(f64::from);
    let plain: [f64; 3] = std::array::from_fn(|i| if used[i] { plain[i] } else { 0.0 });
    let frequency = if width > 3 { f64::from(one.log_frequency) } else { 0.0 };
    [plain[0], plain[1], plain[2], frequency * plain[0], frequency * plain[1], frequency * plain[2]]
}

/// Most steps of the regression; it converges in about six.
const STEPS: usize = 20;

/// Coefficients that minimise the log-loss plus half their squared distance from `start`.
fn regression(examples: &[Vec<Candidate>], used: &[bool; 3], start: &[f64], width: usize) -> Vec<f64> {
    let mut coefficients = start.to_vec();
    let product = |inputs: &[f64; 6], of: &[f64]| of.iter().zip(inputs).map(|(a, b)| a * b).sum::<f64>();
    let loss = |of: &[f64]| {
        let distance: f64 = of.iter().zip(start).map(|(a, b)| (a - b) * (a - b)).sum();
        let losses = examples.iter().flatten().map(|one| {
            let logit = product(&inputs(one, used, width), of);
            let signed = if one.is_label { -logit } else { logit };
            signed.max(0.0) + libm::log1p(libm::exp(-signed.abs()))
        });
        0.5 * distance + losses.sum::<f64>()
    };
    let mut present = loss(&coefficients);
    for _ in 0..STEPS {
        let mut gradient = [0.0; 6];
        let mut hessian = [[0.0; 6]; 6];
        for i in 0..width {
            gradient[i] = coefficients[i] - start[i];
            hessian[i][i] = 1.0;
        }
        for one in examples.iter().flatten() {
            let inputs = inputs(one, used, width);
            let probability = 1.0 / (1.0 + libm::exp(-product(&inputs, &coefficients)));
            let error = probability - if one.is_label { 1.0 } else { 0.0 };
            let curvature = probability * (1.0 - probability);
            for i in 0..width {
                gradient[i] += error * inputs[i];
                for j in 0..=i {
                    hessian[i][j] += curvature * inputs[i] * inputs[j];
                }
            }
        }
        let step = solve(hessian, gradient, width);
        let mut length = 1.0;
        let better = loop {
            let next: Vec<f64> = coefficients.iter().zip(&step).map(|(a, d)| a - length * d).collect();
            let loss = loss(&next);
            if loss < present {
                break Some((next, loss));
            }
            length /= 2.0;
            if length < 1e-3 {
                break None;
            }
        };
        let Some((next, loss)) = better else { break };
        let gained = present - loss;
        (coefficients, present) = (next, loss);
        if gained < 1e-9 * present {
            break;
        }
    }
    coefficients
}

/// The solution of a system whose matrix is symmetric, positive definite and given by its lower triangle: Cholesky.
fn solve(mut matrix: [[f64; 6]; 6], mut right: [f64; 6], width: usize) -> [f64; 6] {
    for i in 0..width {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - sum;
            matrix[i][j] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / matrix[j][j] };
        }
        let sum: f64 = (0..i).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i][i];
    }
    for i in (0..width).rev() {
        let sum: f64 = (i + 1..width).map(|k| matrix[k][i] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i][i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use slide_kernels::rng::{CounterRng, RngKey};

    /// Candidates whose labels are drawn by the probability that `truth` gives.
    fn drawn(truth: &Combination, examples: u32) -> Vec<Vec<Candidate>> {
        let mut random = CounterRng::new(RngKey::new(1, 2, 3, 4));
        let mut unit = move || random.unit_f32();
        let mut one = || {
            let (network, linear, log_frequency) = (8.0 * unit() - 6.0, 2.0 * unit() - 1.5, 6.0 * unit());
            let probability = numerics::sigmoid(truth.score(network, linear, log_frequency));
            Candidate { network, linear, log_frequency, is_label: unit() < probability }
        };
        (0..examples).map(|_| (0..40).map(|_| one()).collect()).collect()
    }

    #[test]
    fn coefficients_are_found_again() {
        for by_frequency in [[0.0; 3], [-0.2, 0.1, -0.4]] {
            let truth = Combination { plain: [0.3, 0.6, 2.5], by_frequency };
            let found = regression(&drawn(&truth, 4000), &[true; 3], &[0.0; 6], 6);
            for (found, expected) in found.iter().zip(truth.plain.iter().chain(&truth.by_frequency)) {
                assert!((found - f64::from(*expected)).abs() < 0.12, "{found} instead of {expected}");
            }
        }
    }

    #[test]
    fn the_frequency_counts_where_it_raises_the_precision() {
        let plain = Combination { plain: [0.3, 0.6, 2.5], by_frequency: [0.0; 3] };
        let examples = drawn(&plain, 4000);
        let found = Combination::fit(&examples, [true, true]);
        assert_eq!(found.by_frequency, [0.0; 3]);
        for (found, expected) in found.plain.iter().zip(plain.plain) {
            assert!((found - expected).abs() < 0.12, "{found} instead of {expected}");
        }
        let truth = Combination { by_frequency: [-0.2, 0.1, -0.4], ..plain };
        let examples = drawn(&truth, 4000);
        let found = Combination::fit(&examples, [true, true]);
        // A mixture may be chosen, so the coefficients need not be the drawn ones; the ranking is as good.
        let [found_precision, best, without] = [found, truth, plain].map(|one| one.precision(&examples) as f64);
        assert!(
            found_precision > 0.998 * best && found_precision > 1.01 * without,
            "{found:?}: {found_precision}, {best}, {without}"
        );
    }

    #[test]
    fn a_part_that_is_missing_has_no_coefficient() {
        let truth = Combination { plain: [0.3, 0.0, 2.5], by_frequency: [0.0; 3] };
        let found = Combination::fit(&drawn(&truth, 2000), [false, true]);
        assert_eq!((found.plain[1], found.by_frequency[1]), (0.0, 0.0));
        assert!((found.plain[2] - 2.5).abs() < 0.15, "{found:?}");
    }

    #[test]
    fn without_examples_it_is_the_default() {
        assert_eq!(Combination::fit(&[], [true, true]), Combination::default());
        let one = Candidate { network: 1.0, linear: 0.0, log_frequency: 1.0, is_label: false };
        assert_eq!(Combination::fit(&[vec![one; 3]], [true, true]), Combination::default());
        let alone = Combination::fit(&[], [false, true]);
        assert_eq!((alone.plain[1], alone.plain[2]), (0.0, Combination::default().plain[2]));
    }

    #[test]
    fn labels_that_were_never_trained_have_a_finite_score() {
        assert!(Combination::default().score(-3.0, f32::NEG_INFINITY, 0.0).is_finite());
    }
}
