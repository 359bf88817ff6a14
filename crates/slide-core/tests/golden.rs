//! The same model, to the bit, on every instruction set, with any number of threads and wherever its memory lies: the SHA-256
//! of its tensors stands here. (The file's header, which names the settings, is not part of the sum, so that the
//! weights can be held against those of versions that wrote another header.) Of each run all whole files are equal too.
//!
//! `SLIDE_REQUIRE_ISA=avx512` (or more, separated by commas) makes it a failure if that level is not on the machine; otherwise
//! a level that is missing is named and left out. `SLIDE_TEST_CASES=8` trains that many models of all, for an emulated
//! machine: first each run once on the level of `SLIDE_ISA` (or on the best), then on the others. `SLIDE_REQUIRE_NODES=2` makes
//! it a failure if the machine has fewer NUMA nodes with memory.

mod common;

use std::collections::HashMap;
use std::num::NonZeroUsize;

use sha2::{Digest, Sha256};
use slide_core::config::{Active, LazyMoments, Loss, Precision, Runtime, Schedule, TrainConfig};
use slide_core::lsh::{BucketPolicy, HashKind, Rebuild};
use slide_core::sampling::SamplerKind;
use slide_core::train::{Control, Trainer};
use slide_kernels::Isa;
use slide_mem::{NumaPolicy, Placement, Report, Topology};

fn base() -> TrainConfig {
    TrainConfig {
        hidden: vec![40],
        epochs: 2,
        batch_size: 96,
        active: Active::Count(60),
        tables: 12,
        rebuild: Rebuild::Constant { every: 3 },
        bucket_size: 16,
        ..TrainConfig::default()
    }
}

/// The runs whose models are pinned.
fn runs() -> Vec<(&'static str, TrainConfig, &'static str)> {
    vec![
        (
            "shared set, binary cross-entropy",
            base(),
            "f1a9a5f1af3d757d4462ad3aa50806c6055699b217cf548240d6995b87a58ec4",
        ),
        (
            "exact, softmax, three hidden layers, cosine",
            TrainConfig {
                hidden: vec![24, 48, 16],
                loss: Loss::Softmax,
                sampler: SamplerKind::Exact,
                schedule: Schedule::Cosine,
                ..base()
            },
            "b4ff888c332674cef2c580f43fe4916530f5fe85739309dfadc182fe82e8d8a6",
        ),
        (
            "vanilla SimHash, softmax",
            TrainConfig { loss: Loss::Softmax, sampler: SamplerKind::Vanilla, hash_bits: 5, ..base() },
            "08b8c8f2d6de6aeea80e26ece46c6915ec38700e5e0d7266c85ae9725d654841",
        ),
        (
            "top-k DWTA, reservoir, bf16, catch-up",
            TrainConfig {
                sampler: SamplerKind::TopK,
                hash: HashKind::Dwta,
                hash_bits: 6,
                bucket_policy: BucketPolicy::Reservoir,
                precision: Precision::Bf16,
                moments: LazyMoments::CatchUp,
                ..base()
            },
            "dd9f00d8d684e09dddc69656411007d67fd3787c14a70402145a3ac09cad34e2",
        ),
        (
            "threshold WTA",
            TrainConfig { sampler: SamplerKind::Threshold, hash: HashKind::Wta, hash_bits: 3, ..base() },
            "31c2c5156a65cf8109077274362a8e7820b176b85720e57d647005df6c7b16a2",
        ),
        (
            "vanilla MinHash, two hidden layers",
            TrainConfig {
                hidden: vec![40, 32],
                sampler: SamplerKind::Vanilla,
                hash: HashKind::MinHash,
                hash_bits: 3,
                ..base()
            },
            "04fe3d21757f40e42254df611f88648c2fad9fa8445c391df66f1f284092eb9d",
        ),
        (
            "shared set, softmax, bf16, two hidden layers",
            TrainConfig { hidden: vec![40, 64], loss: Loss::Softmax, precision: Precision::Bf16, ..base() },
            "0e3effca4aa03782d4f5277c4ac448debfaa2b7ef349b09b360ec1129355a62f",
        ),
        (
            "random",
            TrainConfig { sampler: SamplerKind::Random, loss: Loss::Softmax, ..base() },
            "71445936ce56134b58e04c16bc8495adeddddaa93b814c2056f44de5debcb9d1",
        ),
    ]
}

fn sums(config: &TrainConfig, isa: Isa, threads: usize) -> Sums {
    let runtime = Runtime::new(NonZeroUsize::new(threads), Some(isa), Placement::default()).unwrap();
    train(config, &runtime).0
}

/// The SHA-256 of the checkpoint's tensors and that of the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sums {
    tensors: String,
    file: String,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The sums of the model, and where it lies.
fn train(config: &TrainConfig, runtime: &Runtime) -> (Sums, Report) {
    let data = common::dataset(500, 2000, 3000);
    let mut trainer = Trainer::new(config.clone(), &data, runtime).unwrap();
    trainer.run(&mut |_, _| Control::Continue).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    trainer.save_checkpoint(&path).unwrap();
    let file = std::fs::read(path).unwrap();
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    (Sums { tensors: sha256(&file[8 + header..]), file: sha256(&file) }, trainer.model().report())
}

