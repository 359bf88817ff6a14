//! Trainings that are cut off, by `kill -9` or by Ctrl-C, and continue to the same result.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Folder, SMALL, json, std_slide};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::prelude::*;

/// More batches than a pipe holds lines of log.
const LONG: &str = "--epochs 60 --sampler vanilla --hash-bits 4 --tables 6 --rebuild constant:10 --threads 1";

/// A training that writes a line of log a batch to a pipe: so it goes no further than its reader lets it.
struct Training {
    child: Child,
    log: BufReader<File>,
}

impl Training {
    fn start(folder: &Folder, words: &str) -> Self {
        Self::start_by(folder, words, &[])
    }

    /// The same by way of another program.
    fn start_by(folder: &Folder, words: &str, starter: &[&str]) -> Self {
        let pipe = folder.path("log");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let words = format!("train train.txt -q -o cut.slide {SMALL} {LONG} --log log --log-every 1 {words}");
        let mut command = std_slide();
        if let [program, arguments @ ..] = starter {
            let slide = std::mem::replace(&mut command, Command::new(program));
            command.args(arguments).arg(slide.get_program());
        }
        command.current_dir(folder.path(".")).args(words.split_whitespace());
        let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let log = File::open(pipe).unwrap();
        // Where pages have 64 KiB, a pipe would hold the whole log.
        fcntl(&log, FcntlArg::F_SETPIPE_SZ(64 << 10)).unwrap();
        Self { child, log: BufReader::new(log) }
    }

    fn read_until_step(&mut self, step: u64) {
        self.read_until("step", step);
    }

