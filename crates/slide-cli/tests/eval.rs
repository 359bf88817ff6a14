//! `slide eval`: intervals, groups of labels, comparison of two models.

mod common;

use common::{FEATURES, Folder, LABELS, json, stderr, stdout};
use serde_json::Value;

const METRICS: [&str; 4] = ["precision", "ndcg", "psp", "recall"];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn metrics_are_inside_their_intervals_and_the_groups_have_all_labels() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    let report = json(&folder.slide("eval m.slide test.txt --json").assert().success());
    assert_eq!((&report["resamples"], &report["comparison"]), (&1000.into(), &Value::Null));
    for cutoff in 0..3 {
        let (at, intervals) = (&report["metrics"]["at"][cutoff], &report["intervals"][cutoff]);
        assert_eq!(at["k"], intervals["k"]);
        for metric in METRICS {
            let [value, lower, upper] =
                [&at[metric], &intervals[metric]["lower"], &intervals[metric]["upper"]].map(number);
            assert!(lower < value && value < upper && upper - lower < 0.25, "{metric}: {report:#}");
        }
    }
    let groups = report["label_groups"].as_array().unwrap();
    let names: Vec<&Value> = groups.iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["head", "torso", "tail"]);
    let labels: u64 = groups.iter().map(|group| group["labels"].as_u64().unwrap()).sum();
    assert_eq!(labels, LABELS as u64);
    assert!(
        groups.iter().all(|group| group["at"][2]["k"] == 5 && number(&group["at"][2]["recall"]) > 0.0),
        "{groups:?}"
    );

    let said = stdout(&folder.slide("eval m.slide test.txt --resamples 50").assert().success());
    for words in ["PSP", " ± ", "head ", "F1@5", "50 resamples"] {
        assert!(said.contains(words), "{words} in\n{said}");
    }
}

#[test]
fn a_model_is_compared_with_itself_and_with_a_worse_one() {
    let folder = Folder::new();
    folder.train("good.slide", "").success();
    // Trained on other examples, too: the comparison measures both by the training examples of the first.
    folder.train("bad.slide", "--epochs 1 --valid 0.3").success();
    let compare = |models: &str| json(&folder.slide(&format!("eval {models} --json")).assert().success());

    let same = compare("good.slide test.txt --compare good.slide");
    assert_eq!(same["comparison"]["metrics"], same["metrics"]);
    assert_eq!(same["comparison"]["intervals"], same["intervals"]);
    let worse = compare("good.slide test.txt --compare bad.slide");
    assert_eq!(worse["metrics"], same["metrics"]);
    let bad = compare("bad.slide test.txt");
    assert_eq!(worse["comparison"]["metrics"]["at"][0]["precision"], bad["metrics"]["at"][0]["precision"]);
    assert_ne!(worse["comparison"]["metrics"]["at"][0]["psp"], bad["metrics"]["at"][0]["psp"]);
    for group in 0..3 {
        let range = |report: &Value| report["label_groups"][group]["training_examples"].clone();
        assert_eq!(range(&worse["comparison"]), range(&worse));
    }
    for (cutoff, metric) in (0..3).flat_map(|cutoff| METRICS.map(|metric| (cutoff, metric))) {
        let difference = |report: &Value| {
            let difference = &report["comparison"]["differences"][cutoff][metric];
            ["lower", "difference", "upper", "better"].map(|field| number(&difference[field]))
        };
        assert_eq!(difference(&same), [0.0, 0.0, 0.0, 0.5]);
        let [lower, middle, upper, better] = difference(&worse);
        assert!(0.0 < lower && lower < middle && middle < upper && better == 1.0, "{metric}: {worse:#}");
    }

    let said = stdout(&folder.slide("eval good.slide test.txt --compare bad.slide").assert().success());
    for words in ["\nbad.slide\n", "(100.0 %)", "good.slide minus bad.slide"] {
        assert!(said.contains(words), "{words} in\n{said}");
    }
}

#[test]
fn models_of_other_labels_are_not_compared() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    folder.write("train.txt", format!("2 {FEATURES} 7\n0 0:1\n6 1:1\n"));
    folder.train("other.slide", "--epochs 1").success();
    let said = stderr(&folder.slide("eval m.slide test.txt --compare other.slide -q").assert().code(1).stdout(""));
    let expected =
        "error: other.slide has 60 features and 7 labels, expected 60 features and 30 labels as m.slide has\n";
    assert_eq!(said, expected);
}

