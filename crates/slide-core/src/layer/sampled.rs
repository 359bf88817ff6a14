//! Rows under one active set per example: the output layer with a sampler that is not shared.
//!
//! The owner of a shard processes its rows in order. Pass 1 reads a row once and computes the logits of all examples in whose set
//! it is; pass 2 reads it again and, while it is in cache, adds its part to the gradient of the examples' hidden units and
//! takes the row's step. An objective that couples rows needs sums over all shards in between; others run both
//! passes at once.

use slide_kernels::Kernels;

use super::active_set::{Csc, Csr};
use super::reduction_tree::ReductionTree;
use super::rows::Shard;
use crate::objective::{Objective, ShardLogits, ShardSums};
use crate::optim::{RowDecays, Step};
use crate::views::{matrix, matrix_mut};

/// The state of a shard between the passes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardPass {
    columns: Csc,
    /// Per entry of the columns: the logit, later the gradient with respect to it.
    deltas: Vec<f32>,
    /// The objective's sums over this shard.
    pub(crate) sums: ShardSums,
    /// This shard's part of the loss that needs no other shard.
    pub(crate) loss: f64,
    decays: RowDecays,
    bias_gradient: Vec<f32>,
}

impl ShardPass {
    /// Number of rows of this shard that the batch touches.
    pub(crate) fn rows_touched(&self) -> usize {
        self.columns.rows.len()
    }

    /// Transposes the active sets for `shard` and computes the logits (pass 1). `hidden` is `[batch][columns]`.
    pub(crate) fn logits<'a>(
        &mut self,
        kernels: &Kernels,
        shard: &Shard<'_>,
        blocks: impl Iterator<Item = &'a Csr> + Clone,
        hidden: &[f32],
    ) {
        self.columns.fill(kernels, blocks, shard.range(), shard.index);
        let vectors = matrix(hidden, shard.columns());
        self.deltas.resize(self.columns.examples.len(), 0.0);
        let pattern = self.columns.pattern(shard.rows(), vectors.rows());
        kernels.sddmm_forward(shard.table(), shard.bias(), &pattern, vectors, &mut self.deltas);
    }

    /// First half of the objective, on this shard's logits alone; `batch` is the number of examples with the padding.
    pub(crate) fn loss(&mut self, kernels: &Kernels, objective: &dyn Objective, batch: usize) {
        let Self { columns, deltas, sums, .. } = self;
        self.loss = objective.shard(kernels, shard_logits(columns, deltas, batch), sums);
    }

    /// Second half of the objective, with the sums over all shards.
    pub(crate) fn finish_loss(&mut self, kernels: &Kernels, objective: &dyn Objective, max: &[f32], factor: &[f32]) {
        let Self { columns, deltas, sums, .. } = self;
        objective.finish_shard(kernels, shard_logits(columns, deltas, max.len()), sums, max, factor);
    }

    /// Pass 2: the shard's part of the hidden gradient becomes a leaf of `tree`, and its rows take their step.
    pub(crate) fn backward(
        &mut self,
        kernels: &Kernels,
        shard: &mut Shard<'_>,
        hidden: &[f32],
        step: &Step,
        tree: &mut ReductionTree,
    ) {
        let mut leaf = tree.new_leaf(hidden.len());
        let columns = shard.columns();
        let vectors = matrix(hidden, columns);
        let pattern = self.columns.pattern(shard.rows(), vectors.rows());
        shard.touch(&self.columns.rows, step, &mut self.decays);
        let rounding = shard.rounding(step);
        let (weights, optimiser) = shard.target(step, self.decays.all());
        let gradient = Some(matrix_mut(&mut leaf, columns));
        kernels.sddmm_backward(weights, optimiser, &pattern, &self.deltas, vectors, gradient, rounding);
        self.bias_gradient.clear();
        self.bias_gradient.extend(self.columns.starts.windows(2).map(|bounds| {
            let entries = &self.deltas[bounds[0] as usize..bounds[1] as usize];
            entries.iter().fold(0.0, |sum, delta| sum + delta)
        }));
        shard.update_bias(kernels, &self.columns.rows, &self.bias_gradient, &self.decays, step);
        tree.push(shard.index, leaf);
    }
}

fn shard_logits<'a>(columns: &'a Csc, logits: &'a mut [f32], batch: usize) -> ShardLogits<'a> {
    ShardLogits { logits, targets: &columns.values, examples: &columns.examples, batch }
}
