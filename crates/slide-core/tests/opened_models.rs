//! Models that stay in their file: the same predictions as of copies, to the bit, and what happens to the file meanwhile.

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use common::model_file::ModelFile;
use slide_core::{
    Dataset, Example, Model, ModelError, Prediction, Predictions, Predictor, QuantizeConfig, Retrieval, RowBits,
    Runtime,
};
use slide_kernels::{CounterRng, Isa, RngKey};

/// So many that training cuts the rows into shards.
const FEATURES: u32 = 2100;
const LABELS: u32 = 1300;

fn data(labels: u32) -> Dataset {
    common::dataset(300, FEATURES, labels)
}

fn runtime(threads: usize) -> Runtime {
    common::runtime(Some(threads), None)
}

fn trained(settings: &str, labels: u32) -> Model {
    let base = "epochs=2 batch-size=32 active=40 mining-rounds=2";
    let config = common::config(&format!("{base} {settings}"));
    Model::fit_with(&data(labels), &config, &runtime(2), |_| ControlFlow::Continue(())).unwrap()
}

fn predictions(model: Model, retrieval: Retrieval, data: &Dataset, runtime: &Runtime) -> Predictions {
    let examples: Vec<Example<'_>> = (0..data.examples()).map(|example| data.features(example)).collect();
    let predictor = Predictor::with(model, retrieval, runtime).unwrap();
    let together = predictor.predict_batch(&examples, 7).unwrap();
    for (example, found) in examples.iter().zip(together.iter()).take(20) {
        let bits = |found: &[Prediction]| -> Vec<(u32, u32)> {
            found.iter().map(|best| (best.label, best.probability.to_bits())).collect()
        };
        assert_eq!(bits(&predictor.predict(*example, 7).unwrap()), bits(found));
    }
    together
}

/// What a model predicts is the same of a copy and of the file, on each level, and it is written, exported and quantised as the copy is.
fn assert_same(path: &Path, retrievals: &[Retrieval], data: &Dataset, what: &str) {
    let isas = Isa::available().map(|isa| common::runtime(Some(2), Some(isa)));
    for runtime in [runtime(1), runtime(3)].into_iter().chain(isas) {
        for &retrieval in retrievals {
            let [loaded, opened] = [Model::load(path), Model::open(path)].map(Result::unwrap);
            let [loaded, opened] = [loaded, opened].map(|model| predictions(model, retrieval, data, &runtime));
            assert!(loaded == opened, "{what}, {retrieval}, {}", runtime.kernels().isa());
        }
    }
    let again = path.with_extension("again");
    Model::open(path).unwrap().save(&again).unwrap();
    assert!(fs::read(path).unwrap() == fs::read(&again).unwrap(), "{what}: another file");
    let [loaded, opened] = [Model::load(path), Model::open(path)].map(|model| {
        let mut model = model.unwrap();
        model.export_f32(&again).unwrap();
        let exported = fs::read(&again).unwrap();
        model.quantize(&QuantizeConfig::default(), &runtime(2)).unwrap();
        model.save(&again).unwrap();
        [exported, fs::read(&again).unwrap()]
    });
    assert!(loaded[0] == opened[0], "{what}: another export");
    assert!(loaded[1] == opened[1], "{what}: another quantised model");
}

