//! Layers: rows of weights with owners, and the passes over them.
//!
//! * [`partition`]: which shard a row belongs to;
//! * [`rows`]: the rows of one layer with bias and optimiser state, borrowed shard by shard;
//! * [`quantized`]: rows of integers with a scale each, for prediction;
//! * [`embedding`]: the sparse input layer;
//! * [`dense`]: a list of rows shared by a group of examples (hidden layers; the output under a shared set);
//! * [`sampled`]: rows under one active set per example, listed in [`active_set`];
//! * [`reduction_tree`]: the fixed tree that adds the contributions of shards.

pub(crate) mod active_set;
pub(crate) mod dense;
pub(crate) mod embedding;
pub(crate) mod partition;
pub(crate) mod quantized;
pub(crate) mod reduction_tree;
pub(crate) mod rows;
pub(crate) mod sampled;
