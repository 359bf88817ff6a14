//! Dual coordinate descent for one label: Hsieh, Chang, Lin, Keerthi and Sundararajan, "A dual coordinate descent method for
//! large-scale linear SVM", ICML 2008, algorithms 1 (L2-loss) and 3 (shrinking).
//!
//! With `y = 1` for the examples that have the label and `y = -1` for the others, the weights `w` and the bias `b` minimise
//! `|w|^2 / 2 + b^2 / 2 + C sum max(0, 1 - y s)^2`, where `s = w . x + 0.3 b - 1` is the score. Each example has a dual variable
//! `alpha >= 0`, and `w = sum alpha y x`, `b = 0.3 sum alpha y`.

use slide_kernels::rng::{CounterRng, RngKey};

use super::examples::{Examples, LocalRows};
use crate::views::refill;

/// Value of the constant feature, whose weight is `b`.
const CONSTANT: f32 = 0.3;
/// Score of a label that no feature speaks for: a label is rejected until something speaks for it.
const OFFSET: f32 = -1.0;
/// A label's training ends when no example violates the conditions of the optimum by more,
const TOLERANCE: f32 = 0.3;
/// or after so many passes over its examples.
const MOST_PASSES: u32 = 20;
/// An example with `alpha = 0` leaves the training when its gradient exceeds this, and the largest violation of the pass before.
const SHRINKING: f32 = 0.1;

/// What one worker needs, kept between labels.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    rows: LocalRows,
    /// The label's weights, by local features.
    weights: Vec<f32>,
    order: Vec<u32>,
}

/// Trains a label on `members`, of which the first `positives` have it, from the dual variables `alphas` on, which are changed.
/// Calls `keep` with the features whose weights, times the feature's heaviness, reach `prune` in absolute value, in the order in
/// which the members have them.
/// Returns the score of an example without features.
pub(super) fn train(
    examples: &Examples<'_>,
    (cost, prune): (f32, f32),
    key: RngKey,
    (members, positives): (&[u32], usize),
    alphas: &mut [f32],
    scratch: &mut Scratch,
    mut keep: impl FnMut(u32, f32),
) -> f32 {
    let Scratch { rows, weights, order } = scratch;
    rows.fill(examples, members);
    let rows = rows.view(examples.kernels());
    refill(weights, rows.features.len(), 0.0);
    let diagonal = 0.5 / cost;
    let sign = |member: usize| if member < positives { 1.0 } else { -1.0 };
    let mut bias = 0.0;
    for (member, &alpha) in alphas.iter().enumerate().filter(|(_, alpha)| **alpha > 0.0) {
        rows.add(member, alpha * sign(member), weights);
        bias += CONSTANT * alpha * sign(member);
    }
    order.clear();
    order.extend(0..members.len() as u32);
    let mut random = CounterRng::new(key);
    let mut violation_before = f32::INFINITY;
    for _ in 0..MOST_PASSES {
        random.shuffle(order);
        let (mut violation, mut at) = (0.0_f32, 0);
        while at < order.len() {
            let member = order[at] as usize;
            let (sign, alpha) = (sign(member), alphas[member]);
            let score = rows.dot(member, weights) + CONSTANT * bias + OFFSET;
            let gradient = sign * score - 1.0 + alpha * diagonal;
            if alpha == 0.0 && gradient >= 0.0 {
                if gradient > violation_before.max(SHRINKING) {
                    order.swap_remove(at);
                } else {
                    at += 1;
                }
                continue;
            }
            at += 1;
            violation = violation.max(gradient.abs());
            let curvature = examples.square(members[member]) + CONSTANT * CONSTANT + diagonal;
            let next = (alpha - gradient / curvature).max(0.0);
            if next != alpha {
                let step = sign * (next - alpha);
                alphas[member] = next;
                rows.add(member, step, weights);
                bias += CONSTANT * step;
            }
        }
        violation_before = violation;
        if violation < TOLERANCE {
            break;
        }
    }
    for (&feature, &weight) in rows.features.iter().zip(&*weights) {
        if weight.abs() * examples.heaviness(feature) >= prune {
            keep(feature, weight);
        }
    }
    CONSTANT * bias + OFFSET
}
