//! `slide train`, `slide eval`, `slide info MODEL`.

mod common;

use common::{Folder, LABELS, instruction_sets, json, stderr, stdout};
use predicates::prelude::*;

#[test]
fn a_model_is_trained_and_evaluated() {
    let folder = Folder::new();
    let trained = json(&folder.train("m.slide", "--test test.txt --json").success());
    let precision = trained["metrics"]["at"][0]["precision"].as_f64().unwrap();
    assert!(precision > 0.9, "{trained:#}");
    assert_eq!(trained["step"], 8 * 25);
    let evaluated = json(&folder.slide("eval m.slide test.txt -q --json").assert().success());
    assert_eq!(evaluated["metrics"], trained["metrics"]);

    let said = stdout(&folder.slide("eval m.slide test.txt").assert().success());
    for word in ["@1", "@5", "nDCG", "PSP", "us an example"] {
        assert!(said.contains(word), "{word} in\n{said}");
    }
}

/// Each part alone, and both.
#[test]
fn models_have_the_parts_that_are_asked_for() {
    let folder = Folder::new();
    // Of 400 examples 20 are held out for the combination of a linear part's scores.
    for (parts, steps, network, linear) in
        [("network", 8 * 25, true, false), ("linear", 0, false, true), ("both", 8 * 24, true, true)]
    {
        let words = format!("--model {parts} --mining-rounds 2 --test test.txt --json");
        let trained = json(&folder.train("m.slide", &words).success());
        let precision = trained["metrics"]["at"][0]["precision"].as_f64().unwrap();
        assert!(precision > 0.9, "{trained:#}");
        assert_eq!(trained["step"], steps, "{parts}");
        assert_eq!(trained["linear_weights"].as_u64().unwrap() > 0, linear, "{parts}: {trained:#}");
        for (phase, has_it) in [("training", network), ("linear", linear)] {
            assert_eq!(trained["seconds"][phase].as_f64().unwrap() > 0.0, has_it, "{parts}, {phase}: {trained:#}");
        }

        let evaluated = json(&folder.slide("eval m.slide test.txt -q --json").assert().success());
        assert_eq!(evaluated["metrics"], trained["metrics"], "{parts}");
        let exact = json(&folder.slide("eval m.slide test.txt -q --json --retrieval exact").assert().success());
        let difference = exact["metrics"]["at"][0]["precision"].as_f64().unwrap() - precision;
        assert!(difference.abs() < 0.02, "{parts}: {difference}");

        let predicted = stdout(&folder.slide("predict m.slide test.txt --top 3").assert().success());
        assert!(predicted.lines().count() == 100 && predicted.lines().all(|line| line.split('\t').count() == 3));

        let info = json(&folder.slide("info m.slide --json").assert().success());
        assert_eq!(info["config"]["model"]["model"], parts);
        assert_eq!(info["parameters"], trained["parameters"]);
        let names: Vec<&str> =
            info["tensors"].as_array().unwrap().iter().map(|tensor| tensor["name"].as_str().unwrap()).collect();
        for (name, has_it) in [("output.weight", network), ("linear.entry", linear), ("label_frequency", true)] {
            assert_eq!(names.contains(&name), has_it, "{parts}: {names:?}");
        }
        let said = stdout(&folder.slide("info m.slide").assert().success());
        assert!(said.contains(&format!("model = \"{parts}\"")), "{said}");
        for choice in info["choices"].as_array().unwrap() {
            let [setting, reason] = ["setting", "reason"].map(|field| choice[field].as_str().unwrap());
            assert!(said.contains(&format!("# {setting}: {reason}")), "{said}");
        }
        assert_eq!(said.contains("linear.start"), linear, "{said}");
    }
}

