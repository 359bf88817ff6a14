//! The label index: a learned partition of the output rows, by which a prediction scores a few thousand of them instead of all.
//!
//! Labels lie in lists. A router, a linear classifier of the query over the lists, says which lists are worth reading; their rows,
//! four bits a weight, are scored with integers; the best of these are scored exactly by the caller. Every step is a function of the
//! query alone with a fixed order of operations, so results are the same on every machine.
//!
//! What is measured against: Auvolat et al. 2015 (spherical k-means for inner products), Guo et al. 2020 (ScaNN), Liu et al. 2022
//! (HALOS: an index that learns from the layer's own queries).

mod build;
mod clusters;
mod config;
mod lists;
mod places;
mod router;
mod search;

pub(crate) use build::{Queries, build};
pub use config::{BuildIndex, IndexConfig, IndexReport};
pub(crate) use lists::{BLOCK, Lists, NO_ROW};
pub(crate) use router::Router;
pub(crate) use search::Scratch;

/// The index of an output layer.
#[derive(Clone, Debug)]
pub(crate) struct LabelIndex {
    /// The mean query, which is subtracted from every query; as wide as the kernels read rows.
    pub(crate) centre: Vec<f32>,
    pub(crate) router: Router,
    pub(crate) lists: Lists,
    /// A list is read if the router's logit is at most this much below the highest.
    pub(crate) breadth: f32,
    /// What its building found.
    pub(crate) report: IndexReport,
}
