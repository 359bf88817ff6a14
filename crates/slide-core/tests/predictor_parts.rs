//! Predictions by the linear part, and by both parts together: the same however they are asked for, on every instruction set and
//! with any number of threads, and of all labels that there are.

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use slide_core::{
    Dataset, Event, Example, Model, Parts, PredictError, Prediction, Predictions, Predictor, Retrieval, RetrievalError,
    Runtime, Trainer, evaluate,
};
use slide_kernels::Isa;

/// Fewer than the labels that the network scores in any case, more than either part contributes.
const LABELS: u32 = 400;

fn data() -> Dataset {
    common::dataset(500, 300, LABELS)
}

fn runtime() -> Runtime {
    common::runtime(Some(3), None)
}

/// A model that has learnt its training examples; one with a network has hash tables.
fn trained(parts: &str, loss: &str) -> Arc<Model> {
    let config = common::config(&format!(
        "model={parts} hidden=48,32 loss={loss} dropout=0 epochs=40 learning-rate=0.01 batch-size=32 active=120 hash-bits=5 tables=20"
    ));
    Arc::new(Model::fit_with(&data(), &config, &runtime(), |_| ControlFlow::Continue(())).unwrap())
}

fn predictor(model: &Arc<Model>, retrieval: Retrieval) -> Predictor {
    Predictor::with(model.clone(), retrieval, &runtime()).unwrap()
}

fn examples(data: &Dataset) -> Vec<Example<'_>> {
    (0..data.examples()).map(|example| data.features(example)).collect()
}

/// Each model with each retrieval that it has.
fn all() -> Vec<(&'static str, Arc<Model>, Vec<Retrieval>)> {
    let retrievals = vec![Retrieval::Linear, Retrieval::Exact, Retrieval::Lsh];
    vec![
        ("both, bce", trained("both", "bce"), retrievals.clone()),
        ("both, softmax", trained("both", "softmax"), retrievals),
        ("linear", trained("linear", "bce"), vec![Retrieval::Exact]),
    ]
}

#[test]
fn batches_have_what_single_examples_have() {
    const K: usize = 7;
    let data = data();
    let examples = examples(&data);
    for (name, model, retrievals) in all() {
        for retrieval in retrievals {
            let predictor = predictor(&model, retrieval);
            let expected: Vec<Vec<Prediction>> =
                examples.iter().map(|&example| predictor.predict(example, K).unwrap()).collect();
            assert!(expected.iter().any(|best| best != &expected[0]), "{name}, {retrieval}: all examples alike");
            assert!(expected.iter().all(|best| best.is_sorted_by(|a, b| a.probability >= b.probability)));
            let whole = predictor.predict_batch(&examples, K).unwrap();
            assert!(whole.iter().eq(expected.iter().map(Vec::as_slice)), "{name}, {retrieval}: one batch");
            let order: Vec<usize> = (0..examples.len()).map(|place| place * 187 % examples.len()).collect();
            let mut predictions = Predictions::default();
            for places in order.chunks(33) {
                let piece: Vec<Example<'_>> = places.iter().map(|&place| examples[place]).collect();
                predictor.predict_batch_into(&piece, K, &mut predictions).unwrap();
                for (place, found) in places.iter().zip(predictions.iter()) {
                    assert_eq!(found, expected[*place], "{name}, {retrieval}: example {place} in another order");
                }
            }
        }
    }
}

#[test]
fn predictions_have_the_same_bits_everywhere() {
    let data = data();
    let examples = examples(&data);
    for (name, model, retrievals) in all() {
        for retrieval in retrievals {
            let expected = predictor(&model, retrieval).predict_batch(&examples, 20).unwrap();
            for isa in Isa::available() {
                for threads in [1, 2, 5] {
                    let runtime = common::runtime(Some(threads), Some(isa));
                    let predictor = Predictor::with(model.clone(), retrieval, &runtime).unwrap();
                    let found = predictor.predict_batch(&examples, 20).unwrap();
                    assert!(found == expected, "{name}, {retrieval}: {threads} threads, {isa}");
                }
            }
        }
    }
}

