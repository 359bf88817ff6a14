//! Samplers compared: P@1 and training time of every way to choose the active output rows, at equal numbers of rows.
//!
//! ```text
//! cargo bench -p slide-benches --bench samplers -- [debian] [clustered] [independent] [softmax] [bce]
//! ```
//!
//! Debian is the set in `data/debian`; the synthetic sets have 50,000 labels, in clusters of 16 confusable siblings or
//! independent. Every run trains the same network (128 hidden units, batches of 256, no dropout) with the same seed. The samplers
//! that give each example its own rows give it [`ACTIVE`] of them; the shared set is measured at two sizes. It prints a Markdown table.

use std::path::Path;
use std::time::Instant;

use slide_core::config::{Active, Dropout, Loss, Runtime, TrainConfig};
use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::data::{Dataset, read};
use slide_core::infer::evaluate;
use slide_core::lsh::HashKind;
use slide_core::sampling::SamplerKind;
use slide_core::train::{Control, Trainer};
use slide_mem::Placement;

/// Active rows per example: 2 % of 50,000.
const ACTIVE: usize = 1000;
const EPOCHS: u32 = 4;

fn sets(name: &str) -> Option<(Dataset, Dataset)> {
    let synthetic = |siblings| {
        let shape = Shape {
            points: 40_000,
            test_points: 5_000,
            features: 50_000,
            labels: 50_000,
            labels_per_point: 3.0,
            features_per_point: 60.0,
        };
        let synth = Synth { shape, siblings, seed: 1 };
        let part = |part| synth.generate(part).expect("a possible shape");
        (part(Part::Train), part(Part::Test))
    };
    match name {
        "debian" => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/debian");
            let part = |name| read(folder.join(name), &Default::default()).expect("the repository ships it");
            Some((part("train.txt.zst"), part("test.txt.zst")))
        }
        "clustered" => Some(synthetic(Synth::SIBLINGS)),
        "independent" => Some(synthetic(1)),
        _ => None,
    }
}

/// The samplers: name and configuration.
fn ways(loss: Loss) -> Vec<(String, TrainConfig)> {
    let base = TrainConfig {
        hidden: vec![128],
        loss,
        epochs: EPOCHS,
        batch_size: 256,
        learning_rate: 2e-3,
        dropout: Dropout::default(),
        active: Active::Count(ACTIVE),
        active_floor: Some(Active::Count(ACTIVE)),
        active_ceiling: Some(Active::Count(ACTIVE)),
        ..TrainConfig::default()
    };
    let mut ways = Vec::new();
    for (sampler, hash, hash_bits) in [
        (SamplerKind::Vanilla, HashKind::SimHash, 9),
        (SamplerKind::Vanilla, HashKind::Wta, 12),
        (SamplerKind::Vanilla, HashKind::Dwta, 12),
        (SamplerKind::Vanilla, HashKind::MinHash, 15),
        (SamplerKind::TopK, HashKind::SimHash, 9),
    ] {
        ways.push((
            format!("{sampler} {hash}, {hash_bits} bits"),
            TrainConfig { sampler, hash, hash_bits, ..base.clone() },
        ));
    }
    ways.push(("random".into(), TrainConfig { sampler: SamplerKind::Random, ..base.clone() }));
    for active in [200, ACTIVE] {
        let config = TrainConfig { sampler: SamplerKind::Shared, active: Active::Count(active), ..base.clone() };
        ways.push((format!("shared, labels + {active}"), config));
    }
    ways.push(("exact".into(), TrainConfig { sampler: SamplerKind::Exact, ..base }));
    ways
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |word: &str, group: &[&str]| {
        asked.iter().any(|other| other == word) || !asked.iter().any(|other| group.contains(&other.as_str()))
    };
    let runtime = Runtime::new(None, None, Placement::default()).expect("this machine has threads");
    println!("{} threads, {}\n", runtime.workers.count(), runtime.kernels.isa().name());
    println!("| data | loss | rows | P@1 | P@3 | P@5 | train s | active rows per example | distinct rows per batch |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let names = ["debian", "clustered", "independent"];
    for name in names.into_iter().filter(|name| wanted(name, &names)) {
        let (train, test) = sets(name).expect("one of the names");
        for (loss, loss_name) in [(Loss::Softmax, "softmax"), (Loss::Bce, "bce")] {
            if !wanted(loss_name, &["softmax", "bce"]) {
                continue;
            }
            for (way, config) in ways(loss) {
                let mut trainer = Trainer::new(config, &train, &runtime).expect("a possible configuration");
                let (mut active, mut rows, mut batches) = (0.0, 0, 0);
                let begin = Instant::now();
                let trained = trainer.run(&mut |progress, _| {
                    active += progress.active_per_point;
                    rows += progress.rows_touched;
                    batches += 1;
                    Control::Continue
                });
                trained.expect("the loss stays finite");
                let seconds = begin.elapsed().as_secs_f64();
                let metrics = evaluate(trainer.model(), &runtime, &test, None, &mut |_| {}).expect("the same features");
                let precision = |k| 100.0 * metrics.at(k).expect("a usual cutoff").precision;
                println!(
                    "| {name} | {loss_name} | {way} | {:.2} | {:.2} | {:.2} | {seconds:.1} | {:.0} | {:.0} |",
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
