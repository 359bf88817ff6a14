//! Files of format 1, which listed all settings side by side and kept hash tables in checkpoints only, are still read.
//!
//! Made by the last version that wrote them, from `fixtures/format_1.txt`, with the settings in `trained`: the model, a
//! checkpoint after 5 of its 8 batches, and its predictions (`slide predict format_1.slide format_1.txt --top 3`).

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use slide_core::{
    Dataset, Event, Model, Outcome, Predictions, Predictor, Retrieval, RetrievalError, TrainConfig, Trainer,
};
use slide_core::{PredictError, Runtime};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn runtime() -> Runtime {
    common::runtime(Some(2), None)
}

/// `slide train --hidden 8,12 --epochs 2 --batch-size 16 --sampler vanilla --hash-bits 3 --tables 4 --active 6 --active-floor 2
/// --rebuild constant:2`, with the defaults of that version.
fn trained() -> TrainConfig {
    common::config(
        "model=network hidden=8,12 loss=bce dropout=0.3,0.3 normalize=l2 precision=f32 optimizer=adam epochs=2 batch-size=16 \
         learning-rate=0.005 schedule=linear warmup=0.05 beta1=0.9 beta2=0.999 epsilon=1e-8 moments=frozen seed=42 \
         sampler=vanilla active=6 active-floor=2 rebuild=constant:2 hash=simhash hash-bits=3 tables=4 bucket-size=128 \
         bucket-policy=fifo",
    )
}

fn predictions(model: Model) -> Predictions {
    let data = Dataset::read(fixture("format_1.txt")).unwrap();
    let examples: Vec<_> = (0..data.examples()).map(|example| data.features(example)).collect();
    Predictor::with(model, Retrieval::Exact, &runtime()).unwrap().predict_batch(&examples, 3).unwrap()
}

/// Lines of three `label:probability`, as the program writes them.
fn printed(predictions: &Predictions) -> String {
    let line = |best: &[slide_core::Prediction]| {
        let pairs: Vec<String> = best.iter().map(|best| format!("{}:{}", best.label, best.probability)).collect();
        pairs.join("\t") + "\n"
    };
    predictions.iter().map(line).collect()
}

/// The tensors of a file, without the codes of hash tables.
fn tensors(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let all = tensors.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec()));
    all.filter(|(name, _)| name != "output.codes").collect()
}

#[test]
fn a_model_predicts_what_it_predicted() {
    let model = Model::load(fixture("format_1.slide")).unwrap();
    assert_eq!(model.config(), &trained());
    assert_eq!((model.features(), model.labels(), model.examples(), model.step()), (40, 24, 60, 8));
    assert!(!model.has_tables() && !model.is_resumable());
    let expected = std::fs::read_to_string(fixture("format_1.tsv")).unwrap();
    assert_eq!(printed(&predictions(model)), expected);
}

#[test]
fn a_model_can_be_given_tables_and_saved_anew() {
    let mut model = Model::load(fixture("format_1.slide")).unwrap();
    let hashing = model.config().tables().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.slide");
    model.save(&path).unwrap();
    assert_eq!(tensors(&path), tensors(&fixture("format_1.slide")));
    let again = Model::load(&path).unwrap();
    assert_eq!(again.config(), &trained());
    let error = Predictor::with(again, Retrieval::Lsh, &runtime()).unwrap_err();
    assert!(matches!(error, PredictError::Retrieval(RetrievalError::NoTables)), "{error}");
    model.build_tables(&hashing, &runtime()).unwrap();
    assert!(Predictor::with(model, Retrieval::Lsh, &runtime()).is_ok());
}

/// A file without tensors that has this header.
fn with_header(path: &Path, header: &str) {
    let text = serde_json::json!({ "__metadata__": { "slide": header } }).to_string();
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn impossible_headers_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.slide");
    let flat = |config: &str| {
        format!(r#"{{"format":1,"config":{config},"features":1,"labels":1,"points":1,"step":0,"checkpoint":null}}"#)
    };
    let sampler = |more: &str| flat(&format!(r#"{{"sampler":"random"{more}}}"#));
    for (header, said) in [
        (r#"{"format":0}"#.into(), "a model format from 1 to 5"),
        (r#"{"format":6}"#.into(), "newer version"),
        (r#"{"format":1}"#.into(), "missing field"),
        (flat("{}"), "sampler"),
        (flat(r#"{"sampler":5}"#), "sampler"),
        (flat(r#"{"sampler":"best"}"#), "expected one of"),
        (sampler(r#","unheard-of":1"#), "unheard-of"),
        (sampler(r#","hidden":[]"#), "hidden: expected"),
        (sampler(r#","batch-size":0"#), "batch-size: expected"),
        (sampler(r#","active":-1"#), "active: expected a fraction"),
        (sampler(r#","active":"many""#), "active: expected a number of rows"),
        (sampler(r#","active":5,"active-floor":9,"active-ceiling":0"#), "the tensor `input.weight`"),
        (sampler(""), "the tensor `input.weight`"),
    ] {
        with_header(&path, &header);
        let error = Model::load(&path).unwrap_err().to_string();
        assert!(error.contains(said), "{header}: {error}");
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
}

#[test]
fn a_checkpoint_ends_in_the_weights_of_the_uninterrupted_run() {
    let checkpoint = Model::load(fixture("format_1.slide.checkpoint")).unwrap();
    assert_eq!(checkpoint.config(), &trained());
    assert!(checkpoint.has_tables() && checkpoint.is_resumable());
    assert_eq!(checkpoint.step(), 5);
    let data = Dataset::read(fixture("format_1.txt")).unwrap();
    let mut trainer = Trainer::resume(checkpoint, &data, &runtime()).unwrap();
    let mut steps = Vec::new();
    let outcome = trainer.run(&mut |event, _| {
        let Event::Batch(progress) = event else { panic!("a network has no other events: {event:?}") };
        steps.push(progress.step);
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!((outcome.unwrap(), steps), (Outcome::Finished, vec![6, 7, 8]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.slide");
    let model = trainer.into_model().unwrap();
    model.save(&path).unwrap();
    assert_eq!(tensors(&path), tensors(&fixture("format_1.slide")));
    assert!(predictions(model) == predictions(Model::load(fixture("format_1.slide")).unwrap()));
}
