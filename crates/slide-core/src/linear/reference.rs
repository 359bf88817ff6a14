//! The classifier of one label against a slow minimisation of what it minimises, in f64.

use slide_kernels::rng::{CounterRng, RngKey};
use slide_mem::Placement;

use super::dual::{self, Scratch};
use super::examples::Examples;
use crate::data::{Dataset, Normalize, Parts, TrainingSet};
use crate::runtime::Runtime;

const FEATURES: usize = 14;

/// Rows of which the first `positives` have the label, with values of any length.
struct Problem {
    rows: Vec<Vec<(u32, f32)>>,
    positives: usize,
    cost: f32,
}

/// `w` and the score of an example without features.
struct Solution {
    weights: Vec<f64>,
    bias: f64,
}

impl Problem {
    /// Rows of 2 to 6 features. Some features are more frequent among the positive rows, none tells them apart.
    fn drawn(positives: usize, negatives: usize, cost: f32) -> Self {
        let row = |number: usize| {
            let mut random = CounterRng::new(RngKey::new(3, 1, 0, number as u32));
            let first = if number < positives { 0 } else { 4 };
            let mut features: Vec<u32> = (0..2 + random.below(5)).map(|_| first + random.below(10)).collect();
            features.sort_unstable();
            features.dedup();
            features.into_iter().map(|feature| (feature, 0.25 + 3.0 * random.unit_f32())).collect()
        };
        Self { rows: (0..positives + negatives).map(row).collect(), positives, cost }
    }

    /// With a row without features and one of zeros in the place of others.
    fn with_empty_rows(mut self) -> Self {
        self.rows[0].clear();
        let last = self.rows.len() - 1;
        self.rows[last] = vec![(3, 0.0), (5, 0.0)];
        self
    }

    /// The rows as training examples, every second one, and others between them.
    fn data(&self) -> TrainingSet {
        let mut parts = Parts { feature_indptr: vec![0], feature_count: FEATURES, label_count: 1, ..Parts::default() };
        for row in &self.rows {
            for row in [&[(2, 5.0), (13, -1.0)][..], row] {
                parts.feature_indices.extend(row.iter().map(|entry| entry.0));
                parts.feature_values.extend(row.iter().map(|entry| entry.1));
                parts.feature_indptr.push(parts.feature_indices.len() as u64);
            }
        }
        parts.label_indptr = vec![0; parts.feature_indptr.len()];
        let data = Dataset::try_from(parts).unwrap();
        let numberings = [&data.feature_numbering(), &data.label_numbering()];
        TrainingSet::new(&data, Normalize::None, numberings, Placement::default()).unwrap()
    }

    /// The solver's solution, when it has been called `calls` times, each time from the dual variables of the last. `item` chooses
    /// the orders in which it visits the examples.
    fn solved(&self, calls: u64, item: u32, prune: f32) -> Solution {
        let runtime = Runtime::new(&Default::default()).unwrap();
        let data = self.data();
        let examples = Examples::new(&data, FEATURES, false, runtime.kernels());
        let members: Vec<u32> = (0..self.rows.len() as u32).map(|row| 2 * row + 1).collect();
        let (mut alphas, mut scratch) = (vec![0.0; members.len()], Scratch::default());
        let mut solution = Solution { weights: Vec::new(), bias: f64::NAN };
        for call in 0..calls {
            solution.weights = vec![0.0; FEATURES];
            let keep = |feature: u32, weight: f32| solution.weights[feature as usize] = f64::from(weight);
            let (key, members) = (RngKey::new(1, 2, call, item), (&members[..], self.positives));
            let settings = (self.cost, prune);
            let bias = dual::train(&examples, settings, key, members, &mut alphas, &mut scratch, keep);
            solution.bias = f64::from(bias);
        }
        assert!(alphas.iter().all(|alpha| *alpha >= 0.0 && alpha.is_finite()), "{alphas:?}");
        solution
    }

    /// Rows of length 1, and 1 or -1.
    fn scaled_rows(&self) -> impl Iterator<Item = (Vec<(usize, f64)>, f64)> {
        self.rows.iter().enumerate().map(|(number, row)| {
            let length = row.iter().map(|entry| f64::from(entry.1).powi(2)).sum::<f64>().sqrt();
            let scale = if length > 0.0 { 1.0 / length } else { 1.0 };
            let scaled = row.iter().map(|&(feature, value)| (feature as usize, scale * f64::from(value)));
            (scaled.collect(), if number < self.positives { 1.0 } else { -1.0 })
        })
    }

    /// What is minimised, and its gradient by the weights and then by `b`, where the score is `w . x + 0.3 b - 1`.
    fn objective(&self, weights: &[f64], b: f64) -> (f64, Vec<f64>) {
        let mut gradient: Vec<f64> = weights.iter().copied().chain([b]).collect();
        let mut objective = 0.5 * gradient.iter().map(|weight| weight * weight).sum::<f64>();
        for (row, sign) in self.scaled_rows() {
            let score = row.iter().map(|&(feature, value)| weights[feature] * value).sum::<f64>() + 0.3 * b - 1.0;
            let miss = (1.0 - sign * score).max(0.0);
            objective += f64::from(self.cost) * miss * miss;
            let factor = -2.0 * f64::from(self.cost) * miss * sign;
            row.iter().for_each(|&(feature, value)| gradient[feature] += factor * value);
            gradient[weights.len()] += factor * 0.3;
        }
        (objective, gradient)
    }

    fn objective_of(&self, solution: &Solution) -> f64 {
        self.objective(&solution.weights, (solution.bias + 1.0) / 0.3).0
    }

