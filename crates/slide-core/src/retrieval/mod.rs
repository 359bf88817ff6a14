//! Retrieval: from the last hidden layer of a block of examples to the labels that are worth scoring. All candidates are
//! then [scored exactly](ranking).
//!
//! A new retriever is a file here and a line in [`Retrieval`] and in [`Retrieval::retriever`].

pub(crate) mod byte_scan;
mod exact;
mod index;
mod lsh;
mod ranking;
mod scan;

use std::sync::Arc;

use slide_kernels::Kernels;

use crate::choice::choices;
use crate::index::{self as label_index, LabelIndex};
use crate::layer::rows::LayerRows;
use crate::lsh::{HashError, HashingConfig, TableState};
use crate::runtime::Runtime;
use crate::sampling;

pub(crate) use byte_scan::ByteScan;
pub(crate) use ranking::{Candidates, Query, Ranking, ScoredLabel, log_sum_exp, shorten};
pub(crate) use scan::Scan;

choices! {
    /// How a predictor finds the labels that it scores.
    pub enum Retrieval ("retrieval") {
        /// `linear` if the model has a network and a linear part, else `index` if it has one, else `exact`.
        Auto = "auto",
        /// The network scores all labels: the exact ranking of a network, and of both parts all that either ranks high.
        Exact = "exact",
        /// The network scores the labels that the linear part ranks high, and the most frequent ones. Needs both parts.
        Linear = "linear",
        /// The labels that the model's index finds for the network.
        Index = "index",
        /// The labels that share a bucket with the example in one of the model's hash tables. Few are scored, so some of the
        /// best may be missed; softmax probabilities are shares of what was scored.
        Lsh = "lsh",
    }
}

/// What a retriever is made from.
pub(crate) struct Source<'a> {
    pub(crate) output: &'a LayerRows,
    /// The settings and the contents of the hash tables, if the model has any.
    pub(crate) tables: Option<(HashingConfig, &'a TableState)>,
    pub(crate) index: Option<&'a Arc<LabelIndex>>,
    pub(crate) seed: u64,
    pub(crate) runtime: &'a Runtime,
}

/// A retriever that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrievalError {
    /// The model has no hash tables.
    #[error(
        "the model has no hash tables: they are stored when training uses them or has settings for them (not in files of \
         model format 1)"
    )]
    NoTables,
    /// The model has no index.
    #[error("the model has no index: `slide index` builds one")]
    NoIndex,
    /// The model does not have both parts.
    #[error("retrieval `linear` needs a model with a network and a linear part")]
    NoLinear,
    /// The hash tables cannot be built.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl Retrieval {
    /// The retriever for a network; none if its labels are retrieved by the linear part, or if there is no network.
    pub(crate) fn retriever(
        self,
        network: Option<&Source<'_>>,
        has_linear: bool,
    ) -> Result<Option<Box<dyn Retriever>>, RetrievalError> {
        Ok(match (self, network) {
            (Self::Auto | Self::Exact, None) => None,
            (Self::Linear, None) => return Err(RetrievalError::NoLinear),
            (Self::Lsh, None) => return Err(RetrievalError::NoTables),
            (Self::Index, None) => return Err(RetrievalError::NoIndex),
            (Self::Auto | Self::Linear, Some(_)) if has_linear => None,
            (Self::Auto | Self::Index, Some(Source { index: Some(index), .. })) => {
                Some(Box::new(index::Index((*index).clone())))
            }
            (Self::Auto | Self::Exact, Some(_)) => Some(Box::new(exact::Exact)),
            (Self::Index, Some(_)) => return Err(RetrievalError::NoIndex),
            (Self::Linear, Some(_)) => return Err(RetrievalError::NoLinear),
            (Self::Lsh, Some(network)) => Some(Box::new(lsh::Lsh::new(network)?)),
        })
    }
}

/// What distinguishes a retriever from the others.
pub(crate) trait Retriever: Send + Sync + std::fmt::Debug {
    /// Replaces `candidates` by the rows of `output` that are worth scoring, for each example of `query`: the `wanted` best should
    /// be among them.
    fn retrieve(
        &self,
        kernels: &Kernels,
        output: &LayerRows,
        query: &Query<'_>,
        wanted: usize,
        scratch: &mut Scratch,
        candidates: &mut Candidates,
    );
}

/// What one thread needs to retrieve, kept so that nothing is allocated.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    codes: Vec<u32>,
    set: Vec<u32>,
    sampling: Option<sampling::Scratch>,
    index: label_index::Scratch,
}
