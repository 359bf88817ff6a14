//! Models of tables: training, evaluation, prediction and explanation from text and columns, and what is wrong with files.

mod common;

use std::fmt::Write as _;

use common::{Folder, stderr, stdout};
use predicates::prelude::*;
use serde_json::Value;

const TOPICS: [(&str, [&str; 4]); 3] = [
    ("fruit", ["apple", "pear", "sweet ripe", "orchard"]),
    ("ships", ["sail", "harbour", "anchor rope", "captain"]),
    ("music", ["violin", "melody", "loud drum", "orchestra"]),
];

/// Texts of three topics, a number and a colour.
fn rows(count: usize) -> Vec<(String, &'static str, usize, &'static str)> {
    (0..count)
        .map(|row| {
            let (topic, words) = TOPICS[row % 3];
            let text = format!("the {} and a {} number {}", words[row / 3 % 4], words[row / 5 % 4], row % 7);
            (text, topic, row % 50, ["red", "blue"][row % 2])
        })
        .collect()
}

fn csv(count: usize) -> String {
    let mut text = "text,topic,price,colour\n".to_owned();
    for (words, topic, price, colour) in rows(count) {
        writeln!(text, "\"{words}\",{topic},{price},{colour}").unwrap();
    }
    text
}

fn trained() -> Folder {
    let folder = Folder::new();
    folder.write("train.csv", csv(300));
    folder.write("test.csv", csv(90));
    folder.slide("train train.csv --target topic --text text --test test.csv -o m.slide -q").assert().success();
    folder
}

#[test]
fn a_table_is_learned_with_all_its_columns() {
    let folder = Folder::new();
    folder.write("train.csv", csv(300));
    let said = folder.slide("train train.csv --target topic -o m.slide --valid 0.2").assert().success();
    let notes = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    for expected in ["topic   labels", "text    text", "price   numeric", "colour  categorical", "tried ", "chosen: "] {
        assert!(notes.contains(expected), "{expected}\n{notes}");
    }
    assert!(stdout(&said).contains("accuracy     100.00 %"), "{}", stdout(&said));
    assert!(stdout(&said).contains("is \\ predicted  fruit  music  ships"));
}

#[test]
fn all_verbs_take_the_columns_of_the_model() {
    let folder = trained();
    let evaluated: Value =
        serde_json::from_str(&stdout(&folder.slide("eval m.slide test.csv --latency -q --json").assert().success()))
            .unwrap();
    assert_eq!(evaluated["quality"]["accuracy"], 1.0);
    assert_eq!(evaluated["quality"]["rows"], 90);
    assert!(evaluated["latency"]["prediction"]["p50"].as_f64().unwrap() > 0.0);
    // Without the target, in another format, from a pipe.
    let lines = "{\"other\": 1, \"text\": \"captain of the harbour\"}\n{\"text\": null}\n";
    let answers = stdout(&folder.slide("predict m.slide - --json --top 1").write_stdin(lines).assert().success());
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["predictions"][0]["name"], "ships");
    let row =
        |words: &str| stdout(&folder.slide(words).args(["--text", "a violin and an orchestra"]).assert().success());
    let best = row("predict m.slide --top 3 --format csv");
    assert!(best.starts_with("label,probability,label_2,probability_2,label_3,probability_3\nmusic,"), "{best}");
    let shares = best.lines().nth(1).unwrap().split(',').skip(1).step_by(2);
    let sum: f32 = shares.map(|share| share.parse::<f32>().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-3);
    let explained: Value = serde_json::from_str(&row("explain m.slide --json")).unwrap();
    assert_eq!(explained["label"], "music");
    let first = explained["features"][0]["feature"].as_str().unwrap();
    assert!(first.contains("violin") || first.contains("orchestra"), "{explained}");
    assert!(row("explain m.slide --label ships").starts_with("ships, "));
}

