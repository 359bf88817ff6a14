//! What each step took: time on the clock, and of processors.
//!
//! Processor time says where to save, whatever else the machine does. That of programs which run while the step does, such as
//! the ones that fetch tools beside it, is in it.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::workspace;

/// Of a step. Processor time is not known on every system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    wall: Duration,
    processor: Option<Duration>,
}

/// Runs from the start of a step.
pub(super) struct Clock {
    start: Instant,
    processor: Option<Duration>,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), processor: processor() }
    }

    pub(super) fn read(&self) -> Time {
        let taken = processor().zip(self.processor).map(|(now, then)| now.saturating_sub(then));
        Time { wall: self.start.elapsed(), processor: taken }
    }
}

/// Of this process and of all that it has started and seen end, user's and system's together.
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

/// Of all steps so far, as a table of Markdown.
#[derive(Debug, Default)]
pub(super) struct Times(Vec<(String, Time)>);

impl Times {
    /// Adds a step. The table is kept in a file too, because nothing is printed after the last step.
    pub(super) fn add(&mut self, step: String, time: Time) -> Result<()> {
        self.0.push((step, time));
        workspace::write_whole(&workspace::scratch("ci/times.md"), &self.to_string())
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(f, "| step | seconds | of processors |\n|---|---:|---:|")?;
        let mut line = |step: &str, wall: Duration, processor: Option<Duration>| {
            let processor = processor.map(|processor| format!("{:.1}", processor.as_secs_f64())).unwrap_or_default();
            writeln!(f, "| {step} | {:.1} | {processor} |", wall.as_secs_f64())
        };
        self.0.iter().try_for_each(|(step, time)| line(step, time.wall, time.processor))?;
        let wall = self.0.iter().map(|(_, time)| time.wall).sum();
        line("all", wall, self.0.iter().map(|(_, time)| time.processor).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_with_the_sum() {
        let time = |wall, processor: Option<u64>| Time {
            wall: Duration::from_millis(wall),
            processor: processor.map(Duration::from_millis),
        };
        let steps = |all: [Option<u64>; 2]| {
            Times(vec![("format".to_owned(), time(1200, all[0])), ("test".to_owned(), time(60_000, all[1]))])
        };
        assert_eq!(
            steps([Some(700), Some(110_100)]).to_string(),
            "| step | seconds | of processors |\n|---|---:|---:|\n| format | 1.2 | 0.7 |\n| test | 60.0 | 110.1 |\n\
             | all | 61.2 | 110.8 |\n"
        );
        assert!(steps([Some(700), None]).to_string().ends_with("| test | 60.0 |  |\n| all | 61.2 |  |\n"));
        assert_eq!(Times::default().to_string(), "");
        assert_eq!(time(1200, Some(700)).to_string(), "1.2 s, 0.7 s of processors");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn processors_of_children_count() {
        let clock = Clock::start();
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done";
        assert!(std::process::Command::new("sh").args(["-c", script]).status().unwrap().success());
        let time = clock.read();
        assert!(time.processor.unwrap() > Duration::from_millis(1), "{time}");
    }
}
