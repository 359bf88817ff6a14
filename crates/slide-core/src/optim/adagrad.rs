//! Adagrad (Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12,
//! 2011, figure 1 with diagonal matrices).

use slide_kernels::AdagradStep;

use super::{KernelStep, LazyMoments, Optimizer, OutOfRange, check_not_negative, check_positive};
use crate::setting::settings;

settings! {
    /// The constants of Adagrad.
    pub struct AdagradConfig in "optimizer" {
        /// Number added to the denominator of a step
        epsilon: f32 = 1e-8, "NUMBER";
        /// Weight decay: a batch takes away this share of a row that it touches, times the learning rate
        weight_decay: f32 = 0.0, "NUMBER";
    }
}

impl Optimizer for AdagradConfig {
    fn states(&self) -> &'static [&'static str] {
        &["square_sum"]
    }

    fn decays(&self) -> Vec<f32> {
        Vec::new()
    }

    fn lazy_moments(&self) -> LazyMoments {
        LazyMoments::Frozen
    }

    fn kernel_step(&self, learning_rate: f32, _step: u64) -> KernelStep {
        let &Self { epsilon, weight_decay } = self;
        KernelStep::Adagrad(AdagradStep { learning_rate, epsilon, weight_decay: learning_rate * weight_decay })
    }

    fn validate(&self) -> Result<(), OutOfRange> {
        check_positive("epsilon", self.epsilon)?;
        check_not_negative("weight-decay", self.weight_decay)
    }
}
