//! End-to-end times: training, rebuilding of hash tables, evaluation and single predictions, on each level.
//!
//! ```text
//! cargo xtask bench --suite network                              with a report, and a record
//! cargo bench -p slide-benches --bench network -- [REGULAR EXPRESSION]
//! ```
//!
//! The data are synthetic, 50,000 labels in clusters of confusable siblings; settings stand in [`SETTINGS`]. Every level
//! must reach the same metrics, bit for bit.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use slide_benches::cases::Cost;
use slide_benches::record::{Line, Measured, Recorder};
use slide_benches::statistics::{quantile, quartiles};
use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::{
    Dataset, Event, HashingConfig, Metrics, Model, Predictor, Retrieval, Runtime, RuntimeOptions, TrainConfig, Trainer,
    evaluate,
};
use slide_kernels::Isa;
use slide_mem::Pinning;

const LABELS: usize = 50_000;
/// Whole batches of 512.
const SHAPE: Shape = Shape {
    examples: 40 * 512,
    test_examples: 2_000,
    features: 50_000,
    labels: LABELS,
    labels_per_example: 3.0,
    features_per_example: 60.0,
};
/// Written out, so that records can be compared whatever the defaults are.
const SETTINGS: [(&str, &str); 7] = [
    ("model", "network"),
    ("hidden", "256"),
    ("loss", "bce"),
    ("dropout", "0.3,0.3"),
    ("epochs", "2"),
    ("batch-size", "512"),
    ("active", "1000"),
];
const REBUILDS: usize = 9;
const EVALUATIONS: usize = 5;
const PREDICTIONS: usize = 1_000;
/// Labels of a prediction.
const BEST: usize = 5;

fn main() -> Result<()> {
    let mut recorder = Recorder::from_env()?;
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let filter = filter.map(|filter| regex::Regex::new(&filter)).transpose()?;
    let synth = Synth { shape: SHAPE, siblings: Synth::SIBLINGS, seed: 1 };
    let (train, test) = (synth.generate(Part::Train)?, synth.generate(Part::Test)?);
    let mut metrics: Option<Metrics> = None;
    let levels: Vec<Isa> = recorder.main_levels().collect();
    for isa in levels {
        let mut options = RuntimeOptions::default();
        (options.isa, options.pinning) = (Some(isa), Pinning::All);
        let runtime = Runtime::new(&options)?;
        let suite = Suite { runtime: &runtime, train: &train, test: &test };
        let chosen = |subject: &str, shape: &str| {
            let text = format!("{isa} {subject} {shape}");
            recorder.chooses(isa.name(), subject, shape) && filter.as_ref().is_none_or(|filter| filter.is_match(&text))
        };
        let (measured, found, note) = suite.run(&chosen)?;
        if let Some(found) = found {
            let expected = metrics.get_or_insert_with(|| found.clone());
            ensure!(*expected == found, "{isa} has other metrics: {found:?} instead of {expected:?}");
        }
        recorder.write(Line::Note(format!("{isa}: {} threads, {note}", runtime.workers().count())))?;
        for measured in measured {
            let [lower, median, upper] = measured.nanoseconds.map(|time| time / 1e3);
            let rate = measured.cost.elements as f64 * 1e6 / median;
            let Measured { subject, shape, .. } = &measured;
            println!(
                "{isa:<8} {subject:<20} {shape:<44} {median:11.1} us ({lower:.1} to {upper:.1}), {rate:.0} a second"
            );
            recorder.write(Line::Measured(measured))?;
        }
    }
    Ok(())
}

/// The suite on one level.
struct Suite<'a> {
    runtime: &'a Runtime,
    train: &'a Dataset,
    test: &'a Dataset,
}

