//! The output layer by itself: its vectors and its answers are those of the predictor.

mod common;

use std::ops::ControlFlow;

use slide_core::{Model, OutputLayer, Parts, Predictor, Retrieval};

#[test]
fn its_answers_are_the_products_of_its_vectors() {
    let runtime = common::runtime(Some(1), None);
    let data = common::dataset(300, 200, 130);
    // A width that is no multiple of a vector's.
    let config = common::config("model=both hidden=24 epochs=3 batch-size=32 active=50");
    let model = Model::fit_with(&data, &config, &runtime, |_| ControlFlow::Continue(())).unwrap();
    let predictor = Predictor::of_parts(model, Parts::Network, Retrieval::Exact, &runtime).unwrap();
    let mut layer = OutputLayer::of(&predictor).unwrap();
    assert_eq!((layer.labels(), layer.width()), (130, 24));
    let (weights, bias, queries) = (layer.weights(), layer.bias(), layer.queries(&data).unwrap());
    assert_eq!((weights.len(), bias.len(), queries.len()), (130 * 24, 130, 300 * 24));
    for (example, query) in queries.chunks_exact(24).enumerate() {
        layer.set_query(query);
        let best: Vec<(u32, f32)> = layer.best(5).collect();
        for &(label, logit) in &best {
            let row = &weights[label as usize * 24..][..24];
            let product: f32 = row.iter().zip(query).map(|(w, x)| w * x).sum();
            assert!((product + bias[label as usize] - logit).abs() < 1e-4, "{product} {logit}");
        }
        let predicted = predictor.predict(data.features(example), 5).unwrap();
        assert!(predicted.iter().map(|one| one.label).eq(best.iter().map(|one| one.0)));
    }
    // Where the linear part finds the labels, the network does not.
    let predictor = Predictor::new(predictor.model().clone()).unwrap();
    assert!(OutputLayer::of(&predictor).is_none());
}
