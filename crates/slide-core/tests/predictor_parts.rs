//! Predictions by the linear part, and by both parts together: the same however they are asked for, on every instruction set and
//! with any number of threads, and of all labels that there are.

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use slide_core::data::Parts as DataParts;
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

#[test]
fn retrieval_by_the_linear_part_finds_what_is_found_exactly() {
    let data = data();
    let examples = examples(&data);
    for (name, model, _) in all().into_iter().take(2) {
        let [linear, exact, auto] =
            [Retrieval::Linear, Retrieval::Exact, Retrieval::Auto].map(|retrieval| predictor(&model, retrieval));
        for k in [1, 5, 50, LABELS as usize] {
            let [linear, exact, auto] =
                [&linear, &exact, &auto].map(|predictor| predictor.predict_batch(&examples, k).unwrap());
            assert!(linear == auto, "{name}: both parts are retrieved by the linear one unless something else is said");
            let mut different = 0;
            let mut off = 0.0_f32;
            for (linear, exact) in linear.iter().zip(exact.iter()) {
                assert_eq!(linear.len(), k);
                different += linear.iter().zip(exact).filter(|(a, b)| a.label != b.label).count();
                off = linear.iter().zip(exact).fold(off, |off, (a, b)| off.max((a.probability - b.probability).abs()));
            }
            eprintln!("{name} {k}: {different} different, {off}");
        }
    }
}
