//! Stochastic gradient descent with momentum (Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and
//! momentum in deep learning", ICML 2013, section 2). The gradient of a batch is the sum over its examples, not their mean: a
//! learning rate for means is divided by the batch size.

use slide_kernels::MomentumStep;

use super::{KernelStep, LazyMoments, Optimizer, OutOfRange, check_decay, check_not_negative};
use crate::setting::settings;

settings! {
    /// The constants of gradient descent.
    pub struct SgdConfig in "optimizer" {
        /// Decay of the velocity; 0 is plain gradient descent
        momentum: f32 = 0.9, "DECAY";
        /// Whether the gradient is taken ahead of the velocity (Nesterov)
        nesterov: bool = false, "BOOL";
        /// State of rows that a batch does not touch: unchanged (frozen), or decaying as if touched (catch-up)
        moments: LazyMoments = LazyMoments::Frozen, "RULE";
        /// Weight decay: a batch takes away this share of a row that it touches, times the learning rate
        weight_decay: f32 = 0.0, "NUMBER";
    }
}

impl Optimizer for SgdConfig {
    fn states(&self) -> &'static [&'static str] {
        &["velocity"]
    }

    fn decays(&self) -> Vec<f32> {
        vec![self.momentum]
    }

    fn lazy_moments(&self) -> LazyMoments {
        self.moments
    }

    fn kernel_step(&self, learning_rate: f32, _step: u64) -> KernelStep {
        let &Self { momentum, nesterov, weight_decay, .. } = self;
        KernelStep::Momentum(MomentumStep {
            learning_rate,
            momentum,
            nesterov,
            weight_decay: learning_rate * weight_decay,
        })
    }

    fn validate(&self) -> Result<(), OutOfRange> {
        check_decay("momentum", self.momentum)?;
        check_not_negative("weight-decay", self.weight_decay)
    }
}