impl Suite<'_> {
    /// The measurements of the chosen subjects, the metrics if there was an evaluation, and the pages of the tables.
    fn run(&self, chosen: &dyn Fn(&str, &str) -> bool) -> Result<(Vec<Measured>, Option<Metrics>, String)> {
        let mut shared = TrainConfig::default();
        for (key, value) in SETTINGS {
            shared.set(key, value)?;
        }
        let mut hashed = shared.clone();
        hashed.set("epochs", "1")?.set("sampler", "vanilla")?.set("loss", "softmax")?;
        let hashing = HashingConfig::default();
        let hidden = *shared.network.hidden.last().context("a hidden layer")?;
        let batch_size = shared.optimizer.batch_size.context("a batch size")?;
        let batch = format!("{batch_size} examples, {hidden} x {LABELS}");
        let table = format!("{LABELS} rows of {hidden}, {} tables", hashing.tables);
        let test_set = format!("{} examples, {hidden} x {LABELS}", SHAPE.test_examples);
        let single = format!("1 example, {hidden} x {LABELS}, best {BEST}");
        let is_chosen = [
            ("train::shared", &batch),
            ("train::simhash", &batch),
            ("rebuild::simhash", &table),
            ("evaluate::exact", &test_set),
            ("predict::exact", &single),
        ]
        .map(|(subject, shape)| chosen(subject, shape));
        let mut measured = Vec::new();
        if !is_chosen.contains(&true) {
            return Ok((measured, None, "nothing chosen".to_owned()));
        }
        let products = |rows: f64, examples: usize| (2.0 * rows * (hidden * examples) as f64) as u64;

        // The others need its model.
        let (times, active, mut model) = self.training(shared)?;
        let cost = |active: f64| {
            // Logits, their gradient back to the hidden layer, and the gradient of the rows.
            Cost { elements: 512, bytes: 0, operations: 3 * products(active, 512) }
        };
        let mut add = |subject: &str, shape: &str, cost, times: Vec<f64>| {
            measured.push(self.measured(subject, shape, cost, times))
        };
        if is_chosen[0] {
            add("train::shared", &batch, cost(active), times);
        }
        if is_chosen[1] {
            let (times, active, _) = self.training(hashed.clone())?;
            add("train::simhash", &batch, cost(active), times);
        }
        if is_chosen[2] {
            let cost = Cost { elements: LABELS as u64, bytes: 0, operations: 0 };
            add("rebuild::simhash", &table, cost, self.rebuilds(&hashing, &mut model)?);
        }
        let report = model.report().to_string().replace("\n  ", "; ");
        let predictor = Predictor::with(Arc::new(model), Retrieval::Exact, self.runtime)?;
        let mut metrics = None;
        if is_chosen[3] {
            let cost = Cost {
                elements: SHAPE.test_examples as u64,
                bytes: 0,
                operations: products(LABELS as f64, SHAPE.test_examples),
            };
            let times = repeat(EVALUATIONS, || {
                metrics = Some(evaluate(&predictor, self.test)?);
                Ok(())
            })?;
            add("evaluate::exact", &test_set, cost, times);
        }
        if is_chosen[4] {
            let cost =
                Cost { elements: 1, bytes: (4 * hidden * LABELS) as u64, operations: products(LABELS as f64, 1) };
            let mut examples = (0..self.test.examples()).cycle();
            let times = repeat(PREDICTIONS, || {
                let example = examples.next().context("a test example")?;
                let best = predictor.predict(self.test.features(example), BEST)?;
                ensure!(best.len() == BEST, "{} labels instead of {BEST}", best.len());
                Ok(())
            })?;
            add("predict::exact", &single, cost, times);
        }
        Ok((measured, metrics, report))
    }

    /// Nanoseconds of each batch, mean active rows per example, and the model.
    fn training(&self, config: TrainConfig) -> Result<(Vec<f64>, f64, Model)> {
        let mut trainer = Trainer::new(config, self.train, self.runtime)?;
        let (mut times, mut active, mut last) = (Vec::new(), 0.0, Instant::now());
        trainer.run(&mut |event, _| {
            if let Event::Batch(progress) = event {
                times.push(last.elapsed().as_nanos() as f64);
                active += progress.active_per_example;
                last = Instant::now();
            }
            ControlFlow::Continue(())
        })?;
        let active = active / times.len() as f64;
        Ok((times, active, trainer.into_model()?))
    }

    /// Hash tables from the weights, their memory included.
    fn rebuilds(&self, hashing: &HashingConfig, model: &mut Model) -> Result<Vec<f64>> {
        repeat(REBUILDS, || Ok(model.build_tables(hashing, self.runtime)?))
    }

    fn measured(&self, subject: &str, shape: &str, cost: Cost, mut times: Vec<f64>) -> Measured {
        Measured {
            subject: subject.to_owned(),
            shape: shape.to_owned(),
            level: self.runtime.kernels().isa().name().to_owned(),
            cost,
            nanoseconds: quartiles(&mut times),
            // Too few calls for a 99th percentile otherwise.
            p99: (times.len() >= 500).then(|| quantile(&mut times, 0.99)),
            limit: None,
            counters: None,
        }
    }
}

/// Nanoseconds of each call.
fn repeat(calls: usize, mut call: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        call()?;
        times.push(start.elapsed().as_nanos() as f64);
    }
    Ok(times)
}
