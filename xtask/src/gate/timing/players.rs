//! A process that waits for its turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

/// A program that reads numbers of calls and answers the nanoseconds they took.
pub(super) struct Player {
    pub(super) program: PathBuf,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Player {
    pub(super) fn start(program: &Path, arguments: &[String], errors: Stdio) -> Result<Self> {
        let mut command = Command::new(program);
        let mut process = start(command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors))?;
        let (input, output) = (process.stdin.take().context("a pipe")?, process.stdout.take().context("a pipe")?);
        Ok(Self { program: program.to_owned(), process, input, output: BufReader::new(output) })
    }

    /// The nanoseconds of so many calls; 0 if the clock has not moved on during a few of them.
    pub(super) fn turn(&mut self, calls: u64) -> Result<f64> {
        let mut line = String::new();
        // What ends before it has read is noticed below.
        let _ = writeln!(self.input, "{calls}");
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            let status = self.process.wait()?;
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

impl Drop for Player {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a process on the core that all of them share, on which they never run at the same time. It is bound from its first
/// instruction on, so its memory is that core's.
pub(super) fn start(command: &mut Command) -> Result<Child> {
    let bound = Bound::to_one_core()?;
    let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()));
    bound.release()?;
    child
}

/// This thread, bound to the last core that it may use.
#[cfg(target_os = "linux")]
struct Bound(nix::sched::CpuSet);

#[cfg(target_os = "linux")]
impl Bound {
    fn to_one_core() -> Result<Self> {
        use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};

        let allowed = sched_getaffinity(THIS_THREAD)?;
        let last = (0..CpuSet::count()).rev().find(|&core| allowed.is_set(core).unwrap_or(false));
        let mut one = CpuSet::new();
        one.set(last.context("no core is allowed")?)?;
        sched_setaffinity(THIS_THREAD, &one)?;
        Ok(Self(allowed))
    }

    fn release(self) -> Result<()> {
        Ok(nix::sched::sched_setaffinity(THIS_THREAD, &self.0)?)
    }
}

#[cfg(target_os = "linux")]
const THIS_THREAD: nix::unistd::Pid = nix::unistd::Pid::from_raw(0);

#[cfg(not(target_os = "linux"))]
struct Bound;

#[cfg(not(target_os = "linux"))]
impl Bound {
    fn to_one_core() -> Result<Self> {
        Ok(Self)
    }

    fn release(self) -> Result<()> {
        Ok(())
    }
}
