//! Postings, pairs and the training as a whole.

/// Data and settings of the integration tests.
#[allow(clippy::field_reassign_with_default, reason = "outside of the crate the options have no other constructor")]
#[allow(clippy::duplicate_mod, reason = "in the crate, each file of tests has its own")]
#[path = "../../tests/common/mod.rs"]
mod common;

use half::f16;
use proptest::collection::vec;
use proptest::prelude::*;
use slide_kernels::rng::{CounterRng, RngKey};
use slide_kernels::{Isa, Kernels};
use slide_mem::Placement;

use super::config::LinearConfig;
use super::label_weights::LabelWeights;
use super::lists::Lists;
use super::pairs::Pairs;
use super::postings::Postings;
use super::scores::Scores;
use super::training::{Settings, Training};
use crate::data::{Dataset, Normalize, TrainingSet};
use crate::layer::partition::Partition;
use crate::runtime::Runtime;

const FEATURES: usize = 23;

/// Weights of labels by feature, `(label, weight)` with ascending labels, and the bias of each label.
type Weights = (Vec<Vec<(u32, f32)>>, Vec<f32>);
/// The same as an index stores them, as bits.
type Stored = (Vec<Vec<(u32, u16)>>, Vec<u32>);

/// Feature 0 has weights of every label, feature 1 of none; of the others one in eight is there.
fn drawn(labels: u32) -> Weights {
    let mut lists = vec![Vec::new(); FEATURES];
    let mut biases = Vec::new();
    for label in 0..labels {
        let mut random = CounterRng::new(RngKey::new(5, 6, 0, label));
        biases.push(if random.below(50) == 0 { f32::NEG_INFINITY } else { random.unit_f32() - 1.5 });
        for (feature, list) in lists.iter_mut().enumerate() {
            if feature == 0 || (feature > 1 && random.below(8) == 0) {
                list.push((label, 4.0 * random.unit_f32() - 2.0));
            }
        }
    }
    (lists, biases)
}

