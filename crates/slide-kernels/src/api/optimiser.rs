//! Optimisers: their steps and their state.
//!
//! Square root and division are those of IEEE 754, every `fma` is rounded once, every other operation on its own. All
//! weight decay is decoupled from the gradient (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR
//! 2019, algorithms 1 and 2): the weight is multiplied by `1 - weight_decay`, which for a decay of 0 changes no bit.
//!
//! A state that is subnormal, or -0, becomes +0, so that states without gradient do not end as subnormals, which are
//! slow. NaN in the weight, its state or its gradient propagates.

/// One step of Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1), or of AdamW if
/// `weight_decay` is not 0, element by element. With the gradient `g` and the decays `d` of the row:
///
/// ```text
/// m = fma(d[0], m, (1 - beta1) * g)
/// v = fma(d[1], v, ((1 - beta2) * g) * g)
/// w = fma(-step_size, m / fma(sqrt(v), inverse_sqrt_correction, epsilon), (1 - weight_decay) * w)
/// ```
///
/// `d = [beta1, beta2]` is plain Adam. With `[beta1^(1 + n), beta2^(1 + n)]` a row that was skipped for `n` steps catches up on
/// their decay (lazy updates); with `[beta1, beta2]` its moments were frozen meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Decay of the first moment, in [0, 1).
    pub beta1: f32,
    /// Decay of the second moment, in [0, 1).
    pub beta2: f32,
    /// `learning_rate / (1 - beta1^t)`.
    pub step_size: f32,
    /// `1 / sqrt(1 - beta2^t)`.
    pub inverse_sqrt_correction: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Decoupled weight decay per step: the learning rate times AdamW's `lambda`. 0 is Adam.
    pub weight_decay: f32,
}

/// One step of stochastic gradient descent with momentum (Polyak 1964, in the form of Sutskever, Martens, Dahl and Hinton,
/// "On the importance of initialization and momentum in deep learning", ICML 2013, section 2, with the learning
/// rate outside the velocity `u`), element by element. With the gradient `g` and the decay `d` of the row:
///
/// ```text
/// u = fma(d, u, g)
/// w = fma(-learning_rate, u, (1 - weight_decay) * w)                       momentum
/// w = fma(-learning_rate, fma(momentum, u, g), (1 - weight_decay) * w)     Nesterov's
/// ```
///
/// `d = momentum` is the plain method; with `momentum^(1 + n)` a row that was skipped for `n` steps catches up on their decay. A
/// momentum of 0 is plain gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MomentumStep {
    /// The factor of the velocity in the step.
    pub learning_rate: f32,
    /// Decay of the velocity, in [0, 1).
    pub momentum: f32,
    /// Whether to use Nesterov's momentum.
    pub nesterov: bool,
    /// Decoupled weight decay per step: the learning rate times `lambda`.
    pub weight_decay: f32,
}

/// One step of Adagrad (Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
/// optimization", JMLR 12, 2011, figure 1 with diagonal matrices), element by element, with the gradient `g`:
///
/// ```text
/// s = fma(g, g, s)
/// w = fma(-learning_rate, g / (sqrt(s) + epsilon), (1 - weight_decay) * w)
/// ```
///
/// With an `epsilon` of 0, a gradient of 0 on a sum of 0 is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradStep {
    /// The factor of the scaled gradient in the step.
    pub learning_rate: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Decoupled weight decay per step: the learning rate times `lambda`.
    pub weight_decay: f32,
}

