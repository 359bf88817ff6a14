//! The sparse linear part of a model: for each label a linear classifier with few weights over the input features, one against
//! the rest.
//!
//! Each label is trained alone by [dual coordinate descent](dual) on its positive examples and on negatives that are few and
//! hard: a [training] alternates between solving and looking for wrong labels that score high. The result is an
//! [inverted index](postings), with which both the search for negatives and prediction score all labels at once. A label is
//! trained by one worker, in an order that depends on the seed alone, so weights are the same to the bit everywhere.

mod config;
mod dual;
mod examples;
mod label_weights;
mod labels;
mod lists;
mod pairs;
mod postings;
#[cfg(test)]
mod reference;
mod scores;
#[cfg(test)]
mod tests;
mod training;

pub use config::LinearConfig;
pub(crate) use examples::row_scale;
pub(crate) use labels::Labels;
pub(crate) use postings::{BLOCK, Postings};
pub(crate) use scores::Scores;
pub(crate) use training::{Settings, Training};
