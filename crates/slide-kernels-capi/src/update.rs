//! Optimisers: the step on chosen rows of a table, or on chosen elements.

use slide_kernels::{AdagradStep, AdamStep, MomentumStep, Optimiser, Rounding};

use crate::arguments::{SlideMatrix, SlideTableMut, row_ids, slice, slice_mut};
use crate::level::{Invalid, SlideKernels, SlideStatus, call, resolve};

/// How a `float` becomes a `bf16`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlideRoundingMode {
    /// To the nearest, ties to even.
    Nearest = 0,
    /// Up with a probability of the part that is cut off.
    Stochastic = 1,
}

/// How a `float` becomes a `bf16`, and by which random numbers. All zeros is to the nearest.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideRounding {
    /// A value of `SlideRoundingMode`; where it is the nearest, the rest is not looked at.
    pub mode: u32,
    /// Of the step: two steps with one key round alike.
    pub key: u32,
    /// Added to the number of a row, for a table that is part of a larger one.
    pub first_row: u32,
}

impl SlideRounding {
    pub(crate) fn value(self) -> Result<Rounding, Invalid> {
        const NEAREST: u32 = SlideRoundingMode::Nearest as u32;
        const STOCHASTIC: u32 = SlideRoundingMode::Stochastic as u32;
        match self.mode {
            NEAREST => Ok(Rounding::Nearest),
            STOCHASTIC => Ok(Rounding::Stochastic { key: self.key, first_row: self.first_row }),
            other => Err(Invalid(format!(
                "mode is {other}; expected SLIDE_ROUNDING_MODE_NEAREST or SLIDE_ROUNDING_MODE_STOCHASTIC"
            ))),
        }
    }
}

/// The optimisers, and the states that each has.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlideOptimiserKind {
    /// Adam and AdamW. Two states: the first and the second moments. Two decays for each row, of the first and of the
    /// second moment.
    Adam = 0,
    /// Gradient descent with momentum. One state: the velocities. One decay for each row.
    Momentum = 1,
    /// Adagrad. One state: the sums of the squares of gradients. No decay.
    Adagrad = 2,
}

/// The constants of Adam and AdamW: `m = d[0] m + (1 - beta1) g`, `v = d[1] v + (1 - beta2) g g`,
/// `w = (1 - weight_decay) w - step_size m / (sqrt(v) inverse_sqrt_correction + epsilon)`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideAdamStep {
    /// Decay of the first moment, from 0 to less than 1.
    pub beta1: f32,
    /// Decay of the second moment, from 0 to less than 1.
    pub beta2: f32,
    /// `learning_rate / (1 - beta1^t)`.
    pub step_size: f32,
    /// `1 / sqrt(1 - beta2^t)`.
    pub inverse_sqrt_correction: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// The part of a weight that a step takes away: the learning rate times AdamW's `lambda`. 0 is Adam.
    pub weight_decay: f32,
}

/// The constants of momentum: `u = d u + g`, `w = (1 - weight_decay) w - learning_rate u`; Nesterov's takes
/// `momentum u + g` for `u` in the latter.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideMomentumStep {
    /// What a step multiplies the velocity with.
    pub learning_rate: f32,
    /// Decay of the velocity, from 0 to less than 1.
    pub momentum: f32,
    /// Whether the gradient is taken ahead of the velocity: not 0 for Nesterov's.
    pub nesterov: u32,
    /// The part of a weight that a step takes away.
    pub weight_decay: f32,
}

/// The constants of Adagrad: `s = s + g g`, `w = (1 - weight_decay) w - learning_rate g / (sqrt(s) + epsilon)`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideAdagradStep {
    /// What a step multiplies the scaled gradient with.
    pub learning_rate: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// The part of a weight that a step takes away.
    pub weight_decay: f32,
}

/// The constants of one of the optimisers.
#[repr(C)]
#[derive(Clone, Copy)]
pub union SlideStep {
    /// For `SLIDE_OPTIMISER_KIND_ADAM`.
    pub adam: SlideAdamStep,
    /// For `SLIDE_OPTIMISER_KIND_MOMENTUM`.
    pub momentum: SlideMomentumStep,
    /// For `SLIDE_OPTIMISER_KIND_ADAGRAD`.
    pub adagrad: SlideAdagradStep,
}

/// An optimiser: which, its constants, and the decays `d` of rows if they have their own.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SlideOptimiser {
    /// A value of `SlideOptimiserKind`.
    pub kind: u32,
    /// The constants of that optimiser.
    pub step: SlideStep,
    /// As many for each updated row as the optimiser has decays; NULL for those among the constants.
    pub decay: *const f32,
}

