//! The protocol between `cargo xtask bench` and the suites, on this machine or another: requests, and results as lines of JSON.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use regex::Regex;
use serde::{Deserialize, Serialize};
use slide_kernels::Isa;

use crate::cases::Cost;

/// The environment variable that holds a [`Request`] as JSON.
pub const REQUEST: &str = "SLIDE_BENCH";

/// What a suite shall measure. Without a request it measures everything and writes no record.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Levels whose own kernels are measured; if empty, all that the machine has except `scalar`.
    #[serde(default)]
    pub levels: Vec<String>,
    /// A regular expression that must match in `LEVEL SUBJECT SHAPE`, such as `avx2 dot::dot f32 1024`.
    #[serde(default)]
    pub filter: Option<String>,
    /// One shape of each kind instead of every shape.
    #[serde(default)]
    pub typical: bool,
    /// File to which the lines are written.
    #[serde(default)]
    pub record: Option<PathBuf>,
}

/// A line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Where it runs: the first line.
    Machine(Machine),
    /// A limit of the machine.
    Roof(Roof),
    /// A subject's time.
    Measured(Measured),
    /// Anything else that influences times, such as the pages of the tables.
    Note(String),
}

/// The machine, or the modelled processor if nothing ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Name of its folder of records: `graviton3`, or the processor's own name in lower case with hyphens.
    pub name: String,
    /// The name given by the system.
    pub processor: String,
    /// Cores available to the run.
    pub cores: usize,
    /// Anything else that influences times: memory, page size, virtual or not; how it was emulated.
    pub notes: Vec<String>,
}

/// A peak rate of a core or its memory, measured by a bare loop in the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roof {
    /// Such as `loads from L1`, `multiply-adds`, `reading memory in order`.
    pub name: String,
    /// The level whose instructions the loop uses.
    pub level: String,
    /// In `unit`.
    pub value: f64,
    /// `GB/s` or `GFLOP/s`.
    pub unit: String,
}

/// The time of one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// A kernel, `family::name`, or another subject, such as `predict::exact`.
    pub subject: String,
    /// Formats and sizes, such as `f32 1024`.
    pub shape: String,
    /// Instruction-set level, and ` native` where it is a kernel of that precision.
    pub level: String,
    /// The minimum cost of a call.
    pub cost: Cost,
    /// Quartiles of a call's time: lower, median, upper.
    pub nanoseconds: [f64; 3],
    /// The time that 99 of 100 calls do not exceed, where calls were timed one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// The share of the machine's limit, if a bare loop measures that limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// Hardware counters per call; absent where they cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<Counters>,
}

/// The bottleneck, and the share of it that was reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Such as `loads`.
    pub name: String,
    /// Median over the rounds of the limit's time by the subject's: 1 is at the limit.
    pub share: f64,
}

/// Hardware events of one call, on average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Cycles of the core.
    pub cycles: f64,
    /// Misses of the last level of cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_misses: Option<f64>,
    /// Misses of the data TLB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlb_misses: Option<f64>,
}

/// The request that a suite serves, and the file that its lines go to.
#[derive(Debug)]
pub struct Recorder {
    /// Whether the request came from [`REQUEST`].
    pub asked: bool,
    /// One shape of each kind is enough.
    pub typical: bool,
    levels: Vec<Isa>,
    filter: Option<Regex>,
    file: Option<File>,
}

impl Recorder {
    /// Reads the request from the environment, begins its file, and describes the machine there.
    ///
    /// # Errors
    /// If the request cannot be read, asks for a level that this machine lacks, or names a file that cannot be written.
    pub fn from_env() -> Result<Self> {
        let request = match std::env::var(REQUEST) {
            Ok(text) => Some(serde_json::from_str(&text).with_context(|| format!("{REQUEST}={text}"))?),
            Err(_) => None,
        };
        Self::new(request)
    }

    fn new(request: Option<Request>) -> Result<Self> {
        let asked = request.is_some();
        let Request { levels, filter, typical, record } = request.unwrap_or_default();
        let mut chosen = Vec::new();
        for name in &levels {
            let isa: Isa = name.parse().with_context(|| format!("level `{name}`"))?;
            // The error lists those that are available.
            slide_kernels::Kernels::for_isa(isa)?;
            chosen.push(isa);
        }
        if chosen.is_empty() {
            chosen.extend(Isa::available().filter(|&isa| isa != Isa::Scalar));
        }
        let filter = filter.map(|filter| Regex::new(&filter)).transpose()?;
        let create = |path: &PathBuf| File::create(path).with_context(|| format!("cannot create {}", path.display()));
        let file = record.as_ref().map(create).transpose()?;
        let mut recorder = Self { asked, typical, levels: chosen, filter, file };
        if asked {
            recorder.write(Line::Machine(crate::machine::detect()))?;
        }
        Ok(recorder)
    }

    /// Whether the kernels of a level are to be measured.
    #[must_use]
    pub fn has(&self, isa: Isa) -> bool {
        self.levels.contains(&isa)
    }

    /// The levels to be measured where each subject calls many kernels: those that every family implements.
    pub fn main_levels(&self) -> impl Iterator<Item = Isa> {
        let differ = [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon, Isa::Sve];
        differ.into_iter().filter(|&isa| self.has(isa))
    }

    /// Whether the filter selects a subject.
    #[must_use]
    pub fn chooses(&self, level: &str, subject: &str, shape: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(&format!("{level} {subject} {shape}")))
    }

    /// Adds a line to the record, if there is one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, line: Line) -> Result<()> {
        if let Some(file) = &mut self.file {
            let mut text = serde_json::to_string(&line)?;
            text.push('\n');
            file.write_all(text.as_bytes()).context("cannot write the record")?;
        }
        Ok(())
    }
}

/// The lines of a record.
///
/// # Errors
/// If a line is invalid.
pub fn parse(text: &str) -> Result<Vec<Line>> {
    let line = |(i, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("line {} of the record is `{line}`", i + 1))
    };
    text.lines().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        let request = Request { record: Some(record.clone()), ..Request::default() };
        let mut recorder = Recorder::new(Some(request)).unwrap();
        let note = Line::Note("a note,\nof two lines".to_owned());
        recorder.write(note.clone()).unwrap();
        let lines = parse(&std::fs::read_to_string(record).unwrap()).unwrap();
        assert!(matches!(&lines[0], Line::Machine(machine) if machine.cores > 0), "{lines:?}");
        assert_eq!(lines[1..], [note]);
        let error = parse("{\"note\": \"\"}\nSegmentation fault").unwrap_err();
        assert!(error.to_string().contains("line 2 of the record is `Segmentation fault`"), "{error}");
    }

    #[test]
    fn requests_choose_levels_and_subjects() {
        let request = Request { levels: vec!["scalar".into()], filter: Some("dot f32".into()), ..Request::default() };
        let recorder = Recorder::new(Some(request)).unwrap();
        assert_eq!(recorder.main_levels().collect::<Vec<_>>(), [Isa::Scalar]);
        assert!(recorder.chooses("scalar", "dot::dot", "f32 1024"));
        assert!(!recorder.chooses("scalar", "dot::dot_bf16", "bf16 1024"));
        let all = Recorder::new(None).unwrap();
        assert!(!all.asked && !all.has(Isa::Scalar) && all.has(Isa::detect()));
        let unknown = Request { levels: vec!["avx1024".into()], ..Request::default() };
        assert_eq!(Recorder::new(Some(unknown)).unwrap_err().to_string(), "level `avx1024`");
    }
}