#[test]
fn what_the_data_chose_is_told() {
    let folder = Folder::new();
    let train =
        |words: &str| json(&folder.slide(&format!("train train.txt -q --json -o m.slide --hidden 8 {words}")).assert());
    let choices = |words: &str| -> Vec<(String, String)> {
        let summary = train(words);
        let text = |choice: &serde_json::Value, field: &str| choice[field].as_str().unwrap().to_owned();
        let choices = summary["choices"].as_array().unwrap();
        assert!(choices.iter().all(|choice| !text(choice, "reason").is_empty()), "{summary:#}");
        choices.iter().map(|choice| (text(choice, "setting"), text(choice, "value"))).collect()
    };
    let names =
        |choices: &[(String, String)]| -> Vec<String> { choices.iter().map(|choice| choice.0.clone()).collect() };
    let chosen = choices("");
    assert_eq!(names(&chosen), ["mining-rounds", "epochs", "batch-size", "loss"]);
    // What is chosen is what is trained.
    let file = folder.read("m.slide");
    let config = json(&folder.slide("info m.slide --json").assert().success())["config"].clone();
    for ((key, value), section) in chosen.iter().zip(["linear", "optimizer", "optimizer", "network"]) {
        assert_eq!(config[section][key].to_string().trim_matches('"'), value, "{key}: {config:#}");
    }
    let given: Vec<String> = chosen.iter().map(|(setting, value)| format!("--{setting} {value}")).collect();
    assert_eq!(choices(&given.join(" ")), []);
    let tensors = |file: &[u8]| file[8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize..].to_vec();
    assert!(tensors(&file) == tensors(&folder.read("m.slide")));
    let of_network = choices("--budget 3 --model network");
    assert_eq!(names(&of_network), ["epochs", "batch-size", "loss"]);
    assert_eq!(of_network[0].1, "3");
    assert_eq!(names(&choices("--model linear")), ["mining-rounds"]);
}

#[test]
fn a_filter_takes_labels_out_of_the_predictions_only() {
    let folder = Folder::new();
    folder.train("m.slide", "").success();
    let examples = folder.text("test.txt").lines().count() - 1;
    let everything: String = (0..examples).flat_map(|p| (0..LABELS).map(move |l| format!("{p} {l}\n"))).collect();
    folder.write("all.filter", everything);
    let evaluated = json(&folder.slide("eval m.slide test.txt --filter all.filter --json").assert().success());
    assert_eq!(evaluated["metrics"]["at"][0]["precision"], 0.0);
    assert_eq!(evaluated["metrics"]["examples_without_labels"], 0, "the labels of the examples are still there");

    // Label 0 of example 0 is filtered: label 1, which it has too, is predicted first, and the denominators keep both.
    folder.write("two.txt", "2 2 3\n0,1 0:1\n2 1:1\n");
    folder.write("two.filter", "0 0\n");
    folder.slide("train two.txt -q -o two.slide --epochs 60 --dropout 0 --hidden 8 --batch-size 4").assert().success();
    let report = json(&folder.slide("eval two.slide two.txt --filter two.filter --json").assert().success());
    let metrics = |cutoff: usize| {
        let at = &report["metrics"]["at"][cutoff];
        ["precision", "recall", "ndcg"].map(|metric| (at[metric].as_f64().unwrap() * 1e4).round() / 1e4)
    };
    assert_eq!(metrics(0), [1.0, 0.75, 1.0]);
    // nDCG@3 of example 0: 1 of 1 + 1/log2(3).
    assert_eq!(metrics(1), [0.3333, 0.75, 0.8066]);
}

#[test]
fn info_tells_what_a_model_holds() {
    let folder = Folder::new();
    folder.train("m.slide", "--seed 7 --sampler vanilla --hash-bits 4 --rebuild constant:9").success();
    let said = stdout(&folder.slide("info m.slide").assert().success());
    for words in ["60 -> 16 -> 30", "output.weight", "30 x 16", "1,920", "seed = 7", "rebuild = \"constant:9\""] {
        assert!(said.contains(words), "{words} in\n{said}");
    }
    let info = json(&folder.slide("info m.slide --json").assert().success());
    assert_eq!(
        (&info["config"]["optimizer"]["seed"], &info["labels"], &info["resumable"]),
        (&7.into(), &30.into(), &false.into())
    );
    assert_eq!(info["config"]["optimizer"]["learning-rate"], 0.02, "as it was written, not as f64 sees it");
    // What is shown is a configuration file.
    let (_, settings) = said.split_once("# settings").unwrap();
    folder.write("same.toml", format!("#{settings}"));
    folder.slide("train train.txt -q -o same.slide --config same.toml").assert().success();
    assert_eq!(folder.read("same.slide"), folder.read("m.slide"));
}