/// An optimiser: the constants of its step, and its state, in the shape of the weights.
///
/// `T` is [`TableMut`](crate::TableMut) for rows and `&mut [f32]` for elements. All states of an optimiser are in one
/// format, `f32` or `bf16`, which need not be that of the weights. They are widened, updated in `f32` and rounded as
/// [`Rounding`](crate::Rounding) says. With rounding to nearest, a `bf16` state cannot change by less than 1/512 of itself: a
/// second moment that decays by 0.999 would never shrink, so use stochastic rounding for states in `bf16`.
///
/// `decay` has one element per updated row; without it, the constants of the step hold for all rows.
///
/// ```
/// use slide_kernels::{Kernels, Matrix, MatrixMut, MomentumStep, Optimiser, Rounding, RowIds};
///
/// let (mut weights, mut velocity) = ([1.0; 12], [0.0; 12]);
/// let step = MomentumStep { learning_rate: 0.5, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
/// Kernels::best().update_rows(
///     MatrixMut::new(&mut weights, 4, 4)?.into(),
///     Optimiser::Momentum { step, velocity: MatrixMut::new(&mut velocity, 4, 4)?.into(), decay: None },
///     RowIds::new(&[1], 3)?,
///     Matrix::new(&[1.0, 0.0, -1.0, 2.0], 4, 4)?,
///     Rounding::Nearest,
/// );
/// assert_eq!(weights, [1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.5, 0.0, 1.0, 1.0, 1.0, 1.0]);
/// # Ok::<(), slide_kernels::ShapeError>(())
/// ```
#[derive(Debug)]
pub enum Optimiser<'a, T> {
    /// Adam and AdamW.
    Adam {
        /// The constants.
        step: AdamStep,
        /// First moments.
        m: T,
        /// Second moments.
        v: T,
        /// Of both moments, by updated row.
        decay: Option<&'a [[f32; 2]]>,
    },
    /// Gradient descent with momentum.
    Momentum {
        /// The constants.
        step: MomentumStep,
        /// Velocities.
        velocity: T,
        /// Of the velocity, by updated row.
        decay: Option<&'a [[f32; 1]]>,
    },
    /// Adagrad.
    Adagrad {
        /// The constants.
        step: AdagradStep,
        /// Sums of the squares of gradients.
        sum: T,
    },
}

impl<T> Optimiser<'_, T> {
    /// The states, of which there is at least one.
    pub(crate) fn states(&self) -> (&T, Option<&T>) {
        match self {
            Optimiser::Adam { m, v, .. } => (m, Some(v)),
            Optimiser::Momentum { velocity, .. } => (velocity, None),
            Optimiser::Adagrad { sum, .. } => (sum, None),
        }
    }

    /// For how many rows there is a decay.
    pub(crate) fn decays(&self) -> Option<usize> {
        match self {
            Optimiser::Adam { decay, .. } => decay.map(<[_]>::len),
            Optimiser::Momentum { decay, .. } => decay.map(<[_]>::len),
            Optimiser::Adagrad { .. } => None,
        }
    }
}

/// What a step changes, checked: weights with `N` states, the latter all in one format.
pub(crate) struct Target<'a, T, const N: usize> {
    pub(crate) weights: T,
    pub(crate) states: [T; N],
    pub(crate) decay: Decay<'a, N>,
}

/// The decays of each updated row, or those that all rows have.
#[derive(Clone, Copy)]
pub(crate) struct Decay<'a, const N: usize> {
    pub(crate) rows: Option<&'a [[f32; N]]>,
    pub(crate) all: [f32; N],
}

impl<const N: usize> Decay<'_, N> {
    /// # Safety
    /// There are more than `i` rows.
    #[inline(always)]
    pub(crate) unsafe fn of(&self, i: usize) -> [f32; N] {
        match self.rows {
            // SAFETY: the caller counts rows, and the public method asserted that there is a decay for each.
            Some(rows) => unsafe { *rows.get_unchecked(i) },
            None => self.all,
        }
    }
}

/// Calls the function that a family has for the optimiser, with the [`Target`] that it makes of `weights`.
macro_rules! call_for_optimiser {
    ($optimiser:expr, $weights:expr, $adam:expr, $momentum:expr, $adagrad:expr, ($($argument:expr),*)) => {{
        use $crate::api::optimiser::{Decay, Optimiser, Target};
        let weights = $weights;
        match $optimiser {
            Optimiser::Adam { step, m, v, decay } => {
                let decay = Decay { rows: decay, all: [step.beta1, step.beta2] };
                $adam(Target { weights, states: [m, v], decay }, $($argument,)* &step)
            }
            Optimiser::Momentum { step, velocity, decay } => {
                let decay = Decay { rows: decay, all: [step.momentum] };
                $momentum(Target { weights, states: [velocity], decay }, $($argument,)* &step)
            }
            Optimiser::Adagrad { step, sum } => {
                let decay = Decay { rows: None, all: [1.0] };
                $adagrad(Target { weights, states: [sum], decay }, $($argument,)* &step)
            }
        }
    }};
}
pub(crate) use call_for_optimiser;