/// The share of examples whose best label is one of their own.
fn precision(predictor: &Predictor) -> f64 {
    evaluate(predictor, &data()).unwrap().at[0].precision
}

#[test]
fn all_models_have_learnt_their_examples() {
    for (name, model, retrievals) in all() {
        for retrieval in retrievals {
            let found = precision(&predictor(&model, retrieval));
            // Every 16th example has no label.
            assert!(found > if retrieval == Retrieval::Lsh { 0.75 } else { 0.85 }, "{name}, {retrieval}: {found}");
        }
    }
}

/// Where the network scores all labels anyway, as they are fewer than the frequent ones that it always scores.
#[test]
fn retrieval_by_the_linear_part_finds_what_is_found_exactly() {
    let data = data();
    let examples = examples(&data);
    for (name, model, _) in all().into_iter().take(2) {
        let [linear, exact, auto] =
            [Retrieval::Linear, Retrieval::Exact, Retrieval::Auto].map(|retrieval| predictor(&model, retrieval));
        for k in [1, 5, LABELS as usize] {
            let [linear, exact, auto] =
                [&linear, &exact, &auto].map(|predictor| predictor.predict_batch(&examples, k).unwrap());
            assert!(linear == auto, "{name}: both parts are retrieved by the linear one unless something else is said");
            for (example, (linear, exact)) in linear.iter().zip(exact.iter()).enumerate() {
                assert_eq!((linear.len(), exact.len()), (k, k));
                for (linear, exact) in linear.iter().zip(exact) {
                    let gain = linear.probability - exact.probability;
                    let what = format!("{name}, example {example}, best {k}: {linear:?} instead of {exact:?}");
                    if k == LABELS as usize {
                        // The labels too, but for those whose probabilities are equal up to rounding.
                        assert!(gain.abs() <= 1e-6, "{what}");
                        continue;
                    }
                    // Only a label that neither part ranks high may be missed exactly, as it is in examples without features,
                    // where all are improbable. (Softmax is over what is scored, which is less.)
                    assert!(gain >= -1e-6 || name != "both, bce", "{what}");
                    assert!(linear.label == exact.label || examples[example].0.is_empty(), "{what}");
                }
            }
        }
    }
}

fn labels(best: &[Prediction]) -> Vec<u32> {
    let mut labels: Vec<u32> = best.iter().map(|best| best.label).collect();
    labels.sort_unstable();
    labels
}

#[test]
fn no_labels_all_labels_no_features_no_examples() {
    let example: Example<'_> = (&[3, 14, 15], &[1.0, 0.5, 0.25]);
    let without_features: Example<'_> = (&[], &[]);
    let of_zeros: Example<'_> = (&[7, 299], &[0.0, -0.0]);
    for (name, model, retrievals) in all() {
        for retrieval in retrievals {
            let predictor = predictor(&model, retrieval);
            assert!(predictor.predict(example, 0).unwrap().is_empty());
            let none = predictor.predict_batch(&[example, without_features], 0).unwrap();
            assert_eq!((none.len(), none.get(0).len(), none.get(1).len()), (2, 0, 0));
            for example in [example, without_features, of_zeros] {
                let all = predictor.predict(example, usize::MAX).unwrap();
                assert_eq!(labels(&all), (0..LABELS).collect::<Vec<_>>(), "{name}, {retrieval}");
                assert!(all.iter().all(|best| (0.0..=1.0).contains(&best.probability)), "{name}, {retrieval}: {all:?}");
                assert_eq!(predictor.predict(example, LABELS as usize + 1).unwrap(), all);
                assert_eq!(predictor.predict(example, LABELS as usize).unwrap(), all);
            }
            let [zeros, nothing] = [of_zeros, without_features].map(|example| predictor.predict(example, 5).unwrap());
            assert_eq!(zeros, nothing, "{name}, {retrieval}");
            assert_ne!(predictor.predict(example, 5).unwrap(), nothing, "{name}, {retrieval}");
            let mut batch = predictor.predict_batch(&[example], 5).unwrap();
            assert!(!batch.is_empty());
            predictor.predict_batch_into(&[], 5, &mut batch).unwrap();
            assert!(batch.is_empty());
        }
    }
}

