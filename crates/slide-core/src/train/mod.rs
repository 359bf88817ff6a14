//! Training: epochs of batches, each batch in phases that keep readers and owners of rows apart.
//!
//! * [`trainer`]: epochs, shuffling, progress, checkpoints;
//! * [`engine`]: one batch and its phases;
//! * [`block`]: what belongs to a block of samples;
//! * [`active_set`]: active sets and their transposition;
//! * [`tree`]: the fixed tree that adds up what chunks contribute;
//! * [`rebuild`]: the hash tables of the output layer;
//! * [`prepared`]: the points in internal row order; [`streams`]: the random numbers.

pub mod active_set;
pub mod block;
pub mod engine;
pub mod prepared;
pub mod rebuild;
pub mod streams;
pub mod trainer;
pub mod tree;

pub use trainer::{Control, Outcome, Progress, TrainError, Trainer};
