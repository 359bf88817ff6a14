//! The summary of a training.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use slide_core::{Choice, Metrics, Model, Phases, Runtime};
use slide_mem::Report;
use slide_tables::Quality;

use crate::log::PhaseSeconds;
use crate::output::{bytes, count, pairs, path_text, seconds};
use crate::session::{ActiveRows, Trained};
use crate::table;
use crate::tables::quality;

#[derive(Serialize)]
pub(crate) struct Summary {
    #[serde(flatten)]
    paths: Paths,
    examples: usize,
    features: usize,
    labels: usize,
    parameters: usize,
    linear_weights: usize,
    /// The settings that were chosen by the data.
    choices: Vec<Choice>,
    step: u64,
    loss: f64,
    examples_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_rows: Option<ActiveRows>,
    seconds: Seconds,
    /// Of the training, summed over the threads.
    phase_seconds: PhaseSeconds,
    /// Peak resident memory of the process, in bytes.
    peak_bytes: Option<u64>,
    /// Bytes of the tables by page size in bytes.
    table_bytes_by_page: BTreeMap<u64, u64>,
    isa: &'static str,
    threads: usize,
    metrics: Option<Metrics>,
    /// Of a table's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<Quality>,
    #[serde(skip)]
    fallbacks: Vec<String>,
}

/// The model that was written, and the examples that it was trained on.
#[derive(Serialize)]
pub(crate) struct Paths {
    #[serde(serialize_with = "path_text")]
    pub(crate) model: PathBuf,
    #[serde(serialize_with = "path_text")]
    pub(crate) file: PathBuf,
}

/// Time by phase.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Seconds {
    pub(crate) reading: f64,
    /// Of the network.
    pub(crate) training: f64,
    pub(crate) linear: f64,
    pub(crate) evaluation: f64,
}

impl Summary {
    pub(crate) fn new(
        paths: Paths,
        model: &Model,
        runtime: &Runtime,
        trained: &Trained,
        seconds: Seconds,
        metrics: Option<Metrics>,
        report: Report,
    ) -> Self {
        Self {
            paths,
            examples: model.examples(),
            features: model.features(),
            labels: model.labels(),
            parameters: model.parameters(),
            linear_weights: model.linear_weights(),
            choices: model.choices().to_vec(),
            step: trained.steps,
            loss: trained.loss,
            examples_per_second: trained.examples as f64 / trained.seconds.max(1e-9),
            active_rows: trained.active_rows,
            seconds: Seconds { training: trained.seconds, linear: trained.linear_seconds, ..seconds },
            phase_seconds: PhaseSeconds(trained.phases),
            peak_bytes: peak_bytes(),
            isa: runtime.kernels().isa().name(),
            threads: runtime.workers().count(),
            metrics,
            quality: None,
            fallbacks: fallbacks(&report),
            table_bytes_by_page: report.bytes_by_page,
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(quality) = &self.quality {
            f.write_str(&quality::text(quality))?;
        } else if let Some(metrics) = &self.metrics {
            writeln!(f, "{}", table::metrics(metrics))?;
        }
        let Seconds { reading, training, linear, evaluation } = self.seconds;
        let rate = count(self.examples_per_second as u64);
        let mut rows: Vec<(Cow<'_, str>, String)> = vec![("reading".into(), seconds(reading))];
        if self.step > 0 {
            let network = format!("{}, {rate} examples/s, loss {:.4}", seconds(training), self.loss);
            rows.push(("network".into(), network));
        }
        rows.extend(self.active_rows.map(|active| ("active rows".into(), origins(&active))));
        rows.extend(phases(self.phase_seconds.0));
        if self.linear_weights > 0 {
            let linear = format!("{}, {} weights", seconds(linear), count(self.linear_weights as u64));
            rows.push(("linear part".into(), linear));
        }
        if self.metrics.is_some() {
            rows.push(("evaluation".into(), seconds(evaluation)));
        }
        let tables = pages(&self.table_bytes_by_page);
        let peak = self.peak_bytes.map_or_else(|| "unknown".into(), bytes);
        let threads = self.threads;
        rows.extend([
            ("memory".into(), format!("{peak} at the peak; tables: {tables}")),
            ("machine".into(), format!("{}, {threads} thread{}", self.isa, if threads == 1 { "" } else { "s" })),
            ("model".into(), format!("{}, {} parameters", self.paths.model.display(), count(self.parameters as u64))),
        ]);
        rows.extend(self.fallbacks.iter().map(|fallback| ("fallback".into(), fallback.clone())));
        f.write_str(&pairs(&rows))
    }
}

/// `1000 per example: 4 labels, 209 found by hashing, 787 random`
fn origins(active: &ActiveRows) -> String {
    let &ActiveRows { all, hashed, random } = active;
    let labels = all - hashed - random;
    format!("{all:.0} per example: {labels:.0} labels, {hashed:.0} found by hashing, {random:.0} random")
}

/// A row for each phase of the training that took any time: its share of all phases, and seconds summed over the threads.
fn phases(phases: Phases) -> impl Iterator<Item = (Cow<'static, str>, String)> {
    let total = phases.total().as_secs_f64().max(1e-9);
    let taken = phases.iter().filter(|(_, time)| !time.is_zero());
    taken.map(move |(phase, time)| {
        let time = time.as_secs_f64();
        (format!("  {}", phase.name()).into(), format!("{:3.0} %, {}", 100.0 * time / total, seconds(time)))
    })
}

/// What was requested from the system and not granted.
pub(crate) fn fallbacks(report: &Report) -> Vec<String> {
    report.fallbacks.iter().map(ToString::to_string).collect()
}

/// `120 MiB on 2 MiB pages, 3 MiB on 4 KiB pages`
pub(crate) fn pages(bytes_by_page: &BTreeMap<u64, u64>) -> String {
    let parts =
        bytes_by_page.iter().rev().map(|(&page, &size)| format!("{} on {} pages", bytes(size), page_size(page)));
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "unknown".into() } else { parts.join(", ") }
}

fn page_size(page: u64) -> String {
    match page {
        0..0x10_0000 => format!("{} KiB", page >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", page >> 20),
        _ => format!("{} GiB", page >> 30),
    }
}

/// Peak resident memory of the process, from Linux.
pub(crate) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}
