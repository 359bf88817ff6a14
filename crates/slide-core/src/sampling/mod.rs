//! Which output neurons are computed for a sample: its active set.
//!
//! A sampler turns the buckets that a sample's hash codes name ([`HashTables`]), or nothing but random numbers, into a
//! strictly ascending list of rows that holds the sample's labels. Every function here is pure: the same arguments
//! give the same rows, whatever ran before on the same [`Scratch`] and on whichever thread.

mod exact;
mod frequency;
mod random;
mod row_set;
mod shared;
#[cfg(test)]
mod tests;
mod threshold;
mod topk;
mod vanilla;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use slide_kernels::{Kernels, rng::RngKey};

use crate::lsh::{self, HashTables, UnknownName};
use random::Words;
use row_set::RowSet;

pub use shared::shared_set;

/// Streams of random numbers, named by two letters so that none is used twice.
mod stream {
    pub(super) const FILL: u32 = u16::from_be_bytes(*b"fi") as u32;
    pub(super) const SHARED: u32 = u16::from_be_bytes(*b"sh") as u32;
    pub(super) const TABLES: u32 = u16::from_be_bytes(*b"tb") as u32;
}

/// How active sets are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplerKind {
    /// Buckets of tables in random order, until there are enough rows.
    Vanilla,
    /// The rows that are in most of the buckets.
    TopK,
    /// The rows that are in at least so many of the buckets.
    Threshold,
    /// Uniformly random rows, other ones for each sample.
    Random,
    /// The labels of the batch and uniformly random rows, the same for every sample of the batch ([`shared_set`]).
    Shared,
    /// All rows: the full output.
    Exact,
}

impl SamplerKind {
    /// Every sampler.
    pub const ALL: [Self; 6] = [Self::Vanilla, Self::TopK, Self::Threshold, Self::Random, Self::Shared, Self::Exact];

    /// Whether it looks rows up in hash tables.
    #[must_use]
    pub fn uses_tables(self) -> bool {
        matches!(self, Self::Vanilla | Self::TopK | Self::Threshold)
    }
}

impl fmt::Display for SamplerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vanilla => "vanilla",
            Self::TopK => "topk",
            Self::Threshold => "threshold",
            Self::Random => "random",
            Self::Shared => "shared",
            Self::Exact => "exact",
        })
    }
}

impl FromStr for SamplerKind {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        lsh::parse("sampler", &Self::ALL, word)
    }
}

/// Where a sample stands in the training run; decides all of its random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleKey {
    /// The seed of the run.
    pub seed: u64,
    /// The batch, counted over all epochs.
    pub step: u64,
    /// The sample's place in the batch.
    pub sample: u32,
}

/// What the samples of a batch have in common.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Makes the random numbers; every instruction set makes the same.
    pub kernels: &'a Kernels,
    /// The number of rows to choose from.
    pub rows: usize,
    /// The tables of the samplers that use them; `None` is as good as no tables.
    pub tables: Option<&'a HashTables>,
}

/// A sampler with its numbers. All numbers of rows include the sample's labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// The way rows are chosen.
    pub kind: SamplerKind,
    /// Rows wanted. `vanilla` visits tables until it has them and takes the last bucket whole; `topk` and `random`
    /// take exactly so many where there are so many; `threshold` and `exact` do not look at it.
    pub target: usize,
    /// Rows that every sample gets: fewer are filled up with random ones, other ones for each sample.
    pub floor: usize,
    /// The most rows that a sample gets, unless it has more labels. `exact` does not look at it.
    pub ceiling: usize,
    /// For `threshold`: the buckets that a row must be in.
    pub min_matches: u32,
}

/// Numbers of a sampler that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// No rows wanted, or none allowed.
    #[error("a {field} of 0 active rows, expected at least 1")]
    Zero {
        /// `target` or `ceiling`.
        field: &'static str,
    },
    /// The ceiling lies below the floor.
    #[error("a ceiling of {ceiling} active rows, expected at least the floor, {floor}")]
    CeilingBelowFloor {
        /// The ceiling.
        ceiling: usize,
        /// The floor.
        floor: usize,
    },
    /// Every row or no row would pass.
    #[error("a threshold of {min_matches} matches, expected 1 to the number of tables, {tables}")]
    MinMatches {
        /// The threshold.
        min_matches: u32,
        /// Tables there are.
        tables: usize,
    },
}