#[test]
fn the_same_rows_give_the_same_model_from_a_pipe_and_with_any_threads() {
    let folder = Folder::new();
    let text = csv(200);
    folder.write("train.csv", &text);
    folder.slide("train train.csv --target topic --text text -o a.slide -q --threads 1").assert().success();
    let piped = "train - --target topic --text text -o b.slide -q --threads 3";
    folder.slide(piped).write_stdin(text).assert().success();
    assert!(folder.read("a.slide") == folder.read("b.slide"));
}

#[test]
fn labels_count_the_same_if_they_are_to() {
    let folder = Folder::new();
    // Three of ten of these texts are rare, and three of twenty of all.
    let row = |row: usize| match (row % 2, row / 2 % 10) {
        (0, 0..3) => "some text here,rare\n",
        (0, _) => "some text here,usual\n",
        _ => "other words there,usual\n",
    };
    folder.write("train.csv", "text,label\n".to_owned() + &(0..400).map(row).collect::<String>());
    let recall = |options: &str| {
        folder.slide(&format!("train train.csv --text text -o m.slide -q {options}")).assert().success();
        let said = stdout(&folder.slide("eval m.slide train.csv -q --json").assert().success());
        let quality: Value = serde_json::from_str(&said).unwrap();
        let rare = &quality["quality"]["confusion"][0];
        rare[0].as_u64().unwrap() as f64 / (rare[0].as_u64().unwrap() + rare[1].as_u64().unwrap()) as f64
    };
    let (usual, balanced) = (recall(""), recall("--balance"));
    assert!(balanced > usual, "{usual} and {balanced}");
    folder
        .write("sets.jsonl", "{\"text\": \"a b c\", \"label\": [\"x\", \"y\"]}\n{\"text\": \"d\", \"label\": \"x\"}\n");
    let refused = folder.slide("train sets.jsonl --text text -o m.slide --balance").assert().code(2);
    assert!(stderr(&refused).contains("rows have several labels, expected one in each"), "{}", stderr(&refused));
}

#[test]
fn rows_may_have_several_labels() {
    let folder = Folder::new();
    let mut lines = String::new();
    for (row, (text, topic, ..)) in rows(240).into_iter().enumerate() {
        let more = if row % 2 == 0 { " __label__even" } else { "" };
        let even = if row % 2 == 0 { "pair" } else { "single" };
        writeln!(lines, "__label__{topic}{more} {text} {even}").unwrap();
    }
    folder.write("train.txt", &lines);
    folder.slide("train train.txt -o m.slide -q").assert().success();
    let said = stdout(&folder.slide("eval m.slide train.txt").assert().success());
    assert!(said.contains("P   ") && said.contains("micro F1     1"), "{said}");
}

