//! Layers: rows of weights with owners, and the passes over them.
//!
//! * [`partition`]: which chunk a row belongs to;
//! * [`rows`]: the rows of one layer with bias and optimiser state, lent out chunk by chunk;
//! * [`embedding`]: the sparse input layer;
//! * [`dense`]: a list of rows shared by a group of samples (hidden layers; the output under a shared set);
//! * [`sampled`]: rows of which each sample wants its own.

pub mod dense;
pub mod embedding;
pub mod partition;
pub mod rows;
pub mod sampled;
