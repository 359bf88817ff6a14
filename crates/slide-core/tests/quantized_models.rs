//! Models with rows of integers: stored as they are, the same predictions however and wherever they are made, and near those of floats.

mod common;

use std::ops::ControlFlow;
use std::path::Path;

use common::model_file::ModelFile;
use safetensors::Dtype;
use slide_core::{
    Dataset, Event, Example, IndexConfig, Model, Outcome, Prediction, Predictor, Quantization, QuantizeConfig,
    Retrieval, RowBits, Runtime, TrainError, Trainer, evaluate,
};
use slide_kernels::Isa;

const LABELS: u32 = 600;
/// Of odd width, so that the last byte of a row of four bits has one weight.
const NETWORK: &str = "hidden=49,31 epochs=20 batch-size=32 learning-rate=0.01 dropout=0 active=40";

fn data() -> Dataset {
    common::dataset(500, 300, LABELS)
}

fn runtime() -> Runtime {
    common::runtime(Some(2), None)
}

fn trained(settings: &str) -> Model {
    let config = common::config(&format!("{NETWORK} {settings}"));
    Model::fit_with(&data(), &config, &runtime(), |_| ControlFlow::Continue(())).unwrap()
}

fn config(to: Quantization, input_bits: RowBits, prune: f64) -> QuantizeConfig {
    let mut config = QuantizeConfig::default();
    (config.to, config.input_bits, config.prune) = (to, input_bits, prune);
    config
}

fn int8() -> QuantizeConfig {
    QuantizeConfig::default()
}

/// A model of these settings, read from a file, so that it can be had several times.
struct Stored(tempfile::TempDir);

impl Stored {
    fn new(model: &Model) -> Self {
        let folder = tempfile::tempdir().unwrap();
        model.save(folder.path().join("m")).unwrap();
        Self(folder)
    }

    fn load(&self) -> Model {
        Model::load(self.0.path().join("m")).unwrap()
    }

    fn quantized(&self, config: &QuantizeConfig) -> Model {
        let mut model = self.load();
        model.quantize(config, &runtime()).unwrap();
        model
    }

    /// The bytes of the file of a model.
    fn bytes(&self, model: &Model) -> Vec<u8> {
        let path = self.0.path().join("other");
        model.save(&path).unwrap();
        std::fs::read(path).unwrap()
    }
}

fn predictions(model: Model, retrieval: Retrieval, runtime: &Runtime) -> Vec<Vec<Prediction>> {
    let data = data();
    let examples: Vec<Example<'_>> = (0..data.examples()).map(|example| data.features(example)).collect();
    let predictor = Predictor::with(model, retrieval, runtime).unwrap();
    predictor.predict_batch(&examples, 5).unwrap().iter().map(<[Prediction]>::to_vec).collect()
}

fn precision(model: Model) -> f64 {
    evaluate(&Predictor::new(model).unwrap(), &data()).unwrap().at[0].precision
}

#[test]
fn they_are_read_as_they_were_written_and_rounding_again_changes_nothing() {
    for parts in ["both", "network", "linear"] {
        let stored = Stored::new(&trained(&format!("model={parts}")));
        let whole = std::fs::read(stored.0.path().join("m")).unwrap();
        for bits in [RowBits::Four, RowBits::Eight] {
            let config = config(Quantization::Int8, bits, 0.0);
            let mut model = stored.quantized(&config);
            let bytes = stored.bytes(&model);
            assert!(2 * bytes.len() < whole.len() || parts == "linear", "{parts}: {} bytes", bytes.len());
            assert!(bytes.len() < whole.len(), "{parts}: {} bytes", bytes.len());
            let again = Stored::new(&model).load();
            assert!(stored.bytes(&again) == bytes, "{parts}, {bits}: written again");
            assert_eq!(again.tensors(), model.tensors());
            let expected = predictions(again, Retrieval::Auto, &runtime());
            model.quantize(&config, &runtime()).unwrap();
            assert!(stored.bytes(&model) == bytes, "{parts}, {bits}: rounded again");
            // What has fewer bits than bfloat16 stays as it is.
            model.quantize(&self::config(Quantization::Bf16, bits, 0.0), &runtime()).unwrap();
            assert!(stored.bytes(&model) == bytes, "{parts}, {bits}: to bf16");
            assert!(predictions(model, Retrieval::Auto, &runtime()) == expected, "{parts}, {bits}: predictions");
            let [before, after] = [stored.load(), stored.quantized(&config)].map(precision);
            assert!(before > 0.5 && (before - after).abs() < 0.03, "{parts}, {bits}: {before} and {after}");
        }
    }
}

