//! Shared by the cases of `row_update` and `sddmm`.

use super::bits;
use crate::random::{Aligned, Random};
use half::bf16;
use slide_kernels::{AdagradStep, AdamStep, MomentumStep, Optimiser, TableMut, ValuesMut};

/// Steps so small that a million of them change little.
const RATE: f32 = 1e-12;

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Adam,
    Momentum,
    Adagrad,
}

impl Kind {
    pub(super) const ALL: [Kind; 3] = [Kind::Adam, Kind::Momentum, Kind::Adagrad];

    pub(super) fn states(self) -> usize {
        if matches!(self, Kind::Adam) { 2 } else { 1 }
    }

    pub(super) fn optimiser<'a, T>(self, first: T, second: T) -> Optimiser<'a, T> {
        let (learning_rate, weight_decay, epsilon) = (RATE, 0.0, 1e-8);
        match self {
            Kind::Adam => {
                let (beta1, beta2, inverse_sqrt_correction) = (0.9, 0.999, 1.0);
                let step = AdamStep { beta1, beta2, step_size: RATE, inverse_sqrt_correction, epsilon, weight_decay };
                Optimiser::Adam { step, m: first, v: second, decay: None }
            }
            Kind::Momentum => {
                let step = MomentumStep { learning_rate, momentum: 0.9, nesterov: false, weight_decay };
                Optimiser::Momentum { step, velocity: first, decay: None }
            }
            Kind::Adagrad => {
                Optimiser::Adagrad { step: AdagradStep { learning_rate, epsilon, weight_decay }, sum: first }
            }
        }
    }
}

/// Numbers in either format.
#[derive(Clone)]
pub(super) enum Numbers {
    F32(Aligned<f32>),
    Bf16(Aligned<bf16>),
}

impl Numbers {
    /// In [0.5, 1.5), so that a square root can be taken.
    pub(super) fn new(random: &mut Random, count: usize, narrow: bool) -> Numbers {
        let values = (0..count).map(|_| 1.0 + random.value() / 2.0);
        if narrow { Numbers::Bf16(values.map(bf16::from_f32).collect()) } else { Numbers::F32(values.collect()) }
    }

    pub(super) fn table(&mut self, width: usize) -> TableMut<'_> {
        let values = match self {
            Numbers::F32(values) => ValuesMut::F32(values),
            Numbers::Bf16(values) => ValuesMut::Bf16(values),
        };
        TableMut::new(values, width, width).expect("whole rows")
    }

    pub(super) fn bits(&self) -> Vec<u32> {
        match self {
            Numbers::F32(values) => bits(values),
            Numbers::Bf16(values) => values.iter().map(|value| value.to_bits().into()).collect(),
        }
    }
}

/// Weights and two states.
pub(super) fn tables(random: &mut Random, count: usize, [weights, states]: [bool; 2]) -> [Numbers; 3] {
    [weights, states, states].map(|narrow| Numbers::new(random, count, narrow))
}

/// Whether weights and states are `bf16`, and the name of the combination.
pub(super) const FORMATS: [([bool; 2], &str); 3] =
    [([false, false], "f32"), ([true, false], "bf16 weights"), ([true, true], "bf16")];

/// Bytes read and written per element.
pub(super) fn bytes(kind: Kind, [weights, states]: [bool; 2]) -> usize {
    let size = |narrow| if narrow { 2 } else { 4 };
    2 * (size(weights) + kind.states() * size(states))
}
