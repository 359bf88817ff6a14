//! What a run of `cargo xtask bench` found, as it is kept in `benches/records/<machine>/<name>-<suite>.json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use slide_benches::cases::Cost;
pub(crate) use slide_benches::record::Machine;
use slide_benches::record::{Counters, Limit, Roof};
use xshell::{Shell, cmd};

use crate::count::Run;

/// Of what, when and where something was measured or modelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) machine: Machine,
    /// The commit, with `-dirty` if files had changed.
    pub(crate) commit: String,
    /// The compiler's version.
    pub(crate) compiler: String,
    /// Day of the run, as in 2026-11-22.
    pub(crate) date: String,
    /// What reproduces it.
    pub(crate) command: String,
}

impl Origin {
    /// Of the files as they are, today.
    pub(crate) fn now(shell: &Shell, machine: Machine, compiler: String, command: String) -> Result<Self> {
        let describe = cmd!(shell, "git describe --always --abbrev=12 --dirty --exclude=*").quiet().ignore_stderr();
        let commit = describe.read().unwrap_or_else(|_| "unknown".to_owned());
        let date = cmd!(shell, "date -u +%F").quiet().read().context("date")?;
        Ok(Self { machine, commit, compiler, date, command })
    }

    #[cfg(test)]
    pub(crate) fn example(command: &str) -> Self {
        let [name, processor] = ["a-machine", "A Machine <1>"].map(str::to_owned);
        Self {
            machine: Machine { name, processor, cores: 2, notes: vec!["load 0.10".to_owned()] },
            commit: "0123456789ab".to_owned(),
            compiler: "1.95.0".to_owned(),
            date: "2026-11-22".to_owned(),
            command: command.to_owned(),
        }
    }
}

/// One suite on one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// As given to `--target`, but `native` where another machine measured what it would have measured of itself.
    pub(crate) target: String,
    /// As given to `--suite`.
    pub(crate) suite: String,
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// Measured in the same run, where anything was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roofs: Vec<Roof>,
    pub(crate) entries: Vec<Entry>,
}

/// A subject at a shape on a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// A kernel, `family::name`, or another subject.
    pub(crate) subject: String,
    pub(crate) shape: String,
    /// As in `avx512` or `neonbf16 native`.
    pub(crate) level: String,
    pub(crate) cost: Cost,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) measured: Option<Measured>,
    /// Instructions of a call, exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) counted: Option<u64>,
    /// Cycles a call, by processor, as llvm-mca models them; `None` where a processor has not the instructions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) modelled: BTreeMap<String, Option<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Quartiles of a call's time: lower, median, upper.
    pub(crate) nanoseconds: [f64; 3],
    /// The time that 99 of 100 calls do not exceed, where calls were timed one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) p99: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) counters: Option<Counters>,
}

impl Entry {
    /// Subject, shape and level.
    pub(crate) fn key(&self) -> [&str; 3] {
        [&self.subject, &self.shape, &self.level]
    }

    /// Whether this is what the run counts.
    pub(crate) fn is_of(&self, run: &Run) -> bool {
        self.key() == [&*run.kernel, &*run.shape, &*run.level()]
    }

    /// So many of a call as it does in a nanosecond, which is as many G a second; none where it was not measured.
    pub(crate) fn a_nanosecond(&self, of_a_call: u64) -> Option<f64> {
        (of_a_call > 0).then_some(of_a_call as f64 / self.median()?)
    }

    pub(crate) fn median(&self) -> Option<f64> {
        self.measured.as_ref().map(|measured| measured.nanoseconds[1])
    }
}

impl Record {
    /// The entry that has the subject, shape and level of another one.
    pub(crate) fn find(&self, entry: &Entry) -> Option<&Entry> {
        self.entries.iter().find(|own| own.key() == entry.key())
    }

    /// Gigahertz by the bare multiply-adds of a level, for a core that does two vectors of them a cycle.
    pub(crate) fn clock(&self, level: &str) -> Option<f64> {
        let (level, operations_a_cycle) = if level.starts_with("avx512") { ("avx512", 64.0) } else { ("avx2", 32.0) };
        let roof = self.roofs.iter().find(|roof| roof.level == level && roof.name == "multiply-adds")?;
        Some(roof.value / operations_a_cycle)
    }
}