/// The index of these, by way of the weights of each label.
fn index((lists, biases): &Weights, runtime: &Runtime) -> Postings {
    let mut of_labels = vec![Vec::new(); biases.len()];
    // Features of a label in descending order: any will do.
    for (feature, list) in lists.iter().enumerate().rev() {
        list.iter().for_each(|&(label, weight)| of_labels[label as usize].push((feature as u32, weight)));
    }
    // From two pieces, as workers make them.
    let mut pieces = [LabelWeights::default(), LabelWeights::default()];
    for (label, (own, &bias)) in of_labels.iter().zip(biases).enumerate() {
        let piece = &mut pieces[usize::from(label >= biases.len() / 3)];
        own.iter().for_each(|&(feature, weight)| piece.push(feature, weight));
        piece.push_label(bias);
    }
    let [mut weights, second] = pieces;
    weights.append(&second);
    Postings::new(lists.len(), &weights, runtime).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn content(index: &Postings) -> Stored {
    let list = |feature| index.list(feature).map(|(label, weight)| (label, weight.to_bits())).collect();
    ((0..index.features()).map(list).collect(), bits(&index.labels().biases().collect::<Vec<_>>()))
}

/// Fewer labels than a block has, as many, one more, and two blocks.
const LABELS: [u32; 5] = [1, 300, 65_536, 65_537, 70_000];

#[test]
fn lists_hold_the_weights_rounded_to_half_precision() {
    let runtime = common::runtime(Some(1), None);
    for labels in LABELS {
        let (lists, biases) = drawn(labels);
        let index = index(&(lists.clone(), biases.clone()), &runtime);
        let rounded = |list: &Vec<(u32, f32)>| -> Vec<(u32, u16)> {
            list.iter().map(|&(label, weight)| (label, f16::from_f32(weight).to_bits())).collect()
        };
        let expected = (lists.iter().map(rounded).collect(), bits(&biases));
        assert!(content(&index) == expected, "{labels} labels");
        assert_eq!(index.weights(), lists.iter().map(Vec::len).sum::<usize>());
        let again = Postings::from_lists(Partition::new(FEATURES), &biases, &Placement::default(), |visit| {
            for feature in (0..FEATURES).rev() {
                index.list(feature).for_each(|(label, weight)| visit(feature as u32, label, weight));
            }
        });
        let again = again.unwrap();
        assert!(content(&again) == expected, "{labels} labels, from lists");
    }
}

/// The scores of all labels, one addition after another.
fn summed((lists, biases): &Weights, features: &[u32], values: &[f32], scale: f32) -> Vec<f32> {
    let mut sums = biases.clone();
    for (&feature, &value) in features.iter().zip(values) {
        for &(label, weight) in &lists[feature as usize] {
            sums[label as usize] += value * scale * f16::from_f32(weight).to_f32();
        }
    }
    sums
}

/// Checks all scores and the best labels against sums over all labels.
fn check_scores(scores: &mut Scores, expected: &[f32], kernels: &Kernels, most: &[usize], what: &str) {
    let found: Vec<f32> = (0..expected.len() as u32).map(|label| scores.of(label)).collect();
    assert!(bits(&found) == bits(expected), "{what}");
    for &k in most {
        let (mut labels, mut values) = (vec![0; k], vec![0.0; k]);
        let count = kernels.top_k(expected, &mut labels, &mut values);
        let (found, values): (Vec<u32>, Vec<f32>) = scores.best(kernels, k).iter().copied().unzip();
        assert!(found == labels[..count], "{k} best, {what}: {found:?} {labels:?}");
        assert!(
            values.iter().zip(&labels).all(|(value, &label)| value.to_bits() == expected[label as usize].to_bits())
        );
    }
}

#[test]
fn scores_are_sums_over_the_features() {
    let mut scores = Scores::default();
    // The largest first: what is left of it must not show.
    for labels in LABELS.into_iter().rev() {
        let drawn = drawn(labels);
        let examples: [(&[u32], &[f32]); 4] = [
            (&[], &[]),
            (&[1], &[2.0]),
            (&[0, 2, 3, 17, 22], &[0.5, -1.25, 0.0, 3.0, 0.1]),
            (&[22, 4, 0], &[1.0, 1e-3, -7.0]),
        ];
        for isa in Isa::available() {
            let runtime = common::runtime(Some(1), Some(isa));
            let index = index(&drawn, &runtime);
            for ((features, values), scale) in examples.iter().flat_map(|&example| [(example, 1.0), (example, 0.3)]) {
                scores.score(&index, runtime.kernels(), (features, values), scale);
                let what = format!("{labels} labels, {isa}, {features:?} x {scale}");
                let expected = summed(&drawn, features, values, scale);
                check_scores(&mut scores, &expected, runtime.kernels(), &[0, 1, 5, 50, 600], &what);
            }
        }
    }
}

/// Few of many labels in lists, few different weights and biases, so that many scores are equal.
fn drawn_with_ties(labels: u32, share: u32, seed: u32) -> Weights {
    let mut random = CounterRng::new(RngKey::new(7, 8, 0, seed));
    let mut lists = vec![Vec::new(); FEATURES];
    for list in &mut lists[1..] {
        // Of some features most labels, of others few.
        let share = share << random.below(8);
        for label in 0..labels {
            if random.below(1 << 16) < share {
                list.push((label, [-0.5, 0.25, 0.5][random.below(3) as usize]));
            }
        }
    }
    let biases = (0..labels).map(|_| [f32::NEG_INFINITY, -1.0, -0.75, -0.0, 0.0][random.below(5) as usize]).collect();
    (lists, biases)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whether lists reach few labels of a block, most, or none; with more labels asked for than are touched.
    #[test]
    fn the_best_labels_are_those_of_a_full_scan(
        labels in prop_oneof![1_u32..100, 1_000_u32..3_000, 65_500_u32..65_600, 140_000_u32..140_100],
        share in prop_oneof![Just(0_u32), Just(4), Just(64), Just(1_000)],
        seed: u32,
        examples in vec(vec((0..FEATURES as u32, -2_i32..3), 0..6), 1..5),
    ) {
        let runtime = common::runtime(Some(1), None);
        let drawn = drawn_with_ties(labels, share, seed);
        let index = index(&drawn, &runtime);
        let mut scores = Scores::default();
        for example in examples {
            let (features, values): (Vec<u32>, Vec<f32>) =
                example.into_iter().map(|(feature, value)| (feature, value as f32)).unzip();
            scores.score(&index, runtime.kernels(), (&features, &values), 0.5);
            let mut expected = summed(&drawn, &features, &values, 0.5);
            check_scores(&mut scores, &expected, runtime.kernels(), &[1, 7, 60, 2_000], "before");
            // As mining leaves labels out, the next example must not show it.
            for label in [0, labels / 2, labels - 1] {
                scores.exclude(label);
                expected[label as usize] = f32::NEG_INFINITY;
            }
            check_scores(&mut scores, &expected, runtime.kernels(), &[1, 7, 60, labels as usize], "without some");
        }
    }
}

fn lists(lists: &[&[u32]]) -> Lists {
    let mut all = Lists::default();
    lists.iter().for_each(|list| all.push(list.iter().copied()));
    all
}

/// Of each label: the examples, how many of them have it, and the dual variables.
fn labels_of(pairs: &mut Pairs, runs: usize) -> Vec<(Vec<u32>, usize, Vec<f32>)> {
    let mut labels = Vec::new();
    for mut run in pairs.runs(runs) {
        assert_eq!(run.first, labels.len(), "runs follow one another");
        assert!(run.labels() > 0, "no run is empty");
        for label in 0..run.labels() {
            let (examples, positives, alphas) = run.label(label);
            labels.push((examples.to_vec(), positives, alphas.to_vec()));
        }
    }
    labels
}

/// Sets the dual variables of label after label.
fn set_alphas(pairs: &mut Pairs, alphas: &[&[f32]]) {
    for mut run in pairs.runs(2) {
        for label in 0..run.labels() {
            let of_label = alphas[run.first + label];
            run.label(label).2.copy_from_slice(of_label);
        }
    }
}

#[test]
fn pairs_without_influence_are_dropped_unless_they_are_positive() {
    let positives = lists(&[&[1, 4], &[], &[0], &[]]);
    let negatives = lists(&[&[2, 3], &[5], &[1, 2], &[]]);
    let mut pairs = Pairs::default().with(&positives, &negatives);
    // Of label 1, which no example has, none is kept.
    let expected = [
        (vec![1, 4, 2, 3], 2, vec![0.0; 4]),
        (vec![], 0, vec![]),
        (vec![0, 1, 2], 1, vec![0.0; 3]),
        (vec![], 0, vec![]),
    ];
    assert_eq!((labels_of(&mut pairs, 1), pairs.len()), (expected.to_vec(), 7));

    set_alphas(&mut pairs, &[&[0.0, 0.5, 0.0, 0.25], &[], &[0.75, 0.125, 0.0], &[]]);
    let kept = pairs.kept_negatives(6);
    let kept: Vec<&[u32]> = (0..6).map(|example| kept.get(example)).collect();
    assert_eq!(kept, [&[][..], &[2], &[], &[0], &[], &[]]);

    let positives = lists(&[&[], &[5], &[3], &[]]);
    let negatives = lists(&[&[0, 5], &[4], &[], &[1]]);
    let mut next = pairs.with(&positives, &negatives);
    let expected = [
        (vec![1, 4, 3, 0, 5], 2, vec![0.0, 0.5, 0.25, 0.0, 0.0]),
        (vec![5, 4], 1, vec![0.0; 2]),
        (vec![0, 3, 1], 2, vec![0.75, 0.0, 0.125]),
        (vec![], 0, vec![]),
    ];
    assert_eq!((labels_of(&mut next, 1), next.len()), (expected.to_vec(), 10));
}

#[test]
fn runs_have_all_labels_once() {
    let long: Vec<u32> = (0..100).collect();
    let shapes: [&[&[u32]]; 6] = [
        &[&[0]],
        &[&[], &[], &[]],
        &[&[], &[], &[3, 4], &[], &[1], &[], &[]],
        &[&long, &[1], &[], &[2, 3]],
        &[&[1], &[], &[2, 3], &long],
        &[&[1, 2][..]; 40],
    ];
    for shape in shapes {
        let none = lists(&vec![&[][..]; shape.len()]);
        let mut pairs = Pairs::default().with(&lists(shape), &none);
        let expected: Vec<_> = shape.iter().map(|list| (list.to_vec(), list.len(), vec![0.0; list.len()])).collect();
        let longest = shape.iter().map(|list| list.len()).max().unwrap();
        for count in 1..70 {
            assert_eq!(labels_of(&mut pairs, count), expected, "{count} runs");
            let total = pairs.len();
            let runs = pairs.runs(count);
            assert!(runs.len() <= count);
            for mut run in runs {
                let own: usize = (0..run.labels()).map(|label| run.label(label).0.len()).sum();
                assert!(own <= total.div_ceil(count) + longest, "{own} of {total} pairs in one of {count} runs");
            }
        }
    }
}

fn data() -> Dataset {
    common::dataset(400, 1500, 1200)
}

/// Every 20th example.
fn held_out() -> Vec<u32> {
    (0..20).map(|number| 20 * number + 3).collect()
}

/// Trains on all but the examples that are held out, and then `then`.
fn train<T>(data: &Dataset, threads: usize, isa: Option<Isa>, then: impl FnOnce(&mut Training<'_>) -> T) -> T {
    let runtime = common::runtime(Some(threads), isa);
    let labels = Partition::new(data.label_count());
    let numberings = [&data.feature_numbering(), &data.label_numbering()];
    let set = TrainingSet::new(data, Normalize::L2, numberings, Placement::default()).unwrap();
    let config = LinearConfig { hard_negatives: 20, ..LinearConfig::default() };
    let settings =
        Settings { config: &config, seed: 9, features: data.feature_count(), labels: &labels, is_scaled: true };
    then(&mut Training::new(&set, &settings, &held_out(), &runtime).unwrap())
}

/// A whole training: the number of pairs and the weights after each of its steps.
fn steps(training: &mut Training<'_>) -> Vec<(usize, Stored)> {
    let state = |training: &Training<'_>| (training.pairs(), content(training.postings()));
    let mut states = vec![state(training)];
    for round in 0..4 {
        if round == 3 {
            training.include(&held_out()).unwrap();
            states.push(state(training));
        }
        training.run_round().unwrap();
        states.push(state(training));
    }
    states
}

#[test]
fn weights_have_the_same_bits_with_any_threads_and_instructions() {
    let data = data();
    let expected = train(&data, 1, Some(Isa::Scalar), steps);
    assert!(expected.windows(2).all(|pair| pair[0] != pair[1]), "each step changes something");
    for threads in [1, 2, 5] {
        for isa in Isa::available() {
            let found = train(&data, threads, Some(isa), steps);
            for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert!(found == expected, "{threads} threads, {isa}: step {step}");
            }
        }
    }
}

#[test]
fn labels_without_examples_have_no_weights() {
    let data = data();
    let held_out = held_out();
    let mut frequencies = vec![0; data.label_count()];
    for example in (0..data.examples()).filter(|&example| !held_out.contains(&(example as u32))) {
        data.labels(example).iter().for_each(|&label| frequencies[label as usize] += 1);
    }
    let check = |training: &Training<'_>, frequencies: &[u32], step: &str| {
        let mut weights = vec![0; frequencies.len()];
        let postings = training.postings();
        for feature in 0..postings.features() {
            postings.list(feature).for_each(|(label, _)| weights[label as usize] += 1);
        }
        for (label, &frequency) in frequencies.iter().enumerate() {
            let bias = postings.labels().biases().nth(label).unwrap();
            if frequency == 0 {
                assert_eq!((bias, weights[label]), (f32::NEG_INFINITY, 0), "label {label}, {step}");
            } else {
                assert!(bias.is_finite(), "label {label}, {step}: {bias}");
            }
        }
        let labels = weights.iter().filter(|count| **count > 0).count();
        assert!(labels > frequencies.len() / 3, "{labels} labels with weights, {step}");
    };
    train(&data, 2, None, |training| {
        check(training, &frequencies, "at first");
        training.run_round().unwrap();
        check(training, &frequencies, "after a round");
        training.include(&held_out).unwrap();
        let all = data.label_numbering().frequencies(&data.arrays().label_indices);
        assert!(all.contains(&0) && all.iter().zip(&frequencies).any(|(&all, &before)| before == 0 && all > 0));
        check(training, &all, "with what was held out");
    });
}