impl SlideOptimiser {
    /// For `rows` rows, with the states that `state` gives by number.
    ///
    /// # Safety
    /// The member of `step` that `kind` names is there, and `decay` is NULL or valid for the decays of the rows.
    pub(crate) unsafe fn with_states<'a, T>(
        self,
        rows: usize,
        mut state: impl FnMut(usize) -> Result<T, Invalid>,
    ) -> Result<Optimiser<'a, T>, Invalid> {
        const ADAM: u32 = SlideOptimiserKind::Adam as u32;
        const MOMENTUM: u32 = SlideOptimiserKind::Momentum as u32;
        const ADAGRAD: u32 = SlideOptimiserKind::Adagrad as u32;
        let has_decay = !self.decay.is_null();
        // SAFETY: upheld by the caller.
        unsafe {
            match self.kind {
                ADAM => {
                    let SlideAdamStep { beta1, beta2, step_size, inverse_sqrt_correction, epsilon, weight_decay } =
                        self.step.adam;
                    let step = AdamStep { beta1, beta2, step_size, inverse_sqrt_correction, epsilon, weight_decay };
                    let decay = has_decay.then(|| slice(self.decay.cast(), rows)).transpose()?;
                    Ok(Optimiser::Adam { step, m: state(0)?, v: state(1)?, decay })
                }
                MOMENTUM => {
                    let SlideMomentumStep { learning_rate, momentum, nesterov, weight_decay } = self.step.momentum;
                    let step = MomentumStep { learning_rate, momentum, nesterov: nesterov != 0, weight_decay };
                    let decay = has_decay.then(|| slice(self.decay.cast(), rows)).transpose()?;
                    Ok(Optimiser::Momentum { step, velocity: state(0)?, decay })
                }
                ADAGRAD => {
                    let SlideAdagradStep { learning_rate, epsilon, weight_decay } = self.step.adagrad;
                    let step = AdagradStep { learning_rate, epsilon, weight_decay };
                    Ok(Optimiser::Adagrad { step, sum: state(0)? })
                }
                other => Err(Invalid(format!("kind is {other}; expected a value of SlideOptimiserKind"))),
            }
        }
    }

    /// With tables as states.
    ///
    /// # Safety
    /// As of `with_states`; `states` points to as many tables as the optimiser has states, each valid for its shape.
    pub(crate) unsafe fn with_tables<'a>(
        self,
        rows: usize,
        states: *const SlideTableMut,
    ) -> Result<Optimiser<'a, slide_kernels::TableMut<'a>>, Invalid> {
        // SAFETY: upheld by the caller.
        unsafe { self.with_states(rows, |i| slice(states, i + 1)?[i].view()) }
    }
}

/// The step of an optimiser on `count` rows of `weights`, which ascend strictly: row `i` of `gradient` is that of row
/// `rows[i]`. `states` are as many tables as the optimiser has states, in the shape of the weights and in one format.
///
/// # Safety
/// Pointers are valid for their lengths; weights and states do not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_update_rows(
    kernels: *const SlideKernels,
    weights: SlideTableMut,
    optimiser: SlideOptimiser,
    states: *const SlideTableMut,
    rows: *const u32,
    count: usize,
    gradient: SlideMatrix,
    rounding: SlideRounding,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, weights.rows)?;
        let optimiser = optimiser.with_tables(count, states)?;
        resolve(kernels)?.update_rows(weights.view()?, optimiser, rows, gradient.view()?, rounding.value()?);
        Ok(())
    })
}

/// The step of an optimiser on `count` of `length` weights, which ascend strictly: `gradient[i]` is that of weight
/// `rows[i]`. `states` are as many pointers to `length` elements as the optimiser has states.
///
/// # Safety
/// Pointers are valid for their lengths; weights and states do not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_update_scattered(
    kernels: *const SlideKernels,
    weights: *mut f32,
    length: usize,
    optimiser: SlideOptimiser,
    states: *const *mut f32,
    rows: *const u32,
    count: usize,
    gradient: *const f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, length)?;
        let optimiser = optimiser.with_states(count, |i| slice_mut(slice(states, i + 1)?[i], length))?;
        let (weights, gradient) = (slice_mut(weights, length)?, slice(gradient, count)?);
        resolve(kernels)?.update_scattered(weights, optimiser, rows, gradient);
        Ok(())
    })
}
