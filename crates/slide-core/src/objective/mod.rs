//! Objectives: targets, loss and gradient in training, the bias that training starts from, and the probability of a logit in
//! prediction.
//!
//! The loss of an example is computed on its active rows. Its gradient with respect to a logit is formed either in one step
//! (an objective whose logits do not depend on each other), or in two, with sums over all active rows in between.
//!
//! A new objective is a file here, its `mod` line, and a line of [`Loss`].

mod binary_cross_entropy;
mod softmax;

use std::ops::Range;

use slide_kernels::Kernels;

use crate::choice::choices;

choices! {
    /// The loss of the output layer.
    pub enum Loss ("loss") as objective: &'static dyn Objective {
        /// Cross-entropy of a softmax over the active rows; each of an example's labels has the target `1/|labels|`.
        Softmax = "softmax" => &softmax::Softmax,
        /// Binary cross-entropy: one sigmoid per label, each label of an example has the target 1.
        Bce = "bce" => &binary_cross_entropy::BinaryCrossEntropy,
    }
}

/// What distinguishes a loss from the others.
pub(crate) trait Objective: Sync {
    /// The target of each label of an example that has `labels` of them.
    fn target(&self, labels: usize) -> f32;

    /// The bias of a label's row before training: `frequency` of `examples` training examples have the label.
    fn initial_bias(&self, frequency: u32, examples: usize) -> f32;

    /// Replaces the logits of a group by the gradient of the loss with respect to them, and adds each example's loss.
    fn group(&self, kernels: &Kernels, group: GroupLogits<'_>, scratch: &mut GroupScratch);

    /// Whether the gradient of a logit depends on other logits of the example, so that [`shard`](Self::shard) is followed
    /// by [`combine`](Self::combine) and [`finish_shard`](Self::finish_shard).
    fn couples_rows(&self) -> bool;

    /// First half for the logits of one shard: replaces them by the gradient or, where rows are coupled, by what
    /// `finish_shard` makes the gradient of, with `sums` over the shard. Returns the part of the loss that no other shard
    /// is needed for.
    fn shard(&self, kernels: &Kernels, logits: ShardLogits<'_>, sums: &mut ShardSums) -> f64;

    /// Combines the sums of all shards, in their order, into those of the examples `range` of the batch, written to
    /// `totals`; adds to the `loss` of each. `has_labels` is that of these examples; those after its end are padding.
    fn combine(
        &self,
        kernels: &Kernels,
        shards: &mut dyn Iterator<Item = &ShardSums>,
        range: Range<usize>,
        has_labels: &[bool],
        totals: Totals<'_>,
        loss: &mut [f64],
    ) {
        let _ = (kernels, shards, range, has_labels, totals, loss);
    }

    /// Second half: makes what [`shard`](Self::shard) has left the gradient; `max` and `factor` are the combined totals.
    fn finish_shard(
        &self,
        kernels: &Kernels,
        logits: ShardLogits<'_>,
        sums: &mut ShardSums,
        max: &[f32],
        factor: &[f32],
    ) {
        let _ = (kernels, logits, sums, max, factor);
    }

    /// Whether [`probability`](Self::probability) looks at `log_sum`.
    fn needs_log_sum(&self) -> bool;

    /// The probability that a logit means; `log_sum` is the logarithm of the sum of the exponentials of all logits of the
    /// example.
    fn probability(&self, logit: f32, log_sum: f32) -> f32;
}

/// The logits of a group: examples that share one list of rows.
pub(crate) struct GroupLogits<'a> {
    /// `[rows][padded]`.
    pub(crate) logits: &'a mut [f32],
    /// Examples with the padding, a multiple of 16.
    pub(crate) padded: usize,
    /// The logits of labels: place in `logits`, example and target.
    pub(crate) targets: &'a [Target],
    /// Of each example without the padding.
    pub(crate) has_labels: &'a [bool],
    /// Of each example without the padding, added to.
    pub(crate) loss: &'a mut [f64],
}

/// The logit of a label.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Its place among the logits of the group.
    pub(crate) at: usize,
    /// The example.
    pub(crate) example: usize,
    /// The target.
    pub(crate) value: f32,
}

impl GroupLogits<'_> {
    /// Subtracts targets times logits from the losses, while the logits are still there.
    fn subtract_products(&mut self) {
        for target in self.targets {
            self.loss[target.example] -= f64::from(target.value) * f64::from(self.logits[target.at]);
        }
    }

    /// Subtracts the targets from what has replaced the logits.
    fn subtract_targets(&mut self) {
        for target in self.targets {
            self.logits[target.at] -= target.value;
        }
    }
}

/// Buffers of [`Objective::group`], kept between batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupScratch {
    max: Vec<f32>,
    sum: Vec<f32>,
}

/// The logits of one shard of rows, where each example has its own active rows: one for each pair of row and example.
pub(crate) struct ShardLogits<'a> {
    /// The logits, row after row.
    pub(crate) logits: &'a mut [f32],
    /// The target of each.
    pub(crate) targets: &'a [f32],
    /// The example of each.
    pub(crate) examples: &'a [u32],
    /// Examples of the batch, padding included.
    pub(crate) batch: usize,
}

impl ShardLogits<'_> {
    /// Minus the sum of targets times logits.
    fn products(&self) -> f64 {
        let mut loss = 0.0;
        for (&target, &logit) in self.targets.iter().zip(&*self.logits) {
            if target != 0.0 {
                loss -= f64::from(target) * f64::from(logit);
            }
        }
        loss
    }

    fn subtract_targets(&mut self) {
        for (logit, target) in self.logits.iter_mut().zip(self.targets) {
            *logit -= target;
        }
    }
}

/// What an objective that couples rows keeps of a shard, by example of the batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardSums {
    /// The largest logit, negative infinity where the example has no row here.
    max: Vec<f32>,
    /// The sum of `exp(logit - max)`.
    sum: Vec<f32>,
    factors: Vec<f32>,
}

/// Sums over all shards, of some examples of the batch: buffers to be written.
pub(crate) struct Totals<'a> {
    /// The largest logit; negative infinity before.
    pub(crate) max: &'a mut [f32],
    /// What the exponentials are multiplied with; 0 before.
    pub(crate) factor: &'a mut [f32],
}
