//! Every class of bad input: what is said, and by which exit code.

mod common;

use common::{Folder, stderr};
use predicates::prelude::*;

/// Runs `words` and checks the exit code and that standard error holds each of `said`.
fn fails(folder: &Folder, words: &str, code: i32, said: &[&str]) {
    let assert = folder.slide(words).assert().code(code).stdout("");
    let text = stderr(&assert);
    assert!(text.starts_with("error: "), "{words}: {text}");
    for part in said {
        assert!(text.contains(part), "{words}: expected {part:?} in\n{text}");
    }
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
}

#[test]
fn wrong_usage() {
    let folder = Folder::new();
    for (words, said) in [
        ("train", "required"),
        ("train train.txt", "--output <MODEL>"),
        ("teach", "unrecognized subcommand"),
        ("train train.txt -o m --epoch 3", "--epochs"),
        ("train train.txt -o m --epochs many", "expected a whole number"),
        ("train train.txt -o m --model half", "possible values: both, network, linear"),
        ("train train.txt -o m --mining-rounds=-1", "--mining-rounds"),
        ("train train.txt -o m --loss hinge", "possible values: softmax, bce"),
        ("train train.txt -o m --hash md5", "possible values: simhash, wta, dwta, minhash"),
        ("train train.txt -o m --active 1.5", "a fraction between 0 and 1"),
        ("train train.txt -o m --rebuild sometimes", "constant:50"),
        ("train train.txt -o m --threads 0", "--threads"),
        ("train train.txt -o m --isa mmx", "possible values: scalar, "),
        ("train train.txt -o m --pages 3k", "possible values: auto, 4k, thp, 2m, 1g"),
        ("train train.txt -o m --numa node", "node:N"),
        ("train train.txt -o m --log-every 0", "--log-every"),
        ("predict m test.txt --top 0", "--top"),
        ("eval m test.txt --retrieval best", "possible values: auto, exact, linear, index, lsh"),
        ("predict m test.txt --format xml", "possible values: tsv, jsonl"),
        ("data stats train.txt --data-format csv", "possible values: xmc, svmlight, npz"),
        ("data synth -o s.txt --like imagenet", "possible values: amazon-670k"),
        ("data synth -o s.txt --labels 0", "impossible shape"),
        ("data synth -o s.txt --siblings 4", "--clustered"),
    ] {
        fails(&folder, words, 2, &[said]);
    }
}

#[test]
fn impossible_settings() {
    let folder = Folder::new();
    for (setting, said) in [
        ("--epochs 0", "epochs: expected at least 1, found 0"),
        ("--batch-size 0", "batch-size"),
        ("--budget 2", "budget: expected at least 3, found 2"),
        ("--cost 0", "cost: expected a positive number, found 0.0"),
        ("--prune=-0.1", "prune: expected a number of at least 0"),
        ("--hard-negatives 0", "hard-negatives: expected 1 to 1048576, found 0"),
        ("--mining-rounds 1001", "mining-rounds: expected 0 to 1000, found 1001"),
        ("--hidden 0", "hidden"),
        ("--learning-rate=-1", "learning-rate: expected a positive number"),
        ("--learning-rate nan", "expected a number"),
        ("--epsilon inf", "expected a number"),
        ("--dropout 1", "dropout"),
        ("--beta2 1.5", "beta2"),
        ("--sampler vanilla --hash-bits 99", "99 bits"),
        ("--sampler vanilla --tables 0", "0 hash tables"),
    ] {
        fails(&folder, &format!("train train.txt -o m.slide {setting}"), 2, &[said]);
    }
}