#[test]
fn predictions_of_the_file_are_those_of_a_copy() {
    use Retrieval::{Auto, Exact, Index, Linear, Lsh};
    let hashed = "hash-bits=5 tables=12";
    let data = data(LABELS);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for (settings, retrievals, is_mapped) in [
        ("model=network hidden=32 loss=bce".to_owned(), &[Auto][..], true),
        (
            format!("model=network hidden=32 loss=softmax {hashed} index=always index-lists=12"),
            &[Exact, Index, Lsh],
            true,
        ),
        (format!("model=network hidden=32,64 loss=softmax precision=bf16 {hashed}"), &[Exact, Lsh], true),
        ("model=network hidden=1100,48 loss=bce".to_owned(), &[Auto], true),
        ("model=network hidden=20,12 loss=softmax".to_owned(), &[Auto], false),
        ("model=linear".to_owned(), &[Auto], true),
        (format!("model=both hidden=32,64 loss=bce {hashed}"), &[Linear, Exact, Lsh], true),
        ("model=both hidden=64 loss=softmax".to_owned(), &[Linear, Exact], true),
    ] {
        let mut model = trained(&settings, LABELS);
        model.save(&path).unwrap();
        assert_same(&path, retrievals, &data, &settings);
        let [loaded, opened] =
            [Model::load(&path), Model::open(&path)].map(|model| model.unwrap().report().mapped_bytes);
        assert_eq!(opened < loaded, is_mapped, "{settings}: {opened} and {loaded} bytes of memory");
        for bits in [RowBits::Eight, RowBits::Four] {
            let mut config = QuantizeConfig::default();
            config.input_bits = bits;
            model.quantize(&config, &runtime(2)).unwrap();
            model.save(&path).unwrap();
            assert_same(&path, retrievals, &data, &format!("{settings}, input of {bits} bits"));
        }
    }
}

#[test]
fn lists_of_several_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let labels = 70_000;
    trained("model=linear", labels).save(&path).unwrap();
    assert_same(&path, &[Retrieval::Auto], &data(labels), "70,000 labels");
}

/// Whatever the values of a file are, a prediction ends; which labels it has does not matter.
#[test]
fn values_that_are_damaged_do_not_panic() {
    let data = data(LABELS);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for settings in ["model=both hidden=32", "model=network hidden=32 index=always index-lists=12"] {
        trained(settings, LABELS).save(&path).unwrap();
        let file = ModelFile::read(&path);
        for (number, name) in file.tensors.keys().enumerate() {
            for seed in 0..3 {
                let mut damaged = file.clone();
                let mut random = CounterRng::new(RngKey::new(seed, 97, 0, number as u32));
                damaged.tensor(name).2.iter_mut().for_each(|byte| *byte = random.below(256) as u8);
                damaged.write(&path);
                match Model::open(&path) {
                    Ok(model) => assert_eq!(
                        predictions(model, Retrieval::Auto, &data, &runtime(2)).len(),
                        data.examples(),
                        "{name}"
                    ),
                    Err(error) => assert!(matches!(error, ModelError::Foreign { .. }), "{name}: {error:?}"),
                }
            }
        }
    }
}

#[test]
fn files_that_are_cut_short_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    trained("model=both hidden=32", LABELS).save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, 5000, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(Model::open(&path), Err(ModelError::Damaged { .. })), "{length} bytes");
    }
}

#[test]
#[cfg(unix)]
fn a_file_that_is_replaced_is_still_read() {
    let data = data(LABELS);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let model = trained("model=both hidden=32", LABELS);
    model.save(&path).unwrap();
    let opened = Model::open(&path).unwrap();
    trained("model=both hidden=32 epochs=1", LABELS).save(&path).unwrap();
    let expected = predictions(model, Retrieval::Auto, &data, &runtime(2));
    assert!(predictions(Model::open(&path).unwrap(), Retrieval::Auto, &data, &runtime(2)) != expected);
    fs::remove_file(&path).unwrap();
    assert!(predictions(opened, Retrieval::Auto, &data, &runtime(2)) == expected);
}

#[test]
#[cfg(all(target_os = "linux", not(slide_portable)))]
fn a_file_that_is_shortened_later_is_an_error_of_the_prediction() {
    let data = data(LABELS);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    trained("model=both hidden=32", LABELS).save(&path).unwrap();
    let predictor = Predictor::with(Model::open(&path).unwrap(), Retrieval::Auto, &runtime(2)).unwrap();
    predictor.predict(data.features(0), 5).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    for error in [
        predictor.predict(data.features(0), 5).unwrap_err(),
        predictor.predict_batch(&[data.features(1), data.features(2)], 5).unwrap_err(),
    ] {
        assert!(matches!(error, slide_core::PredictError::File(_)), "{error:?}");
    }
}
