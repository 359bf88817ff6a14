//! Predictions: the same however they are asked for, from several threads at once, by exact and by hashed retrieval, with
//! errors that name the example.

mod common;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Barrier;

use slide_core::data::Parts;
use slide_core::{
    ConfigError, Dataset, Example, HashingConfig, Model, PredictError, Prediction, Predictor, Retrieval,
    RetrievalError, Runtime, Session, TrainConfig, Trainer, evaluate,
};

const LABELS: u32 = 400;

fn data() -> Dataset {
    common::dataset(500, 300, LABELS)
}

fn runtime() -> Runtime {
    common::runtime(Some(3), None)
}

/// A model with two hidden layers that has learnt its training examples; hash tables come with the sampler `vanilla`.
fn trained(loss: &str, more: &str) -> Model {
    let config = common::config(&format!(
        "model=network hidden=48,32 loss={loss} dropout=0 epochs=40 learning-rate=0.01 batch-size=32 {more}"
    ));
    Model::fit_with(&data(), &config, &runtime(), |_| ControlFlow::Continue(())).unwrap()
}

const VANILLA: &str = "sampler=vanilla active=120 hash=simhash hash-bits=5 tables=20 rebuild=constant:8";

fn hashing() -> HashingConfig {
    common::config("hash-bits=5 tables=20").hashing.unwrap()
}

fn examples(data: &Dataset) -> Vec<Example<'_>> {
    (0..data.examples()).map(|example| data.features(example)).collect()
}

#[test]
fn what_programs_share_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Predictor>();
    shared::<Session<'static>>();
    shared::<Model>();
    shared::<Dataset>();
    shared::<TrainConfig>();
    shared::<Runtime>();
    shared::<PredictError>();
}

