//! What features add to a score: its sum is the logit of the prediction.

mod common;

use std::ops::ControlFlow;

use slide_core::{Model, Predictor, Retrieval};

#[test]
fn what_features_add_is_the_score() {
    let data = common::dataset(300, 200, 40);
    let runtime = common::runtime(Some(2), None);
    for settings in ["model=both hidden=24,16", "model=network hidden=24", "model=linear"] {
        let config =
            common::config(&format!("{settings} dropout=0 epochs=8 loss=bce learning-rate=0.01 batch-size=32"));
        let model = Model::fit_with(&data, &config, &runtime, |_| ControlFlow::Continue(())).unwrap();
        let predictor = Predictor::with(model, Retrieval::Auto, &runtime).unwrap();
        for example in (0..data.examples()).step_by(17) {
            let row = data.features(example);
            for best in predictor.predict(row, 3).unwrap() {
                let explained = predictor.explain(row, best.label).unwrap().unwrap();
                let columns: Vec<u32> = explained.features.iter().map(|&(column, _)| column).collect();
                let mut sorted = columns.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, row.0, "{settings}");
                let sum: f32 = explained.constant + explained.features.iter().map(|&(_, adds)| adds).sum::<f32>();
                assert!((sum - explained.score).abs() < 1e-3, "{settings}");
                let logit = (best.probability / (1.0 - best.probability)).ln();
                assert!(
                    !logit.is_finite() || logit.abs() > 12.0 || (logit - explained.score).abs() < 0.01,
                    "{settings}: {logit} {explained:?}"
                );
            }
        }
        assert_eq!(predictor.explain(data.features(0), 1000).unwrap(), None);
    }
}

#[test]
fn attachments_are_in_the_file() {
    let data = common::dataset(60, 50, 10);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let runtime = common::runtime(Some(1), None);
    let config = common::config("hidden=8 epochs=1");
    let mut model = Model::fit_with(&data, &config, &runtime, |_| ControlFlow::Continue(())).unwrap();
    model.attach("words", b"any bytes".to_vec());
    model.attach("empty", Vec::new());
    model.attach("line", vec![7; 64]);
    model.save(&path).unwrap();
    for model in [Model::load(&path).unwrap(), Model::open(&path).unwrap()] {
        assert_eq!(model.attachment("words"), Some(&b"any bytes"[..]));
        assert_eq!((model.attachment("empty"), model.attachment("other")), (Some(&[][..]), None));
        assert_eq!(model.attachment("line"), Some(&[7; 64][..]));
        Predictor::new(model).unwrap().predict(data.features(0), 1).unwrap();
    }
}
