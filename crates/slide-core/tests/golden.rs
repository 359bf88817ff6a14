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
use std::ops::ControlFlow;

use common::model_file::ModelFile;
use safetensors::Dtype;
use sha2::{Digest, Sha256};
use slide_core::{Runtime, RuntimeOptions, TrainConfig, Trainer};
use slide_kernels::Isa;
use slide_mem::{NumaPolicy, Pinning, Placement, Report, Topology};

/// What all runs have, and what those with hash tables have.
const BASE: &str = "model=network loss=bce dropout=0.3,0.3 hidden=40 epochs=2 batch-size=96";
const TABLES: &str = "tables=12 bucket-size=16 rebuild=constant:3";

/// What the runs with a linear part have: mining in each third of the examples, the last after those that were held out have joined.
const LINEAR: &str = "mining-rounds=3 hard-negatives=20";

/// The sums of the runs with a linear part. They follow from its solver, step by step: after an intended change of that, take
/// those that the failing test prints.
const LINEAR_SUM: &str = "8c3fbf866326f49f2f64dd81ae0faf8b023c602dcdf76951834cf06eb2dd9c20";
const BOTH_SUM: &str = "61dec5f1fe68afde145f9d06a6204d1b51b53c6c87497b0af36c685a896b8822";

type Run = (&'static str, TrainConfig, &'static str);

/// The runs whose models are pinned: a name, settings, the sum.
fn runs() -> Vec<Run> {
    let plain = |settings: &str| common::config(&format!("{BASE} {settings}"));
    let hashed = |settings: &str| common::config(&format!("{BASE} sampler=vanilla {TABLES} {settings} active=60"));
    vec![
        (
            "shared set, binary cross-entropy",
            plain("active=60"),
            "f178ded87258bb45277d79a5ad0aba7039bf311ddb7fd4c93b74565de0212846",
        ),
        (
            "exact, softmax, three hidden layers, cosine",
            plain("hidden=24,48,16 loss=softmax sampler=exact schedule=cosine"),
            "b4ff888c332674cef2c580f43fe4916530f5fe85739309dfadc182fe82e8d8a6",
        ),
        (
            "vanilla SimHash, softmax",
            hashed("loss=softmax hash-bits=5"),
            "08b8c8f2d6de6aeea80e26ece46c6915ec38700e5e0d7266c85ae9725d654841",
        ),
        (
            "top-k DWTA, reservoir, bf16, catch-up",
            hashed("sampler=topk hash=dwta hash-bits=6 bucket-policy=reservoir precision=bf16 moments=catch-up"),
            "dd9f00d8d684e09dddc69656411007d67fd3787c14a70402145a3ac09cad34e2",
        ),
        (
            "threshold WTA",
            hashed("sampler=threshold hash=wta hash-bits=3"),
            "31c2c5156a65cf8109077274362a8e7820b176b85720e57d647005df6c7b16a2",
        ),
        (
            "vanilla SimHash, centred rows, softmax, bf16",
            hashed("loss=softmax hash-bits=5 center-rows=true precision=bf16"),
            "0cb0559790be6332a8e771cd240cd033cb0faad983939f874de23c38f912f22f",
        ),
        (
            "vanilla MinHash, two hidden layers",
            hashed("hidden=40,32 hash=minhash hash-bits=3"),
            "04fe3d21757f40e42254df611f88648c2fad9fa8445c391df66f1f284092eb9d",
        ),
        (
            "shared set, softmax, bf16, two hidden layers",
            plain("hidden=40,64 loss=softmax precision=bf16 active=60"),
            "0e3effca4aa03782d4f5277c4ac448debfaa2b7ef349b09b360ec1129355a62f",
        ),
        (
            "random",
            plain("sampler=random loss=softmax active=60"),
            "71445936ce56134b58e04c16bc8495adeddddaa93b814c2056f44de5debcb9d1",
        ),
        (
            "AdamW, catch-up",
            plain("active=60 optimizer=adamw weight-decay=0.1 moments=catch-up"),
            "4dc56fcc0e253bd47367c644272df328ee5a3d4a1eb5b7287e98e2f03f488f36",
        ),
        (
            "momentum, Nesterov, catch-up, bf16, vanilla",
            hashed("hash-bits=5 optimizer=sgd nesterov=true moments=catch-up learning-rate=0.05 precision=bf16"),
            "68dd9695c0cbd2c00660db790a2471810e398937458a57b9db2068690893e57d",
        ),
        (
            "Adagrad",
            plain("active=60 hidden=24,16 optimizer=adagrad learning-rate=0.05"),
            "9491259b9885590d4dc25cbcf517ef9d9563b480f3d454102df54ebb88f148c9",
        ),
        (
            "index of a network",
            plain("active=60 index=always index-lists=8"),
            "612dad26946039fed86f4461c47cff9f626545f409bf68f95f9cf4034edab4e9",
        ),
        ("linear part", common::config(&format!("model=linear {LINEAR}")), LINEAR_SUM),
        ("both parts", plain(&format!("model=both active=60 {LINEAR}")), BOTH_SUM),
    ]
}