impl Sampler {
    /// Checks the numbers that `kind` looks at; `tables` is the number of hash tables there will be.
    ///
    /// # Errors
    /// A target or ceiling of 0, a ceiling below the floor, a threshold that no row or every row would pass.
    pub fn validate(&self, tables: usize) -> Result<(), SamplerError> {
        let &Self { kind, target, floor, ceiling, min_matches } = self;
        if kind == SamplerKind::Threshold && !(1..=tables).contains(&(min_matches as usize)) {
            return Err(SamplerError::MinMatches { min_matches, tables });
        }
        if target == 0 {
            return Err(SamplerError::Zero { field: "target" });
        }
        if ceiling == 0 {
            return Err(SamplerError::Zero { field: "ceiling" });
        }
        if ceiling < floor {
            return Err(SamplerError::CeilingBelowFloor { ceiling, floor });
        }
        Ok(())
    }

    /// Replaces `out` by the active set of one sample: strictly ascending rows, all of `labels` among them.
    ///
    /// `codes` are the sample's hash codes, one a table; `labels` are rows in any order, repeated or not. `shared`
    /// treats the sample as a batch of its own.
    ///
    /// # Panics
    /// If `scratch` is made for fewer rows than `context` has, a label is no row, or the tables have other rows
    /// than `context` or other codes than `codes` (`random`, `shared` and `exact` do not look at them).
    pub fn collect(
        &self,
        context: &Context<'_>,
        codes: &[u32],
        labels: &[u32],
        key: SampleKey,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        assert_rows(labels, context.rows);
        let sample = &Sample { context, codes, labels, key };
        match self.kind {
            SamplerKind::Vanilla => vanilla::collect(self, sample, scratch, out),
            SamplerKind::TopK => topk::collect(self, sample, scratch, out),
            SamplerKind::Threshold => threshold::collect(self, sample, scratch, out),
            SamplerKind::Random | SamplerKind::Shared => random::collect(self, sample, scratch, out),
            SamplerKind::Exact => exact::collect(context.rows, out),
        }
    }

    /// Adds random rows to the active rows of `set` up to the floor, and empties it into `out`.
    fn finish(&self, sample: &Sample<'_>, set: &mut RowSet, out: &mut Vec<u32>) {
        let Sample { context, key, .. } = sample;
        let mut words = Words::new(context.kernels, key.stream(stream::FILL));
        random::fill(set, context.rows, self.floor, &mut words);
        set.drain_to(out);
    }
}

impl SampleKey {
    fn stream(self, stream: u32) -> RngKey {
        RngKey::new(self.seed, stream, self.step, self.sample)
    }
}

/// What one thread needs to collect active sets, kept between samples so that nothing is allocated.
#[derive(Clone, Debug)]
pub struct Scratch {
    active: RowSet,
    candidates: Vec<u32>,
    spare: Vec<u32>,
    /// Rows, and how many buckets hold them.
    found: Vec<(u32, usize)>,
    histogram: Vec<usize>,
    order: Vec<u32>,
}

impl Scratch {
    /// For layers of up to `rows` rows: an eighth of a byte each, and what the largest sample needs.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self {
            active: RowSet::new(rows),
            candidates: Vec::new(),
            spare: Vec::new(),
            found: Vec::new(),
            histogram: Vec::new(),
            order: Vec::new(),
        }
    }
}

/// The set would take rows up to the next multiple of 64.
fn assert_rows(labels: &[u32], rows: usize) {
    assert!(labels.iter().all(|&label| (label as usize) < rows), "a label that is no row, of {rows} rows");
}

/// The arguments of [`Sampler::collect`] that say which sample it is.
struct Sample<'a> {
    context: &'a Context<'a>,
    codes: &'a [u32],
    labels: &'a [u32],
    key: SampleKey,
}

impl<'a> Sample<'a> {
    /// The tables, checked against the number of codes.
    fn tables(&self) -> Option<&'a HashTables> {
        let tables = self.context.tables;
        let count = tables.map_or(0, |tables| tables.settings().tables);
        assert!(tables.is_none_or(|tables| tables.rows() == self.context.rows), "tables over other rows");
        assert_eq!(self.codes.len(), count, "one hash code a table");
        tables
    }
}
