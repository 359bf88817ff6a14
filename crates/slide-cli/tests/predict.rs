//! `slide predict`.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use common::{Folder, stderr, stdout};
use predicates::prelude::*;

fn trained() -> Folder {
    let folder = Folder::new();
    folder.train("m.slide", "").success();
    folder
}

/// The labels of each line of tab-separated output.
fn labels(said: &str) -> Vec<Vec<u32>> {
    let label = |pair: &str| pair.split_once(':').unwrap().0.parse().unwrap();
    said.lines().map(|line| line.split('\t').map(label).collect()).collect()
}

#[test]
fn a_line_for_each_example_best_labels_first() {
    let folder = trained();
    let said = stdout(&folder.slide("predict m.slide test.txt --top 3").assert().success());
    let predicted = labels(&said);
    assert_eq!(predicted.len(), 100);
    assert!(predicted.iter().all(|labels| labels.len() == 3));
    let text = folder.text("test.txt");
    let right = text.lines().skip(1).zip(&predicted).filter(|(line, predicted)| {
        let truth = line.split(' ').next().unwrap();
        truth.split(',').any(|label| label.parse() == Ok(predicted[0]))
    });
    assert!(right.count() > 90);
    for line in said.lines() {
        let scores: Vec<f32> = line.split('\t').map(|pair| pair.split_once(':').unwrap().1.parse().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] <= 1.0 && scores[2] >= 0.0, "{line}");
    }
}

#[test]
fn standard_input_with_and_without_a_header() {
    let folder = trained();
    let expected = stdout(&folder.slide("predict m.slide test.txt").assert().success());
    let text = folder.text("test.txt");
    let piped = folder.slide("predict m.slide -").write_stdin(text.clone()).assert().success();
    assert_eq!(stdout(&piped), expected);
    let (_, lines) = text.split_once('\n').unwrap();
    let piped = folder.slide("predict m.slide - --threads 1").write_stdin(lines).assert().success();
    assert_eq!(stdout(&piped), expected);
}

/// The model stays in its file, or is copied for pages that only a copy can have.
#[test]
fn wherever_the_model_lies() {
    let folder = trained();
    let expected = stdout(&folder.slide("predict m.slide test.txt").assert().success());
    for placement in ["--pages thp", "--pages 4k", "--numa interleave"] {
        let placed = stdout(&folder.slide(&format!("predict m.slide test.txt {placement}")).assert().success());
        assert_eq!(placed, expected, "{placement}");
    }
}

#[test]
fn json_lines_and_names() {
    let folder = trained();
    let names: String = (0..common::LABELS).map(|label| format!("label {label}\n")).collect();
    folder.write("names.txt", names);
    let plain = labels(&stdout(&folder.slide("predict m.slide test.txt --top 2").assert().success()));
    for words in ["--json", "--format jsonl"] {
        let said =
            stdout(&folder.slide(&format!("predict m.slide test.txt --top 2 --names names.txt {words}")).assert());
        for (line, labels) in said.lines().zip(&plain) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let best = &line["predictions"][0];
            assert_eq!(best["label"], labels[0]);
            assert_eq!(best["name"], format!("label {}", labels[0]));
        }
        assert_eq!(said.lines().count(), plain.len());
    }
    let named = stdout(&folder.slide("predict m.slide test.txt --names names.txt").assert().success());
    assert!(named.starts_with(&format!("label {}:", plain[0][0])), "{named}");
    folder.write("names.txt", "only one\n");
    folder
        .slide("predict m.slide test.txt --names names.txt")
        .assert()
        .code(1)
        .stderr(predicate::str::contains("30 names"));
}

#[test]
fn examples_before_a_defect_are_answered() {
    let folder = trained();
    let broken = folder.slide("predict m.slide -").write_stdin("0:1 1:1\n2:1\n3:x\n4:1\n").assert().code(1);
    assert!(stderr(&broken).contains("-:3:3: expected"), "{}", stderr(&broken));
    assert_eq!(stdout(&broken).lines().count(), 2);
    let unknown =
        folder.slide("predict m.slide - --unknown-features error").write_stdin("0:1\n60:1\n").assert().code(1);
    assert!(stderr(&unknown).contains("-:2:1: "), "{}", stderr(&unknown));
}

#[test]
fn no_examples_have_no_answers() {
    let folder = trained();
    folder.write("empty.txt", "");
    folder.write("header.txt", "0 60 30\n");
    let blank = folder.slide("predict m.slide -").write_stdin("\n").assert().code(1).stdout("");
    assert!(stderr(&blank).contains("at least one example"), "{}", stderr(&blank));
    for words in ["empty.txt", "header.txt", "empty.txt --data-format xmc", "empty.txt --json", "-"] {
        folder.slide(&format!("predict m.slide {words} -q")).write_stdin("").assert().success().stdout("").stderr("");
    }
}

#[test]
fn an_answer_does_not_wait_for_the_next_example() {
    let folder = trained();
    let mut command = common::std_slide();
    command.current_dir(folder.path(".")).args(["predict", "m.slide", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = BufReader::new(output).lines();
    for example in ["3:1 4:1\n", "5:1\n"] {
        input.write_all(example.as_bytes()).unwrap();
        assert_eq!(labels(&answers.next().unwrap().unwrap())[0].len(), 5);
    }
    drop(input);
    assert!(answers.next().is_none() && child.wait().unwrap().success());
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_is_no_error() {
    let folder = trained();
    // More than a pipe holds.
    let many = folder.text("test.txt").lines().skip(1).collect::<Vec<_>>().join("\n").repeat(100);
    folder.write("many.txt", many);
    let mut command = common::std_slide();
    command.current_dir(folder.path(".")).args(["predict", "m.slide", "many.txt"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 100]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let folder = trained();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for words in ["predict m.slide test.txt -q", "eval m.slide test.txt -q", "info", "data stats test.txt -q"] {
        let mut command = common::std_slide();
        command.current_dir(folder.path(".")).args(words.split(' ')).stdout(full());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert!(said.contains("standard output") && said.contains("No space left"), "{words}: {said}");
    }
    let log = folder.train("n.slide", "--log /dev/full").code(1);
    log.stderr(
        predicate::str::contains("cannot write the log /dev/full").and(predicate::str::contains("No space left")),
    );
}
