//! What an index is asked for, and what it gives.

use serde::{Deserialize, Serialize};

/// How a label index is built.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct IndexConfig {
    /// Share of the exact five best labels that the index must find on held-out queries.
    pub recall: f32,
    /// Training examples whose queries the index learns from; none: half of them, but 20,000 to 40,000 if there are as many.
    pub queries: Option<usize>,
    /// Lists; none: as many as suit the number of labels.
    pub lists: Option<usize>,
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self { recall: 0.985, queries: None, lists: None }
    }
}

impl IndexConfig {
    /// The number of training examples to learn from.
    pub(crate) fn query_count(&self, examples: usize) -> usize {
        self.queries.unwrap_or((examples / 2).clamp(20_000, 40_000)).min(examples)
    }

    /// The number of lists for `labels` labels: a power of two near a 192nd of the labels, so that a list has about as many rows as
    /// the router has to pay for.
    pub(crate) fn list_count(&self, labels: usize) -> usize {
        let wanted = (labels / 192).max(1);
        // The nearest power of two by the logarithm: floor(log2(sqrt(2) wanted)).
        let power = 1 << ((2 * wanted * wanted).ilog2() / 2);
        self.lists.unwrap_or(power).clamp(1, labels.min(4096))
    }
}

/// What an index gives on held-out queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct IndexReport {
    /// Lists of labels.
    pub lists: usize,
    /// Queries that the index was learnt from, and
    pub queries: usize,
    /// other queries that the following figures are of.
    pub held_out: usize,
    /// Share of the exact best label that is found, of the exact five best, and
    pub recall_at_1: f64,
    /// of the exact five best.
    pub recall_at_5: f64,
    /// Rows whose codes a query reads, on average.
    pub rows_read: f64,
    /// Lists that a query reads, on average.
    pub lists_read: f64,
    /// Bytes of the index.
    pub bytes: usize,
}