/// Nothing of the machine shows in the model.
#[test]
fn threads_and_instruction_sets_give_the_same_bytes() {
    let folder = Folder::new();
    for sampler in [
        "--sampler shared",
        "--sampler vanilla --hash-bits 4 --tables 6 --rebuild constant:7",
        "--model both --hard-negatives 5",
        "--model linear --hard-negatives 5",
    ] {
        let mut runs: Vec<String> = ["1", "2", "3"].map(|threads| format!("--threads {threads}")).into();
        runs.extend(instruction_sets().iter().map(|isa| format!("--isa {isa}")));
        runs.push("--pages 4k --numa interleave".into());
        folder.train("first.slide", &format!("{sampler} --epochs 2")).success();
        let first = folder.read("first.slide");
        for run in runs {
            folder.train("other.slide", &format!("{sampler} --epochs 2 {run}")).success();
            assert!(folder.read("other.slide") == first, "{sampler} {run}");
        }
        folder.train("other.slide", &format!("{sampler} --epochs 2 --seed 43")).success();
        assert!(folder.read("other.slide") != first, "the seed matters: {sampler}");
    }
}

#[test]
fn options_go_before_the_file_and_the_file_before_the_defaults() {
    let folder = Folder::new();
    // With sections, and without.
    for sections in [["[network]", "[optimizer]", "[sampling]"], [""; 3]] {
        let [network, optimizer, sampling] = sections;
        let text = format!(
            "log = \"run.jsonl\"\nseed = 0x2A\n{network}\nhidden = [16, 8]\nloss = \"softmax\"\n{optimizer}\nepochs = 1\n\
             {sampling}\nsampler = \"threshold\"\nmin-matches = 3\nactive = 0.5\n"
        );
        folder.write("run.toml", text);
        let train = |words: &str| {
            folder.slide(&format!("train train.txt -q -o m.slide --config run.toml {words}")).assert().success();
            json(&folder.slide("info m.slide --json").assert().success())["config"].clone()
        };
        let config = train("--epochs 2");
        let (network, optimizer) = (&config["network"], &config["optimizer"]);
        assert_eq!((&network["hidden"], &network["loss"]), (&serde_json::json!([16, 8]), &"softmax".into()));
        assert_eq!((&optimizer["epochs"], &optimizer["batch-size"]), (&2.into(), &32.into()));
        assert_eq!(config["sampling"]["min-matches"], 3);
        assert!(folder.path("run.jsonl").exists());
        let config = train("--hidden 8 --sampler random");
        assert_eq!(config["network"]["hidden"], serde_json::json!([8]));
        assert_eq!(config["sampling"], serde_json::json!({ "sampler": "random", "active": 0.5 }));
    }
}

/// Every option that takes several values: those of the command line replace those of the file, and a later option an earlier one.
#[test]
fn lists_of_the_command_line_replace_those_of_the_file() {
    let folder = Folder::new();
    folder.write("lists.toml", "hidden = [16]\ndropout = [0.2, 0.3]\nat = [1, 2]\npropensity = \"0.6,2.6\"\n");
    let train = |words: &str| {
        let words = format!("train train.txt -q --json --model network --epochs 1 -o m.slide --test test.txt {words}");
        let summary = json(&folder.slide(&words).assert().success());
        let cutoffs: Vec<u64> =
            summary["metrics"]["at"].as_array().unwrap().iter().map(|at| at["k"].as_u64().unwrap()).collect();
        let network = json(&folder.slide("info m.slide --json").assert().success())["config"]["network"].clone();
        let psp = summary["metrics"]["at"][0]["psp"].as_f64().unwrap();
        ((network["hidden"].to_string(), network["dropout"].to_string(), cutoffs), psp)
    };
    let of = |hidden: &str, dropout: &str, cutoffs: &[u64]| (hidden.to_owned(), dropout.to_owned(), cutoffs.to_vec());
    let (settings, in_file) = train("--config lists.toml");
    assert_eq!(settings, of("[16]", "[0.2,0.3]", &[1, 2]));
    let all = "--hidden 8 --dropout 0.1,0 --at 1,3,7 --propensity 0.55,1.5";
    let (settings, replaced) = train(&format!("--config lists.toml {all}"));
    assert_eq!(settings, of("[8]", "[0.1,0.0]", &[1, 3, 7]));
    let (without, alone) = train(all);
    assert_eq!((without, alone), (settings, replaced));
    assert_ne!(in_file, replaced);
    let (settings, _) = train("--config lists.toml --hidden 8 --hidden 12,10 --at 1 --at 9,4");
    assert_eq!(settings, of("[12,10]", "[0.2,0.3]", &[4, 9]));
    let layers = stdout(&folder.slide("info m.slide").assert().success());
    assert!(layers.contains("60 -> 12 -> 10 -> 30"), "{layers}");
}

