//! One system on one set: it trains, it predicts, and its predictions are evaluated.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::environment::Environment;
use super::evaluate::{self, BEST};
use super::measure::{Usage, measured};
use super::record::{Measured, Outcome, Run};
use super::sets::Set;
use super::system::System;
use crate::workspace;

/// Test examples that are also predicted one by one, at most.
const SINGLE: usize = 500;

/// What is needed to run a system.
pub(crate) struct Ground<'a> {
    pub(crate) environment: &'a Environment,
    /// The program.
    pub(crate) slide: PathBuf,
    /// The program that measures predictions of slide.
    pub(crate) prediction_time: PathBuf,
    /// Where models and predictions lie as long as they are needed.
    pub(crate) folder: PathBuf,
}

/// What `peers.py train` reports.
#[derive(Deserialize)]
struct Started {
    start_seconds: f64,
}

/// What `peers.py predict` and the example `prediction_time` report.
#[derive(Deserialize)]
struct Times {
    batch_microseconds: Option<f64>,
    single_microseconds: f64,
}

impl Ground<'_> {
    /// A system that fails is a result too.
    pub(crate) fn run(&self, system: System, set: &Set, round: u32) -> Run {
        let mut commands = Vec::new();
        let outcome = match self.attempt(system, set, &mut commands) {
            Ok(measured) => Outcome::Measured(measured),
            Err(error) => {
                let reason = format!("{error:#}");
                eprintln!("versus: {}: {}: {reason}", set.name, system.name());
                Outcome::Failed(reason)
            }
        };
        Run { system, round, commands, outcome }
    }

    fn attempt(&self, system: System, set: &Set, commands: &mut Vec<String>) -> Result<Measured> {
        let folder = self.folder.join(format!("{}-{}", set.name, system.name()));
        remove(&folder)?;
        let model = folder.join("model");
        fs::create_dir_all(&model).with_context(|| format!("cannot make {}", model.display()))?;
        let files = Files {
            predictions: folder.join("predictions"),
            report: folder.join("report.json"),
            log: folder.join("log"),
            model,
        };
        let say = |doing: &str| eprintln!("versus: {}: {}: {doing}", set.name, system.name());
        say("training");
        let (usage, start_seconds) = self.train(system, set, &files, commands).context("training")?;
        let model_bytes = bytes(&files.model)?;
        say("predicting");
        let (prediction_peak_bytes, times) = self.predict(system, set, &files, commands).context("predicting")?;
        let text = fs::read_to_string(&files.predictions).context("cannot read the predictions")?;
        let predictions = evaluate::parse(&text, set.size.labels).context("the predictions")?;
        let inverse = evaluate::inverse_propensities(&set.frequencies, set.size.train_examples);
        let metrics = evaluate::evaluate(&predictions, &set.truth, &inverse)?;
        // Models of large sets would fill the disk.
        remove(&folder)?;
        Ok(Measured {
            metrics,
            cpu_seconds: usage.cpu_seconds - start_seconds,
            start_seconds,
            wall_seconds: usage.wall_seconds,
            peak_bytes: usage.peak_bytes,
            prediction_peak_bytes,
            model_bytes,
            batch_microseconds: times.batch_microseconds,
            single_microseconds: times.single_microseconds,
        })
    }

    /// Also returns the seconds of processor time before anything was read.
    fn train(&self, system: System, set: &Set, files: &Files, commands: &mut Vec<String>) -> Result<(Usage, f64)> {
        if system == System::Slide {
            let model = files.slide_model();
            let words = [self.slide.as_os_str(), "train".as_ref(), set.train.as_ref(), "-o".as_ref(), model.as_ref()];
            let command = [&words[..], &["--threads", "1", "--quiet"].map(OsStr::new)].concat();
            return Ok((self.measured(&owned(&command), None, files, commands)?, 0.0));
        }
        let command = self.environment.ask(system.name(), "train", &[&set.train, &files.model, &files.report]);
        let usage = self.measured(&command, None, files, commands)?;
        Ok((usage, workspace::read_json::<Started>(&files.report)?.start_seconds))
    }

    fn predict(&self, system: System, set: &Set, files: &Files, commands: &mut Vec<String>) -> Result<(u64, Times)> {
        let single = SINGLE.to_string();
        if system == System::Slide {
            let (model, best) = (files.slide_model(), BEST.to_string());
            let words = [self.slide.as_os_str(), "predict".as_ref(), model.as_ref(), set.test.as_ref()];
            let command = [&words[..], &["--threads", "1", "--quiet", "--top", &best].map(OsStr::new)].concat();
            let usage = self.measured(&owned(&command), Some(&files.predictions), files, commands)?;
            let command =
                [self.prediction_time.as_os_str(), model.as_ref(), set.test.as_ref(), single.as_str().as_ref()];
            self.measured(&owned(&command), Some(&files.report), files, commands)?;
            return Ok((usage.peak_bytes, workspace::read_json(&files.report)?));
        }
        let paths = [&files.model, &set.test, &files.predictions, Path::new(&single), &files.report];
        let usage = self.measured(&self.environment.ask(system.name(), "predict", &paths), None, files, commands)?;
        Ok((usage.peak_bytes, workspace::read_json(&files.report)?))
    }

    /// Standard output that is not asked for goes nowhere, at no cost: some systems draw progress there.
    fn measured(
        &self,
        command: &[OsString],
        output: Option<&Path>,
        files: &Files,
        commands: &mut Vec<String>,
    ) -> Result<Usage> {
        commands.push(shown(command));
        measured(self.environment, command, output.unwrap_or(Path::new("/dev/null")), &files.log)
    }
}

struct Files {
    /// A folder.
    model: PathBuf,
    predictions: PathBuf,
    report: PathBuf,
    log: PathBuf,
}

impl Files {
    fn slide_model(&self) -> PathBuf {
        self.model.join("model.slide")
    }
}

fn owned(words: &[&OsStr]) -> Vec<OsString> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// A command with paths from the workspace's root: where that lies is nobody's business.
fn shown(command: &[OsString]) -> String {
    let root = workspace::root();
    let word = |word: &OsString| {
        let path = Path::new(word);
        path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned()
    };
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The files of a folder and of those in it.
fn bytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        sum += if path.is_dir() { bytes(&path)? } else { path.metadata()?.len() };
    }
    Ok(sum)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_all_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("a"), "123").unwrap();
        fs::write(folder.path().join("inner/b"), "4567").unwrap();
        assert_eq!(bytes(folder.path()).unwrap(), 7);
        remove(folder.path()).unwrap();
        remove(folder.path()).unwrap();
    }

    #[test]
    fn commands_do_not_say_where_the_workspace_lies() {
        let command = [workspace::root().join("target/release/slide").into_os_string(), "train".into()];
        assert_eq!(shown(&command), "target/release/slide train");
    }
}
