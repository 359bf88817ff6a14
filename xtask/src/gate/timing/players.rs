//! A process that waits for its turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{Running, start_on_one_core};

/// A program that reads numbers of calls and answers the nanoseconds they took.
pub(super) struct Player {
    pub(super) program: PathBuf,
    process: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Player {
    pub(super) fn start(program: &Path, arguments: &[String], errors: Stdio) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut process = start_on_one_core(&mut command)?;
        let (input, output) = (process.stdin.take().context("a pipe")?, process.stdout.take().context("a pipe")?);
        Ok(Self { program: program.to_owned(), process: Running(process), input, output: BufReader::new(output) })
    }

    /// The nanoseconds of so many calls; 0 if the clock has not moved on during a few of them.
    pub(super) fn turn(&mut self, calls: u64) -> Result<f64> {
        let mut line = String::new();
        // What ends before it has read is noticed below.
        let _ = writeln!(self.input, "{calls}");
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            let status = self.process.0.wait()?;
            bail!("{} takes no turns: it ended with {status}", self.program.display());
        }
        let nanoseconds: f64 =
            line.trim().parse().ok().filter(|&time| time >= 0.0).with_context(|| {
                format!("{} answered `{}` instead of nanoseconds", self.program.display(), line.trim())
            })?;
        Ok(nanoseconds)
    }

    /// How many calls take about so long; the caches are warm then.
    pub(super) fn calls_of(&mut self, turn: Duration) -> Result<u64> {
        let turn = turn.as_nanos() as f64;
        let mut calls = 1;
        loop {
            let time = self.turn(calls)?;
            if time > turn / 2.0 {
                return Ok(((calls as f64 * turn / time) as u64).max(1));
            }
            calls *= 2;
            ensure!(calls < 1 << 40, "{} does nothing in {calls} calls", self.program.display());
        }
    }
}