#[test]
fn held_out_examples_are_the_same_for_the_same_seed() {
    let folder = Folder::new();
    let trained = |words: &str| json(&folder.train("m.slide", &format!("--json {words}")).success());
    let (first, again) = (trained("--valid 0.25"), trained("--valid 0.25"));
    assert_eq!((&first["examples"], &first["metrics"]["examples"]), (&300.into(), &100.into()));
    assert_eq!(first["metrics"], again["metrics"]);
    assert_ne!(first["metrics"], trained("--valid 0.25 --seed 8")["metrics"]);
    folder.slide("train train.txt -o m.slide --valid 1.5").assert().code(2).stderr(predicate::str::contains("--valid"));
    for (share, what) in [("0.001", "holds out none"), ("0.999", "leaves none to train on")] {
        let said = stderr(&folder.slide(&format!("train train.txt -q -o n.slide --valid {share}")).assert().code(2));
        assert_eq!(said, format!("error: --valid: a share of {share} {what} of the 400 examples of train.txt\n"));
    }
    assert!(!folder.path("n.slide").exists());
}

#[test]
fn a_test_file_and_a_held_out_share_are_not_given_together() {
    let folder = Folder::new();
    folder.write("test.toml", "test = \"test.txt\"\n");
    folder.write("valid.toml", "valid = 0.1\n");
    for words in [
        "--test does-not-exist.txt --valid 0.1",
        "--valid 0.1 --test test.txt",
        "--config test.toml --valid 0.1",
        "--config valid.toml --test test.txt",
    ] {
        let said = stderr(&folder.slide(&format!("train train.txt -q -o m.slide {words}")).assert().code(2));
        assert!(said.contains("'--test <FILE>'") && said.contains("'--valid <SHARE>'"), "{words}: {said}");
        assert!(said.contains("cannot be used with"), "{words}: {said}");
    }
    assert!(!folder.path("m.slide").exists());
}

#[test]
fn the_log_is_a_json_object_a_line() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 2 --test test.txt --eval-every 1 --log run.jsonl --log-every 10").success();
    let log = folder.text("run.jsonl");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    let expected = ["start", "batch", "batch", "epoch", "metrics", "batch", "batch", "batch", "epoch", "end"];
    assert_eq!(events, expected);
    assert_eq!(
        (&lines[0]["config"]["optimizer"]["epochs"], &lines[0]["config"]["optimizer"]["beta1"]),
        (&2.into(), &0.9.into())
    );
    let batch = &lines[2];
    assert_eq!((&batch["step"], &batch["epoch"]), (&20.into(), &1.into()));
    for figure in ["loss", "learning_rate", "examples_per_second", "active_per_example", "rows_touched", "seconds"] {
        assert!(batch[figure].as_f64().unwrap() > 0.0, "{batch}");
    }
    for phase in ["hidden", "logits", "loss", "backward", "update_output", "update_hidden", "update_input"] {
        let seconds = |line: &serde_json::Value| line["phase_seconds"][phase].as_f64().unwrap();
        // Those of a line are of all batches so far.
        assert!(0.0 < seconds(batch) && seconds(batch) < seconds(&lines[9]), "{phase}: {batch}, {}", lines[9]);
    }
}

#[test]
fn the_log_and_the_summary_say_where_active_rows_come_from() {
    let folder = Folder::new();
    let words = "--model network --sampler vanilla --loss softmax --hash-bits 4 --active 30 --epochs 1";
    let summary = json(&folder.train("m.slide", &format!("--json {words} --log run.jsonl --log-every 1")).success());
    let log = folder.text("run.jsonl");
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let batches: Vec<_> = lines.filter(|line| line["event"] == "batch").collect();
    for (line, [all, hashed, random]) in batches
        .iter()
        .map(|line| (line, ["active", "hashed", "random"].map(|name| format!("{name}_per_example"))))
        .chain([(&summary["active_rows"], ["all", "hashed", "random"].map(String::from))])
    {
        let [all, hashed, random] = [all, hashed, random].map(|name| line[name].as_f64().unwrap());
        assert!(hashed + random > 0.0 && hashed >= 0.0 && random >= 0.0 && hashed + random <= all, "{line}");
    }
    let text = folder.train("m.slide", words).success();
    text.stdout(predicate::str::contains("found by hashing"));
    let shared = json(&folder.train("m.slide", "--json --model network --epochs 1").success());
    assert!(shared.get("active_rows").is_none(), "{shared}");
}