#[test]
fn configuration_files() {
    let folder = Folder::new();
    for (text, code, said) in [
        ("epochs = 3\nhiden = [8]\n", 2, "run.toml:2:1: unknown key `hiden`, did you mean `hidden`?"),
        ("learning_rate = 1\n", 2, "run.toml:1:1: unknown key `learning_rate`"),
        ("config = \"other.toml\"\n", 2, "run.toml:1:1: unknown key `config`"),
        ("help = 1\n", 2, "run.toml:1:1: unknown key `help`"),
        ("\n  loss = \"hinge\"\n", 2, "run.toml:2:10: loss: unknown variant `hinge`, expected `softmax` or `bce`"),
        ("epochs = -1\n", 2, "run.toml:1:10: epochs: invalid value: integer `-1`"),
        ("epochs = 3\n[optimizer]\nepochs = 2\n", 2, "run.toml:3:1: `epochs` is set twice"),
        ("epochs = true\n", 2, "run.toml:1:10: epochs: invalid type: boolean `true`"),
        ("epochs = {}\n", 2, "run.toml:1:1: unknown section `epochs`"),
        ("log-every = true\n", 2, "run.toml:1:13: `log-every`: expected a text, a number or a list of numbers"),
        (
            "[optimizer]\nhidden = [8]\n",
            2,
            "run.toml:2:1: unknown key `hidden` in [optimizer]: it belongs to [network]",
        ),
        ("[sampling]\nmin-matches = 3\n", 2, "run.toml: `min-matches` has no meaning with sampler `shared`"),
        ("[linear]\nprune = \"much\"\n", 2, "run.toml:2:9: prune: invalid type"),
        ("[model]\nmodel = \"half\"\n", 2, "run.toml:2:9: model: unknown variant `half`"),
        ("[network]\nprune = 1.0\n", 2, "unknown key `prune` in [network]: it belongs to [linear]"),
        ("epochs = 1\nepochs = 2\n", 2, "run.toml:2:1: duplicate key"),
        ("epochs = \n", 2, "run.toml:1:10: "),
        ("[table]\nepochs = 1\n", 2, "run.toml:1:2: unknown section `table`"),
        ("epochs = 0\n", 2, "epochs: expected at least 1"),
    ] {
        folder.write("run.toml", text);
        fails(&folder, "train train.txt -o m.slide --config run.toml", code, &[said]);
    }
    fails(&folder, "train train.txt -o m.slide --config none.toml", 1, &["cannot read none.toml", "No such file"]);
}

#[test]
fn data_files() {
    let folder = Folder::new();
    fails(&folder, "train none.txt -q -o m.slide", 1, &["none.txt", "No such file"]);
    fails(&folder, "train . -q -o m.slide", 1, &["."]);
    for (text, said) in [
        ("", "bad.txt:1:1: expected"),
        ("2 3 2\n0 0:1 2:x\n1 1:1\n", "bad.txt:2:9: expected"),
        ("2 3 2\n0 0:1 3:1\n1 1:1\n", "bad.txt:2:7: expected"),
        ("2 3 2\n0 0:1\n7 1:1\n", "bad.txt:3:1: expected"),
        ("2 3 2\n0 0:nan\n1 1:1\n", "bad.txt:2:5: expected"),
        ("3 3 2\n0 0:1\n1 1:1\n", "bad.txt:4:1: expected"),
        ("0 3 2\n", "0 examples"),
    ] {
        folder.write("bad.txt", text);
        fails(&folder, "train bad.txt -q -o m.slide", 1, &[said]);
    }
    // Neither a model nor a checkpoint of a training that never began.
    assert!(!folder.path("m.slide").exists());
    folder.write("bad.txt.gz", b"\x1f\x8b\x08\x00 cut short");
    fails(&folder, "data stats bad.txt.gz -q", 1, &["bad.txt.gz"]);
}

/// Told before any data are read: here there are none.
#[test]
fn outputs_that_cannot_be_written() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder")).unwrap();
    for (words, code, said) in [
        ("train none.txt -o nowhere/m.slide", 1, "there is no folder nowhere"),
        ("train none.txt -o folder", 1, "cannot write folder: it is a folder"),
        ("train none.txt -o m.slide --checkpoint nowhere/c", 1, "there is no folder nowhere"),
        ("train none.txt -o none.txt", 2, "none.txt is an input"),
        ("train train.txt -o ./train.txt", 2, "train.txt is an input"),
        ("train train.txt -o test.txt --test test.txt", 2, "test.txt is an input"),
        ("train none.txt -o m --checkpoint m", 2, "two outputs"),
        ("train none.txt -o m --log train.txt --test train.txt", 2, "train.txt is an input"),
        ("data convert train.txt train.txt", 2, "train.txt is an input"),
        ("data convert train.txt nowhere/t.svm", 1, "there is no folder nowhere"),
        ("data synth -o nowhere/t.svm", 1, "there is no folder nowhere"),
    ] {
        fails(&folder, words, code, &[said]);
    }
    #[cfg(unix)]
    fails(&folder, "train train.txt -o /dev/null", 1, &["not a regular file"]);
    fails(&folder, "train train.txt -o m.slide --log nowhere/log -q", 1, &["cannot write the log nowhere/log"]);
}

