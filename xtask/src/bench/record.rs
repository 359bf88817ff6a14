//! What a run of `cargo xtask bench` found, as it is kept in `benches/records/<machine>/<name>.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slide_benches::cases::Cost;
use slide_benches::record::{Counters, Limit, Roof};

/// One suite on one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// As given to `--target`.
    pub(crate) target: String,
    /// As given to `--suite`.
    pub(crate) suite: String,
    pub(crate) machine: Machine,
    /// The commit, with `-dirty` if files had changed.
    pub(crate) commit: String,
    /// The compiler's version.
    pub(crate) compiler: String,
    /// Day of the run, as in 2026-11-22.
    pub(crate) date: String,
    /// What reproduces it.
    pub(crate) command: String,
    /// Measured in the same run, where anything was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roofs: Vec<Roof>,
    pub(crate) entries: Vec<Entry>,
}

/// Where it ran, or the processor that stands for it where nothing ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Name of its folder of records: `graviton3`, or the processor's own name in lower case with hyphens.
    pub(crate) name: String,
    /// As the system calls it.
    pub(crate) processor: String,
    /// Cores that the run might use.
    pub(crate) cores: usize,
    /// Whatever else bears upon times, in a few words: memory, page size, virtual or not; how it was emulated.
    pub(crate) notes: Vec<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) counters: Option<Counters>,
}