#[test]
fn the_log_has_a_line_for_each_round_of_the_linear_part() {
    let folder = Folder::new();
    for (parts, before) in [("both", vec!["start", "batch", "epoch"]), ("linear", vec!["start"])] {
        folder
            .train("m.slide", &format!("--model {parts} --epochs 1 --mining-rounds 2 --log run.jsonl --log-every 20"))
            .success();
        let log = folder.text("run.jsonl");
        let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, [&before[..], &["linear", "linear", "linear", "end"]].concat());
        for (round, line) in lines[before.len()..before.len() + 3].iter().enumerate() {
            assert_eq!((&line["round"], &line["rounds"]), (&(round + 1).into(), &3.into()), "{line}");
            for figure in ["pairs", "weights", "seconds"] {
                assert!(line[figure].as_f64().unwrap() > 0.0, "{line}");
            }
        }
        let end = lines.last().unwrap();
        assert_eq!(end["linear_weights"], lines[lines.len() - 2]["weights"]);
    }
    let words = format!("train train.txt -o m.slide {} --model both --mining-rounds 2", common::SMALL);
    let said = stderr(&folder.slide(&words).assert().success());
    for words in ["epoch 8/8  loss ", "linear part, round 1/3  ", "linear part, round 3/3  ", " pairs, ", " weights"] {
        assert!(said.contains(words), "{words} in\n{said}");
    }
}

#[test]
fn progress_goes_to_standard_error_unless_quiet() {
    let folder = Folder::new();
    let words = format!("train train.txt -o m.slide {}", common::SMALL);
    let said = stderr(&folder.slide(&words).assert().success());
    assert!(said.contains("epoch 8/8  loss ") && said.contains("examples/s"), "{said}");
    folder.slide(&format!("{words} -q")).assert().success().stderr("").stdout(predicate::str::contains("examples/s"));
}

