//! Optimisers: what a batch does to the rows that it touches, and the state that goes with a row.
//!
//! A row that a batch does not touch takes no step, where a dense optimiser would still move it by its decaying
//! momentum and shrink it by its weight decay. What happens to the state meanwhile is [`LazyMoments`].
//!
//! A new optimiser is a file here, its `mod` line, a line of [`Method`] and, if no kernel of `slide-kernels` computes its
//! step, a kernel.

mod adagrad;
mod adam;
mod adamw;
mod schedule;
mod sgd;
mod state;
mod step;

pub use adagrad::AdagradConfig;
pub use adam::AdamConfig;
pub use adamw::AdamWConfig;
pub use schedule::Schedule;
pub use sgd::SgdConfig;
pub(crate) use state::{RowState, ShardState, split};
pub(crate) use step::{Decays, KernelStep, Position, RowDecays, Step};

use crate::choice::choices;
use crate::setting::{settings, variants};

choices! {
    /// What the optimiser does with the state of a row in the batches that do not touch the row.
    pub enum LazyMoments ("rule for moments") {
        /// The state is unchanged, as in PyTorch's `SparseAdam`.
        Frozen = "frozen",
        /// The state decays as a dense optimiser's would: by `decay^missed` when the row is next touched. (The steps that
        /// a dense optimiser would have taken from the decaying state alone are not taken.)
        CatchUp = "catch-up",
    }
}

variants! {
    dyn optimizer: Optimizer;
    /// The method by which weights are updated, with its constants.
    pub enum Method in "optimizer" as "optimizer" ("Method by which weights are updated", "METHOD") {
        /// Adam (Kingma and Ba, ICLR 2015).
        Adam(AdamConfig) = "adam",
        /// Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).
        AdamW(AdamWConfig) = "adamw",
        /// Stochastic gradient descent with momentum (Sutskever et al., ICML 2013).
        Sgd(SgdConfig) = "sgd",
        /// Adagrad (Duchi, Hazan and Singer, JMLR 2011).
        Adagrad(AdagradConfig) = "adagrad",
    }
}

/// What distinguishes a method from the others.
pub(crate) trait Optimizer: Sync {
    /// The names, in model files, of the states of a weight: one or two, each in the shape of the weights.
    fn states(&self) -> &'static [&'static str];

    /// What a batch multiplies each state with before it adds its part: one number a state, or none if the states
    /// do not decay.
    fn decays(&self) -> Vec<f32>;

    /// What states of rows do in batches that do not touch the row.
    fn lazy_moments(&self) -> LazyMoments;

    /// The constants of batch `step` (from 0), as the kernels take them.
    fn kernel_step(&self, learning_rate: f32, step: u64) -> KernelStep;

    /// Checks the constants.
    fn validate(&self) -> Result<(), OutOfRange>;
}

/// A constant that is out of its range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfRange {
    pub(crate) name: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) found: f32,
}

settings! {
    /// How weights are updated, how often and on how many examples.
    pub struct OptimizerConfig in "optimizer" {
        flatten
        /// The method, with its constants.
        method: Method,
        /// Passes of the network over the training examples [default: 8, or as --budget allows]
        epochs: Option<u32> = None, "N";
        /// Most passes of both parts over the training examples, at least 3: what --epochs and --mining-rounds are chosen by if
        /// they are not given [default: 10]
        budget: Option<u32> = None, "PASSES";
        /// Examples per batch; the last batch of an epoch may be smaller [default: a 150th of the examples, rounded to a power
        /// of two from 32 to 256]
        batch_size: Option<usize> = None, "N";
        /// Learning rate after the warm-up
        learning_rate: f32 = 5e-3, "RATE";
        /// What the learning rate does after the warm-up
        schedule: Schedule = Schedule::Linear, "CURVE";
        /// Share of all batches over which the learning rate rises linearly from 0
        warmup: f32 = 0.05, "SHARE";
        /// Seed of every random number
        seed: u64 = 42, "NUMBER";
    }
}

impl OptimizerConfig {
    /// Learning rate of a batch.
    pub(crate) fn learning_rate_at(&self, Position { number, first, total }: Position) -> f32 {
        self.schedule.learning_rate(self.learning_rate, self.warmup, number - first, total - first)
    }
}

fn check(holds: bool, name: &'static str, expected: &'static str, found: f32) -> Result<(), OutOfRange> {
    if holds { Ok(()) } else { Err(OutOfRange { name, expected, found }) }
}

/// A decay: in [0, 1).
fn check_decay(name: &'static str, decay: f32) -> Result<(), OutOfRange> {
    check((0.0..1.0).contains(&decay), name, "a number in [0, 1)", decay)
}

fn check_positive(name: &'static str, number: f32) -> Result<(), OutOfRange> {
    check(number > 0.0 && number.is_finite(), name, "a positive number", number)
}

fn check_not_negative(name: &'static str, number: f32) -> Result<(), OutOfRange> {
    check(number >= 0.0 && number.is_finite(), name, "a number of at least 0", number)
}
