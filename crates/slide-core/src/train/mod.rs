//! Training: epochs of batches, each batch in phases that keep readers and owners of rows apart.
//!
//! * [`trainer`]: epochs of the network, rounds of the linear part, progress, checkpoints;
//! * [`engine`]: one batch of the network and its phases;
//! * [`phases`]: their times;
//! * [`combine`]: how the scores of the two parts make one.

mod combine;
mod engine;
#[cfg(test)]
mod gradient;
mod index;
mod phases;
mod trainer;

pub use phases::{Phase, Phases};
pub use trainer::{Event, LinearProgress, Outcome, Progress, TrainError, Trainer};
