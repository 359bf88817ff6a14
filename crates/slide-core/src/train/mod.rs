//! Training: epochs of batches, each batch in phases that keep readers and owners of rows apart.
//!
//! * [`trainer`]: epochs, shuffling, progress, checkpoints;
//! * [`engine`]: one batch and its phases;
//! * [`phases`]: their times.

mod engine;
#[cfg(test)]
mod gradient;
mod phases;
mod trainer;

pub use phases::{Phase, Phases};
pub use trainer::{Outcome, Progress, TrainError, Trainer};
