//! Training that stops anywhere and goes on ends in the very model of the uninterrupted run.

mod common;

use std::ops::ControlFlow;
use std::path::Path;

use slide_core::{Dataset, Event, Model, ModelError, Outcome, Runtime, TrainConfig, TrainError, Trainer};

fn runtime() -> Runtime {
    common::runtime(None, None)
}

/// Hash tables with every detail that a checkpoint must hold, rebuilt every 4 batches.
fn config() -> TrainConfig {
    common::config(
        "model=network hidden=32,24 loss=softmax epochs=2 batch-size=48 sampler=vanilla active=40 hash=dwta hash-bits=6 tables=8 \
         bucket-size=4 bucket-policy=reservoir rebuild=constant:4 precision=bf16 moments=catch-up",
    )
}

/// The states of other optimisers.
fn sgd() -> TrainConfig {
    common::config(
        "model=network hidden=24 epochs=2 batch-size=48 active=40 optimizer=sgd learning-rate=0.05 moments=catch-up",
    )
}

/// Trains up to batch `stop`, and writes a checkpoint or, at the end, the model.
fn train(mut trainer: Trainer, stop: u64, path: &Path) {
    let observer = &mut |event: Event<'_>, _: &Trainer| {
        let is_due = matches!(event, Event::Batch(progress) if progress.step == stop);
        if is_due { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match trainer.run(observer).unwrap() {
        Outcome::Stopped => trainer.save_checkpoint(path).unwrap(),
        Outcome::Finished => trainer.into_model().unwrap().save(path).unwrap(),
    }
}

fn data() -> Dataset {
    common::dataset(300, 900, 1500)
}

#[test]
fn a_resumed_run_ends_in_the_same_bits() {
    let (data, runtime) = (data(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let [whole, cut, resumed] = ["whole", "cut", "resumed"].map(|name| folder.path().join(name));
    train(Trainer::new(sgd(), &data, &runtime).unwrap(), u64::MAX, &whole);
    train(Trainer::new(sgd(), &data, &runtime).unwrap(), 5, &cut);
    train(Trainer::resume(Model::load(&cut).unwrap(), &data, &runtime).unwrap(), u64::MAX, &resumed);
    assert!(std::fs::read(&whole).unwrap() == std::fs::read(&resumed).unwrap(), "another optimiser");
    train(Trainer::new(config(), &data, &runtime).unwrap(), u64::MAX, &whole);
    // In the middle of an epoch between two rebuilds, right before a rebuild, at the end of an epoch, after one batch.
    for stop in [6, 4, 7, 1] {
        train(Trainer::new(config(), &data, &runtime).unwrap(), stop, &cut);
        let model = Model::load(&cut).unwrap();
        assert!(model.is_resumable());
        train(Trainer::resume(model, &data, &runtime).unwrap(), u64::MAX, &resumed);
        assert!(std::fs::read(&whole).unwrap() == std::fs::read(&resumed).unwrap(), "stopped after batch {stop}");
    }
}

#[test]
fn a_checkpoint_wants_its_own_data() {
    let (data, runtime) = (data(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    train(Trainer::new(config(), &data, &runtime).unwrap(), 3, &path);
    let resume = |data: &Dataset| {
        let model = Model::load(&path).unwrap();
        Trainer::resume(model, data, &runtime).map(drop)
    };
    assert!(resume(&data).is_ok());
    let mut order: Vec<u32> = (0..300).collect();
    order.swap(0, 1);
    assert!(matches!(resume(&data.select(&order)), Err(TrainError::OtherExamples)));
    let fewer = resume(&data.select(&order[..299]));
    assert!(matches!(fewer, Err(TrainError::OtherData { what: "examples", expected: 300, found: 299 })));
}

#[test]
fn a_finished_model_is_no_checkpoint() {
    let (data, runtime) = (data(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let mut config = config();
    config.optimizer.epochs = Some(1);
    train(Trainer::new(config, &data, &runtime).unwrap(), u64::MAX, &path);
    let model = Model::load(&path).unwrap();
    assert!(matches!(Trainer::resume(model, &data, &runtime).map(drop), Err(TrainError::NotResumable)));
}

/// Settings of hash tables beside a sampler that needs none: the tables are built when training ends.
#[test]
fn tables_for_retrieval_alone_come_with_the_trained_model() {
    let (data, runtime) = (data(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let [whole, cut, resumed] = ["whole", "cut", "resumed"].map(|name| folder.path().join(name));
    let config = common::config("model=network hidden=24 epochs=2 batch-size=48 active=40 hash-bits=4 tables=6");
    train(Trainer::new(config.clone(), &data, &runtime).unwrap(), u64::MAX, &whole);
    train(Trainer::new(config, &data, &runtime).unwrap(), 5, &cut);
    let mut checkpoint = Model::load(&cut).unwrap();
    assert!(!checkpoint.has_tables() && checkpoint.is_resumable());
    train(Trainer::resume(Model::load(&cut).unwrap(), &data, &runtime).unwrap(), u64::MAX, &resumed);
    assert!(std::fs::read(&whole).unwrap() == std::fs::read(&resumed).unwrap());
    let trained = Model::load(&whole).unwrap();
    assert!(trained.has_tables());
    let (bytes, bound) = (std::fs::metadata(&whole).unwrap().len(), trained.file_bytes());
    assert!(bytes <= bound && bound < bytes + 8192, "{bytes} bytes, {bound} announced");

    let hashing = checkpoint.config().hashing.clone().unwrap();
    checkpoint.build_tables(&hashing, &runtime).unwrap();
    assert!(!checkpoint.is_resumable());
}

/// Replaces `from` by `to`, of the same length, in the header of a model file.
fn damaged(path: &Path, from: &str, to: &str) -> Result<Model, ModelError> {
    assert_eq!(from.len(), to.len());
    let bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
    let mut changed = bytes.clone();
    changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    let other = path.with_extension("changed");
    std::fs::write(&other, changed).unwrap();
    Model::load(&other)
}

#[test]
fn damaged_checkpoints_are_errors() {
    let (data, runtime) = (data(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    train(Trainer::new(config(), &data, &runtime).unwrap(), 3, &path);
    for (from, to) in [
        (r#"\"step\":3"#, r#"\"step\":2"#),
        (r#"\"tables\":8"#, r#"\"tables\":9"#),
        (r#"\"tables\":8"#, r#"\"tables\":0"#),
        (r#"\"labels\":1500"#, r#"\"labels\":1501"#),
        (r#"\"examples\":300"#, r#"\"examples\":  0"#),
        (r#""output.codes":{"dtype":"U32""#, r#""output.codes":{"dtype":"F32""#),
        (r#""output.bias":{"dtype":"F32""#, r#""output.bias":{"dtype":"I32""#),
        (r#""output.weight":{"dtype":"BF16""#, r#""output.weight":{"dtype":"FP16""#),
        (r#"\"precision\":\"bf16\""#, r#"\"precision\":\"f32\" "#),
    ] {
        assert!(damaged(&path, from, to).is_err(), "{from} -> {to}");
    }
    let newer = damaged(&path, r#"\"format\":3"#, r#"\"format\":7"#);
    assert!(matches!(newer, Err(ModelError::Newer { found: 7, supported: 3, .. })));
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(matches!(Model::load(&path), Err(ModelError::Damaged { .. })), "{length}");
    }
}
