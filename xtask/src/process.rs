//! Processes that tasks start: where they run, how they end, what they take.

use std::fmt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// A process, killed when nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It fails for one that has ended by itself, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn start(command: &mut Command) -> Result<Child> {
    command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// Starts a process on the core that all of these share, the last one that may be used. It is bound from its first instruction
/// on, so its memory is that core's.
#[cfg(target_os = "linux")]
pub(crate) fn start_on_one_core(command: &mut Command) -> Result<Child> {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};

    let this_thread = nix::unistd::Pid::from_raw(0);
    let allowed = sched_getaffinity(this_thread)?;
    let last = (0..CpuSet::count()).rev().find(|&core| allowed.is_set(core).unwrap_or(false));
    let mut one = CpuSet::new();
    one.set(last.context("no core is allowed")?)?;
    sched_setaffinity(this_thread, &one)?;
    let child = start(command);
    sched_setaffinity(this_thread, &allowed)?;
    child
}

#[cfg(not(target_os = "linux"))]
pub(crate) use start as start_on_one_core;

/// One word for a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Runs from its start on.
pub(crate) struct Clock {
    start: Instant,
    processor: Option<Duration>,
}

/// Processor time says where to save, whatever else the machine does: that of this process and of all that it has started and
/// seen end, user's and system's together. It is not known on every system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) wall: Duration,
    pub(crate) processor: Option<Duration>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), processor: processor() }
    }

    pub(crate) fn read(&self) -> Time {
        let taken = processor().zip(self.processor).map(|(now, then)| now.saturating_sub(then));
        Time { wall: self.start.elapsed(), processor: taken }
    }
}

#[cfg(target_os = "linux")]
fn processor() -> Option<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    let of = |who| {
        let usage = getrusage(who).ok()?;
        let microseconds =
            [usage.user_time(), usage.system_time()].map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
        u64::try_from(microseconds.iter().sum::<i64>()).ok()
    };
    Some(Duration::from_micros(of(UsageWho::RUSAGE_SELF)? + of(UsageWho::RUSAGE_CHILDREN)?))
}

#[cfg(not(target_os = "linux"))]
fn processor() -> Option<Duration> {
    None
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.wall.as_secs_f64())?;
        match self.processor {
            Some(processor) => write!(f, ", {:.1} s of processors", processor.as_secs_f64()),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn processors_of_children_count() {
        let clock = Clock::start();
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done";
        assert!(Command::new("sh").args(["-c", script]).status().unwrap().success());
        let time = clock.read();
        assert!(time.processor.unwrap() > Duration::from_millis(1), "{time}");
    }
}
