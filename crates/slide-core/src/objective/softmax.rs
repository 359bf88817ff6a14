//! Cross-entropy of a softmax over the active rows of an example.

use std::ops::Range;

use slide_kernels::{Kernels, numerics};

use super::{GroupLogits, GroupScratch, Objective, ShardLogits, ShardSums, Totals};
use crate::views::{matrix, matrix_mut};

/// `ln(sum over rows of e^z) - sum over rows of y z`. An example without labels has no target distribution, and so neither
/// loss nor gradient.
pub(super) struct Softmax;

impl Objective for Softmax {
    fn target(&self, labels: usize) -> f32 {
        1.0 / labels as f32
    }

    fn initial_bias(&self, _frequency: u32, _examples: usize) -> f32 {
        0.0
    }

    fn group(&self, kernels: &Kernels, mut group: GroupLogits<'_>, scratch: &mut GroupScratch) {
        group.subtract_products();
        let GroupScratch { max, sum } = scratch;
        for buffer in [&mut *max, &mut *sum] {
            buffer.clear();
            buffer.resize(group.padded, 0.0);
        }
        kernels.column_max_sum(matrix(group.logits, group.padded), max, sum);
        invert_sums(group.has_labels, max, sum, group.loss);
        kernels.softmax_columns(matrix_mut(group.logits, group.padded), max, sum);
        group.subtract_targets();
    }

    fn couples_rows(&self) -> bool {
        true
    }

    fn shard(&self, kernels: &Kernels, shard: ShardLogits<'_>, sums: &mut ShardSums) -> f64 {
        let loss = shard.products();
        let ShardLogits { logits, examples, batch, .. } = shard;
        sums.max.clear();
        sums.max.resize(batch, f32::NEG_INFINITY);
        for (&example, &logit) in examples.iter().zip(&*logits) {
            let max = &mut sums.max[example as usize];
            *max = max.max(logit);
        }
        sums.factors.clear();
        sums.factors.resize(batch, 1.0);
        kernels.softmax_entries(logits, examples, &sums.max, &sums.factors);
        sums.sum.clear();
        sums.sum.resize(batch, 0.0);
        for (&example, &exponential) in examples.iter().zip(&*logits) {
            sums.sum[example as usize] += exponential;
        }
        loss
    }

    fn combine(
        &self,
        kernels: &Kernels,
        shards: &mut dyn Iterator<Item = &ShardSums>,
        range: Range<usize>,
        has_labels: &[bool],
        totals: Totals<'_>,
        loss: &mut [f64],
    ) {
        let Totals { max, factor: sum } = totals;
        let shards: Vec<&ShardSums> = shards.collect();
        for shard in &shards {
            for (max, own) in max.iter_mut().zip(&shard.max[range.clone()]) {
                *max = max.max(*own);
            }
        }
        let mut factors = vec![0.0; max.len()];
        for shard in &shards {
            for ((factor, own), max) in factors.iter_mut().zip(&shard.max[range.clone()]).zip(max.iter()) {
                *factor = own - max;
            }
            kernels.exp(&mut factors);
            for ((sum, own), factor) in sum.iter_mut().zip(&shard.sum[range.clone()]).zip(&factors) {
                *sum += own * factor;
            }
        }
        invert_sums(has_labels, max, sum, loss);
    }

    fn finish_shard(
        &self,
        kernels: &Kernels,
        mut shard: ShardLogits<'_>,
        sums: &mut ShardSums,
        max: &[f32],
        factor: &[f32],
    ) {
        let factors = &mut sums.factors;
        factors.clear();
        factors.extend(sums.max.iter().zip(max).map(|(own, all)| own - all));
        kernels.exp(factors);
        for (own, all) in factors.iter_mut().zip(factor) {
            *own *= all;
        }
        for (logit, &example) in shard.logits.iter_mut().zip(shard.examples) {
            *logit *= factors[example as usize];
        }
        shard.subtract_targets();
    }

    fn needs_log_sum(&self) -> bool {
        true
    }

    fn probability(&self, logit: f32, log_sum: f32) -> f32 {
        numerics::exp(logit - log_sum)
    }
}

/// Replaces each example's sum of exponentials by its inverse, or by 0 for one without labels. Adds `max + ln(sum)` to the
/// loss of those with labels.
fn invert_sums(has_labels: &[bool], max: &[f32], sums: &mut [f32], losses: &mut [f64]) {
    for (((&has_labels, &max), sum), loss) in has_labels.iter().zip(max).zip(sums).zip(losses) {
        if has_labels {
            *loss += f64::from(max) + libm::log(f64::from(*sum));
            *sum = 1.0 / *sum;
        } else {
            *sum = 0.0;
        }
    }
}