fn sums(config: &TrainConfig, isa: Isa, threads: usize) -> Sums {
    train(config, &common::runtime(Some(threads), Some(isa))).0
}

/// The SHA-256 of the tensors and that of the whole file: of a network a checkpoint after the last batch, with the optimiser's
/// state; with a linear part or an index, which are in no checkpoint, the finished model.
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
    trainer.run(&mut |_, _| ControlFlow::Continue(())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let report = trainer.model().report();
    if trainer.model().has_linear() || trainer.model().index().is_some() {
        trainer.into_model().unwrap().save(&path).unwrap();
    } else {
        trainer.save_checkpoint(&path).unwrap();
    }
    let file = std::fs::read(path).unwrap();
    let mut tensors = ModelFile::parse(&file);
    if tensors.tensors.contains_key("linear.start") {
        put_lists_in_bytes(&mut tensors);
    }
    (Sums { tensors: sha256(&tensors.data()), file: sha256(&file) }, report)
}

/// Replaces the lists of the linear part by those that files up to format 4 had, of which the sums are.
fn put_lists_in_bytes(file: &mut ModelFile) {
    let [starts, entries, order] = ["start", "entry", "order"].map(|name| file.numbers(&format!("linear.{name}")));
    assert!(order.len() <= 1 << 16, "one block");
    let (mut counts, mut labels, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for list in starts.windows(2) {
        let (start, count) = (2 * list[0] as usize, (list[1] - list[0]) as usize);
        let pair = |at: usize| (order[entries[at] as usize] as u32, entries[at + count] as u16);
        let mut pairs: Vec<(u32, u16)> = (start..start + count).map(pair).collect();
        pairs.sort_unstable();
        counts.extend((count as u32).to_le_bytes());
        let mut before = 0;
        for (label, weight) in pairs {
            weights.extend(weight.to_le_bytes());
            let mut gap = label - std::mem::replace(&mut before, label);
            while gap >= 0x80 {
                labels.push(gap as u8 | 0x80);
                gap >>= 7;
            }
            labels.push(gap as u8);
        }
    }
    file.tensors
        .retain(|name, _| !["start", "entry", "order", "rank"].map(|end| format!("linear.{end}")).contains(name));
    for (name, dtype, bytes) in
        [("count", Dtype::U32, counts), ("label", Dtype::U8, labels), ("weight", Dtype::F16, weights)]
    {
        file.tensors.insert(format!("linear.{name}"), (dtype, vec![], bytes));
    }
}

/// Each run on each level with each number of threads, in such an order that the first few cover most.
fn trainings() -> Vec<(Isa, usize, Run)> {
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
        let mut options = RuntimeOptions::default();
        (options.threads, options.placement, options.pinning) = (NonZeroUsize::new(threads), placement, Pinning::All);
        let runtime = Runtime::new(&options).unwrap();
        let (found, report) = train(config, &runtime);
        assert_eq!(&found.tensors, expected, "{name} ({placement})");
        // The report is of the network's tables.
        if nodes.len() < 2 || !config.model.model.has_network() {
            continue;
        }
        assert_eq!(runtime.workers().cpus().len(), threads, "{:?}", runtime.workers().fallbacks());
        let node_of = |id: &u32| topology.cpus.iter().find(|cpu| cpu.id == *id).expect("a CPU of this machine").node;
        let owners: Vec<u32> = runtime.workers().cpus().iter().map(node_of).collect();
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
