//! `slide data`, `slide info` without a model, and `slide demo`.

mod common;

use common::{Folder, json, stdout};
use predicates::prelude::*;

#[test]
fn stats_count() {
    let folder = Folder::new();
    let stats = json(&folder.slide("data stats train.txt --json").assert().success());
    assert_eq!((&stats["examples"], &stats["features"], &stats["labels"]), (&400.into(), &60.into(), &30.into()));
    folder.slide("data stats train.txt").assert().success().stdout(predicate::str::contains("labels per example"));
}

#[test]
fn conversions_lead_back() {
    let folder = Folder::new();
    for to in ["c.svm", "X.c.npz", "c.txt.gz", "c.txt.zst", "c.svm.zst"] {
        folder.slide(&format!("data convert train.txt {to} -q")).assert().success();
        let based = if to.contains("svm") { "--feature-base 0" } else { "" };
        folder.slide(&format!("data convert {to} back.txt -q {based}")).assert().success();
        assert_eq!(folder.text("back.txt"), folder.text("train.txt"), "{to}");
    }
    folder.slide("data convert train.txt odd --to svmlight -q").assert().success();
    assert_eq!(folder.text("odd"), folder.text("train.txt").split_once('\n').unwrap().1);
}

#[test]
fn a_model_learns_from_synthetic_sets() {
    let folder = Folder::new();
    let counts = "--examples 1500 --test-examples 200 --features 300 --labels 40 --labels-per-example 2 --features-per-example 12";
    let made = folder.slide(&format!("data synth {counts} -o s.txt --test t.txt -q")).assert().success();
    assert!(stdout(&made).contains("s.txt: 1,500 examples, 300 features, 40 labels (xmc)"), "{}", stdout(&made));
    assert!(folder.text("s.txt").starts_with("1500 300 40\n") && folder.text("t.txt").starts_with("200 300 40\n"));
    folder.slide(&format!("data synth {counts} -o again.txt -q")).assert().success();
    assert_eq!(folder.text("again.txt"), folder.text("s.txt"));
    folder.slide(&format!("data synth {counts} -o other.txt -q --clustered --siblings 4")).assert().success();
    assert_ne!(folder.text("other.txt"), folder.text("s.txt"));

    let words = format!("train s.txt --test t.txt -q --json -o m.slide {}", common::SMALL);
    let trained = json(&folder.slide(&words).assert().success());
    assert!(trained["metrics"]["at"][0]["precision"].as_f64().unwrap() > 0.6, "{trained:#}");

    let like = folder.slide("data synth --like delicious-200k --scale 0.001 -o d.txt --json").assert().success();
    assert_eq!((&json(&like)["examples"], &json(&like)["labels"]), (&197.into(), &205.into()));
}

#[test]
fn info_tells_what_the_machine_offers() {
    let said = stdout(&common::slide().arg("info").assert().success());
    for word in ["core", "cache", "memory", "pages", "scalar", "(chosen)"] {
        assert!(said.contains(word), "{word} in\n{said}");
    }
    let info = json(&common::slide().args(["info", "--json"]).assert().success());
    assert!(info["cores"].as_u64().unwrap() >= 1 && info["pages"]["base_bytes"].as_u64().unwrap() >= 4096, "{info:#}");
}

#[test]
fn the_demo_shows_metrics_and_predictions() {
    let folder = Folder::new();
    for name in ["train", "test"] {
        folder.slide(&format!("data convert {name}.txt {name}.txt.zst -q")).assert().success();
    }
    // Any file of names may be compressed or not, whatever its name says.
    folder.write("features.txt.zst", (0..common::FEATURES).map(|i| format!("word{i}\n")).collect::<String>());
    folder.write("labels.txt.zst", (0..common::LABELS).map(|i| format!("name{i}\n")).collect::<String>());
    let words = format!("demo --data . -o d.slide --show 3 {} --model both", common::SMALL);
    let demo = folder.slide(&words).assert().success();
    let said = stdout(&demo);
    for words in [
        "nDCG",
        "network ",
        "examples/s",
        "linear part ",
        " weights",
        "at the peak",
        "thread",
        "d.slide",
        "✓",
        "word",
        "predicted  name",
    ] {
        assert!(said.contains(words), "{words} in\n{said}");
    }
    assert_eq!(said.matches("\npredicted").count(), 3);
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
    let summary = json(&folder.slide(&format!("demo --data . -q --json {}", common::SMALL)).assert().success());
    assert_eq!(summary["model"], "target/demo.slide");
    assert!(folder.path("target/demo.slide").exists());
    folder.slide("demo --data nowhere").assert().code(1).stderr(predicate::str::contains("nowhere/train.txt.zst"));
}