    /// By gradient descent with steps that any such objective allows.
    fn minimum(&self) -> Solution {
        let step = 1.0 / (1.0 + 2.0 * f64::from(self.cost) * 1.09 * self.rows.len() as f64);
        let (mut weights, mut b) = (vec![0.0; FEATURES], 0.0);
        loop {
            let (_, gradient) = self.objective(&weights, b);
            if gradient.iter().all(|slope| slope.abs() < 1e-9) {
                return Solution { weights, bias: 0.3 * b - 1.0 };
            }
            weights.iter_mut().zip(&gradient).for_each(|(weight, slope)| *weight -= step * slope);
            b -= step * gradient[FEATURES];
        }
    }
}

/// The largest difference between two solutions.
fn distance(left: &Solution, right: &Solution) -> f64 {
    let weights = left.weights.iter().zip(&right.weights).map(|(left, right)| (left - right).abs());
    weights.fold((left.bias - right.bias).abs(), f64::max)
}

fn problems() -> Vec<(&'static str, Problem)> {
    vec![
        ("few positives", Problem::drawn(4, 26, 1.0)),
        ("losses of little weight", Problem::drawn(12, 20, 0.05)),
        ("losses of much weight", Problem::drawn(12, 20, 4.0)),
        ("rows without features and of zeros", Problem::drawn(6, 9, 1.0).with_empty_rows()),
        ("no negatives", Problem::drawn(5, 0, 1.0)),
        ("one example", Problem::drawn(1, 0, 1.0)),
        ("one empty example", Problem { rows: vec![vec![]], positives: 1, cost: 1.0 }),
    ]
}

#[test]
fn the_gradient_of_the_reference_agrees_with_finite_differences() {
    let problem = Problem::drawn(4, 9, 1.0).with_empty_rows();
    let weights: Vec<f64> = (0..FEATURES).map(|feature| 0.1 * feature as f64 - 0.6).collect();
    let (_, gradient) = problem.objective(&weights, 0.4);
    for (feature, slope) in gradient.iter().enumerate() {
        let at = |change: f64| {
            let (mut weights, mut b) = (weights.clone(), 0.4);
            *weights.get_mut(feature).unwrap_or(&mut b) += change;
            problem.objective(&weights, b).0
        };
        let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((difference - slope).abs() < 1e-6, "{feature}: {difference} {slope}");
    }
}

#[test]
fn repeated_training_ends_in_the_minimum_in_any_order() {
    for (name, problem) in problems() {
        let minimum = problem.minimum();
        for item in 0..3 {
            let distance = distance(&problem.solved(400, item, 0.0), &minimum);
            assert!(distance < 1e-5, "{name} (order {item}): off by {distance}");
        }
    }
}

/// One training ends early, and which examples it has visited last shows.
#[test]
fn one_training_comes_near_the_minimum() {
    for (name, problem) in problems() {
        let minimum = problem.minimum();
        let least = problem.objective_of(&minimum);
        for item in 0..3 {
            let found = problem.solved(1, item, 0.0);
            let (objective, distance) = (problem.objective_of(&found), distance(&found, &minimum));
            let what = format!("{name} (order {item}): {objective} instead of {least}, off by {distance}");
            assert!(least < objective + 1e-9 && objective < 1.04 * least && distance < 0.5, "{what}");
        }
    }
    let (_, problem) = problems().remove(0);
    assert!(distance(&problem.solved(1, 0, 0.0), &problem.solved(1, 1, 0.0)) > 1e-3, "the order shows");
}

/// The root mean square of each feature's values where it occurs in `data`, divided by that of all values.
fn heaviness(data: &TrainingSet) -> Vec<f64> {
    let mut values = vec![Vec::new(); FEATURES];
    for example in 0..data.examples() {
        let (features, own) = data.features(example);
        let length = own.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let pairs = features.iter().zip(own);
        pairs.for_each(|(&feature, &value)| values[feature as usize].push(f64::from(value) / length.max(1e-9)));
    }
    let mean = |values: &[f64]| (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt();
    let all = mean(&values.concat());
    values.iter().map(|values| if values.is_empty() { 1.0 } else { mean(values) / all }).collect()
}

#[test]
fn weights_of_little_influence_are_pruned() {
    const PRUNE: f32 = 0.5;
    let problem = Problem::drawn(12, 20, 1.0);
    let [all, kept] = [0.0, PRUNE].map(|prune| problem.solved(1, 0, prune));
    assert_eq!(all.bias, kept.bias);
    let influences: Vec<f64> = all
        .weights
        .iter()
        .zip(heaviness(&problem.data()))
        .map(|(weight, heaviness)| weight.abs() * heaviness)
        .collect();
    let pruned = all.weights.iter().zip(&influences).map(|(&weight, &influence)| {
        assert!((influence - f64::from(PRUNE)).abs() > 1e-5, "too near the bound to tell");
        if influence >= f64::from(PRUNE) { weight } else { 0.0 }
    });
    assert!(pruned.eq(kept.weights.iter().copied()), "{:?} of {:?}", kept.weights, all.weights);
    let count = |solution: &Solution| solution.weights.iter().filter(|weight| **weight != 0.0).count();
    assert!(0 < count(&kept) && count(&kept) < count(&all), "{:?} of {:?}", kept.weights, all.weights);
    // It matters that they are weighed.
    let differs =
        |(weight, influence): (&f64, &f64)| (weight.abs() >= f64::from(PRUNE)) != (*influence >= f64::from(PRUNE));
    assert!(all.weights.iter().zip(&influences).any(differs), "{:?} {influences:?}", all.weights);
}
