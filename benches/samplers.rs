//! Samplers compared: P@1 and training time of every way to choose the active output rows, at equal numbers of rows.
//!
//! ```text
//! cargo bench -p slide-benches --bench samplers -- [debian] [clustered] [independent] [softmax] [bce]
//! ```
//!
//! Debian is the set in `data/debian`; the synthetic sets have 50,000 labels, in clusters of 16 confusable siblings or
//! independent. Every run trains the same network (128 hidden units, batches of 256, no dropout) with the same seed. The samplers
//! that give each example its own rows give it [`ACTIVE`] of them; the shared set is measured at two sizes. It prints a Markdown table.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::{Dataset, Event, Runtime, RuntimeOptions, TrainConfig, Trainer};
use slide_mem::Pinning;

/// Active rows per example: 2 % of 50,000.
const ACTIVE: usize = 1000;
const EPOCHS: &str = "4";

fn sets(name: &str) -> Option<(Dataset, Dataset)> {
    let synthetic = |siblings| {
        let shape = Shape {
            examples: 40_000,
            test_examples: 5_000,
            features: 50_000,
            labels: 50_000,
            labels_per_example: 3.0,
            features_per_example: 60.0,
        };
        let synth = Synth { shape, siblings, seed: 1 };
        let part = |part| synth.generate(part).expect("a possible shape");
        (part(Part::Train), part(Part::Test))
    };
    match name {
        "debian" => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/debian");
            let part = |name| Dataset::read(folder.join(name)).expect("the repository ships it");
            Some((part("train.txt.zst"), part("test.txt.zst")))
        }
        "clustered" => Some(synthetic(Synth::SIBLINGS)),
        "independent" => Some(synthetic(1)),
        _ => None,
    }
}

/// The samplers: name and configuration.
fn ways(loss: &str) -> Vec<(String, TrainConfig)> {
    let active = ACTIVE.to_string();
    let base = [
        ("model", "network"),
        ("hidden", "128"),
        ("loss", loss),
        ("epochs", EPOCHS),
        ("batch-size", "256"),
        ("learning-rate", "2e-3"),
        ("dropout", "0"),
    ];
    let with = |settings: &[(&str, &str)]| {
        let mut config = TrainConfig::default();
        for (key, value) in base.iter().chain(settings) {
            config.set(key, value).expect("a setting");
        }
        config
    };
    let mut ways = Vec::new();
    for (sampler, hash, bits) in [
        ("vanilla", "simhash", "9"),
        ("vanilla", "wta", "12"),
        ("vanilla", "dwta", "12"),
        ("vanilla", "minhash", "15"),
        ("topk", "simhash", "9"),
    ] {
        let config = with(&[
            ("sampler", sampler),
            ("active", &active),
            ("active-floor", &active),
            ("active-ceiling", &active),
            ("hash", hash),
            ("hash-bits", bits),
        ]);
        ways.push((format!("{sampler} {hash}, {bits} bits"), config));
    }
    ways.push(("random".into(), with(&[("sampler", "random"), ("active", &active)])));
    for active in ["200", &active] {
        ways.push((format!("shared, labels + {active}"), with(&[("active", active)])));
    }
    ways.push(("exact".into(), with(&[("sampler", "exact")])));
    ways
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |word: &str, group: &[&str]| {
        asked.iter().any(|other| other == word) || !asked.iter().any(|other| group.contains(&other.as_str()))
    };
    let mut options = RuntimeOptions::default();
    options.pinning = Pinning::All;
    let runtime = Runtime::new(&options).expect("this machine has threads");
    println!("{} threads, {}\n", runtime.workers().count(), runtime.kernels().isa().name());
    println!("| data | loss | rows | P@1 | P@3 | P@5 | train s | active rows per example | distinct rows per batch |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let names = ["debian", "clustered", "independent"];
    for name in names.into_iter().filter(|name| wanted(name, &names)) {
        let (train, test) = sets(name).expect("one of the names");
        for loss in ["softmax", "bce"] {
            if !wanted(loss, &["softmax", "bce"]) {
                continue;
            }
            for (way, config) in ways(loss) {
                let mut trainer = Trainer::new(config, &train, &runtime).expect("a possible configuration");
                let (mut active, mut rows, mut batches) = (0.0, 0, 0);
                let begin = Instant::now();
                let trained = trainer.run(&mut |event, _| {
                    if let Event::Batch(progress) = event {
                        active += progress.active_per_example;
                        rows += progress.rows_touched;
                        batches += 1;
                    }
                    ControlFlow::Continue(())
                });
                trained.expect("the loss stays finite");
                let seconds = begin.elapsed().as_secs_f64();
                let metrics = trainer.evaluate(&test).expect("the same features");
                let precision = |k| 100.0 * metrics.at(k).expect("a usual cutoff").precision;
                println!(
                    "| {name} | {loss} | {way} | {:.2} | {:.2} | {:.2} | {seconds:.1} | {:.0} | {:.0} |",
                    precision(1),
                    precision(3),
                    precision(5),
                    active / f64::from(batches),
                    rows as f64 / f64::from(batches),
                );
            }
        }
    }
}
