//! One batch's step: the constants that the kernels take, and the decays of the states of rows that missed batches.

use bytemuck::cast_slice;
use slide_kernels::rng::{self, RngKey};
use slide_kernels::{AdagradStep, AdamStep, MomentumStep, Optimiser, Rounding};

use super::{LazyMoments, OptimizerConfig};
use crate::streams;

/// The constants of a step, by the kernel that takes them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KernelStep {
    /// Adam and AdamW: two states, both decaying.
    Adam(AdamStep),
    /// Gradient descent with momentum: one state, decaying.
    Momentum(MomentumStep),
    /// Adagrad: one state, which does not decay.
    Adagrad(AdagradStep),
}

impl KernelStep {
    pub(super) fn with_weight_decay(mut self, decay: f32) -> Self {
        match &mut self {
            Self::Adam(step) => step.weight_decay = decay,
            Self::Momentum(step) => step.weight_decay = decay,
            Self::Adagrad(step) => step.weight_decay = decay,
        }
        self
    }

    /// The kernels' optimiser. The second of the `states` is left where there is one only; `decays` are those of the
    /// updated rows.
    pub(crate) fn optimiser<'a, T>(self, states: [T; 2], decays: &'a [f32]) -> Optimiser<'a, T> {
        let [first, second] = states;
        match self {
            Self::Adam(step) => Optimiser::Adam { step, m: first, v: second, decay: Some(cast_slice(decays)) },
            Self::Momentum(step) => Optimiser::Momentum { step, velocity: first, decay: Some(cast_slice(decays)) },
            Self::Adagrad(step) => Optimiser::Adagrad { step, sum: first },
        }
    }
}

/// `decay^(1 + missed)` of each state for missed = 0, 1, ...: as many as there have been batches, but not beyond the first
/// that are all 0 in f32, nor beyond a million. The last entry stands for all longer absences.
#[derive(Clone, Debug)]
pub(crate) struct Decays {
    /// A number for each state, entry after entry.
    table: Vec<f32>,
    decays: Vec<f64>,
    last: Vec<f64>,
}

impl Decays {
    /// The table for the first batch.
    pub(crate) fn new(decays: &[f32]) -> Self {
        let decays: Vec<f64> = decays.iter().map(|&decay| f64::from(decay)).collect();
        Self { table: decays.iter().map(|&decay| flush(decay)).collect(), last: decays.clone(), decays }
    }

    fn entries(&self) -> usize {
        self.table.len() / self.decays.len().max(1)
    }

    fn entry(&self, missed: usize) -> &[f32] {
        let states = self.decays.len();
        let entry = missed.min(self.entries().saturating_sub(1));
        &self.table[entry * states..(entry + 1) * states]
    }

    fn grow(&mut self, entries: usize) {
        while self.entries() < entries.min(1 << 20) && self.entry(usize::MAX).iter().any(|&decay| decay != 0.0) {
            for (last, decay) in self.last.iter_mut().zip(&self.decays) {
                *last *= decay;
            }
            self.table.extend(self.last.iter().map(|&last| flush(last)));
        }
    }
}

/// To f32, with subnormals as 0: they would only slow the kernels down.
fn flush(value: f64) -> f32 {
    let value = value as f32;
    if value < f32::MIN_POSITIVE { 0.0 } else { value }
}

/// The decays of the states of the rows that a batch updates, in the order of the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowDecays {
    states: usize,
    values: Vec<f32>,
}

impl RowDecays {
    /// Those of all rows.
    pub(crate) fn all(&self) -> &[f32] {
        &self.values
    }

    /// Those of some of the rows.
    pub(crate) fn of(&self, rows: std::ops::Range<usize>) -> &[f32] {
        &self.values[rows.start * self.states..rows.end * self.states]
    }
}

/// The place of a batch in a training.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// Its number, from 0.
    pub(crate) number: u64,
    /// The batch before which the optimiser's state was 0, and from which the schedule counts: 0, unless a finished model is trained
    /// further.
    pub(crate) first: u64,
    /// Number of all batches, those before the first included.
    pub(crate) total: u64,
}

/// The step of one batch.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    number: u64,
    lazy: LazyMoments,
    kernel: KernelStep,
    rounding: Option<u32>,
    decays: Decays,
}