#[test]
fn predictions_do_not_depend_on_what_is_predicted_beside_them() {
    const K: usize = 7;
    let data = data();
    let examples = examples(&data);
    for (loss, retrieval) in [("softmax", Retrieval::Exact), ("bce", Retrieval::Lsh), ("softmax", Retrieval::Lsh)] {
        let predictor = Predictor::with(trained(loss, VANILLA), retrieval, &runtime()).unwrap();
        let expected: Vec<Vec<Prediction>> =
            examples.iter().map(|&example| predictor.predict(example, K).unwrap()).collect();
        assert!(expected.iter().any(|best| best != &expected[0]), "{loss}, {retrieval}: all examples alike");

        let whole = predictor.predict_batch(&examples, K).unwrap();
        assert!(whole.iter().eq(expected.iter().map(Vec::as_slice)), "{loss}, {retrieval}: one batch");

        let order: Vec<usize> = (0..examples.len()).map(|place| place * 187 % examples.len()).collect();
        let other: Vec<Example<'_>> = order.iter().map(|&example| examples[example]).collect();
        let mut found = Vec::new();
        for piece in other.chunks(33) {
            let predictions = predictor.predict_batch(piece, K).unwrap();
            found.extend(predictions.iter().map(<[Prediction]>::to_vec));
        }
        for (&example, found) in order.iter().zip(&found) {
            assert_eq!(found, &expected[example], "{loss}, {retrieval}: example {example} in another order");
        }

        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (predictor, examples, expected, start) = (&predictor, &examples, &expected, &start);
                scope.spawn(move || {
                    let (mut single, mut batch) = (Vec::new(), Default::default());
                    let mut session = predictor.session();
                    start.wait();
                    for round in 0..100 {
                        let first = (thread * 131 + round * 17) % (examples.len() - 40);
                        predictor.predict_into(examples[first], K, &mut single).unwrap();
                        assert_eq!(single, expected[first], "thread {thread}: example {first} alone");
                        session.predict_into(examples[first], K, &mut single).unwrap();
                        assert_eq!(single, expected[first], "thread {thread}: example {first} in a session");
                        if (round + thread) % 4 == 0 {
                            let range = first..first + 1 + round % 40;
                            predictor.predict_batch_into(&examples[range.clone()], K, &mut batch).unwrap();
                            let expected = expected[range.clone()].iter().map(Vec::as_slice);
                            assert!(batch.iter().eq(expected.clone()), "thread {thread}: a batch from {first}");
                            session.predict_batch_into(&examples[range], K, &mut batch).unwrap();
                            assert!(batch.iter().eq(expected), "thread {thread}: a session's batch from {first}");
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn errors_name_the_example() {
    let predictor = Predictor::with(trained("bce", ""), Retrieval::Exact, &runtime()).unwrap();
    let good: Example<'_> = (&[0, 299], &[1.0, 0.5]);
    let unknown: Example<'_> = (&[299, 300], &[1.0, 0.5]);
    let short: Example<'_> = (&[1, 2], &[1.0]);

    let is_range = |error: PredictError, number| match error {
        PredictError::UnknownFeature { example, feature: 300, features: 300 } => example == number,
        _ => false,
    };
    let is_length = |error: PredictError, number| match error {
        PredictError::Lengths { example, features: 2, values: 1 } => example == number,
        _ => false,
    };
    assert!(is_range(predictor.predict(unknown, 3).unwrap_err(), 0));
    assert!(is_length(predictor.predict(short, 3).unwrap_err(), 0));
    assert!(is_range(predictor.predict_batch(&[good, good, unknown, short], 3).unwrap_err(), 2));
    assert!(is_length(predictor.predict_batch(&[good, short, unknown], 3).unwrap_err(), 1));
    assert_eq!(
        predictor.predict(unknown, 3).unwrap_err().to_string(),
        "example 0: feature 300 is unknown to the model, which has 300"
    );
    assert_eq!(
        predictor.predict_batch(&[good, short], 3).unwrap_err().to_string(),
        "example 1: 1 values, expected 2, one for each feature"
    );
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let values = [1.0, value];
        let error = predictor.predict_batch(&[good, (&[2, 1], &values)], 3).unwrap_err();
        assert!(matches!(error, PredictError::NotFinite { example: 1, feature: 1, .. }), "{error}");
    }
    // After an error, predictions are the same.
    assert_eq!(predictor.predict_batch(&[good], 3).unwrap().get(0), predictor.predict(good, 3).unwrap());
}

#[test]
fn an_evaluation_counts_examples_over_the_whole_set() {
    const UNKNOWN: usize = 6789;
    let examples = 9000;
    let set = |unknown: bool| {
        let mut indices = vec![7; examples];
        if unknown {
            indices[UNKNOWN] = 300;
        }
        let parts = Parts {
            feature_indptr: (0..=examples as u64).collect(),
            feature_indices: indices,
            feature_values: vec![1.0; examples],
            label_indptr: (0..=examples as u64).collect(),
            label_indices: vec![2; examples],
            feature_count: 301,
            label_count: LABELS as usize,
        };
        Dataset::try_from(parts).unwrap()
    };
    let runtime = runtime();
    let trainer = Trainer::new(common::config("model=network hidden=16 active=20"), &data(), &runtime).unwrap();
    // In training, what is unknown is left out.
    assert!([false, true].iter().all(|&unknown| trainer.evaluate(&set(unknown)).is_ok()));
    let predictor = Predictor::with(trainer.into_model().unwrap(), Retrieval::Exact, &runtime).unwrap();
    assert_eq!(evaluate(&predictor, &set(false)).unwrap().examples, examples as u64);
    let error = evaluate(&predictor, &set(true)).unwrap_err();
    assert!(matches!(error, PredictError::UnknownFeature { example: UNKNOWN, feature: 300, .. }), "{error}");
}

#[test]
fn hashed_retrieval_needs_tables() {
    let error = Predictor::with(trained("bce", "active=100"), Retrieval::Lsh, &runtime()).unwrap_err();
    assert!(matches!(error, PredictError::Retrieval(RetrievalError::NoTables)), "{error}");
}

/// Compares hashed with exact retrieval on the training examples.
fn check_hashed(model: Model) {
    let data = data();
    let (examples, labels) = (examples(&data), model.labels());
    let model = std::sync::Arc::new(model);
    let exact = Predictor::with(model.clone(), Retrieval::Exact, &runtime()).unwrap();
    let hashed = Predictor::with(model, Retrieval::Lsh, &runtime()).unwrap();
    let all = exact.predict_batch(&examples, labels).unwrap();
    let some = hashed.predict_batch(&examples, labels).unwrap();
    let (mut found, mut scored) = (0, 0);
    for (example, (all, some)) in all.iter().zip(some.iter()).enumerate() {
        assert_eq!(all.len(), labels);
        let probabilities: HashMap<u32, f32> = all.iter().map(|best| (best.label, best.probability)).collect();
        assert_eq!(probabilities.len(), labels, "example {example}: a label twice");
        for best in some {
            let difference = best.probability - probabilities[&best.label];
            assert!(difference.abs() <= 1e-5, "example {example}, label {}: off by {difference}", best.label);
        }
        assert!(some.is_sorted_by(|a, b| a.probability >= b.probability), "example {example}: out of order");
        let mut distinct: Vec<u32> = some.iter().map(|best| best.label).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), some.len(), "example {example}: a label twice");
        found += usize::from(distinct.contains(&all[0].label));
        scored += some.len();
    }
    let recall = found as f64 / examples.len() as f64;
    let share = scored as f64 / (examples.len() * labels) as f64;
    // As many labels chosen at random would have the recall `share`.
    assert!(share > 0.0 && recall > 2.0 * share, "recall {recall} with {share} of the labels scored");
}

#[test]
fn hashed_retrieval_finds_what_training_put_into_the_tables() {
    check_hashed(trained("bce", VANILLA));
}

#[test]
fn hashed_retrieval_finds_what_was_put_into_tables_later() {
    let mut model = trained("bce", "active=100");
    assert!(!model.has_tables());
    model.build_tables(&hashing(), &runtime()).unwrap();
    assert!(model.has_tables());
    assert_eq!(model.config().hashing, Some(hashing()));
    check_hashed(model);
}

#[test]
fn tables_that_do_not_fit_the_sampler_are_refused() {
    let mut model = trained("bce", "sampler=threshold active=100 min-matches=8 hash-bits=5 tables=10 epochs=1");
    let mut few = hashing();
    few.tables = 7;
    let error = model.build_tables(&few, &runtime()).unwrap_err();
    assert!(matches!(error, ConfigError::Sampler(_)), "{error}");
    assert_eq!(model.config().tables().unwrap().tables, 10);
    model.build_tables(&hashing(), &runtime()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.slide");
    model.save(&path).unwrap();
    assert_eq!(Model::load(&path).unwrap().config().tables(), Some(hashing()));
}

#[test]
fn a_predictor_survives_a_panic() {
    let predictor = Predictor::with(trained("softmax", VANILLA), Retrieval::Lsh, &runtime()).unwrap();
    let data = data();
    let examples = examples(&data);
    let expected = predictor.predict_batch(&examples, 5).unwrap();
    let nested = || predictor.runtime().workers().broadcast(|_| drop(predictor.predict_batch(&examples, 5)));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(nested)).is_err());
    assert!(predictor.predict_batch(&examples, 5).unwrap() == expected);
}

#[test]
fn a_file_keeps_the_tables() {
    let data = data();
    let examples = examples(&data);
    let folder = tempfile::tempdir().unwrap();
    let mut later = trained("bce", "active=100");
    later.build_tables(&hashing(), &runtime()).unwrap();
    for (name, model) in [("trained", trained("softmax", VANILLA)), ("later", later)] {
        let path = folder.path().join(name);
        model.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap();
        assert_eq!(loaded.config(), model.config());
        let predict = |model: Model, retrieval| {
            Predictor::with(model, retrieval, &runtime()).unwrap().predict_batch(&examples, 20).unwrap()
        };
        let hashed = predict(loaded, Retrieval::Lsh);
        assert!(hashed != predict(Model::load(&path).unwrap(), Retrieval::Exact), "{name}: nothing was missed");
        assert!(hashed == predict(model, Retrieval::Lsh), "{name}: other predictions");
    }
}

#[test]
fn no_labels_all_labels_no_features_no_examples() {
    let model = std::sync::Arc::new(trained("softmax", VANILLA));
    let example: Example<'_> = (&[3, 14, 15], &[1.0, 0.5, 0.25]);
    let without_features: Example<'_> = (&[], &[]);
    for retrieval in [Retrieval::Exact, Retrieval::Lsh] {
        let predictor = Predictor::with(model.clone(), retrieval, &runtime()).unwrap();
        assert!(predictor.predict(example, 0).unwrap().is_empty());
        let none = predictor.predict_batch(&[example, without_features], 0).unwrap();
        assert_eq!((none.len(), none.get(0).len(), none.get(1).len()), (2, 0, 0));
        for example in [example, without_features] {
            let all = predictor.predict(example, usize::MAX).unwrap();
            assert_eq!(predictor.predict(example, LABELS as usize + 1).unwrap(), all);
            assert!(all.len() <= LABELS as usize);
            if !all.is_empty() {
                let sum: f32 = all.iter().map(|best| best.probability).sum();
                assert!((sum - 1.0).abs() < 1e-4, "{retrieval}: probabilities of the scored labels sum to {sum}");
            }
            assert!(retrieval != Retrieval::Exact || all.len() == LABELS as usize);
            let few = predictor.predict(example, 3).unwrap();
            assert_eq!(few, all[..all.len().min(3)]);
        }
        let mut batch = predictor.predict_batch(&[example], 5).unwrap();
        assert!(!batch.is_empty());
        predictor.predict_batch_into(&[], 5, &mut batch).unwrap();
        assert!(batch.is_empty());
        assert_eq!((batch.len(), batch.iter().count()), (0, 0));
    }
}