#[test]
fn integers_and_lists_that_can_be_mapped_need_newer_formats() {
    let stored = Stored::new(&trained("model=both"));
    let network = Stored::new(&trained("model=network"));
    for (stored, to, format) in [
        (&stored, Quantization::Bf16, 5),
        (&stored, Quantization::Int8, 4),
        (&network, Quantization::Bf16, 3),
        (&network, Quantization::Int8, 4),
    ] {
        let ModelFile { header, .. } =
            ModelFile::parse(&stored.bytes(&stored.quantized(&config(to, RowBits::Four, 0.0))));
        assert_eq!(header["format"], format, "{to}");
        assert_eq!(header["config"]["network"]["precision"], "bf16", "{to}");
    }
}

#[test]
fn predictions_are_the_same_alone_in_a_batch_and_on_every_instruction_set() {
    let data = data();
    for settings in ["model=network loss=softmax", "model=network loss=bce hash-bits=4 tables=6", "model=both"] {
        let mut model = trained(settings);
        model.build_index(&data, &IndexConfig::default(), &runtime()).unwrap();
        let stored = Stored::new(&model);
        let mut retrievals = vec![Retrieval::Exact, Retrieval::Index];
        retrievals.extend(settings.contains("tables").then_some(Retrieval::Lsh));
        retrievals.extend(settings.contains("both").then_some(Retrieval::Linear));
        for retrieval in retrievals {
            let quantized = || stored.quantized(&int8());
            let expected = predictions(quantized(), retrieval, &runtime());
            assert!(expected.iter().any(|best| best != &expected[0]), "{settings}, {retrieval}: all alike");
            let predictor = Predictor::with(quantized(), retrieval, &runtime()).unwrap();
            for (example, expected) in expected.iter().enumerate() {
                let alone = predictor.predict(data.features(example), 5).unwrap();
                assert_eq!(&alone, expected, "{settings}, {retrieval}: example {example}");
            }
            for isa in Isa::available() {
                for threads in [1, 3] {
                    let found = predictions(quantized(), retrieval, &common::runtime(Some(threads), Some(isa)));
                    assert!(found == expected, "{settings}, {retrieval}: {isa}, {threads} threads");
                }
            }
        }
    }
}

#[test]
fn an_index_keeps_its_codes_and_one_can_be_built_later() {
    let data = data();
    let mut model = trained("model=network");
    model.build_index(&data, &IndexConfig::default(), &runtime()).unwrap();
    let stored = Stored::new(&model);
    let tensors = |bytes: &[u8]| {
        let mut tensors = ModelFile::parse(bytes).tensors;
        tensors.retain(|name, _| name.starts_with("index."));
        tensors
    };
    let mut quantized = stored.quantized(&int8());
    let codes = tensors(&stored.bytes(&model));
    assert!(!codes.is_empty() && codes == tensors(&stored.bytes(&quantized)));
    let report = quantized.build_index(&data, &IndexConfig::default(), &runtime()).unwrap();
    assert!(report.recall_at_5 > 0.9, "{report:?}");
    // Hash tables too.
    let hashing = common::config("hash-bits=4 tables=6").hashing.unwrap();
    quantized.build_tables(&hashing, &runtime()).unwrap();
    assert_eq!(predictions(quantized, Retrieval::Lsh, &runtime()).len(), data.examples());
}

