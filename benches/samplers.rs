//! Samplers compared: P@1 and training time of every way to choose the active output rows, at equal numbers of rows.
//!
//! ```text
//! cargo bench -p slide-benches --bench samplers -- [debian] [clustered] [independent] [softmax] [bce] [WORD of a sampler's name]
//! ```
//!
//! Debian is the set in `data/debian`; the synthetic sets have 50,000 labels, in clusters of 16 confusable siblings or
//! independent. Every run trains the same network (128 hidden units, batches of 256, no dropout) with the same seed. The samplers
//! that give each example its own rows give it [`ACTIVE`] of them; the shared set is measured at two sizes. It prints a Markdown table.
//!
//! *Hashed* and *random* are the active rows of an example that hashing found and that were filled up at random, labels not included.
//! *Recall* is the share of the exact 100 best labels of a test example that are in its buckets after training.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::{Dataset, Event, Model, Predictor, Retrieval, Runtime, RuntimeOptions, TrainConfig, Trainer};
use slide_mem::Pinning;

/// Active rows per example: 2 % of 50,000.
const ACTIVE: usize = 1000;
const EPOCHS: &str = "4";
/// Labels that recall is measured on.
const BEST: usize = 100;

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
        ("threshold", "simhash", "9"),
    ] {
        for (centred, center) in [("", "false"), (", centred", "true")] {
            let config = with(&[
                ("sampler", sampler),
                ("active", &active),
                ("active-floor", &active),
                ("active-ceiling", &active),
                ("hash", hash),
                ("hash-bits", bits),
                ("center-rows", center),
            ]);
            ways.push((format!("{sampler} {hash}, {bits} bits{centred}"), config));
        }
    }
    ways.push(("random".into(), with(&[("sampler", "random"), ("active", &active)])));
    for active in ["200", &active] {
        ways.push((format!("shared, labels + {active}"), with(&[("active", active)])));
    }
    ways.push(("exact".into(), with(&[("sampler", "exact")])));
    ways
}

/// Share of the exact [`BEST`] best labels of the first test examples that are in their buckets.
fn recall(model: Model, test: &Dataset, runtime: &Runtime) -> f64 {
    let model = Arc::new(model);
    let examples: Vec<_> = (0..test.examples().min(1000)).map(|example| test.features(example)).collect();
    let best = |retrieval| {
        let predictor = Predictor::with(model.clone(), retrieval, runtime).expect("a network with tables");
        predictor.predict_batch(&examples, BEST).expect("the same features")
    };
    let (exact, found) = (best(Retrieval::Exact), best(Retrieval::Lsh));
    let both = exact
        .iter()
        .zip(found.iter())
        .flat_map(|(exact, found)| exact.iter().filter(|label| found.iter().any(|other| other.label == label.label)));
    both.count() as f64 / (examples.len() * BEST) as f64
}

/// CPU time of this process so far, all threads, user and system, in seconds; Linux only.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc/self/stat: this benchmark needs Linux");
    // Behind the name, which may hold anything, in parentheses: fields 3 and on. 14 and 15 are user and system ticks.
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
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
    println!(
        "| data | loss | rows | P@1 | P@3 | P@5 | CPU s | active | hashed | random | distinct rows per batch | recall |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let other = |word: &&String| !["debian", "clustered", "independent", "softmax", "bce"].contains(&word.as_str());
    let words: Vec<&String> = asked.iter().filter(other).collect();
    let names = ["debian", "clustered", "independent"];
    for name in names.into_iter().filter(|name| wanted(name, &names)) {
        let (train, test) = sets(name).expect("one of the names");
        for loss in ["softmax", "bce"] {
            if !wanted(loss, &["softmax", "bce"]) {
                continue;
            }
            for (way, config) in ways(loss) {
                if !words.iter().all(|word| way.contains(word.as_str())) {
                    continue;
                }
                let has_tables = way.contains("bits");
                let mut trainer = Trainer::new(config, &train, &runtime).expect("a possible configuration");
                let (mut active, mut hashed, mut random, mut rows, mut batches) = (0.0, 0.0, 0.0, 0, 0);
                let begin = cpu_seconds();
                let trained = trainer.run(&mut |event, _| {
                    if let Event::Batch(progress) = event {
                        active += progress.active_per_example;
                        hashed += progress.hashed_per_example.unwrap_or(0.0);
                        random += progress.random_per_example.unwrap_or(0.0);
                        rows += progress.rows_touched;
                        batches += 1;
                    }
                    ControlFlow::Continue(())
                });
                trained.expect("the loss stays finite");
                let seconds = cpu_seconds() - begin;
                let metrics = trainer.evaluate(&test).expect("the same features");
                let precision = |k| 100.0 * metrics.at(k).expect("a usual cutoff").precision;
                let mean = |sum: f64| sum / f64::from(batches);
                let recall = has_tables.then(|| recall(trainer.into_model().expect("memory"), &test, &runtime));
                println!(
                    "| {name} | {loss} | {way} | {:.2} | {:.2} | {:.2} | {seconds:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {} |",
                    precision(1),
                    precision(3),
                    precision(5),
                    mean(active),
                    mean(hashed),
                    mean(random),
                    mean(rows as f64),
                    recall.map_or_else(|| "-".into(), |recall| format!("{recall:.3}")),
                );
            }
        }
    }
}
