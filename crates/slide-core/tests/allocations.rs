//! After the first calls, predictions into the caller's buffer allocate nothing, on any thread.
//!
//! The only test of this file: the count is of all threads, other tests would add to it.

mod common;

use std::alloc::System;
use std::ops::ControlFlow;

use slide_core::{Example, Model, Predictor, Retrieval};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations, reallocations and deallocations of all threads during `run`.
fn counted(run: impl FnOnce()) -> [usize; 3] {
    let region = Region::new(ALLOCATOR);
    run();
    let change = region.change();
    [change.allocations, change.reallocations, change.deallocations]
}

#[test]
fn predictions_allocate_nothing_after_the_first_calls() {
    assert_eq!(counted(|| drop(std::hint::black_box(vec![1]))), [1, 0, 1], "allocations are counted");
    let data = common::dataset(300, 500, 700);
    let examples: Vec<Example<'_>> = (0..data.examples()).map(|example| data.features(example)).collect();
    let runtime = common::runtime(Some(2), None);
    for (parts, loss) in
        [("network", "softmax"), ("network", "bce"), ("both", "softmax"), ("both", "bce"), ("linear", "")]
    {
        let network = "hidden=40,24 epochs=1 sampler=vanilla active=60 hash=simhash hash-bits=5 tables=8";
        let index = if parts == "linear" { "" } else { "index=always index-lists=9" };
        let loss = if loss.is_empty() { String::new() } else { format!("loss={loss}") };
        let config = common::config(&format!("model={parts} {loss} {network} {index}"));
        let model = Model::fit_with(&data, &config, &runtime, |_| ControlFlow::Continue(())).unwrap();
        let model = std::sync::Arc::new(model);
        let retrievals: &[Retrieval] = match parts {
            "network" => &[Retrieval::Index, Retrieval::Exact, Retrieval::Lsh],
            "both" => &[Retrieval::Linear, Retrieval::Index, Retrieval::Exact, Retrieval::Lsh],
            _ => &[Retrieval::Auto],
        };
        for &retrieval in retrievals {
            let predictor = Predictor::with(model.clone(), retrieval, &runtime).unwrap();
            let mut one = Vec::new();
            let mut each =
                || examples.iter().for_each(|&example| predictor.predict_into(example, 10, &mut one).unwrap());
            each();
            assert_eq!(counted(&mut each), [0; 3], "{parts}, {loss}, {retrieval}: one by one");

            // Blocks of several sizes on each thread; after them fewer examples, then all again.
            let mut batch = Default::default();
            let mut all = || {
                for length in [300, 20, 300] {
                    predictor.predict_batch_into(&examples[..length], 10, &mut batch).unwrap();
                }
            };
            all();
            assert_eq!(counted(&mut all), [0; 3], "{parts}, {loss}, {retrieval}: batches");

            // As a server predicts: some examples a session, for which buffers of earlier sessions are there.
            let mut sessions = || {
                let [mut first, mut second] = [predictor.session(), predictor.session()];
                for (length, examples) in examples.chunks(3).enumerate() {
                    let length = 1 + length % examples.len();
                    first.predict_batch_into(&examples[..length], 10, &mut batch).unwrap();
                    second.predict_into(examples[0], 10, &mut one).unwrap();
                }
            };
            // Twice, since the two may exchange their buffers.
            sessions();
            sessions();
            assert_eq!(counted(&mut sessions), [0; 3], "{parts}, {loss}, {retrieval}: sessions");
        }
    }
}
