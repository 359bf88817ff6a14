//! Adam (Kingma and Ba, 2015) with bias correction, applied only to the rows that a batch touches.
//!
//! It differs from dense Adam for the rows that a batch does not touch: they take no step, where dense Adam would still
//! move them by their decaying first moments. What happens to the moments meanwhile is [`LazyMoments`].

use slide_kernels::{AdamStep, Rounding};

use crate::config::{LazyMoments, Precision, Schedule, TrainConfig};

/// Learning rate of batch `step` (from 0) of `total`.
///
/// Warm-up: `rate * (step + 1) / warm` over the first `warm` batches, `warmup * total` rounded; then constant, or from
/// `rate` down towards 0, which the batch after the last would have, linearly or by half a cosine.
pub fn learning_rate(config: &TrainConfig, step: u64, total: u64) -> f32 {
    let rate = f64::from(config.learning_rate);
    let warm = libm::round(f64::from(config.warmup) * total as f64) as u64;
    if step < warm {
        return (rate * (step + 1) as f64 / warm as f64) as f32;
    }
    let done = (step - warm) as f64 / (total.saturating_sub(warm)).max(1) as f64;
    let factor = match config.schedule {
        Schedule::Constant => 1.0,
        Schedule::Linear => 1.0 - done.min(1.0),
        Schedule::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * done.min(1.0))),
    };
    (rate * factor) as f32
}

/// One batch's Adam: what the kernels need, and the decay of moments of rows that missed batches.
#[derive(Clone, Debug)]
pub struct Adam {
    step: u64,
    moments: LazyMoments,
    kernel: AdamStep,
    stochastic: Option<u32>,
    decays: Decays,
}

/// `[beta1^(1 + missed), beta2^(1 + missed)]` for missed = 0, 1, ...: as many as there have been batches, but not beyond
/// the first that are both 0 in f32, nor beyond a million. The last entry stands for all longer absences.
#[derive(Clone, Debug)]
pub struct Decays {
    table: Vec<[f32; 2]>,
    betas: [f64; 2],
    last: [f64; 2],
}

impl Decays {
    /// The table for the first batch.
    pub fn new(config: &TrainConfig) -> Self {
        let betas = [config.beta1, config.beta2].map(f64::from);
        Self { table: vec![betas.map(flush)], betas, last: betas }
    }

    fn grow(&mut self, entries: usize) {
        while self.table.len() < entries.min(1 << 20) && self.table.last() != Some(&[0.0; 2]) {
            for (last, beta) in self.last.iter_mut().zip(self.betas) {
                *last *= beta;
            }
            self.table.push(self.last.map(flush));
        }
    }
}

impl Adam {
    /// Adam of batch `step` (from 0) of `total`; `decays` is that of the batch before.
    pub fn new(config: &TrainConfig, step: u64, total: u64, mut decays: Decays) -> Self {
        let (beta1, beta2) = (f64::from(config.beta1), f64::from(config.beta2));
        let steps = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let correction1 = 1.0 - power(beta1, steps);
        let correction2 = 1.0 - power(beta2, steps);
        let rate = f64::from(learning_rate(config, step, total));
        let kernel = AdamStep {
            beta1: config.beta1,
            beta2: config.beta2,
            step_size: (rate / correction1) as f32,
            inverse_sqrt_correction: (1.0 / libm::sqrt(correction2)) as f32,
            epsilon: config.epsilon,
            weight_decay: 0.0,
        };
        if config.moments == LazyMoments::CatchUp {
            decays.grow(step as usize + 1);
        }
        let stochastic = (config.precision == Precision::Bf16)
            .then(|| slide_kernels::rng::RngKey::new(config.seed, Self::STREAM, step, 0))
            .map(|key| slide_kernels::rng::word(key, 0));
        Self { step, moments: config.moments, kernel, stochastic, decays }
    }

    const STREAM: u32 = crate::train::streams::ROUNDING;

    /// The decays, for the next batch.
    pub fn into_decays(self) -> Decays {
        self.decays
    }

    /// The constants of the step.
    pub fn kernel_step(&self) -> AdamStep {
        self.kernel
    }

    /// The rounding of a table of which `first_row` is the first; `table` numbers the tables of the network, so that each
    /// rounds with numbers of its own.
    pub fn rounding(&self, table: u32, first_row: u32) -> Rounding {
        match self.stochastic {
            None => Rounding::Nearest,
            Some(key) => Rounding::Stochastic { key: key ^ table.wrapping_mul(0x9E37_79B9), first_row },
        }
    }

    /// Looks up the decay of each row and notes that this batch has touched it.
    ///
    /// `last_step[row]` is 1 + the batch that last touched the row, or 0.
    pub fn touch(&self, rows: &[u32], last_step: &mut [u32], decay: &mut Vec<[f32; 2]>) {
        decay.clear();
        let now = self.step as u32 + 1;
        decay.extend(rows.iter().map(|&row| {
            let last = std::mem::replace(&mut last_step[row as usize], now);
            let missed = match self.moments {
                LazyMoments::Frozen => 0,
                LazyMoments::CatchUp => (now - last - 1) as usize,
            };
            self.decays.table[missed.min(self.decays.table.len() - 1)]
        }));
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

/// To f32, with subnormals as 0: they would only slow the kernels down.
fn flush(value: f64) -> f32 {
    let value = value as f32;
    if value < f32::MIN_POSITIVE { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_rise_and_fall() {
        let mut config = TrainConfig { learning_rate: 1.0, warmup: 0.1, ..TrainConfig::default() };
        assert_eq!(learning_rate(&config, 0, 100), 0.1);
        assert_eq!(learning_rate(&config, 9, 100), 1.0);
        assert_eq!(learning_rate(&config, 10, 100), 1.0);
        assert_eq!(learning_rate(&config, 55, 100), 0.5);
        config.schedule = Schedule::Cosine;
        assert!((learning_rate(&config, 55, 100) - 0.5).abs() < 1e-6);
        config.schedule = Schedule::Constant;
        assert_eq!(learning_rate(&config, 99, 100), 1.0);
    }

    #[test]
    fn catch_up_decays_by_the_missed_batches() {
        let config = TrainConfig { moments: LazyMoments::CatchUp, ..TrainConfig::default() };
        let mut last = vec![0, 5, 9];
        let mut decay = Vec::new();
        Adam::new(&config, 9, 100, Decays::new(&config)).touch(&[0, 1, 2], &mut last, &mut decay);
        assert_eq!(last, [10, 10, 10]);
        assert_eq!(decay[2], [0.9, 0.999]);
        assert!((decay[1][0] - 0.9f32.powi(5)).abs() < 1e-6);
        assert!((decay[0][0] - 0.9f32.powi(10)).abs() < 1e-6);
    }
}
