//! `slide index`, and training with an index.

mod common;

use common::{Folder, json, stderr, stdout};

#[test]
fn an_index_is_built_shown_and_used() {
    let folder = Folder::new();
    folder.train("m.slide", "").success();
    let before = folder.read("m.slide");
    // The exact retrieval is what the index is held against.
    let exact = json(&folder.slide("eval m.slide test.txt --json").assert().success());

    let built = json(&folder.slide("index m.slide --data train.txt -o i.slide --lists 4 --json").assert().success());
    assert_eq!((&built["index"]["lists"], &built["index"]["held-out"]), (&4.into(), &20.into()));
    assert!(built["index"]["recall-at-5"].as_f64().unwrap() >= 0.985, "{built:#}");
    assert!(folder.read("m.slide") == before);
    let found = json(&folder.slide("eval i.slide test.txt --json --retrieval index --latency").assert().success());
    let precision = |report: &serde_json::Value| report["metrics"]["at"][0]["precision"].as_f64().unwrap();
    assert!((precision(&found) - precision(&exact)).abs() < 0.02, "{found:#}");
    for times in ["prediction", "output_layer"] {
        let times = &found["latency"][times];
        assert!(times["p50"].as_f64().unwrap() > 0.0 && times["p50"].as_f64() <= times["p99_9"].as_f64(), "{found:#}");
    }
    let info = stdout(&folder.slide("info i.slide").assert().success());
    assert!(info.contains("4 lists") && info.contains("index.code"), "{info}");
    assert_eq!(json(&folder.slide("info i.slide --json").assert().success())["index"], built["index"]);

    // In place; an index that is there is replaced.
    folder.slide("index i.slide --data train.txt --lists 2").assert().success();
    assert!(stdout(&folder.slide("info i.slide").assert().success()).contains("2 lists"));
    // As training builds it.
    folder.train("t.slide", "--index always --index-lists 2 --log log.jsonl").success();
    assert!(folder.text("log.jsonl").contains("\"recall-at-5\""));
    let info = stdout(&folder.slide("info t.slide").assert().success());
    assert!(info.contains("2 lists") && info.contains("index = \"always\""), "{info}");
}

#[test]
fn what_cannot_be_indexed_is_an_error() {
    let folder = Folder::new();
    folder.slide("train train.txt -q -o l.slide --model linear --mining-rounds 0").assert().success();
    folder.train("m.slide", "").success();
    let before = folder.read("m.slide");
    for (words, message) in [
        ("index l.slide --data train.txt", "index: the model has no network"),
        ("index m.slide --data train.txt --recall 1.5", "index-recall: expected a number above 0 and at most 1"),
        ("index m.slide --data missing.txt", "missing.txt"),
        ("eval m.slide test.txt --retrieval index", "the model has no index: `slide index` builds one"),
        ("train train.txt -o x.slide --model linear --index always", "index: expected `auto` or `never`"),
    ] {
        let said = stderr(&folder.slide(words).assert().failure());
        assert!(said.contains(message), "{words}: {said}");
    }
    assert!(folder.read("m.slide") == before);
}
