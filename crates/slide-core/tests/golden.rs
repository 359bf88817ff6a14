//! The same model, to the bit, on every instruction set and with any number of threads: its SHA-256 stands here.
//!
//! `SLIDE_REQUIRE_ISA=avx512` (or another) makes it a failure if that level is not on the machine; otherwise a
//! level that is missing is named and left out.

mod common;

use std::num::NonZeroUsize;

use sha2::{Digest, Sha256};
use slide_core::config::{Active, LazyMoments, Loss, Precision, Runtime, Schedule, TrainConfig};
use slide_core::lsh::{BucketPolicy, HashKind, Rebuild};
use slide_core::model::Contents;
use slide_core::sampling::SamplerKind;
use slide_core::train::{Control, Trainer};
use slide_kernels::Isa;
use slide_mem::Placement;

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
            "9c8c5e507c4682f2bc8230f567b78bb5618e5875cf88fb48c6f2dd984c30093a",
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
            "340471a62f266cd6b1c379754364bc5a8e50e04948ed3f79a239f436cc659d65",
        ),
        (
            "vanilla SimHash, softmax",
            TrainConfig { loss: Loss::Softmax, sampler: SamplerKind::Vanilla, hash_bits: 5, ..base() },
            "022a58f442fe542431fdd3d7f17ea7d8791e5d999bdb27f9ab8ce93fb3eca7f7",
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
            "2a5182aea5dcfdf208213d5b1efbcf9d39ee602ed09eeef736bca0473a4ea4ad",
        ),
        (
            "threshold WTA",
            TrainConfig { sampler: SamplerKind::Threshold, hash: HashKind::Wta, hash_bits: 3, ..base() },
            "99a187ac50328c19f0ce96fbdfd71b187573ab5c5ce5ab862d8e5a63a5e6cd14",
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
            "1311f930ed8d9b9369fd6ad45f1bbd090db09a548f277ac3428b48e9b22f7d77",
        ),
        (
            "random",
            TrainConfig { sampler: SamplerKind::Random, loss: Loss::Softmax, ..base() },
            "1cbf27bea03b8cdcd010396302f850f89f06ded4440c7585a1ce5996e079189b",
        ),
    ]
}

fn digest(config: &TrainConfig, isa: Isa, threads: usize) -> String {
    let data = common::dataset(500, 2000, 3000);
    let runtime = Runtime::new(NonZeroUsize::new(threads), Some(isa), Placement::default()).unwrap();
    let mut trainer = Trainer::new(config.clone(), &data, &runtime).unwrap();
    trainer.run(&mut |_, _| Control::Continue).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    trainer.checkpoint().save(&path, Contents::Resumable).unwrap();
    let digest = Sha256::digest(std::fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn models_have_the_same_bits_everywhere() {
    let required = std::env::var("SLIDE_REQUIRE_ISA").ok();
    let mut wrong = Vec::new();
    for &isa in Isa::ALL {
        if !isa.is_available() {
            assert_ne!(required.as_deref(), Some(isa.name()), "SLIDE_REQUIRE_ISA: not on this machine");
            eprintln!("skipped: {} is not on this machine", isa.name());
            continue;
        }
        for threads in 1..=3 {
            for (name, config, expected) in runs() {
                let found = digest(&config, isa, threads);
                if found != expected {
                    wrong.push(format!("{name} ({}, {threads} threads): {found}", isa.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "expected other models:\n{}", wrong.join("\n"));
}
