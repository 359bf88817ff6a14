//! Processor time of a prediction with five labels, on one thread: in batches, as `slide predict` makes them, and one by one.
//!
//! ```text
//! cargo run --release -p slide-benches --example prediction_time -- MODEL TEST SINGLE
//! ```
//!
//! Prints JSON with microseconds an example: the mean over the test set in batches, the median and the 99th percentile over the first
//! SINGLE examples. For `cargo xtask versus`, which compares other systems in the same way.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use slide_benches::statistics::median;
use slide_benches::turns::processor_time;
use slide_core::data::{self, ReadOptions};
use slide_core::{Model, Predictions, Predictor, Retrieval, Runtime, RuntimeOptions};

/// As `slide predict` has it.
const BATCH: usize = 1024;
/// Labels of a prediction.
const BEST: usize = 5;

/// Measures the processor time of predictions on one thread.
#[derive(Debug, Parser)]
struct Arguments {
    model: PathBuf,

    /// Examples to predict for
    test: PathBuf,

    /// How many of them are also predicted one by one
    single: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut options = RuntimeOptions::default();
    options.threads = Some(1.try_into()?);
    let runtime = Runtime::new(&options)?;
    let predictor = Predictor::with(Model::load(&arguments.model)?, Retrieval::Auto, &runtime)?;
    let reading = ReadOptions { feature_count: Some(predictor.model().features()), ..ReadOptions::default() };
    let test = data::read(&arguments.test, &reading)?;
    let examples: Vec<_> = (0..test.examples()).map(|example| test.features(example)).collect();
    ensure!(!examples.is_empty() && arguments.single > 0, "nothing to predict");
    let singles = &examples[..arguments.single.min(examples.len())];

    // The first calls set things up.
    for &example in &singles[..singles.len().min(10)] {
        predictor.predict(example, BEST)?;
    }
    let mut predictions = Predictions::default();
    let start = microseconds()?;
    for batch in examples.chunks(BATCH) {
        predictor.predict_batch_into(batch, BEST, &mut predictions)?;
    }
    let batch = (microseconds()? - start) / examples.len() as f64;
    let mut times = Vec::with_capacity(singles.len());
    for &example in singles {
        let start = microseconds()?;
        predictor.predict(example, BEST)?;
        times.push(microseconds()? - start);
    }
    let single = median(&mut times);
    times.sort_by(f64::total_cmp);
    let single_99th = times[(times.len() - 1) * 99 / 100];
    let measured = serde_json::json!({
        "batch_microseconds": batch,
        "single_microseconds": single,
        "single_99th_microseconds": single_99th,
    });
    println!("{measured}");
    Ok(())
}

/// Processor time so far. With one thread, the caller of a prediction does all of it.
fn microseconds() -> Result<f64> {
    Ok(processor_time().context("the clock of the processor time")?.as_secs_f64() * 1e6)
}
