//! Synthetic sets: the shape asked for, the same whatever the threads, and learnable.

use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::data::{Dataset, Stats};

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found / expected - 1.0).abs() < tolerance, "{found} instead of {expected}");
}

#[test]
fn published_shapes() {
    for name in Shape::names() {
        let shape = Shape::like(name).unwrap().scaled(0.01);
        let synth = Synth { shape, siblings: Synth::SIBLINGS, seed: 1 };
        let stats = Stats::of(&synth.generate(Part::Train).unwrap());
        assert_eq!(
            (stats.examples, stats.feature_count, stats.label_count),
            (shape.examples, shape.features, shape.labels)
        );
        near(stats.labels_per_example.mean, shape.labels_per_example, 0.05);
        near(stats.features_per_example.mean, shape.features_per_example, 0.05);
        assert_eq!(
            (stats.unused_labels, stats.examples_without_labels, stats.examples_without_features),
            (0, 0, 0),
            "{name}"
        );
        // A long tail: the most frequent labels are many times as frequent as the typical one.
        assert!(stats.label_frequency.max > 8 * stats.label_frequency.median, "{name}: {:?}", stats.label_frequency);
        let test = synth.generate(Part::Test).unwrap();
        assert_eq!((test.examples(), test.label_count()), (shape.test_examples, shape.labels));
    }
    assert!(Shape::like("x").unwrap_err().to_string().contains("amazon-670k, delicious-200k"));
}

fn small(siblings: usize) -> Synth {
    let shape = Shape {
        examples: 4000,
        test_examples: 600,
        features: 3000,
        labels: 320,
        labels_per_example: 2.5,
        features_per_example: 40.0,
    };
    Synth { shape, siblings, seed: 7 }
}

#[test]
fn the_same_whatever_the_threads() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| small(8).generate(Part::Train).unwrap())
    };
    let one = with(1);
    assert_eq!(one, with(3));
    assert_eq!(Dataset::try_from(one.clone().arrays().clone()).unwrap(), one);
    assert_ne!(one, Synth { seed: 8, ..small(8) }.generate(Part::Train).unwrap());
}

#[test]
fn impossible_shapes_are_refused() {
    let refused = |change: fn(&mut Synth)| {
        let mut synth = small(1);
        change(&mut synth);
        synth.generate(Part::Train).unwrap_err().to_string()
    };
    assert!(refused(|synth| synth.shape.labels = 0).contains("features and labels"));
    assert!(refused(|synth| synth.shape.labels_per_example = f64::NAN).contains("labels per example"));
    assert!(refused(|synth| synth.shape.features_per_example = 1e9).contains("features per example"));
    assert!(refused(|synth| synth.siblings = 0).contains("sibling"));
}

/// P@1 of the nearest centroid, and how often the best label is the truth's sibling when it is wrong.
fn centroid(siblings: usize) -> (f64, f64) {
    let synth = small(siblings);
    let (train, test) = (synth.generate(Part::Train).unwrap(), synth.generate(Part::Test).unwrap());
    let width = train.feature_count();
    let mut centroids = vec![0.0_f32; train.label_count() * width];
    for example in 0..train.examples() {
        let (features, values) = train.features(example);
        for &label in train.labels(example) {
            for (&feature, value) in features.iter().zip(values) {
                centroids[label as usize * width + feature as usize] += value;
            }
        }
    }
    for centroid in centroids.chunks_mut(width) {
        let length = centroid.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
        centroid.iter_mut().for_each(|value| *value /= length);
    }
    let (mut hits, mut confused) = (0, 0);
    for example in 0..test.examples() {
        let (features, values) = test.features(example);
        let score = |label: usize| -> f32 {
            features
                .iter()
                .zip(values)
                .map(|(&feature, value)| centroids[label * width + feature as usize] * value)
                .sum()
        };
        let best = (0..test.label_count()).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap() as u32;
        if test.labels(example).contains(&best) {
            hits += 1;
        } else if test.labels(example).iter().any(|&label| label as usize / 8 == best as usize / 8) {
            confused += 1;
        }
    }
    let wrong = test.examples() - hits;
    (hits as f64 / test.examples() as f64, confused as f64 / wrong.max(1) as f64)
}

#[test]
fn labels_can_be_learnt_and_siblings_are_confused() {
    let (independent, _) = centroid(1);
    let (clustered, confused) = centroid(8);
    println!(
        "nearest centroid: independent {independent:.3}, clustered {clustered:.3}, siblings {confused:.3} of the errors"
    );
    assert!(independent > 0.9, "{independent}");
    assert!(clustered > 0.3 && clustered < independent - 0.05, "{clustered}");
    assert!(confused > 0.5, "{confused}");
}