#[test]
fn model_files() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    let model = folder.read("m.slide");
    folder.write("cut.slide", &model[..model.len() - 100]);
    folder.write("head.slide", &model[..50]);
    folder.write("text.slide", "these are not the weights that you are looking for");
    folder.write("empty.slide", "");
    // A safetensors file without tensors or metadata.
    folder.write("foreign.slide", b"\x08\0\0\0\0\0\0\0{}      ");
    let newer = replace(&model, br#"\"format\":3"#, br#"\"format\":7"#);
    folder.write("newer.slide", newer);
    for (name, said) in [
        ("none", "No such file"),
        ("cut", "not a complete safetensors file"),
        ("head", "not a complete safetensors file"),
        ("text", "not a complete safetensors file"),
        ("empty", "safetensors"),
        ("foreign", "but not of slide"),
        ("newer", "model format 7, expected at most 5"),
    ] {
        let file = format!("{name}.slide");
        for words in
            ["eval FILE test.txt -q", "predict FILE test.txt -q", "info FILE", "train train.txt -q -o n --resume FILE"]
        {
            fails(&folder, &words.replace("FILE", &file), 1, &[&file, said]);
        }
    }
}

#[test]
fn retrievals_that_a_model_does_not_have() {
    let folder = Folder::new();
    folder.train("network.slide", "--epochs 1").success();
    folder.train("linear.slide", "--model linear --mining-rounds 0").success();
    let no_tables = "the model has no hash tables";
    let no_parts = "retrieval `linear` needs a model with a network and a linear part";
    for (model, retrieval, said) in [
        ("network", "linear", no_parts),
        ("linear", "linear", no_parts),
        ("network", "lsh", no_tables),
        ("linear", "lsh", no_tables),
    ] {
        for verb in ["eval", "predict"] {
            fails(&folder, &format!("{verb} {model}.slide test.txt -q --retrieval {retrieval}"), 1, &[said]);
        }
    }
}

fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = bytes.windows(old.len()).position(|window| window == old).expect("the header has it");
    let mut bytes = bytes.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn data_that_do_not_fit_the_model() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    folder.write("wide.txt", "1 99 30\n0 98:1\n");
    for verb in ["eval m.slide wide.txt -q", "predict m.slide wide.txt"] {
        fails(&folder, &format!("{verb} --unknown-features error"), 1, &["wide.txt:2:3: expected", "from 0 to 59"]);
    }
    folder.write("bad.filter", "0 1\n100 1\n");
    fails(&folder, "eval m.slide test.txt -q --filter bad.filter", 1, &["bad.filter:2:1: expected"]);
}

#[test]
fn levels_that_are_not_here() {
    let folder = Folder::new();
    let unknown = folder.slide("info").env("SLIDE_ISA", "mmx").assert().code(2);
    unknown.stderr(predicate::str::contains("SLIDE_ISA=mmx").and(predicate::str::contains("available here: scalar")));
    let chosen = folder.slide("info --json").env("SLIDE_ISA", "scalar").assert().success();
    assert_eq!(common::json(&chosen)["isa"]["chosen"], "scalar");
}

#[test]
fn a_model_with_a_weight_that_is_not_finite_is_refused() {
    let folder = common::Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    let mut file = folder.read("m.slide");
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let metadata: serde_json::Value = serde_json::from_slice(&file[8..header]).unwrap();
    let at = header + metadata["output.weight"]["data_offsets"][0].as_u64().unwrap() as usize + 4 * (16 * 3 + 2);
    file[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    folder.write("nan.slide", file);
    for verb in ["eval nan.slide test.txt", "predict nan.slide test.txt", "quantize nan.slide --to int8"] {
        let said = common::stderr(&folder.slide(&format!("{verb} -q")).assert().code(1).stdout(""));
        assert_eq!(said, "error: nan.slide: `output.weight` has NaN at [3, 2], expected finite numbers\n", "{verb}");
    }
}
