//! Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1).
//!
//! The bias correction uses the number of batches, as dense Adam does.

use slide_kernels::AdamStep;

use super::{KernelStep, LazyMoments, Optimizer, OutOfRange, check_decay, check_positive};
use crate::setting::settings;

settings! {
    /// The constants of Adam.
    pub struct AdamConfig in "optimizer" {
        /// Decay of the first moment
        beta1: f32 = 0.9, "DECAY";
        /// Decay of the second moment
        beta2: f32 = 0.999, "DECAY";
        /// Number added to the denominator of a step
        epsilon: f32 = 1e-8, "NUMBER";
        /// State of rows that a batch does not touch: unchanged (frozen), or decaying as if touched (catch-up)
        moments: LazyMoments = LazyMoments::Frozen, "RULE";
    }
}

impl Optimizer for AdamConfig {
    fn states(&self) -> &'static [&'static str] {
        &["first_moment", "second_moment"]
    }

    fn decays(&self) -> Vec<f32> {
        vec![self.beta1, self.beta2]
    }

    fn lazy_moments(&self) -> LazyMoments {
        self.moments
    }

    fn kernel_step(&self, learning_rate: f32, step: u64) -> KernelStep {
        let steps = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let correction = |beta: f32| 1.0 - power(f64::from(beta), steps);
        KernelStep::Adam(AdamStep {
            beta1: self.beta1,
            beta2: self.beta2,
            step_size: (f64::from(learning_rate) / correction(self.beta1)) as f32,
            inverse_sqrt_correction: (1.0 / libm::sqrt(correction(self.beta2))) as f32,
            epsilon: self.epsilon,
            weight_decay: 0.0,
        })
    }

    fn validate(&self) -> Result<(), OutOfRange> {
        check_decay("beta1", self.beta1)?;
        check_decay("beta2", self.beta2)?;
        check_positive("epsilon", self.epsilon)
    }
}

/// `base^exponent` by repeated squaring: plain multiplications, so the same bits everywhere.
fn power(base: f64, exponent: i32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    result
}
