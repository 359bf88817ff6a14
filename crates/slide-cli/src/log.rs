//! The log of a training: JSON objects, one per line.

use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Serialize, Serializer};
use slide_core::{Phases, Progress};

pub(crate) struct Log {
    file: File,
    path: PathBuf,
    every: NonZeroU64,
}

impl Log {
    /// Creates a log, or appends to one.
    pub(crate) fn open(path: &Path, append: bool, every: NonZeroU64) -> Result<Self> {
        let mut options = File::options();
        options.create(true).write(true).append(append).truncate(!append);
        let file = options.open(path).with_context(|| format!("cannot write the log {}", path.display()))?;
        Ok(Self { file, path: path.to_owned(), every })
    }

    /// Writes a complete line without buffering, so that the log can be followed and ends in a complete line if the process is killed.
    pub(crate) fn write(&mut self, event: &str, fields: impl Serialize) -> Result<()> {
        #[derive(Serialize)]
        struct Line<'a, F> {
            event: &'a str,
            #[serde(flatten)]
            fields: F,
        }
        let mut line = serde_json::to_vec(&Line { event, fields })?;
        line.push(b'\n');
        self.file.write_all(&line).with_context(|| format!("cannot write the log {}", self.path.display()))
    }

    /// The lines that are due after a batch. `seconds` and `examples_per_second` are of the training alone, `phases` of all its
    /// batches so far.
    pub(crate) fn batch(
        &mut self,
        progress: &Progress,
        seconds: f64,
        examples_per_second: f64,
        phases: Phases,
    ) -> Result<()> {
        #[derive(Serialize)]
        struct Fields {
            step: u64,
            epoch: u32,
            loss: f64,
            learning_rate: f32,
            examples_per_second: f64,
            active_per_example: f64,
            #[serde(skip_serializing_if = "Option::is_none")]
            hashed_per_example: Option<f64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            random_per_example: Option<f64>,
            rows_touched: u64,
            seconds: f64,
            phase_seconds: PhaseSeconds,
        }
        let &Progress { step, epoch, learning_rate, rows_touched, .. } = progress;
        let &Progress { active_per_example, hashed_per_example, random_per_example, .. } = progress;
        let fields = |loss| Fields {
            step,
            epoch,
            loss,
            learning_rate,
            examples_per_second,
            active_per_example,
            hashed_per_example,
            random_per_example,
            rows_touched,
            seconds,
            phase_seconds: PhaseSeconds(phases),
        };
        if step.is_multiple_of(self.every.get()) {
            self.write("batch", fields(progress.loss))?;
        }
        if progress.epoch_finished {
            self.write("epoch", fields(progress.epoch_loss))?;
        }
        Ok(())
    }
}

/// Seconds by phase, summed over the threads, such as `{"logits":1.5,"update_output":0.75}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhaseSeconds(pub(crate) Phases);

impl Serialize for PhaseSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(phase, time)| (phase.name().replace(' ', "_"), time.as_secs_f64())))
    }
}