#[test]
fn metrics_are_at_any_cutoffs() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    folder.train("other.slide", "--epochs 2").success();
    let eval = |words: &str| json(&folder.slide(&format!("eval m.slide test.txt --json {words}")).assert().success());
    let usual = eval("");
    // More than there are labels, too.
    let many = eval("--at 10,1,3,100 --compare other.slide");
    let cutoffs =
        |list: &Value| -> Vec<u64> { list.as_array().unwrap().iter().map(|at| at["k"].as_u64().unwrap()).collect() };
    let comparison = &many["comparison"];
    for list in [&many["metrics"]["at"], &many["intervals"], &comparison["metrics"]["at"], &comparison["differences"]] {
        assert_eq!(cutoffs(list), [1, 3, 10, 100]);
    }
    assert_eq!(cutoffs(&many["label_groups"][0]["at"]), [1, 3, 10, 100]);
    for cutoff in 0..2 {
        assert_eq!(many["metrics"]["at"][cutoff], usual["metrics"]["at"][cutoff]);
        assert_eq!(many["intervals"][cutoff], usual["intervals"][cutoff]);
    }
    let at = |cutoff: usize, metric: &str| number(&many["metrics"]["at"][cutoff][metric]);
    assert!(at(2, "recall") > at(1, "recall") && at(2, "precision") < at(1, "precision"));
    assert_eq!((at(3, "recall"), at(3, "psp")), (1.0, 1.0), "all labels are predicted");
    let said = stdout(&folder.slide("eval m.slide test.txt --at 2,20 --compare other.slide").assert().success());
    for words in ["    @2", "   @20", "F1@20"] {
        assert!(said.contains(words), "{words} in\n{said}");
    }
    for (list, reason) in [
        ("0,1", "expected numbers from 1 to 1000"),
        ("1,1001", "expected numbers from 1 to 1000"),
        ("", "expected numbers"),
        ("3,1,3", "3 is given twice"),
    ] {
        let failed = folder.slide("eval m.slide test.txt -q --at").arg(list).assert().code(2);
        assert!(stderr(&failed).contains(reason), "{}", stderr(&failed));
    }
}

/// PSP@1 by its definition, from predictions and counts.
#[test]
fn propensities_have_the_constants_that_are_asked_for() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    let labels = |line: &str| -> Vec<usize> {
        let list = line.split(' ').next().unwrap();
        list.split(',').map(|label| label.parse().unwrap()).collect()
    };
    let truth = |file: &str| -> Vec<Vec<usize>> { folder.text(file).lines().skip(1).map(labels).collect() };
    let (train, test) = (truth("train.txt"), truth("test.txt"));
    let mut frequencies = [0.0; LABELS];
    train.iter().flatten().for_each(|&label| frequencies[label] += 1.0);
    let predicted = stdout(&folder.slide("predict m.slide test.txt --top 1 -q").assert().success());
    let predicted: Vec<usize> =
        predicted.lines().map(|line| line.split_once(':').unwrap().0.parse().unwrap()).collect();
    for (words, a, b) in [
        ("", 0.55, 1.5),
        ("--propensity 0.6,2.6", 0.6, 2.6),
        ("--propensity 0.5,0.4", 0.5, 0.4),
        ("--propensity 0,1", 0.0, 1.0),
    ] {
        let c = ((train.len() as f64).ln() - 1.0) * f64::powf(b + 1.0, a);
        let inverse = |label: usize| 1.0 + c * f64::powf(frequencies[label] + b, -a);
        let hits = predicted.iter().zip(&test).filter(|(label, truth)| truth.contains(label));
        let hits: f64 = hits.map(|(&label, _)| inverse(label)).sum();
        let best: f64 = test.iter().map(|truth| truth.iter().map(|&label| inverse(label)).fold(0.0, f64::max)).sum();
        let report = json(&folder.slide(&format!("eval m.slide test.txt --json {words}")).assert().success());
        let found = number(&report["metrics"]["at"][0]["psp"]);
        assert!((found - hits / best).abs() < 1e-6, "{words}: {found} instead of {}", hits / best);
        assert_eq!((number(&report["propensity"]["a"]), number(&report["propensity"]["b"])), (a, b));
    }
    for wrong in ["0.5", "x,1", "-1,1", "0.5,0", "nan,1", "1,2,3"] {
        let failed = folder.slide("eval m.slide test.txt -q").arg(format!("--propensity={wrong}")).assert().code(2);
        assert!(stderr(&failed).contains("expected A from 0 to 2 and B from 0.01 to 100"), "{}", stderr(&failed));
    }
}
