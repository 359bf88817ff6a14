//! The keys of `--json`: those that docs/json.md lists.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{Folder, SMALL, stdout};
use serde_json::Value;

/// The words between backquotes.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Of a verb: the keys that it always has, and those that it may have.
fn documented(text: &str, verb: &str) -> [BTreeSet<String>; 2] {
    let row = text.lines().find(|line| line.starts_with(&format!("| `{verb}` |")));
    let cells: Vec<&str> = row.unwrap_or_else(|| panic!("{verb} is not in the table")).split('|').collect();
    [2, 3].map(|cell| quoted(cells[cell]))
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_verb_has_the_keys_of_the_table() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md")).unwrap();
    let (_, meanings) = text.split_once("| key |").unwrap();
    let (meanings, verbs) = meanings.split_once("| verb |").unwrap();
    let folder = Folder::new();
    for name in ["train", "test"] {
        folder.slide(&format!("data convert {name}.txt {name}.txt.zst -q")).assert().success();
    }
    folder.write("features.txt.zst", "f\n".repeat(common::FEATURES));
    folder.write("labels.txt.zst", "l\n".repeat(common::LABELS));
    let hashed = format!("{SMALL} --epochs 1 --sampler vanilla --hash-bits 4");
    let mut rows = 0;
    let mut table = BTreeSet::new();
    folder.write("t.csv", format!("text,label\n{}", "red words,a\nblue words,b\n".repeat(20)));
    let of_table = "train t.csv --text text -o t.slide";
    let synth = "data synth -o s.txt --examples 50 --features 60 --labels 9";
    // Without options, and with those that add keys.
    for (verb, plain, more) in [
        (
            "train",
            format!("train train.txt -o m.slide {SMALL}"),
            Some(format!("train train.txt -o v.slide {hashed} --test test.txt")),
        ),
        ("train TABLE", of_table.into(), Some(format!("{of_table} --valid 0.2"))),
        ("demo", format!("demo --data . -o d.slide {SMALL}"), Some(format!("demo --data . -o d.slide {hashed}"))),
        ("tune", "tune train.txt".into(), None),
        ("index", "index m.slide --data train.txt -o i.slide --lists 2".into(), None),
        ("quantize", "quantize m.slide --to bf16 -o q.slide".into(), None),
        ("quantize", "quantize m.slide --to bf16 -o q.slide --data test.txt --max-loss 100".into(), None),
        ("export", "export m.slide -o e.safetensors".into(), None),
        ("eval", "eval m.slide test.txt".into(), None),
        (
            "eval",
            "eval d.slide test.txt --compare m.slide".into(),
            Some("eval both.slide test.txt --parts --latency".into()),
        ),
        ("predict", "predict m.slide test.txt".into(), None),
        ("eval TABLE", "eval t.slide t.csv".into(), Some("eval t.slide t.csv --latency".into())),
        ("explain", "explain t.slide --text words".into(), None),
        ("info MODEL", "info m.slide".into(), None),
        ("info", "info".into(), None),
        ("data stats", "data stats train.txt".into(), None),
        ("data convert", "data convert train.txt c.svm".into(), None),
        ("data synth", synth.into(), Some(format!("{synth} --test t.txt --test-examples 5"))),
    ] {
        if verb == "eval" && !folder.path("both.slide").exists() {
            folder.slide("train train.txt -q -o both.slide --hidden 8 --epochs 1").assert().success();
        }
        let [always, sometimes] = documented(verbs, verb);
        let run = |words: &str| -> Value {
            let said = stdout(&folder.slide(&format!("{words} -q --json")).assert().success());
            let object = if verb == "predict" { said.lines().next().unwrap() } else { &said };
            serde_json::from_str(object).unwrap_or_else(|error| panic!("{words}: {error}\n{said}"))
        };
        let found = run(&plain);
        assert_eq!(keys(&found), always, "slide {plain}");
        if let Some(words) = more {
            assert_eq!(keys(&run(&words)), &always | &sometimes, "slide {words}");
        }
        rows += usize::from(table.insert(verb));
        // What keys have in common.
        for path in ["model", "file"] {
            assert!(
                found.get(path).is_none_or(|path| path.is_string() || (verb == "quantize" && path.is_null())),
                "{verb}"
            );
        }
        for count in ["examples", "features", "labels", "parameters", "step", "bytes"] {
            let is_list = verb == "explain" && count == "features";
            assert!(found.get(count).is_none_or(Value::is_u64) || is_list, "{verb}, {count}");
        }
        let stages = quoted(meanings.lines().find(|line| line.starts_with("| `seconds` |")).unwrap());
        if let Some(seconds) = found.get("seconds") {
            assert!(keys(seconds).is_subset(&stages), "{verb}: {seconds}");
            assert!(seconds.as_object().unwrap().values().all(Value::is_f64), "{verb}: {seconds}");
        }
    }
    assert_eq!(rows, verbs.lines().filter(|line| line.starts_with("| `")).count(), "every verb is tried");
}
