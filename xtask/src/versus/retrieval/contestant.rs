//! A process that has built what it searches with, and answers all queries whenever it is its turn.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::measure::THREADS;
use crate::process::{Running, start_on_one_core};

/// A way to search that is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Built {
    pub(super) method: String,
    /// Of the processor.
    pub(super) build_seconds: f64,
    /// Without the vectors themselves.
    pub(super) bytes_per_label: f64,
}

/// What a round has found of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Round {
    method: String,
    /// Of a query: the median, and
    pub(super) microseconds: f64,
    /// the 99th percentile.
    pub(super) microseconds_99th: f64,
}

pub(super) struct Contestant {
    name: String,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// What it says of errors.
    log: PathBuf,
    built: Vec<Built>,
    _process: Running,
}

impl Contestant {
    /// Starts a command on one core, and waits until it is ready.
    pub(super) fn start(name: &str, command: &[OsString], folder: &Path) -> Result<Self> {
        let log = folder.join(format!("log-{name}"));
        let mut process = Command::new(&command[0]);
        process.args(&command[1..]).envs(THREADS.map(|variable| (variable, "1")));
        process.stdin(Stdio::piped()).stdout(Stdio::piped());
        process.stderr(File::create(&log).with_context(|| format!("cannot make {}", log.display()))?);
        let mut process = Running(start_on_one_core(&mut process)?);
        let input = process.0.stdin.take().context("no input")?;
        let output = BufReader::new(process.0.stdout.take().context("no output")?);
        let mut contestant = Self { name: name.to_owned(), input, output, log, built: Vec::new(), _process: process };
        contestant.built = contestant.read_until("ready")?;
        Ok(contestant)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn built(&self) -> &[Built] {
        &self.built
    }

    /// Lets it answer all queries by each of its methods.
    pub(super) fn round(&mut self) -> Result<Vec<Round>> {
        // A process that has ended is found out when its output ends.
        let _ = self.input.write_all(b"round\n");
        let rounds: Vec<Round> = self.read_until("done")?;
        let is_same = |(built, round): (&Built, &Round)| built.method == round.method;
        ensure!(
            rounds.len() == self.built.len() && self.built.iter().zip(&rounds).all(is_same),
            "{}: other methods than were built",
            self.name
        );
        Ok(rounds)
    }

    /// Lines of JSON up to this one; what libraries print besides is passed over.
    fn read_until<T: DeserializeOwned>(&mut self, end: &str) -> Result<Vec<T>> {
        let mut found = Vec::new();
        let mut line = String::new();
        while self.output.read_line(&mut line).context("cannot read what it says")? > 0 {
            if line.trim_end() == end {
                return Ok(found);
            }
            if line.starts_with('{') {
                found.push(serde_json::from_str(&line).with_context(|| format!("{}: {line}", self.name))?);
            }
            line.clear();
        }
        let log = fs::read(&self.log).unwrap_or_default();
        bail!("{} ends: {}", self.name, String::from_utf8_lossy(&log).trim_end().lines().last().unwrap_or_default())
    }
}
