//! What an index is asked for, and what it gives.

use serde::{Deserialize, Serialize};

use super::lists::BLOCK;
use crate::choice::choices;
use crate::setting::settings;

/// Labels from which on [`BuildIndex::Auto`] builds an index.
const MANY_LABELS: usize = 20_000;
/// Labels for each list, about.
const LABELS_OF_LIST: usize = 192;
/// Lists at most.
const MOST_LISTS: usize = 4096;

choices! {
    /// Whether a model gets an index of its labels when training has ended.
    pub enum BuildIndex ("index") {
        /// If it has a network without a linear part, and at least 20,000 labels.
        Auto = "auto",
        /// Yes.
        Always = "always",
        /// No.
        Never = "never",
    }
}

settings! {
    /// The index of the labels: whether and how it is built.
    pub struct IndexConfig in "index" {
        /// Whether the model gets an index of its labels, by which the network finds labels without scoring all; auto: from 20,000
        /// labels on, if there is no linear part to find them
        index: BuildIndex = BuildIndex::Auto, "WHEN";
        /// Share of the five best labels that the index must find, on examples that it has not learnt from
        index_recall: f32 = 0.99, "SHARE";
        /// Training examples that the index learns from [default: a third of them, but 10000 to 40000 if there are as many]
        index_queries: Option<usize> = None, "N";
        /// Lists that the index puts labels into [default: a 192nd of the labels, about]
        index_lists: Option<usize> = None, "N";
    }
}

impl IndexConfig {
    /// Whether a model of `labels` labels gets an index.
    pub(crate) fn is_wanted(&self, labels: usize, has_linear: bool) -> bool {
        match self.index {
            BuildIndex::Auto => !has_linear && labels >= MANY_LABELS,
            BuildIndex::Always => true,
            BuildIndex::Never => false,
        }
    }

    /// The number of training examples to learn from.
    pub(crate) fn query_count(&self, examples: usize) -> usize {
        self.index_queries.unwrap_or((examples / 3).clamp(10_000, 40_000)).min(examples)
    }

    /// The number of lists for `labels` labels: a power of two near a 192nd of them, so that a list has about as many rows as
    /// the router has to pay for.
    pub(crate) fn list_count(&self, labels: usize) -> usize {
        let wanted = (labels / LABELS_OF_LIST).max(1);
        // The nearest power of two by the logarithm: floor(log2(sqrt(2) wanted)).
        let power = 1 << ((2 * wanted * wanted).ilog2() / 2);
        self.index_lists.unwrap_or(power.min(MOST_LISTS)).clamp(1, labels)
    }

    /// Bytes of the index of `labels` rows of `columns` columns in a file: an estimate that is seldom exceeded, since how many labels
    /// will be in several lists is not known before.
    pub(crate) fn file_bytes(&self, labels: usize, columns: usize) -> u64 {
        let lists = self.list_count(labels);
        // A label has 1.1 to 1.3 places on the sets of docs/inference.md, and a list ends with a block that is not full.
        let places = labels + labels / 2 + lists * BLOCK;
        let of_place = columns / 2 + 3 * size_of::<u32>();
        let of_list = columns * (size_of::<f32>() + 1) + 3 * size_of::<u32>();
        (places * of_place + lists * of_list + columns * size_of::<f32>()) as u64
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
    /// Share of these queries whose exact best label is found, and
    pub recall_at_1: f64,
    /// share of the exact five best labels that are found.
    pub recall_at_5: f64,
    /// P@1 of the network with all labels scored, and
    pub exact_precision: f64,
    /// with those that the index finds.
    pub precision: f64,
    /// Rows whose codes a query reads, on average.
    pub rows_read: f64,
    /// Lists that a query reads, on average.
    pub lists_read: f64,
    /// Bytes of the index.
    pub bytes: usize,
}
