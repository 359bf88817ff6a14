//! The learning rate of each batch.

use crate::choice::choices;

choices! {
    /// How the learning rate moves after the warm-up.
    pub enum Schedule ("schedule") {
        /// It is constant.
        Constant = "constant",
        /// It falls linearly to 0 at the end.
        Linear = "linear",
        /// It falls to 0 at the end along half a cosine.
        Cosine = "cosine",
    }
}

impl Schedule {
    /// Learning rate of batch `step` (from 0) of `total`.
    ///
    /// Warm-up: `rate * (step + 1) / warm` over the first `warm` batches, `warmup * total` rounded; then constant, or from
    /// `rate` down towards 0, which the batch after the last would have, linearly or by half a cosine.
    pub(crate) fn learning_rate(self, rate: f32, warmup: f32, step: u64, total: u64) -> f32 {
        let rate = f64::from(rate);
        let warm = libm::round(f64::from(warmup) * total as f64) as u64;
        if step < warm {
            return (rate * (step + 1) as f64 / warm as f64) as f32;
        }
        let done = (step - warm) as f64 / (total.saturating_sub(warm)).max(1) as f64;
        let factor = match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - done.min(1.0),
            Self::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * done.min(1.0))),
        };
        (rate * factor) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_rise_and_fall() {
        let at = |schedule: Schedule, step| schedule.learning_rate(1.0, 0.1, step, 100);
        assert_eq!(at(Schedule::Linear, 0), 0.1);
        assert_eq!(at(Schedule::Linear, 9), 1.0);
        assert_eq!(at(Schedule::Linear, 10), 1.0);
        assert_eq!(at(Schedule::Linear, 55), 0.5);
        assert!((at(Schedule::Cosine, 55) - 0.5).abs() < 1e-6);
        assert_eq!(at(Schedule::Constant, 99), 1.0);
    }
}
