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
