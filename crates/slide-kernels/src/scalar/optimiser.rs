//! Specification of [`crate::api::optimiser`].

use super::{fma, sqrt};
use crate::api::optimiser::{AdagradStep, AdamStep, MomentumStep};

/// What an optimiser with `N` states does to an element.
pub(crate) trait Step<const N: usize> {
    /// The new weight and states.
    fn apply(&self, weight: f32, states: [f32; N], gradient: f32, decay: [f32; N]) -> (f32, [f32; N]);
}

impl Step<2> for AdamStep {
    fn apply(&self, weight: f32, [m, v]: [f32; 2], gradient: f32, decay: [f32; 2]) -> (f32, [f32; 2]) {
        let m = flush(fma(decay[0], m, (1.0 - self.beta1) * gradient));
        let v = flush(fma(decay[1], v, ((1.0 - self.beta2) * gradient) * gradient));
        let denominator = fma(sqrt(v), self.inverse_sqrt_correction, self.epsilon);
        (fma(-self.step_size, m / denominator, (1.0 - self.weight_decay) * weight), [m, v])
    }
}

impl Step<1> for MomentumStep {
    fn apply(&self, weight: f32, [velocity]: [f32; 1], gradient: f32, [decay]: [f32; 1]) -> (f32, [f32; 1]) {
        let velocity = flush(fma(decay, velocity, gradient));
        let direction = if self.nesterov { fma(self.momentum, velocity, gradient) } else { velocity };
        (fma(-self.learning_rate, direction, (1.0 - self.weight_decay) * weight), [velocity])
    }
}

impl Step<1> for AdagradStep {
    fn apply(&self, weight: f32, [sum]: [f32; 1], gradient: f32, _: [f32; 1]) -> (f32, [f32; 1]) {
        let sum = flush(fma(gradient, gradient, sum));
        let direction = gradient / (sqrt(sum) + self.epsilon);
        (fma(-self.learning_rate, direction, (1.0 - self.weight_decay) * weight), [sum])
    }
}

/// Subnormal values and -0 become +0: a decay times the smallest one rounds to itself, so the state of a unit that gets
/// no more gradient would stay there, and slow down every step of its row.
fn flush(state: f32) -> f32 {
    if state.abs() < f32::MIN_POSITIVE { 0.0 } else { state }
}
