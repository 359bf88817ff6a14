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

/// Trains up to round `stop` of the linear part, and writes a checkpoint or, at the end, the model.
fn train_linear(mut trainer: Trainer, stop: u32, path: &Path) -> Outcome {
    let mut rounds = Vec::new();
    let outcome = trainer.run(&mut |event, trainer| {
        let Event::Round(progress) = event else { return ControlFlow::Continue(()) };
        assert!(trainer.model().step() == trainer.model().steps_per_epoch() * u64::from(trainer.model().epochs()));
        assert!(progress.rounds == 4 && progress.pairs > 0 && progress.weights > 0, "{progress:?}");
        rounds.push(progress.round);
        if progress.round == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(rounds, (1..=stop.min(4)).collect::<Vec<_>>(), "from the first round on");
    let outcome = outcome.unwrap();
    match outcome {
        Outcome::Stopped => trainer.save_checkpoint(path).unwrap(),
        Outcome::Finished => trainer.into_model().unwrap().save(path).unwrap(),
    }
    outcome
}

/// The linear part comes after the network, and begins anew after a stop.
#[test]
fn a_stop_before_or_in_the_linear_part_changes_nothing() {
    let (data, runtime) = (data(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let [whole, cut, resumed] = ["whole", "cut", "resumed"].map(|name| folder.path().join(name));
    let network = "hidden=24 epochs=2 batch-size=48 sampler=vanilla active=40 hash-bits=4 tables=6 rebuild=constant:4";
    for settings in ["model=linear mining-rounds=3", &format!("model=both mining-rounds=3 {network}")] {
        let new = || Trainer::new(common::config(settings), &data, &runtime).unwrap();
        let resume = || Trainer::resume(Model::load(&cut).unwrap(), &data, &runtime).unwrap();
        assert_eq!(train_linear(new(), u32::MAX, &whole), Outcome::Finished);
        let same = || std::fs::read(&whole).unwrap() == std::fs::read(&resumed).unwrap();
        for stop in 1..=3 {
            assert_eq!(train_linear(new(), stop, &cut), Outcome::Stopped);
            let checkpoint = Model::load(&cut).unwrap();
            assert!(checkpoint.is_resumable() && !checkpoint.has_linear());
            assert_eq!(train_linear(resume(), u32::MAX, &resumed), Outcome::Finished);
            assert!(same(), "{settings}: stopped after round {stop}");
        }
        // A stop after the last round comes too late, as one after the last batch of a network does.
        assert_eq!(train_linear(new(), 4, &resumed), Outcome::Finished);
        assert!(same(), "{settings}: stopped after the last round");
    }
    let new =
        || Trainer::new(common::config(&format!("model=both mining-rounds=3 {network}")), &data, &runtime).unwrap();
    // In an epoch, at its end, and at the end of the last, which is not the end of the training.
    for stop in [3, 6, 12] {
        train(new(), stop, &cut);
        assert_eq!(Model::load(&cut).unwrap().step(), stop);
        train(Trainer::resume(Model::load(&cut).unwrap(), &data, &runtime).unwrap(), u64::MAX, &resumed);
        assert!(std::fs::read(&whole).unwrap() == std::fs::read(&resumed).unwrap(), "stopped after batch {stop}");
    }
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
    assert!(matches!(newer, Err(ModelError::Newer { found: 7, supported: 5, .. })));
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(matches!(Model::load(&path), Err(ModelError::Damaged { .. })), "{length}");
    }
}
