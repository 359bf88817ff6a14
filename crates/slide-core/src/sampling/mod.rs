//! Which output neurons are computed for an example: its active set.
//!
//! A sampler chooses them from the buckets of the example's hash codes ([`HashTables`]) or at random: a
//! strictly ascending list of rows that contains the example's labels. Every function here is pure: the same arguments
//! give the same rows, on any thread and with any earlier contents of the [`Scratch`].

mod config;
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

use std::ops::AddAssign;

use slide_kernels::{Kernels, rng::RngKey};

use crate::lsh::HashTables;
use crate::streams;
use random::Words;
use row_set::RowSet;

pub use config::{
    Active, ExactSampling, RandomSampling, SamplerError, SamplingConfig, SharedSampling, TableSampling,
    ThresholdSampling,
};
pub(crate) use config::{Sampler, SamplerKind};
pub(crate) use shared::{GROUP, SharedSets};

/// The position of an example in the training run; determines all of its random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExampleKey {
    /// The seed of the run.
    pub(crate) seed: u64,
    /// The batch, counted over all epochs.
    pub(crate) step: u64,
    /// The example's position in the batch.
    pub(crate) example: u32,
}

/// Where the active rows of examples come from that are none of their labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    /// Rows found in buckets.
    pub(crate) hashed: usize,
    /// Rows chosen at random.
    pub(crate) random: usize,
}

impl AddAssign for Origins {
    fn add_assign(&mut self, other: Self) {
        self.hashed += other.hashed;
        self.random += other.random;
    }
}

/// Data shared by the examples of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Computes the random numbers, the same on every instruction set.
    pub(crate) kernels: &'a Kernels,
    /// The number of rows to choose from.
    pub(crate) rows: usize,
    /// The tables of the samplers that use them; `None` is equivalent to no tables.
    pub(crate) tables: Option<&'a HashTables>,
}

impl Sampler {
    /// Replaces `out` by the active set of one example: strictly ascending rows, all of `labels` among them. Returns where the others
    /// come from (not of `exact`, which has them all).
    ///
    /// `codes` are the example's hash codes, one per table; `labels` are rows in any order, repeated or not. `shared`
    /// treats the example as a batch of one.
    ///
    /// # Panics
    /// If `scratch` is for fewer rows than `context` has, a label is out of range, or the tables have another number of rows
    /// than `context` or of codes than `codes` (`random`, `shared` and `exact` do not check them).
    pub(crate) fn collect(
        &self,
        context: &Context<'_>,
        codes: &[u32],
        labels: &[u32],
        key: ExampleKey,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) -> Origins {
        assert_rows(labels, context.rows);
        let example = &Example { context, codes, labels, key };
        match self.kind {
            SamplerKind::Vanilla => vanilla::collect(self, example, scratch, out),
            SamplerKind::TopK => topk::collect(self, example, scratch, out),
            SamplerKind::Threshold => threshold::collect(self, example, scratch, out),
            SamplerKind::Random | SamplerKind::Shared => random::collect(self, example, scratch, out),
            SamplerKind::Exact => {
                exact::collect(context.rows, out);
                Origins::default()
            }
        }
    }

    /// Adds random rows to the active rows of `set`, `labels` of which are labels, up to the floor, and empties it into `out`.
    fn finish(&self, example: &Example<'_>, labels: usize, set: &mut RowSet, out: &mut Vec<u32>) -> Origins {
        let Example { context, key, .. } = example;
        let mut words = Words::new(context.kernels, key.stream(streams::FILL));
        let found = set.len();
        random::fill(set, context.rows, self.floor, &mut words);
        let origins = Origins { hashed: found - labels, random: set.len() - found };
        set.drain_to(out);
        origins
    }
}

impl ExampleKey {
    fn stream(self, stream: u32) -> RngKey {
        RngKey::new(self.seed, stream, self.step, self.example)
    }
}

/// Buffers of one thread, reused for all examples.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    active: RowSet,
    candidates: Vec<u32>,
    spare: Vec<u32>,
    /// Rows, and how many buckets hold them.
    found: Vec<(u32, usize)>,
    histogram: Vec<usize>,
    order: Vec<u32>,
}

impl Scratch {
    /// For layers of up to `rows` rows: one bit per row, and buffers for the largest example.
    #[must_use]
    pub(crate) fn new(rows: usize) -> Self {
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

/// The set itself accepts rows up to the next multiple of 64.
fn assert_rows(labels: &[u32], rows: usize) {
    assert!(labels.iter().all(|&label| (label as usize) < rows), "a label out of range, of {rows} rows");
}

/// The arguments of [`Sampler::collect`] about one example.
struct Example<'a> {
    context: &'a Context<'a>,
    codes: &'a [u32],
    labels: &'a [u32],
    key: ExampleKey,
}

impl<'a> Example<'a> {
    /// The tables, checked against the number of codes.
    fn tables(&self) -> Option<&'a HashTables> {
        let tables = self.context.tables;
        let count = tables.map_or(0, |tables| tables.settings().tables);
        assert!(tables.is_none_or(|tables| tables.rows() == self.context.rows), "tables over another number of rows");
        assert_eq!(self.codes.len(), count, "one hash code per table");
        tables
    }
}
