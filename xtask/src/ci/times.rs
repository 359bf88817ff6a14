//! What each step took. Processor time of programs which run while the step does, such as the ones that fetch tools beside it,
//! is in it.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use crate::process::Time;
use crate::workspace;

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
}
