//! What the tests of the whole program share: the program, and a small data set that it can learn.
#![allow(dead_code, reason = "every test file uses a part of it")]

pub(crate) mod server;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

pub(crate) const FEATURES: usize = 60;
pub(crate) const LABELS: usize = 30;

/// The program, with nothing of the caller's environment that changes what it does.
pub(crate) fn slide() -> Command {
    let mut command = Command::from(std_slide());
    command.timeout(std::time::Duration::from_secs(300));
    command
}

/// The same for what `assert_cmd` cannot do: signals, pipes.
pub(crate) fn std_slide() -> std::process::Command {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("slide"));
    command.env_remove("SLIDE_ISA");
    command
}

/// A name that is not UTF-8.
#[cfg(unix)]
pub(crate) fn odd(name: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec([b"\xff", name].concat())
}

/// An argument; of `?NAME` the name that is [odd].
#[cfg(unix)]
pub(crate) fn word(word: &str) -> OsString {
    word.strip_prefix('?').map_or_else(|| word.into(), |name| odd(name.as_bytes()))
}

/// A folder with `train.txt` and `test.txt` in the XMC format, gone when dropped.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("train.txt", examples(400, 1));
        folder.write("test.txt", examples(100, 2));
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// `slide WORDS`, run in this folder.
    pub(crate) fn slide(&self, words: &str) -> Command {
        let mut command = slide();
        command.current_dir(self.0.path()).args(words.split_whitespace());
        command
    }

    /// Trains a small network as quickly as is of use; `words` are further options.
    pub(crate) fn train(&self, model: &str, words: &str) -> Assert {
        self.slide(&format!("train train.txt -q -o {model} {SMALL} {words}")).assert()
    }
}

/// Options for a network that learns the small data set quickly.
pub(crate) const SMALL: &str = "--model network --loss bce --hidden 16 --epochs 8 --batch-size 16 --learning-rate 0.02 --active 5 --dropout 0.1,0.3";

/// An example has one or two labels, the two features of each of them, and a random feature.
fn examples(count: u32, seed: u32) -> String {
    let mut state = seed;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut text = format!("{count} {FEATURES} {LABELS}\n");
    for _ in 0..count {
        let mut labels = vec![next(LABELS), next(LABELS)];
        labels.truncate(1 + next(2));
        let mut features: Vec<usize> = labels.iter().flat_map(|label| [2 * label, 2 * label + 1]).collect();
        features.push(next(FEATURES));
        for numbers in [&mut labels, &mut features] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        let labels: Vec<String> = labels.iter().map(usize::to_string).collect();
        let _ = write!(text, "{}", labels.join(","));
        for feature in features {
            let _ = write!(text, " {feature}:{}", 1 + feature % 3);
        }
        text.push('\n');
    }
    text
}

/// Standard error as text.
pub(crate) fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// Standard output as text.
pub(crate) fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// Standard output as JSON.
pub(crate) fn json(assert: &Assert) -> serde_json::Value {
    serde_json::from_slice(&assert.get_output().stdout).expect("JSON on standard output")
}

/// The instruction sets of this machine.
pub(crate) fn instruction_sets() -> Vec<String> {
    let info = json(&slide().args(["info", "--json"]).assert().success());
    let names = info["isa"]["available"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}
