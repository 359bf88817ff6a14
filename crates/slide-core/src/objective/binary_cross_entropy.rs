//! Binary cross-entropy: each logit is that of a sigmoid of its own.

use slide_kernels::{Kernels, numerics};

use super::{GroupLogits, GroupScratch, Objective, ShardLogits, ShardSums};
use crate::views::matrix_mut;

/// `sum over rows of ln(1 + e^z) - y z`.
pub(super) struct BinaryCrossEntropy;

impl Objective for BinaryCrossEntropy {
    fn target(&self, _labels: usize) -> f32 {
        1.0
    }

    /// The log of the label's prior, `ln((frequency + 0.5) / examples)`: almost all targets are 0, and a network that
    /// starts there need not learn it first.
    fn initial_bias(&self, frequency: u32, examples: usize) -> f32 {
        libm::log((f64::from(frequency) + 0.5) / examples as f64) as f32
    }

    fn group(&self, kernels: &Kernels, mut group: GroupLogits<'_>, scratch: &mut GroupScratch) {
        group.subtract_products();
        scratch.sum.clear();
        scratch.sum.resize(group.padded, 0.0);
        kernels.sigmoid_columns(matrix_mut(group.logits, group.padded), &mut scratch.sum);
        for (loss, &sum) in group.loss.iter_mut().zip(&scratch.sum) {
            *loss += f64::from(sum);
        }
        group.subtract_targets();
    }

    fn couples_rows(&self) -> bool {
        false
    }

    fn shard(&self, kernels: &Kernels, mut shard: ShardLogits<'_>, _sums: &mut ShardSums) -> f64 {
        let loss = shard.products() + f64::from(kernels.sigmoid_entries(shard.logits));
        shard.subtract_targets();
        loss
    }

    fn needs_log_sum(&self) -> bool {
        false
    }

    fn probability(&self, logit: f32, _log_sum: f32) -> f32 {
        numerics::sigmoid(logit)
    }
}
