//! Models of data whose feature and label numbers are large but few.

mod common;

use std::ops::ControlFlow;

use slide_core::data::{Arrays, Dataset, IndexBase, Parts};
use slide_core::{
    EvaluateOptions, IndexConfig, Model, Outcome, PredictError, Predictor, Retrieval, Trainer, evaluate_with,
};

const FEATURES: u32 = 60;
const LABELS: u32 = 40;
/// Distance of the columns that occur in the wide data.
const STEP: u32 = 100_003;

fn data() -> Dataset {
    common::dataset(300, FEATURES, LABELS)
}

/// The same examples with other column numbers, in the same order.
fn wide(data: &Dataset) -> Dataset {
    let spread = |columns: &[u32]| columns.iter().map(|&column| 5 + STEP * column).collect();
    let arrays = data.arrays();
    Dataset::try_from(Parts {
        feature_indptr: arrays.feature_indptr.to_vec(),
        feature_indices: spread(&arrays.feature_indices),
        feature_values: arrays.feature_values.to_vec(),
        label_indptr: arrays.label_indptr.to_vec(),
        label_indices: spread(&arrays.label_indices),
        feature_count: 1 << 32,
        label_count: 1 << 32,
    })
    .unwrap()
}

fn config(settings: &str) -> slide_core::TrainConfig {
    common::config(&format!("epochs=3 hidden=16 batch-size=16 mining-rounds=1 {settings}"))
}

#[test]
fn a_model_of_wide_data_is_that_of_its_columns_that_occur() {
    let (data, runtime) = (data(), common::runtime(Some(2), None));
    let wide = wide(&data);
    let arrays = data.arrays();
    let occur = |indices: &[u32], width: u32| (0..width).all(|column| indices.contains(&column));
    assert!(occur(&arrays.feature_indices, FEATURES) && occur(&arrays.label_indices, LABELS), "all columns occur");
    for settings in ["model=both", "model=network index=always index-lists=4", "model=linear"] {
        let [narrow, compact] = [&data, &wide]
            .map(|data| Model::fit_with(data, &config(settings), &runtime, |_| ControlFlow::Continue(())).unwrap());
        assert_eq!((compact.features(), compact.labels()), (FEATURES as usize, LABELS as usize));
        assert_eq!(compact.parameters(), narrow.parameters());
        assert_eq!(compact.label_frequencies(), narrow.label_frequencies());
        assert_eq!(compact.index(), narrow.index());
        assert_eq!(compact.label_numbering().width(), 1 << 32);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.slide");
        compact.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap();
        assert_eq!(loaded.label_numbering(), compact.label_numbering());
        assert_eq!(loaded.feature_numbering(), compact.feature_numbering());
        let narrow = Predictor::with(narrow, Retrieval::Auto, &runtime).unwrap();
        for model in [compact, loaded] {
            let compact = Predictor::with(model, Retrieval::Auto, &runtime).unwrap();
            for example in 0..20 {
                let expected = narrow.predict(data.features(example), 3).unwrap();
                let found = compact.predict(wide.features(example), 3).unwrap();
                let pairs = expected.iter().map(|one| (5 + STEP * one.label, one.probability));
                assert!(pairs.eq(found.iter().map(|one| (one.label, one.probability))), "{settings}: {found:?}");
            }
            let [expected, found] = [(&narrow, &data), (&compact, &wide)]
                .map(|(predictor, data)| evaluate_with(predictor, data, EvaluateOptions::default()).unwrap());
            assert_eq!(found.metrics, expected.metrics);
            assert_eq!(found.label_groups, expected.label_groups);
            assert_eq!(found.unknown, expected.unknown);
        }
    }
}

#[test]
fn a_checkpoint_of_wide_data_goes_on() {
    let (data, runtime) = (wide(&data()), common::runtime(Some(1), None));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut trainer = Trainer::new(config("model=both"), &data, &runtime).unwrap();
    let outcome = trainer.run(&mut |_, trainer| {
        if trainer.model().step() == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(outcome.unwrap(), Outcome::Stopped);
    trainer.save_checkpoint(&path).unwrap();
    let other = data.select(&(0..data.examples() as u32).rev().collect::<Vec<_>>());
    Trainer::resume(Model::load(&path).unwrap(), &other, &runtime).unwrap_err();
    let mut resumed = Trainer::resume(Model::load(&path).unwrap(), &data, &runtime).unwrap();
    resumed.run(&mut |_, _| ControlFlow::Continue(())).unwrap();
    let whole = Model::fit_with(&data, &config("model=both"), &runtime, |_| ControlFlow::Continue(())).unwrap();
    let bytes = |model: &Model| {
        model.save(&path).unwrap();
        std::fs::read(&path).unwrap()
    };
    assert!(bytes(&resumed.into_model().unwrap()) == bytes(&whole), "another model");
}

#[test]
fn what_a_model_does_not_know_is_left_out_and_counted() {
    let (data, runtime) = (wide(&data()), common::runtime(Some(1), None));
    let mut model = Model::fit_with(&data, &config("model=network"), &runtime, |_| ControlFlow::Continue(())).unwrap();
    // An example of known columns, one more feature and one more label; and one of unknown columns alone.
    let (features, values) = data.features(0);
    let with_more = Arrays {
        feature_indptr: vec![0, features.len() as u64 + 1, features.len() as u64 + 2].into(),
        feature_indices: [&[4], features, &[4]].concat().into(),
        feature_values: [&[9.0], values, &[1.0]].concat().into(),
        label_indptr: vec![0, 1 + data.labels(0).len() as u64, 2 + data.labels(0).len() as u64].into(),
        label_indices: [&[4], data.labels(0), &[6]].concat().into(),
        feature_count: 1 << 32,
        label_count: 1 << 32,
    };
    let test = Dataset::try_from(with_more).unwrap();
    model.build_index(&data, &IndexConfig::default(), &runtime).unwrap();
    let strict = Predictor::with(model, Retrieval::Index, &runtime).unwrap();
    let error = strict.predict(test.features(0), 1).unwrap_err();
    assert!(matches!(error, PredictError::UnknownFeature { example: 0, feature: 4, features: 60 }), "{error}");
    let known = strict.predict((features, values), 5).unwrap();
    let lenient = strict.ignoring_unknown_features();
    assert_eq!(lenient.predict(test.features(0), 5).unwrap(), known);
    let evaluation = evaluate_with(&lenient, &test, EvaluateOptions::default()).unwrap();
    let unknown = evaluation.unknown;
    assert_eq!((unknown.features, unknown.examples_with_features), (2, 2));
    assert_eq!((unknown.labels, unknown.examples_with_labels), (2, 2));
    let alone = evaluate_with(&lenient, &test.select(&[1]), EvaluateOptions::default()).unwrap().metrics;
    assert_eq!((alone.at[0].precision, alone.at[0].recall, alone.at[0].psp), (0.0, 0.0, Some(0.0)));
}

#[test]
fn arrays_count_from_0() {
    assert_eq!((data().feature_base(), data().label_base()), (IndexBase::Zero, IndexBase::Zero));
}