    /// Reads the log up to the line that has this number.
    fn read_until(&mut self, field: &str, number: u64) {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the training ended before {field} {number}");
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            if event[field] == number {
                return;
            }
        }
    }

    fn interrupt(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Reads the rest of the log and returns how the program ended, and its standard error.
    fn end(mut self) -> (std::process::ExitStatus, String) {
        std::io::copy(&mut self.log, &mut std::io::sink()).unwrap();
        let output = self.child.wait_with_output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    /// Waits until the pipe is full and the program blocked.
    fn wait_until_blocked(&self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        let mut asleep = 0;
        while asleep < 20 {
            let text = std::fs::read_to_string(&stat).unwrap();
            assert!(!text.contains(") Z "), "the training has ended");
            asleep = if text.contains(") S ") { asleep + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn finish(folder: &Folder, checkpoint: &str, words: &str) {
    let resumed = folder.slide(&format!("train train.txt -q --json -o cut.slide --resume {checkpoint}")).assert();
    let whole = folder.train("whole.slide", &format!("{LONG} {words} --json"));
    assert_eq!(json(&resumed.success())["step"], json(&whole.success())["step"]);
    assert!(folder.read("cut.slide") == folder.read("whole.slide"), "the resumed run gave another model");
}

#[test]
fn killed_in_mid_epoch() {
    let folder = Folder::new();
    let mut training = Training::start(&folder, "--checkpoint-every 7");
    training.read_until_step(40);
    training.child.kill().unwrap();
    assert_eq!(training.child.wait().unwrap().signal(), Some(9));
    assert!(!folder.path("cut.slide").exists());
    let info = json(&folder.slide("info cut.slide.checkpoint --json").assert().success());
    let step = info["step"].as_u64().unwrap();
    assert!(step >= 35 && step.is_multiple_of(7) && step < 1500, "{step}");
    finish(&folder, "cut.slide.checkpoint", "");
}

#[test]
fn interrupted_by_control_c() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let folder = Folder::new();
        let mut training = Training::start(&folder, "--checkpoint here.ckpt");
        training.read_until_step(30);
        training.interrupt(signal);
        let (status, said) = training.end();
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(said.contains("checkpoint: here.ckpt"), "{said}");
        assert!(!folder.path("cut.slide").exists());
        finish(&folder, "here.ckpt", "");
    }
}

/// As with `nohup`.
#[test]
fn a_hangup_that_is_ignored_does_not_end_the_training() {
    let folder = Folder::new();
    let mut training = Training::start_by(&folder, "", &["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]);
    training.read_until_step(30);
    training.interrupt(Signal::SIGHUP);
    let (status, said) = training.end();
    assert!(status.success(), "{said}");
    assert!(folder.path("cut.slide").exists() && !folder.path("cut.slide.checkpoint").exists());
}

/// As when a terminal is closed.
#[test]
fn a_hangup_after_which_nobody_reads_what_is_said() {
    let folder = Folder::new();
    let mut training = Training::start(&folder, "");
    training.read_until_step(30);
    drop(training.child.stderr.take());
    training.interrupt(Signal::SIGHUP);
    let (status, _) = training.end();
    assert_eq!(status.code(), Some(130));
    finish(&folder, "cut.slide.checkpoint", "");
}

#[test]
fn interrupted_in_the_linear_part() {
    // More rounds than a pipe holds lines of log.
    for (words, step) in
        [("--model both --epochs 2 --mining-rounds 1000", 2 * 24), ("--model linear --mining-rounds 1000", 0)]
    {
        let folder = Folder::new();
        let mut training = Training::start(&folder, words);
        training.read_until("round", 4);
        training.interrupt(Signal::SIGINT);
        let (status, said) = training.end();
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(said.contains("checkpoint: cut.slide.checkpoint"), "{said}");
        assert!(!folder.path("cut.slide").exists());
        let info = json(&folder.slide("info cut.slide.checkpoint --json").assert().success());
        assert_eq!((&info["step"], &info["resumable"]), (&step.into(), &true.into()));
        finish(&folder, "cut.slide.checkpoint", words);
    }
}

#[test]
fn a_second_control_c_ends_at_once() {
    let folder = Folder::new();
    let mut training = Training::start(&folder, "");
    training.wait_until_blocked();
    training.interrupt(Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(training.child.try_wait().unwrap().is_none(), "the first one waits for the end of the batch");
    training.interrupt(Signal::SIGINT);
    // The log is not read: only an end at once ends it.
    assert_eq!(training.child.wait().unwrap().code(), Some(130));
    assert!(!folder.path("cut.slide.checkpoint").exists());
}

#[test]
fn a_resumed_run_has_the_settings_and_the_data_of_its_checkpoint() {
    let folder = Folder::new();
    folder.train("m.slide", "--checkpoint-every 30 --keep-checkpoint --epochs 2 --log run.jsonl").success();
    let resume = "train train.txt -q -o again.slide --resume m.slide.checkpoint";
    folder.slide(&format!("{resume} --epochs 2 --batch-size 16 --log run.jsonl")).assert().success();
    assert_eq!(folder.read("again.slide"), folder.read("m.slide"));
    assert_eq!(folder.text("run.jsonl").matches("\"event\":\"start\"").count(), 2, "the log goes on");

    let other = folder.slide(&format!("{resume} --batch-size 32")).assert().code(2);
    other.stderr(predicate::str::contains("--batch-size: the checkpoint was trained with 16, not 32"));
    let weights = folder.slide("train train.txt -q -o again.slide --resume m.slide").assert().code(1);
    weights.stderr(predicate::str::contains("no complete training state"));
    let data = folder.slide("train test.txt -q -o again.slide --resume m.slide.checkpoint").assert().code(1);
    data.stderr(predicate::str::contains("400 examples, these have 100"));
}

#[test]
fn a_checkpoint_and_a_finished_model_are_trained_for_more_epochs() {
    let folder = Folder::new();
    let words = "--checkpoint-every 30 --keep-checkpoint --epochs 2 --test test.txt --json";
    let before = json(&folder.train("m.slide", words).success())["metrics"]["at"][0]["precision"].as_f64().unwrap();
    let resume =
        |words: &str| folder.slide(&format!("train train.txt -q --json -o longer.slide --resume {words}")).assert();
    for from in ["m.slide.checkpoint", "m.slide"] {
        let log = format!("{from}.jsonl");
        let trained = json(&resume(&format!("{from} --epochs 5 --test test.txt --log {log} --log-every 1")).success());
        assert_eq!(trained["step"], 5 * 25);
        let precision = trained["metrics"]["at"][0]["precision"].as_f64().unwrap();
        assert!(precision > before + 0.1, "{precision} after {before}");
        let info = json(&folder.slide("info longer.slide --json").assert().success());
        assert_eq!((&info["epoch"], &info["config"]["optimizer"]["epochs"]), (&5.into(), &5.into()));
        let lines = folder.text(&log);
        let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let rate = |step: u64| {
            let line = lines.iter().find(|line| line["event"] == "batch" && line["step"] == step).unwrap();
            line["learning_rate"].as_f64().unwrap()
        };
        // The linear schedule of 125 batches, of which 6 warm up; or that of the last 75, of which 4 warm up.
        let expected = if from == "m.slide" { 0.02 / 4.0 } else { 0.02 * (1.0 - (50.0 - 6.0) / (125.0 - 6.0)) };
        assert!((rate(51) - expected).abs() < 1e-6, "{from}: {} instead of {expected}", rate(51));
        assert!(rate(125) < 0.001, "{from}: it falls to 0");
    }
    resume("m.slide --epochs 2").code(1).stderr(predicate::str::contains("can only be trained for more epochs"));
    resume("m.slide --epochs 1")
        .code(2)
        .stderr(predicate::str::contains("--epochs: the checkpoint was trained with 2, not 1"));
    folder.train("linear.slide", "--model linear").success();
    resume("linear.slide --epochs 20").code(1).stderr(predicate::str::contains("no network"));
}
