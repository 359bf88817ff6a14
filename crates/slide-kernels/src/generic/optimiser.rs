//! The steps of [`crate::api::optimiser`] on sixteen elements.
//!
//! Bottlenecks. On data in memory it is the bandwidth: a weight and its states are read and written, 24 bytes per element for
//! Adam in `f32` and 12 in `bf16`, 16 and 8 for the others. On data in the caches it is the divider for Adam and Adagrad: results
//! are those of IEEE 754, so there is a division and a square root per element. LLVM's model of Ice Lake has 22 cycles for those
//! of sixteen `f32`, in one register of AVX-512 or two of AVX2, which is 1.4 per element (`cargo xtask mca --cpu icelake-server --filter
//! divisions`: 88 cycles for four times sixteen), and 1.5 for all of Adam (`--filter adam_rows`): its twelve other operations,
//! four loads and three stores fit beside them. `cargo bench -p slide-benches --bench kernels -- adam` measures the share of the
//! divider on the machine at hand. Momentum has seven operations, three loads and two stores for sixteen.

use super::{SimdF32x16, SimdU32x16};
use crate::api::optimiser::{AdagradStep, AdamStep, MomentumStep};

/// An optimiser with `N` states: the constants of its step, in lanes.
pub(crate) trait Step<L: SimdF32x16, const N: usize>: Copy {
    type Constants;

    fn new(simd: L::Token, constants: &Self::Constants) -> Self;

    /// The new weight and states.
    fn apply(&self, weight: L, states: [L; N], gradient: L, decay: [L; N]) -> (L, [L; N]);
}

/// Flushes subnormal values and -0 to +0: the mask of the exponent.
#[derive(Clone, Copy)]
struct Flush<L: SimdF32x16>(L::U32);

impl<L: SimdF32x16> Flush<L> {
    #[inline(always)]
    fn new(simd: L::Token) -> Self {
        Flush(L::U32::splat(simd, 0x7F80_0000))
    }

    #[inline(always)]
    fn of(&self, state: L) -> L {
        let (words, zero) = (state.bitcast_u32(), L::U32::splat(state.proof(), 0));
        words.select(words.and(self.0).greater_signed(zero), zero).bitcast_f32()
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Adam<L: SimdF32x16> {
    one_minus_beta1: L,
    one_minus_beta2: L,
    minus_step_size: L,
    correction: L,
    epsilon: L,
    kept: L,
    flush: Flush<L>,
}

impl<L: SimdF32x16> Step<L, 2> for Adam<L> {
    type Constants = AdamStep;

    #[inline(always)]
    fn new(simd: L::Token, step: &AdamStep) -> Self {
        Adam {
            one_minus_beta1: L::splat(simd, 1.0 - step.beta1),
            one_minus_beta2: L::splat(simd, 1.0 - step.beta2),
            minus_step_size: L::splat(simd, -step.step_size),
            correction: L::splat(simd, step.inverse_sqrt_correction),
            epsilon: L::splat(simd, step.epsilon),
            kept: L::splat(simd, 1.0 - step.weight_decay),
            flush: Flush::new(simd),
        }
    }

    #[inline(always)]
    fn apply(&self, weight: L, [m, v]: [L; 2], gradient: L, decay: [L; 2]) -> (L, [L; 2]) {
        let m = self.flush.of(decay[0].fma(m, self.one_minus_beta1.mul(gradient)));
        let v = self.flush.of(decay[1].fma(v, self.one_minus_beta2.mul(gradient).mul(gradient)));
        let denominator = v.sqrt().fma(self.correction, self.epsilon);
        (self.minus_step_size.fma(m.div(denominator), self.kept.mul(weight)), [m, v])
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Momentum<L: SimdF32x16> {
    minus_learning_rate: L,
    momentum: L,
    nesterov: L::Mask,
    kept: L,
    flush: Flush<L>,
}

impl<L: SimdF32x16> Step<L, 1> for Momentum<L> {
    type Constants = MomentumStep;

    #[inline(always)]
    fn new(simd: L::Token, step: &MomentumStep) -> Self {
        Momentum {
            minus_learning_rate: L::splat(simd, -step.learning_rate),
            momentum: L::splat(simd, step.momentum),
            nesterov: L::first(if step.nesterov { super::LANES } else { 0 }),
            kept: L::splat(simd, 1.0 - step.weight_decay),
            flush: Flush::new(simd),
        }
    }

    #[inline(always)]
    fn apply(&self, weight: L, [velocity]: [L; 1], gradient: L, [decay]: [L; 1]) -> (L, [L; 1]) {
        let velocity = self.flush.of(decay.fma(velocity, gradient));
        // A select costs less than a second body.
        let direction = self.momentum.fma(velocity, gradient).select(self.nesterov, velocity);
        (self.minus_learning_rate.fma(direction, self.kept.mul(weight)), [velocity])
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Adagrad<L: SimdF32x16> {
    minus_learning_rate: L,
    epsilon: L,
    kept: L,
    flush: Flush<L>,
}

impl<L: SimdF32x16> Step<L, 1> for Adagrad<L> {
    type Constants = AdagradStep;

    #[inline(always)]
    fn new(simd: L::Token, step: &AdagradStep) -> Self {
        Adagrad {
            minus_learning_rate: L::splat(simd, -step.learning_rate),
            epsilon: L::splat(simd, step.epsilon),
            kept: L::splat(simd, 1.0 - step.weight_decay),
            flush: Flush::new(simd),
        }
    }

    #[inline(always)]
    fn apply(&self, weight: L, [sum]: [L; 1], gradient: L, _: [L; 1]) -> (L, [L; 1]) {
        let sum = self.flush.of(gradient.fma(gradient, sum));
        let direction = gradient.div(sum.sqrt().add(self.epsilon));
        (self.minus_learning_rate.fma(direction, self.kept.mul(weight)), [sum])
    }
}