/// Each run on each level with each number of threads, in such an order that the first few cover most.
fn trainings() -> Vec<(Isa, usize, (&'static str, TrainConfig, &'static str))> {
    const THREADS: [usize; 4] = [1, 2, 3, 7];
    let forced = std::env::var("SLIDE_ISA").ok().filter(|name| !name.is_empty());
    let forced = forced.map(|name| name.parse::<Isa>().expect("SLIDE_ISA names a level"));
    let mut levels: Vec<Isa> = Isa::available().collect();
    levels.sort_by_key(|&isa| std::cmp::Reverse((forced == Some(isa), isa)));
    let mut trainings = Vec::new();
    for round in 0..THREADS.len() {
        for (level, &isa) in levels.iter().enumerate() {
            let runs = runs().into_iter().enumerate();
            trainings.extend(runs.map(|(i, run)| (isa, THREADS[(i + level + round) % THREADS.len()], run)));
        }
    }
    trainings
}

/// `SLIDE_TEST_CASES`
fn budget() -> Option<usize> {
    std::env::var("SLIDE_TEST_CASES").ok().map(|cases| cases.parse().expect("SLIDE_TEST_CASES is a number"))
}

#[test]
fn models_have_the_same_bits_everywhere() {
    let required = std::env::var("SLIDE_REQUIRE_ISA").unwrap_or_default();
    for isa in Isa::ALL.iter().filter(|isa| !isa.is_available()) {
        let is_required = required.split(',').any(|name| name == isa.name());
        assert!(!is_required, "SLIDE_REQUIRE_ISA={required}, but this machine has no {isa}");
        eprintln!("skipped: {isa} is not on this machine");
    }
    let mut trainings = trainings();
    if let Some(budget) = budget() {
        let left_out = trainings.split_off(trainings.len().min(budget));
        for &isa in Isa::ALL {
            let count = left_out.iter().filter(|training| training.0 == isa).count();
            if count > 0 {
                eprintln!("skipped: {count} trainings on {isa} (SLIDE_TEST_CASES={budget})");
            }
        }
    }
    let mut wrong = Vec::new();
    let mut files = HashMap::new();
    for (isa, threads, (name, config, expected)) in trainings {
        let Sums { tensors, file } = sums(&config, isa, threads);
        if tensors != expected {
            wrong.push(format!("{name} ({isa}, {threads} threads): {tensors}"));
        }
        let first = files.entry(name).or_insert_with(|| file.clone());
        assert_eq!(*first, file, "{name} ({isa}, {threads} threads): another file than on the first level");
    }
    assert!(wrong.is_empty(), "expected other models:\n{}", wrong.join("\n"));
}

/// Four pinned workers, or as many as there are CPUs, and each policy for NUMA nodes; with one node all policies are one, and
/// what differs is only what is asked of the system.
#[test]
fn models_have_the_same_bits_on_every_node() {
    let topology = Topology::detect();
    let nodes: Vec<u32> = topology.nodes.iter().filter(|node| node.memory_bytes > 0).map(|node| node.id).collect();
    let required = std::env::var("SLIDE_REQUIRE_NODES").map_or(0, |text| text.parse().expect("a number of nodes"));
    assert!(nodes.len() >= required, "SLIDE_REQUIRE_NODES={required}, but the nodes with memory are {nodes:?}");
    if nodes.len() < 2 {
        eprintln!("skipped: where models lie, as this machine has one NUMA node");
        if budget().is_some() {
            return; // An emulated machine has no time for trainings that differ in nothing.
        }
    }
    let last = nodes.last().copied().unwrap_or(0);
    let policies = [NumaPolicy::Partition, NumaPolicy::Interleave, NumaPolicy::Node(last), NumaPolicy::Local];
    let runs = runs();
    // Each run once, each under the next policy; then all again under others.
    let trainings = (0..policies.len()).flat_map(|round| (0..runs.len()).map(move |run| (run, (run + round) % 4)));
    let threads = if nodes.len() < 2 { 4 } else { topology.cpus.len().min(4) };
    for (run, policy) in trainings.take(budget().unwrap_or(usize::MAX)) {
        let (name, config, expected) = &runs[run];
        let placement = Placement { numa: policies[policy], ..Placement::default() };
        let runtime = Runtime::new(NonZeroUsize::new(threads), None, placement).unwrap();
        let (found, report) = train(config, &runtime);
        assert_eq!(&found.tensors, expected, "{name} ({placement})");
        if nodes.len() < 2 {
            continue;
        }
        assert_eq!(runtime.workers.cpus().len(), threads, "{:?}", runtime.workers.fallbacks());
        let node_of = |id: &u32| topology.cpus.iter().find(|cpu| cpu.id == *id).expect("a CPU of this machine").node;
        let owners: Vec<u32> = runtime.workers.cpus().iter().map(node_of).collect();
        // Rows cannot lie with owners on a node without memory; nor on one without owners.
        let can_be_had = placement.numa != NumaPolicy::Partition
            || nodes.iter().all(|node| owners.contains(node)) && owners.iter().all(|node| nodes.contains(node));
        let has_note = report.fallbacks.iter().any(|fallback| fallback.wanted.starts_with("numa"));
        assert_ne!(has_note, can_be_had, "{report}");
        let there: Vec<u32> = report.bytes_by_node.keys().copied().collect();
        match placement.numa {
            NumaPolicy::Node(node) => assert_eq!(there, [node], "{report}"),
            NumaPolicy::Interleave => assert_eq!(there, nodes, "{report}"),
            NumaPolicy::Partition => {
                let mut with_owners = nodes.iter().filter(|node| owners.contains(node));
                assert!(with_owners.all(|node| there.contains(node)), "{report}");
            }
            NumaPolicy::Local => {
                // The process may be restricted to the CPUs of one node.
                let with_owners = nodes.iter().filter(|node| owners.contains(node)).count();
                assert!(there.len() >= with_owners.min(2), "{report}");
            }
        }
    }
}