impl Step {
    /// That of the batch at `position`. `decays` is that of the batch before; with `stochastic`, weights are rounded
    /// stochastically when they are stored.
    pub(crate) fn new(config: &OptimizerConfig, position: Position, stochastic: bool, decays: Option<Decays>) -> Self {
        let Position { number, first, .. } = position;
        let optimizer = config.method.optimizer();
        let mut decays = decays.unwrap_or_else(|| Decays::new(&optimizer.decays()));
        let lazy = optimizer.lazy_moments();
        if lazy == LazyMoments::CatchUp {
            decays.grow(number as usize + 1);
        }
        let rounding = stochastic.then(|| rng::word(RngKey::new(config.seed, streams::ROUNDING, number, 0), 0));
        let kernel = optimizer.kernel_step(config.learning_rate_at(position), number - first);
        Self { number, lazy, kernel, rounding, decays }
    }

    /// The decays, for the next batch.
    pub(crate) fn into_decays(self) -> Decays {
        self.decays
    }

    /// The constants of the step.
    pub(crate) fn kernel(&self) -> KernelStep {
        self.kernel
    }

    /// The rounding of a table of which `first_row` is the first; `table` numbers the tables of the network, so that each
    /// rounds with numbers of its own.
    pub(crate) fn rounding(&self, table: u32, first_row: u32) -> Rounding {
        match self.rounding {
            None => Rounding::Nearest,
            Some(key) => Rounding::Stochastic { key: key ^ table.wrapping_mul(0x9E37_79B9), first_row },
        }
    }

    /// Looks up the decays of each row and notes that this batch has touched it.
    ///
    /// `last_step[row]` is 1 + the batch that last touched the row, or 0.
    pub(crate) fn touch(&self, rows: &[u32], last_step: &mut [u32], decays: &mut RowDecays) {
        decays.states = self.decays.decays.len();
        decays.values.clear();
        let now = self.number as u32 + 1;
        for &row in rows {
            let last = std::mem::replace(&mut last_step[row as usize], now);
            let missed = match self.lazy {
                LazyMoments::Frozen => 0,
                LazyMoments::CatchUp => (now - last - 1) as usize,
            };
            decays.values.extend_from_slice(self.decays.entry(missed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{AdamConfig, Method};

    #[test]
    fn catch_up_decays_by_the_missed_batches() {
        let adam = AdamConfig { moments: LazyMoments::CatchUp, ..AdamConfig::default() };
        let config = OptimizerConfig { method: Method::Adam(adam), ..OptimizerConfig::default() };
        let mut last = vec![0, 5, 9];
        let mut decays = RowDecays::default();
        Step::new(&config, Position { number: 9, first: 0, total: 100 }, false, None).touch(
            &[0, 1, 2],
            &mut last,
            &mut decays,
        );
        assert_eq!(last, [10, 10, 10]);
        assert_eq!(decays.of(2..3), [0.9, 0.999]);
        assert!((decays.of(1..2)[0] - 0.9f32.powi(5)).abs() < 1e-6);
        assert!((decays.of(0..1)[0] - 0.9f32.powi(10)).abs() < 1e-6);
    }

    #[test]
    fn states_that_do_not_decay_have_no_decays() {
        let config = OptimizerConfig { method: Method::Adagrad(Default::default()), ..OptimizerConfig::default() };
        let (mut last, mut decays) = (vec![0; 3], RowDecays::default());
        let step = Step::new(&config, Position { number: 4, first: 0, total: 9 }, false, Some(Decays::new(&[])));
        step.touch(&[1, 2], &mut last, &mut decays);
        assert_eq!((last, decays.all()), (vec![0, 5, 5], &[][..]));
    }

    #[test]
    fn a_second_start_is_a_start() {
        let config = OptimizerConfig::default();
        let at = |number, first, total| Step::new(&config, Position { number, first, total }, false, None).kernel();
        for number in [0, 1, 7, 49] {
            let (begun, again) = (at(number, 0, 50), at(1000 + number, 1000, 1050));
            assert_eq!(format!("{begun:?}"), format!("{again:?}"));
        }
    }
}
