//! Feature and label numbers: the base of svmlight files, numbers that are wide but few, and those that a model does not know.

mod common;

use common::{Folder, stderr, stdout};

/// Five labels, each with its own feature; features counted from 1.
const FROM_1: &str = "0 1:1 7:1\n1 2:1 6:1\n2 3:1 8:1\n3 4:1 6:1\n4 5:1 9:1\n";
const TRAIN: &str = "--hidden 16 --epochs 30 --batch-size 32 -q";

fn trained(text: &str, options: &str) -> Folder {
    let folder = Folder::new();
    folder.write("train.svm", text);
    folder.slide(&format!("train train.svm -o m {TRAIN} {options}")).assert().success();
    folder
}

/// The best label of each line of standard input.
fn best(folder: &Folder, options: &str, lines: &str) -> Vec<String> {
    let said = folder.slide(&format!("predict m - --top 1 {options}")).write_stdin(lines).assert().success();
    stdout(&said).lines().map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

#[test]
fn the_base_of_the_training_file_is_that_of_the_model() {
    let folder = trained(FROM_1, "");
    let lines: Vec<&str> = FROM_1.lines().collect();
    assert_eq!(best(&folder, "", FROM_1), ["0", "1", "2", "3", "4"]);
    // A part of the file alone would be guessed to count from 0 or from 1.
    assert_eq!(best(&folder, "", lines[4]), ["4"]);
    folder.write("part.svm", lines[4]);
    let said = stdout(&folder.slide("eval m part.svm -q").assert().success());
    assert!(said.contains("P           100.00 ±"), "{said}");
    let info = stdout(&folder.slide("info m").assert().success());
    assert!(info.contains("features from 1; labels from 0"), "{info}");
    folder.write("zero.svm", "0 0:1\n");
    for verb in ["eval m zero.svm", "predict m zero.svm", "train train.svm --test zero.svm -o n"] {
        let said = stderr(&folder.slide(verb).assert().code(1));
        assert!(said.contains("zero.svm:1:3: expected a feature number from 1"), "{verb}: {said}");
        assert!(said.contains("(the base is 1)"), "{verb}: {said}");
    }
    // Whoever says how a file counts is believed.
    let from_0 = (1..10).fold(FROM_1.to_owned(), |text, n| text.replace(&format!(" {n}:"), &format!(" {}:", n - 1)));
    assert_eq!(best(&folder, "--feature-base 0", &from_0), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_test_file_has_the_base_of_the_training_file() {
    let folder = Folder::new();
    folder.write("train.svm", "0 0:1 5:1\n1 1:1 5:1\n2 2:1 5:1\n3 3:1 7:1\n4 4:1 6:1\n");
    folder.write("test.svm", "1 1:1 5:1\n2 2:1 6:1\n3 3:1 7:1\n4 4:1 5:1\n1 1:1 6:1\n");
    let said = stdout(&folder.slide(&format!("train train.svm --test test.svm -o m {TRAIN}")).assert().success());
    assert!(said.contains("P           100.00"), "{said}");
    let said = stdout(&folder.slide("eval m test.svm -q").assert().success());
    assert!(said.contains("P           100.00 ±"), "{said}");
}

#[test]
fn labels_are_answered_in_the_base_of_the_training_file() {
    let from_1: String =
        FROM_1.lines().map(|line| format!("{}{}\n", line.as_bytes()[0] - b'0' + 1, &line[1..])).collect();
    let folder = trained(&from_1, "--label-base 1");
    assert_eq!(best(&folder, "", &from_1), ["1", "2", "3", "4", "5"]);
    let said = stdout(&folder.slide("eval m train.svm -q").assert().success());
    assert!(said.contains("P           100.00 ±"), "{said}");
    let info = stdout(&folder.slide("info m").assert().success());
    assert!(info.contains("features from 1; labels from 1"), "{info}");
}

#[test]
fn wide_numbers_cost_what_occurs() {
    let wide = FROM_1.replace("4 5:1 9:1", "4000000000 4294967295:1 9:1");
    let folder = trained(&wide, "");
    assert!(folder.path("m").metadata().unwrap().len() < 1 << 20);
    assert_eq!(best(&folder, "", &wide), ["0", "1", "2", "3", "4000000000"]);
    let info = stdout(&folder.slide("info m").assert().success());
    assert!(info.contains("labels from 0, 5 of 4,000,000,001 columns occur"), "{info}");
    let stats = stdout(&folder.slide("data stats train.svm -q").assert().success());
    assert!(stats.contains("4000000001  3999999996 unused"), "{stats}");
    folder.write("claims.txt", "1 4294967296 4294967296\n1 0:1\n");
    folder.slide("data stats claims.txt").assert().success();
    folder.slide(&format!("train claims.txt -o n {TRAIN}")).assert().success();
}

#[test]
fn what_is_unknown_is_left_out_and_reported() {
    let folder = trained(FROM_1, "");
    let lines = "0 1:1 7:1\n1 2:1 77:3 88:1\n9 4:1\n";
    folder.write("new.svm", lines);
    let said = folder.slide("predict m new.svm --top 1 -q").assert().success();
    assert_eq!(stdout(&said).lines().count(), 3);
    assert_eq!(stderr(&said), "warning: new.svm: 2 features unknown to the model, in 1 example: left out\n");
    let said = folder.slide("eval m new.svm -q --json").assert().success();
    assert_eq!(
        stderr(&said),
        "warning: new.svm: 2 features unknown to the model, in 1 example: left out\n\
         warning: new.svm: 1 label unknown to the model, in 1 example: each counts as a miss\n"
    );
    let report: serde_json::Value = serde_json::from_str(&stdout(&said)).unwrap();
    assert_eq!(report["unknown"]["labels"], 1);
    assert!((report["metrics"]["at"][0]["recall"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9, "{report}");
    for verb in ["predict", "eval"] {
        let said = folder.slide(&format!("{verb} m new.svm --unknown-features error")).assert().code(1);
        assert!(stderr(&said).contains("new.svm:2:7: expected a feature number from 1 to 9"), "{}", stderr(&said));
    }
}

#[test]
fn bad_lines_can_be_skipped() {
    let folder = trained(FROM_1, "");
    let lines = "0 1:1\n0 1:x\n\n2 3:1\nnonsense\n4 5:1\n";
    let said = folder.slide("predict m - --top 1 --skip-bad-lines").write_stdin(lines).assert().success();
    let answers: Vec<String> = stdout(&said).lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(answers, ["0", "", "2", "", "4"]);
    let warnings = stderr(&said);
    assert!(warnings.contains("-:2:5: expected") && warnings.contains("-:5:1: expected"), "{warnings}");
    let said = folder.slide("predict m - --skip-bad-lines --json").write_stdin(lines).assert().success();
    let second: serde_json::Value = serde_json::from_str(stdout(&said).lines().nth(1).unwrap()).unwrap();
    assert!(second["error"].as_str().unwrap().starts_with("-:2:5: expected"), "{second}");
    // A file with a header must still have as many lines.
    folder.write("short.txt", "4 9 5\n0 0:1\nx\n1 1:1\n");
    let said = folder.slide("predict m short.txt --top 1 --skip-bad-lines").assert().code(1);
    assert_eq!(stdout(&said).lines().count(), 3);
    assert!(stderr(&said).contains("expected 4 examples, as in the header (there are 3)"), "{}", stderr(&said));
}

#[test]
fn npz_is_predicted_with_and_without_labels() {
    let folder = trained(FROM_1, "");
    folder.slide("data convert train.svm X.npz").assert().success();
    std::fs::remove_file(folder.path("Y.npz")).unwrap();
    let said = stdout(&folder.slide("predict m X.npz --top 1").assert().success());
    let answers: Vec<&str> = said.lines().map(|line| &line[..1]).collect();
    assert_eq!(answers, ["0", "1", "2", "3", "4"]);
}
