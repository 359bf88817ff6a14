//! The index of labels: what it finds, that it is the same everywhere, and that a file with one is read as it was written.

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use common::model_file::{ModelFile, Tensor};
use safetensors::Dtype;
use slide_core::{
    BuildIndex, ConfigError, Dataset, Example, IndexConfig, Model, ModelError, PredictError, Predictions, Predictor,
    Retrieval, RetrievalError, Runtime, TrainConfig, Trainer, evaluate,
};
use slide_kernels::Isa;

fn runtime() -> Runtime {
    common::runtime(Some(3), None)
}

/// A network that has learnt its training examples.
fn network(data: &Dataset, settings: &str) -> Model {
    let config = common::config(&format!(
        "model=network hidden=24 loss=bce dropout=0 epochs=30 learning-rate=0.01 batch-size=32 active=120 {settings}"
    ));
    Model::fit_with(data, &config, &runtime(), |_| ControlFlow::Continue(())).unwrap()
}

fn predictions(model: impl Into<Arc<Model>>, retrieval: Retrieval, data: &Dataset, k: usize) -> Predictions {
    let examples: Vec<Example<'_>> = (0..data.examples()).map(|example| data.features(example)).collect();
    Predictor::with(model, retrieval, &runtime()).unwrap().predict_batch(&examples, k).unwrap()
}

