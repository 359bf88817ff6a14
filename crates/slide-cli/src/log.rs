//! The log of a training: JSON objects, one a line.

use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;
use slide_core::metrics::Metrics;
use slide_core::train::Progress;

pub(crate) struct Log {
    file: File,
    path: PathBuf,
    every: NonZeroU64,
}

impl Log {
    /// Begins a log, or goes on with it.
    pub(crate) fn open(path: &Path, go_on: bool, every: NonZeroU64) -> Result<Self> {
        let mut options = File::options();
        options.create(true).write(true).append(go_on).truncate(!go_on);
        let file = options.open(path).with_context(|| format!("cannot write the log {}", path.display()))?;
        Ok(Self { file, path: path.to_owned(), every })
    }

    /// Unbuffered, a whole line at once: the log can be followed, and ends in a whole line whatever happens.
    pub(crate) fn write(&mut self, event: &str, fields: impl Serialize) -> Result<()> {
        let mut line = json!({ "event": event });
        if let (Some(line), serde_json::Value::Object(fields)) = (line.as_object_mut(), serde_json::to_value(fields)?) {
            line.extend(fields);
        }
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written.with_context(|| format!("cannot write the log {}", self.path.display()))
    }

    /// The lines that are due after a batch. `seconds` and `rate` (samples a second) are of the training alone.
    pub(crate) fn batch(&mut self, progress: &Progress, seconds: f64, rate: f64) -> Result<()> {
        let fields = |loss| {
            json!({
                "step": progress.step,
                "epoch": progress.epoch,
                "loss": loss,
                "learning_rate": progress.learning_rate,
                "samples_per_second": rate,
                "active_per_point": progress.active_per_point,
                "rows_touched": progress.rows_touched,
                "seconds": seconds,
            })
        };
        if progress.step.is_multiple_of(self.every.get()) {
            self.write("batch", fields(progress.loss))?;
        }
        if progress.epoch_finished {
            self.write("epoch", fields(progress.epoch_loss))?;
        }
        Ok(())
    }

    pub(crate) fn metrics(&mut self, epoch: u32, metrics: &Metrics) -> Result<()> {
        self.write("metrics", json!({ "epoch": epoch, "metrics": metrics }))
    }
}