#[test]
fn pruning_drops_the_smallest_weights_of_the_linear_part() {
    let stored = Stored::new(&trained("model=linear"));
    let weights = stored.load().linear_weights();
    for to in [Quantization::Bf16, Quantization::Int8] {
        let mut left = stored.quantized(&config(to, RowBits::Four, 0.0)).linear_weights();
        for share in [0.3, 0.9, 0.999_999] {
            let pruned = stored.quantized(&config(to, RowBits::Four, share));
            assert!(pruned.linear_weights() < left, "{to}, {share}");
            left = pruned.linear_weights();
            let kept = left as f64 / weights as f64;
            // Equal weights are kept or dropped together.
            assert!(kept < 1.05 - share + 0.1, "{to}, {share}: {kept}");
            assert!(Stored::new(&pruned).load().linear_weights() == left);
        }
    }
}

#[test]
fn a_checkpoint_becomes_a_model() {
    let (data, runtime) = (data(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut trainer = Trainer::new(common::config(&format!("model=network {NETWORK}")), &data, &runtime).unwrap();
    let stopped = trainer.run(&mut |event, _| match event {
        Event::Batch(progress) if progress.step == 7 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped);
    trainer.save_checkpoint(&path).unwrap();
    let mut model = Model::load(&path).unwrap();
    model.quantize(&int8(), &runtime).unwrap();
    assert!(!model.is_resumable());
    model.save(&path).unwrap();
    let error = Trainer::resume(Model::load(&path).unwrap(), &data, &runtime).unwrap_err();
    assert!(matches!(error, TrainError::NotResumable), "{error:?}");
    // A file that says to be both.
    let damaged = changed(&path, |file| file.header["checkpoint"] = serde_json::json!({ "data-digest": 1 }));
    assert!(damaged.contains("expected weights of F32 or BF16 in a checkpoint, found integers"), "{damaged}");
}

/// What is said of the file with a change; the file stays.
fn changed(path: &Path, change: impl Fn(&mut ModelFile)) -> String {
    let mut file = ModelFile::read(path);
    change(&mut file);
    let other = path.with_extension("changed");
    file.write(&other);
    Model::load(&other).unwrap_err().to_string()
}

#[test]
fn damaged_rows_of_integers_are_errors() {
    let stored = Stored::new(&trained("model=both"));
    let quantized = stored.quantized(&int8());
    let path = stored.0.path().join("quantized");
    quantized.save(&path).unwrap();
    for name in ["input.scale", "output.scale", "linear.scale"] {
        let said = changed(&path, |file| drop(file.tensors.remove(name)));
        assert!(said.contains(&format!("the tensor `{name}`, found none")), "{said}");
        let shorter = changed(&path, |file| {
            let (_, shape, bytes) = file.tensor(name);
            shape[0] -= 1;
            bytes.truncate(4 * shape[0]);
        });
        assert!(shorter.contains(&format!("`{name}` of type F32 and shape")), "{shorter}");
    }
    for (name, dtype, said) in [
        // 49 weights of eight bits, 25 bytes with two each.
        ("input.weight", Dtype::I8, "`input.weight` of type I8 and shape [300, 49]"),
        ("output.weight", Dtype::U8, "`output.weight` of type U8 and shape [600, 16]"),
        ("hidden.0.weight", Dtype::F16, "`hidden.0.weight` of type BF16"),
        ("linear.weight", Dtype::U8, "`linear.weight` of type F16"),
    ] {
        let text = changed(&path, |file| file.tensor(name).0 = dtype);
        assert!(text.contains(said), "{text}");
    }
    let bytes = std::fs::read(&path).unwrap();
    for length in [bytes.len() - 1, bytes.len() / 2, 100, 4] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let text = Model::load(&path).unwrap_err().to_string();
        assert!(text.contains("not a complete safetensors file"), "{text}");
    }
}