/// Trains with files of at most so many blocks, which a shell counts in 512 or 1024 bytes: the nearest to a full disk that any
/// user can have.
#[cfg(target_os = "linux")]
fn train_within(blocks: u32, folder: &Folder, words: &str) -> assert_cmd::assert::Assert {
    let mut command = assert_cmd::Command::new("sh");
    let script = format!("ulimit -f {blocks}; exec \"$@\"");
    command.current_dir(folder.path(".")).args(["-c", &script, "sh"]).arg(assert_cmd::cargo::cargo_bin!("slide"));
    command.args(format!("train train.txt -o m.slide {} {words}", common::SMALL).split_whitespace()).assert()
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_without_room_for_the_model_shows_before_training() {
    let folder = Folder::new();
    let said = stderr(&train_within(4, &folder, "").code(1));
    assert!(
        said.contains("cannot write m.slide: its folder has no space for 1 MiB\n  because: File too large"),
        "{said}"
    );
    assert!(!said.contains("epoch") && !folder.path("m.slide").exists(), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_checkpoint_that_finds_no_room_does_not_end_training() {
    let folder = Folder::new();
    let said = stderr(&train_within(18, &folder, "--quiet --checkpoint-every 30").success());
    let warning = "warning: cannot write the checkpoint\n  because: m.slide.checkpoint: File too large (os error 27)\n";
    assert_eq!(said, warning.repeat(6));
    assert!(folder.path("m.slide").exists() && !folder.path("m.slide.checkpoint").exists());
}

#[test]
fn labels_are_retrieved_from_the_tables_of_a_model() {
    let folder = Folder::new();
    folder.train("plain.slide", "").success();
    let said = stderr(&folder.slide("eval plain.slide test.txt --retrieval lsh").assert().code(1));
    assert!(said.contains("the model has no hash tables"), "{said}");
    for settings in ["--sampler vanilla --hash-bits 3 --tables 12", "--hash-bits 3 --tables 12"] {
        folder.train("m.slide", settings).success();
        let precision = |retrieval: &str| {
            let words = format!("eval m.slide test.txt --json --retrieval {retrieval}");
            json(&folder.slide(&words).assert().success())["metrics"]["at"][0]["precision"].as_f64().unwrap()
        };
        let (exact, lsh) = (precision("exact"), precision("lsh"));
        assert!(exact > 0.8 && lsh > 0.8 * exact, "{settings}: {exact} {lsh}");
        let lines = stdout(&folder.slide("predict m.slide test.txt --retrieval lsh").assert().success());
        assert_eq!(lines.lines().count(), 100);
        folder.train("both.slide", &format!("{settings} --model both")).success();
        for retrieval in ["auto", "exact", "linear", "lsh"] {
            let words = format!("eval both.slide test.txt --json --retrieval {retrieval}");
            let evaluated = json(&folder.slide(&words).assert().success());
            let precision = evaluated["metrics"]["at"][0]["precision"].as_f64().unwrap();
            assert!(precision > 0.9, "{settings}, {retrieval}: {precision}");
        }
    }
}

#[test]
fn every_optimizer_learns() {
    let folder = Folder::new();
    for (optimizer, rate) in [("adam", 0.02), ("adamw", 0.02), ("sgd", 0.02), ("adagrad", 0.2)] {
        let words = format!("--optimizer {optimizer} --learning-rate {rate} --test test.txt --json");
        let trained = json(&folder.train("m.slide", &words).success());
        let precision = trained["metrics"]["at"][0]["precision"].as_f64().unwrap();
        assert!(precision > 0.8, "{optimizer}: {precision}");
    }
}

#[test]
fn help_has_an_example_and_the_true_defaults() {
    for verb in
        ["train", "eval", "predict", "export", "info", "data", "data stats", "data convert", "data synth", "demo"]
    {
        let help = stdout(&common::slide().args(verb.split(' ')).arg("--help").assert().success());
        assert!(
            help.contains(&format!("  slide {verb} ")) || help.contains(&format!("Example: slide {verb}")),
            "{help}"
        );
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
    let help = stdout(&common::slide().args(["train", "-h"]).assert().success());
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for default in [
        "[default: 256]",
        "[default: 0.005]",
        "[default: bce, but softmax if nearly all labels are rare]",
        "[default: both]",
        "[default: 8, or as --budget allows]",
        "[default: 200]",
        "[default: half of --active]",
    ] {
        assert!(help.contains(default), "{default} in\n{help}");
    }
}

#[test]
fn tuned_settings_are_those_of_training() {
    let folder = Folder::new();
    let config =
        |model: &str| json(&folder.slide(&format!("info {model} --json")).assert().success())["config"].clone();
    folder.slide("tune train.txt --budget 3 -o tuned.toml -q").assert().success();
    folder.slide("train train.txt -q --hidden 8 --config tuned.toml -o tuned.slide").assert().success();
    folder.slide("train train.txt -q --hidden 8 --budget 3 -o plain.slide").assert().success();
    assert_eq!(config("tuned.slide"), config("plain.slide"));
    let printed = folder.slide("tune train.txt --budget 3 -q").assert().success();
    assert_eq!(String::from_utf8(printed.get_output().stdout.clone()).unwrap(), folder.text("tuned.toml"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name: &str| std::fs::metadata(folder.path(name)).unwrap().permissions().mode();
        assert_eq!(mode("tuned.toml"), mode("plain.slide"), "others may read it as they may a model");
    }
    folder.slide("tune train.txt -o train.txt").assert().code(2);
}

#[test]
fn a_quantized_model_is_smaller_and_predicts() {
    let folder = Folder::new();
    folder.slide("train train.txt -q --hidden 64 -o whole.slide").assert().success();
    folder.slide("train train.txt -q --hidden 64 --quantize -o half.slide").assert().success();
    let info = json(&folder.slide("info half.slide --json").assert().success());
    assert_eq!(info["config"]["network"]["precision"], "bf16");
    assert!(3 * folder.read("half.slide").len() < 2 * folder.read("whole.slide").len());
    let precision = |model: &str| {
        let report = json(&folder.slide(&format!("eval {model} test.txt --json -q")).assert().success());
        report["metrics"]["at"][0]["precision"].as_f64().unwrap()
    };
    assert!((precision("half.slide") - precision("whole.slide")).abs() < 0.02);
}

#[test]
fn each_part_is_measured_alone() {
    let folder = Folder::new();
    folder.slide("train train.txt -q --hidden 8 -o m.slide").assert().success();
    let report = json(&folder.slide("eval m.slide test.txt --parts --json -q").assert().success());
    let parts = report["parts"].as_array().unwrap();
    let names: Vec<&str> = parts.iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(names, ["network", "linear"]);
    assert!(parts.iter().all(|part| part["metrics"]["at"][0]["precision"].as_f64().unwrap() > 0.1));
    assert!(report["calibration_error"].as_f64().unwrap() < 1.0);
    folder.train("network.slide", "").success();
    let failed = folder.slide("eval network.slide test.txt --parts").assert().failure();
    let said = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(said.contains("the model has no linear part"), "{said}");
}