/// Features with the value 0 and their order are nothing to the linear part, and the length of an example neither.
#[test]
fn only_the_direction_of_an_example_counts() {
    for (name, model, _) in all() {
        let predictor = predictor(&model, Retrieval::Auto);
        let predict = |example: Example<'_>| predictor.predict(example, 5).unwrap();
        let expected = predict((&[3, 14, 15], &[1.0, 0.5, 0.25]));
        for other in [
            predict((&[3, 5, 14, 15, 200], &[1.0, 0.0, 0.5, 0.25, 0.0])),
            predict((&[15, 3, 14], &[0.25, 1.0, 0.5])),
            predict((&[3, 14, 15], &[40.0, 20.0, 10.0])),
        ] {
            for (other, expected) in other.iter().zip(&expected) {
                assert_eq!(other.label, expected.label, "{name}");
                assert!((other.probability - expected.probability).abs() < 1e-6, "{name}: {other:?} {expected:?}");
            }
        }
    }
}

/// More labels than the network scores in any case: the others by their linear scores.
#[test]
fn labels_beyond_the_frequent_ones_are_found() {
    const MANY: u32 = 2500;
    let data = common::dataset(1200, 900, MANY);
    for loss in ["bce", "softmax"] {
        let config = common::config(&format!(
            "model=both hidden=32 loss={loss} dropout=0 epochs=20 learning-rate=0.01 batch-size=32 hash-bits=5 tables=20"
        ));
        let model = Model::fit_with(&data, &config, &runtime(), |_| ControlFlow::Continue(())).unwrap();
        let frequencies = model.label_frequencies();
        let mut order: Vec<u32> = (0..MANY).collect();
        order.sort_by_key(|&label| (std::cmp::Reverse(frequencies[label as usize]), label));
        let rare_labels = order[1024..].to_vec();
        let model = Arc::new(model);
        let examples = examples(&data);
        for retrieval in [Retrieval::Linear, Retrieval::Exact, Retrieval::Lsh] {
            let predictor = predictor(&model, retrieval);
            let found = predictor.predict_batch(&examples, 3).unwrap();
            let (mut rare, mut right) = (0, 0);
            for (example, best) in found.iter().enumerate() {
                assert_eq!(best, predictor.predict(examples[example], 3).unwrap(), "{loss}, {retrieval}: alone");
                for label in data.labels(example).iter().filter(|label| rare_labels.contains(label)) {
                    rare += 1;
                    right += usize::from(best.iter().any(|best| best.label == *label));
                }
            }
            assert!(rare > 100 && 10 * right > 7 * rare, "{loss}, {retrieval}: {right} of {rare} rare labels");
            for example in [examples[0], (&[], &[])] {
                let all = predictor.predict(example, MANY as usize + 3).unwrap();
                assert_eq!(labels(&all), (0..MANY).collect::<Vec<_>>(), "{loss}, {retrieval}");
            }
        }
    }
}