/// The share of examples whose best label is one of their own.
fn precision(training: &Training<'_>, data: &Dataset, kernels: &Kernels) -> f64 {
    let mut scores = Scores::default();
    let features = Partition::new(data.feature_count());
    let examples = (0..data.examples()).filter(|&example| !data.labels(example).is_empty());
    let is_right = |example: usize| {
        let (indices, values) = data.features(example);
        let rows: Vec<u32> = indices.iter().map(|&feature| features.to_internal(feature)).collect();
        scores.score(training.postings(), kernels, (&rows, values), super::row_scale(false, values));
        data.labels(example).contains(&scores.best(kernels, 1)[0].0)
    };
    let results: Vec<bool> = examples.map(is_right).collect();
    results.iter().filter(|is_right| **is_right).count() as f64 / results.len() as f64
}

#[test]
fn rounds_of_mining_raise_the_precision() {
    let data = data();
    let kernels = common::runtime(Some(1), None).kernels();
    train(&data, 2, None, |training| {
        let before = precision(training, &data, kernels);
        (0..3).for_each(|_| training.run_round().unwrap());
        training.include(&held_out()).unwrap();
        training.run_round().unwrap();
        let after = precision(training, &data, kernels);
        assert!(after > 0.9 && after > before, "{before} and then {after}");
    });
}
