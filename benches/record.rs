//! What a benchmark found, as lines of JSON, and what it is asked to measure: how `cargo xtask bench` speaks with the suites,
//! on this machine or on another.

use std::fs::File;
use std::io::{self, Write as _};

use regex::Regex;
use serde::{Deserialize, Serialize};
use slide_kernels::Isa;

use crate::cases::Cost;

/// The environment variable that holds a [`Request`] as JSON.
pub const REQUEST: &str = "SLIDE_BENCH";

/// What a suite is asked to measure. Without one: everything, and no record.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Levels whose own kernels are measured; none: all that the machine has.
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
    pub record: Option<std::path::PathBuf>,
}

/// A line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// What bounds others.
    Roof(Roof),
    /// A subject's time.
    Measured(Measured),
}

/// What a core, or its memory, can do at most: measured by a bare loop in the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roof {
    /// Such as `loads from L1`, `multiply-adds`, `streaming from memory`.
    pub name: String,
    /// The level whose instructions the loop uses.
    pub level: String,
    /// In `unit`.
    pub value: f64,
    /// `GB/s` or `GFLOP/s`.
    pub unit: String,
}

/// How long one call takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// A kernel, `family::name`, or another subject, such as `predict::exact`.
    pub subject: String,
    /// Formats and sizes, such as `f32 1024`.
    pub shape: String,
    /// Instruction-set level.
    pub level: String,
    /// What a call costs at least.
    pub cost: Cost,
    /// Quartiles of a call's time: lower, median, upper.
    pub nanoseconds: [f64; 3],
    /// The share of what the machine can do, where a bare loop shows what that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// Of the processor, for a call; absent where the machine lets nobody read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<Counters>,
}

/// What binds, and how much of it was reached.
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