#[test]
fn it_finds_the_asked_share_of_the_best_labels() {
    let data = common::dataset(3000, 900, 2000);
    let model = network(&data, "index=always index-recall=0.95 index-lists=40");
    let report = *model.index().unwrap();
    assert!(report.recall_at_5 >= 0.95, "{report:?}");
    assert_eq!((report.lists, report.held_out, report.queries), (40, 150, 2850));
    assert!(report.rows_read < 1500.0 && report.lists_read < 30.0, "{report:?}");
    let model = Arc::new(model);
    let exact = predictions(model.clone(), Retrieval::Exact, &data, 5);
    let found = predictions(model.clone(), Retrieval::Index, &data, 5);
    let mut shared = 0;
    for (exact, found) in exact.iter().zip(found.iter()) {
        assert!(found.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
        // What is found has its exact score, up to the order of additions.
        for one in found {
            let same = exact.iter().find(|other| other.label == one.label);
            shared += usize::from(same.is_some());
            assert!(same.is_none_or(|other| (other.probability - one.probability).abs() < 1e-5), "{one:?} {same:?}");
        }
    }
    assert!(shared as f64 >= 0.94 * (5 * data.examples()) as f64, "{shared}");
    // The default of a network with an index.
    assert_eq!(predictions(model.clone(), Retrieval::Auto, &data, 5), found);
    // One by one as in blocks.
    let predictor = Predictor::with(model, Retrieval::Index, &runtime()).unwrap();
    for example in (0..data.examples()).step_by(17) {
        assert_eq!(predictor.predict(data.features(example), 5).unwrap(), found.get(example));
    }
}

#[test]
fn a_greater_recall_reads_more() {
    let data = common::dataset(2000, 900, 1500);
    let mut model = network(&data, "");
    let mut config = IndexConfig::default();
    config.index_lists = Some(30);
    let mut build = |recall: f32| {
        config.index_recall = recall;
        model.build_index(&data, &config, &runtime()).unwrap()
    };
    let (low, high) = (build(0.6), build(0.99));
    assert!(low.recall_at_5 >= 0.6 && high.recall_at_5 >= 0.99, "{low:?} {high:?}");
    assert!(low.rows_read < high.rows_read, "{low:?} {high:?}");
    assert!(model.config().index.index_recall == 0.99);
}

#[test]
fn few_labels_and_few_examples_are_indexed_too() {
    for (examples, labels) in [(1, 1), (5, 3), (40, 17), (60, 9)] {
        let data = common::dataset(examples, 50, labels);
        let model = Arc::new(network(&data, "epochs=2 index=always"));
        let k = 12;
        let exact = predictions(model.clone(), Retrieval::Exact, &data, k);
        // There is a single list, and what is asked for is all there is.
        let found = predictions(model, Retrieval::Index, &data, k);
        let sorted = |predictions: &Predictions| -> Vec<Vec<u32>> {
            let labels = |best: &[slide_core::Prediction]| best.iter().map(|one| one.label).collect();
            predictions.iter().map(labels).collect()
        };
        assert_eq!(sorted(&exact), sorted(&found), "{examples} examples, {labels} labels");
    }
}

/// The program reserves this room on the disk before it trains.
#[test]
fn the_room_for_an_index_is_known_before() {
    for (labels, settings) in [(900, ""), (2000, "index-lists=40"), (3, "")] {
        let data = common::dataset(800, 500, labels);
        let settings = format!("model=network hidden=24 loss=bce epochs=4 batch-size=32 index=always {settings}");
        let mut trainer = Trainer::new(common::config(&settings), &data, &runtime()).unwrap();
        let expected = trainer.file_bytes();
        trainer.run(&mut |_, _| ControlFlow::Continue(())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        trainer.into_model().unwrap().save(&path).unwrap();
        let found = std::fs::metadata(&path).unwrap().len();
        assert!(found <= expected && expected < 2 * found + (1 << 14), "{found} of {expected}, {labels} labels");
    }
}

/// Built after training on other levels and with other numbers of threads it is the same; `tests/golden.rs` has the one of training.
#[test]
fn the_same_everywhere() {
    let data = common::dataset(400, 500, 900);
    let folder = tempfile::tempdir().unwrap();
    let mut first = None;
    for (place, isa) in Isa::available().enumerate() {
        let mut model = network(&data, "epochs=3");
        let runtime = common::runtime(Some(1 + place % 3), Some(isa));
        model.build_index(&data, &IndexConfig::default(), &runtime).unwrap();
        let path = folder.path().join("model");
        model.save(&path).unwrap();
        let file = std::fs::read(&path).unwrap();
        let first = first.get_or_insert_with(|| file.clone());
        assert!(*first == file, "{isa}");
    }
}

#[test]
fn both_parts_use_it_on_request() {
    let data = common::dataset(600, 500, 900);
    let config = common::config("model=both hidden=24 epochs=6 batch-size=32 mining-rounds=1 index=always");
    let model = Arc::new(Model::fit_with(&data, &config, &runtime(), |_| ControlFlow::Continue(())).unwrap());
    let precision = |retrieval| {
        let predictor = Predictor::with(model.clone(), retrieval, &runtime()).unwrap();
        evaluate(&predictor, &data).unwrap().at[0].precision
    };
    assert!(precision(Retrieval::Index) > 0.98 * precision(Retrieval::Linear));
}

#[test]
fn what_cannot_be_indexed_is_said() {
    let data = common::dataset(100, 100, 50);
    let config = common::config("model=linear mining-rounds=0");
    let mut linear = Model::fit_with(&data, &config, &runtime(), |_| ControlFlow::Continue(())).unwrap();
    let built = linear.build_index(&data, &IndexConfig::default(), &runtime());
    assert!(matches!(built, Err(ConfigError::NoIndexedNetwork)), "{built:?}");
    let made = Predictor::with(linear, Retrieval::Index, &runtime());
    assert!(matches!(made, Err(PredictError::Retrieval(RetrievalError::NoIndex))), "{made:?}");
    let made = Predictor::with(network(&data, "epochs=1"), Retrieval::Index, &runtime());
    assert!(matches!(made, Err(PredictError::Retrieval(RetrievalError::NoIndex))), "{made:?}");
    let mut wrong = TrainConfig::default();
    for (key, value) in [("index-recall", "0"), ("index-recall", "1.5"), ("index-lists", "0"), ("index-queries", "0")] {
        let config = wrong.clone().set(key, value).unwrap().clone();
        assert!(config.validate().unwrap_err().to_string().contains(key), "{key}");
    }
    wrong.index.index = BuildIndex::Always;
    wrong.set("model", "linear").unwrap();
    assert_eq!(
        wrong.validate().unwrap_err().to_string(),
        "index: expected `auto` or `never` without a network, found Always"
    );
}

#[test]
fn files_with_an_index_are_read_as_they_were_written() {
    let data = common::dataset(300, 400, 600);
    let model = network(&data, "epochs=3 index=always index-lists=12");
    let folder = tempfile::tempdir().unwrap();
    let [path, changed] = ["model", "changed"].map(|name| folder.path().join(name));
    model.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.index(), model.index());
    loaded.save(&changed).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&changed).unwrap());
    assert_eq!(predictions(loaded, Retrieval::Index, &data, 3), predictions(model, Retrieval::Index, &data, 3));

    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let set_first = |tensor: &mut Tensor, word: u32| tensor.2[..4].copy_from_slice(&words(&[word]));
    type Damage<'a> = (&'a str, &'a dyn Fn(&mut Tensor));
    let damages: [Damage<'_>; 5] = [
        ("index.label", &|tensor| set_first(tensor, 600)),
        ("index.end", &|tensor| set_first(tensor, 1 << 20)),
        ("index.code", &|tensor| (tensor.1, tensor.2) = (vec![tensor.2.len() - 16], tensor.2[16..].to_vec())),
        ("index.router", &|tensor| tensor.1.reverse()),
        ("index.scale", &|tensor| tensor.0 = Dtype::U32),
    ];
    for (name, damage) in damages {
        let mut file = ModelFile::read(&path);
        damage(file.tensor(name));
        file.write(&changed);
        let error = Model::load(&changed).unwrap_err();
        assert!(matches!(error, ModelError::Foreign { .. }) && error.to_string().contains(name), "{name}: {error}");
    }
    let mut file = ModelFile::read(&path);
    file.tensors.remove("index.mean");
    file.write(&changed);
    assert!(Model::load(&changed).unwrap_err().to_string().contains("index.mean"));
}