#[test]
fn a_part_that_is_not_there_is_an_error() {
    let runtime = runtime();
    let [network, linear, both] = ["network", "linear", "both"].map(|parts| trained(parts, "bce"));
    let with = |model: &Arc<Model>, parts, retrieval| Predictor::of_parts(model.clone(), parts, retrieval, &runtime);
    for (model, part, said) in [
        (&network, Parts::Linear, "the model has no linear part"),
        (&linear, Parts::Network, "the model has no network"),
    ] {
        let error = with(model, part, Retrieval::Auto).unwrap_err();
        assert!(matches!(error, PredictError::MissingPart { part: found } if found == part), "{error:?}");
        assert_eq!(error.to_string(), said);
    }
    for (model, parts) in [
        (&network, Parts::Both),
        (&network, Parts::Network),
        (&linear, Parts::Both),
        (&both, Parts::Network),
        (&both, Parts::Linear),
    ] {
        let error = with(model, parts, Retrieval::Linear).unwrap_err();
        assert!(matches!(error, PredictError::Retrieval(RetrievalError::NoLinear)), "{parts:?}: {error:?}");
        assert!(with(model, parts, Retrieval::Auto).is_ok() && with(model, parts, Retrieval::Exact).is_ok());
    }
    for (model, parts) in [(&linear, Parts::Both), (&both, Parts::Linear)] {
        let error = with(model, parts, Retrieval::Lsh).unwrap_err();
        assert!(matches!(error, PredictError::Retrieval(RetrievalError::NoTables)), "{parts:?}: {error:?}");
    }
}

#[test]
fn each_part_predicts_alone() {
    let data = data();
    let examples = examples(&data);
    let both = trained("both", "bce");
    let of = |parts| Predictor::of_parts(both.clone(), parts, Retrieval::Auto, &runtime()).unwrap();
    let [network, linear, together] = [Parts::Network, Parts::Linear, Parts::Both].map(of);
    for predictor in [&network, &linear, &together] {
        assert!(precision(predictor) > 0.85, "{}", precision(predictor));
    }
    let found = [&network, &linear, &together].map(|predictor| predictor.predict_batch(&examples, 5).unwrap());
    assert!(found[0] != found[1] && found[0] != found[2] && found[1] != found[2]);
    for (example, best) in found[1].iter().enumerate() {
        assert_eq!(best, linear.predict(examples[example], 5).unwrap(), "example {example}");
    }
}

/// Stops a training after the last batch of the network, or after round `stop` of the linear part, if there are such.
fn stopped(settings: &str, stop: Option<u32>) -> Result<Model, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("checkpoint");
    let (data, runtime) = (data(), runtime());
    let mut trainer = Trainer::new(common::config(settings), &data, &runtime)?;
    trainer.run(&mut |event, _| {
        let is_due = match event {
            Event::Batch(progress) => stop.is_none() && progress.step == progress.steps,
            Event::Round(progress) => stop == Some(progress.round),
            _ => false,
        };
        if is_due { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    trainer.save_checkpoint(&path)?;
    Ok(Model::load(&path)?)
}

#[test]
fn a_checkpoint_predicts_by_the_network_that_it_has() {
    let data = data();
    let examples = examples(&data);
    let settings = "model=both hidden=32 loss=bce epochs=3 batch-size=32";
    let whole = Model::fit_with(&data, &common::config(settings), &runtime(), |_| ControlFlow::Continue(())).unwrap();
    let network = Predictor::of_parts(whole, Parts::Network, Retrieval::Auto, &runtime()).unwrap();
    let expected = network.predict_batch(&examples, 5).unwrap();
    for stop in [None, Some(2)] {
        let checkpoint = Predictor::new(stopped(settings, stop).unwrap()).unwrap();
        assert!(checkpoint.predict_batch(&examples, 5).unwrap() == expected, "{stop:?}");
    }
    // Without a network it has nothing to predict with.
    let nothing = stopped("model=linear", Some(2)).unwrap();
    assert!(nothing.is_resumable() && !nothing.has_network() && !nothing.has_linear());
    let error = Predictor::new(nothing).unwrap_err();
    assert!(matches!(error, PredictError::MissingPart { part: Parts::Linear }), "{error:?}");
    let mut trainer = Trainer::new(common::config("model=linear"), &data, &runtime()).unwrap();
    assert!(matches!(trainer.evaluate(&data), Err(PredictError::MissingPart { part: Parts::Linear })));
    trainer.run(&mut |_, _| ControlFlow::Continue(())).unwrap();
    assert!(trainer.evaluate(&data).unwrap().at[0].precision > 0.8);
}
