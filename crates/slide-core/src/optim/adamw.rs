//! Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2).
//!
//! A row decays in the batches that touch it, by the learning rate times `weight_decay`; biases decay too.

use super::{AdamConfig, KernelStep, LazyMoments, Optimizer, OutOfRange, check_not_negative};
use crate::setting::settings;

settings! {
    /// The constants of AdamW.
    pub struct AdamWConfig in "optimizer" {
        /// Decay of the first moment
        beta1: f32 = 0.9, "DECAY";
        /// Decay of the second moment
        beta2: f32 = 0.999, "DECAY";
        /// Number added to the denominator of a step
        epsilon: f32 = 1e-8, "NUMBER";
        /// State of rows that a batch does not touch: unchanged (frozen), or decaying as if touched (catch-up)
        moments: LazyMoments = LazyMoments::Frozen, "RULE";
        /// Weight decay: a batch takes away this share of a row that it touches, times the learning rate
        weight_decay: f32 = 0.01, "NUMBER";
    }
}

impl AdamWConfig {
    fn adam(&self) -> AdamConfig {
        let &Self { beta1, beta2, epsilon, moments, .. } = self;
        AdamConfig { beta1, beta2, epsilon, moments }
    }
}

impl Optimizer for AdamWConfig {
    fn states(&self) -> &'static [&'static str] {
        self.adam().states()
    }

    fn decays(&self) -> Vec<f32> {
        self.adam().decays()
    }

    fn lazy_moments(&self) -> LazyMoments {
        self.moments
    }

    fn kernel_step(&self, learning_rate: f32, step: u64) -> KernelStep {
        self.adam().kernel_step(learning_rate, step).with_weight_decay(learning_rate * self.weight_decay)
    }

    fn validate(&self) -> Result<(), OutOfRange> {
        self.adam().validate()?;
        check_not_negative("weight-decay", self.weight_decay)
    }
}
