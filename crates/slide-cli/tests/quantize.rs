//! `slide quantize`: smaller files, what is lost, and what is refused.

mod common;

use common::{Folder, json, stderr, stdout};

#[test]
fn a_model_becomes_smaller_and_the_difference_is_said() {
    let folder = Folder::new();
    folder.slide("train train.txt -q --hidden 64 -o m.slide").assert().success();
    let before = folder.read("m.slide");
    let words = "quantize m.slide --to int8 --data test.txt --max-loss 5 -o small.slide";
    let report = json(&folder.slide(&format!("{words} --json -q")).assert().success());
    let small = folder.read("small.slide");
    assert!(folder.read("m.slide") == before && 3 * small.len() < before.len(), "{} bytes", small.len());
    assert_eq!((&report["bytes_before"], &report["bytes_after"]), (&before.len().into(), &small.len().into()));
    for (model, key) in [("m.slide", "metrics_before"), ("small.slide", "metrics_after")] {
        let evaluated = json(&folder.slide(&format!("eval {model} test.txt --json -q")).assert().success());
        assert_eq!(evaluated["metrics"], report[key], "{model}");
    }
    let said = stdout(&folder.slide(words).assert().success());
    for expected in ["before", "difference", "P@1", "P@3", "P@5", "bytes"] {
        assert!(said.contains(expected), "{said}");
    }
    // Into its own file, without data; then once more.
    let assert = folder.slide("quantize m.slide --to int8").assert().success();
    assert!(stderr(&assert).contains("nothing was checked"), "{}", stderr(&assert));
    assert!(folder.read("m.slide") == small);
    folder.slide("quantize m.slide --to int8 -q").assert().success();
    assert!(folder.read("m.slide") == small);
    folder.slide("quantize m.slide --to int8 --input-bits 8 --prune 0.5 -q").assert().success();
    assert!(folder.read("m.slide").len() < small.len());
}

#[test]
fn too_great_a_loss_leaves_the_file_as_it_is() {
    let folder = Folder::new();
    folder.slide("train train.txt -q --model linear -o m.slide").assert().success();
    let before = folder.read("m.slide");
    let words = "quantize m.slide --to int8 --prune 0.99 --data test.txt -q";
    let said = stderr(&folder.slide(words).assert().code(1));
    assert!(said.contains("P@1 would fall by") && said.contains("--max-loss 0.1; nothing was written"), "{said}");
    folder.slide(&format!("{words} -o other.slide")).assert().code(1);
    assert!(folder.read("m.slide") == before && !folder.path("other.slide").exists());
    folder.slide(&format!("{words} --max-loss 100")).assert().success();
    assert!(folder.read("m.slide") != before);
    for wrong in ["--prune 1", "--prune -0.1", "--prune NaN", "--max-loss NaN", "--input-bits 5", "--data m.slide"] {
        let assert = folder.slide(&format!("quantize m.slide --to int8 {wrong}")).assert().code(2);
        assert!(!stderr(&assert).is_empty(), "{wrong}");
    }
    folder.slide("quantize m.slide").assert().code(2);
    folder.slide("quantize none.slide --to bf16").assert().code(1);
}

#[test]
fn training_may_end_with_it() {
    let folder = Folder::new();
    folder.slide("train train.txt -q --hidden 64 -o m.slide").assert().success();
    folder.slide("train train.txt -q --hidden 64 --quantize=int8 -o small.slide").assert().success();
    folder.slide("quantize m.slide --to int8 -q").assert().success();
    assert!(folder.read("m.slide") == folder.read("small.slide"));
}