#[test]
fn bad_files_are_errors_with_their_line() {
    let folder = trained();
    folder.write("empty.csv", "");
    folder.write("head.csv", "text,topic\n");
    folder.write("ragged.csv", "text,topic\na b,c\nonly\nd e,f\n");
    folder.write("latin.csv", b"text,topic\ncaf\xe9,a\nth\xe9,b\ncaf\xe9,a\nth\xe9,b\n");
    folder.write("other.csv", "words,topic\na,fruit\n");
    folder.write("one.csv", "text,topic\na,x\nb,x\n");
    folder.write("broken.jsonl", "{\"text\": \"a\", \"topic\": \"x\"}\n{\"text\": \n");
    for (words, code, expected) in [
        ("train empty.csv -o x.slide", 1, "empty.csv: empty: expected rows"),
        ("train head.csv --target topic -o x.slide", 1, "head.csv: no rows"),
        ("train ragged.csv --target topic -o x.slide", 1, "ragged.csv:3: 1 fields, expected 2"),
        ("train latin.csv --target topic -o x.slide", 1, "latin.csv:2: byte 0xe9 is not UTF-8"),
        ("train broken.jsonl --target topic -o x.slide", 1, "broken.jsonl:2: expected a JSON object"),
        (
            "train train.csv --target nothing -o x.slide",
            2,
            "no column `nothing`; it has `text`, `topic`, `price`, `colour`",
        ),
        ("train train.csv -o x.slide", 2, "which column of train.csv has the labels?"),
        ("train train.csv --target topic --text nothing -o x.slide", 2, "train.csv: no column `nothing`; it has"),
        ("train train.csv --target topic --column topic:text -o x.slide", 2, "is the column of the labels"),
        ("train one.csv --target topic -o x.slide", 2, "has 1 labels, expected two or more"),
        ("predict m.slide other.csv", 2, "other.csv: no column `text`, which the model was trained with"),
        ("eval m.slide ragged.csv", 1, "ragged.csv:3: 1 fields"),
        ("explain m.slide", 2, "give a row"),
        ("explain m.slide --field nothing=1", 2, "the model has no column `nothing`"),
        ("explain m.slide --text a --label nothing", 2, "the model has no label `nothing`"),
    ] {
        let said = folder.slide(words).assert().code(code);
        said.stderr(predicate::str::contains(expected));
    }
    let skipping = folder.slide("train ragged.csv --target topic --text text --skip-bad-rows -o x.slide -q").assert();
    skipping
        .success()
        .stderr(predicate::str::contains("1 bad rows left out").and(predicate::str::contains("ragged.csv:3")));
    folder.slide("train latin.csv --target topic --text text --encoding latin1 -o x.slide -q").assert().success();
    let answers = folder.slide("predict m.slide ragged.csv --skip-bad-lines --top 1").assert().success();
    assert_eq!(stdout(&answers).lines().nth(1), Some(""));
    // Every bad row is reported with its line, however many there are.
    let many: String = (0..9).map(|_| "one,two,three\n").collect();
    folder.write("many.csv", format!("text,topic\n{many}anchor rope,ships\n"));
    let answers = folder.slide("predict m.slide many.csv --skip-bad-lines --top 1").assert().success();
    assert_eq!(stdout(&answers).lines().filter(|line| line.is_empty()).count(), 9);
    let said = stderr(&answers);
    assert!((2..11).all(|line| said.contains(&format!("skipped: many.csv:{line}: "))), "{said}");
    // Labels and values that were never seen.
    folder.write("new.csv", "text,topic\nquite unknown words,unheard\nanchor rope,ships\n");
    let said = folder.slide("eval m.slide new.csv -q").assert().success();
    said.stderr(predicate::str::contains("1 labels unknown to the model"));
    folder.slide("predict m.slide empty.csv").assert().success().stdout("");
}

#[test]
fn an_interrupted_training_goes_on_from_its_checkpoint() {
    let folder = Folder::new();
    folder.write("train.csv", csv(300));
    let words =
        "train train.csv --target topic --text text --model both --epochs 2 --checkpoint-every 3 --keep-checkpoint -q";
    folder.slide(&format!("{words} -o a.slide")).assert().success();
    folder
        .slide("train train.csv -q --resume a.slide.checkpoint -o b.slide --checkpoint b.checkpoint")
        .assert()
        .success();
    assert!(folder.read("a.slide") == folder.read("b.slide"));
}

#[test]
#[cfg(feature = "serve")]
fn the_server_takes_rows() {
    let folder = trained();
    let server = common::server::Server::start(&folder, "m.slide");
    let reply = server.post("/predict", common::server::JSON, r#"{"row": {"text": "captain of the harbour"}, "k": 2}"#);
    let best = reply.json()["predictions"].clone();
    assert_eq!((best[0]["name"].as_str(), best.as_array().unwrap().len()), (Some("ships"), 2));
    let piped = folder
        .slide("predict m.slide - --json --top 2 --table-format jsonl")
        .write_stdin("{\"text\": \"captain of the harbour\"}\n")
        .assert();
    let alone: Value = serde_json::from_str(&stdout(&piped.success())).unwrap();
    assert_eq!(alone["predictions"], best);
    for (row, expected) in [(r#"{"row": {"words": 1}}"#, "no column"), (r#"{"row": {"text": {}}}"#, "expected text")] {
        assert!(
            server.post("/predict", common::server::JSON, row).json()["error"].as_str().unwrap().contains(expected)
        );
    }
    assert_eq!(server.get("/model").json()["columns"][0], "text");
}
