//! Rows of which each sample wants its own: the output layer under hash sampling.
//!
//! The owner of a chunk takes its rows in order. Pass 1 reads a row once and computes the logits of all samples that
//! want it; pass 2 reads it again and, while it is in cache, adds its part to the gradient of the
//! samples' hidden units and takes the row's step. Softmax needs the sum over all chunks in between; binary cross-entropy does not, and
//! then both passes run at once.

use slide_kernels::Kernels;

use super::partition::Partition;
use super::rows::{Chunk, matrix, matrix_mut};
use crate::config::Loss;
use crate::optim::adam::Adam;
use crate::train::active_set::{SampleLists, Transposed};
use crate::train::tree::Branches;

/// What the owner of a chunk keeps between the passes.
#[derive(Clone, Debug, Default)]
pub struct ChunkState {
    transposed: Transposed,
    /// Per entry of the transposed lists: the logit, later the gradient with respect to it.
    deltas: Vec<f32>,
    /// Per sample of the batch: the largest logit of this chunk, negative infinity where it wants none.
    pub max: Vec<f32>,
    /// Per sample of the batch: the sum over this chunk of `exp(logit - max)`.
    pub sum: Vec<f32>,
    /// This chunk's part of the loss that needs no other chunk: for softmax minus the targets times the logits.
    pub loss: f64,
    factors: Vec<f32>,
    decay: Vec<[f32; 2]>,
    bias_gradient: Vec<f32>,
}

impl ChunkState {
    /// Number of rows of this chunk that the batch touches.
    pub fn rows_touched(&self) -> usize {
        self.transposed.rows.len()
    }

    /// Transposes the active sets for `chunk` and computes the logits (pass 1), then what the loss can make of them.
    /// `hidden` is `[batch][columns]`.
    pub fn forward<'a>(
        &mut self,
        kernels: &Kernels,
        chunk: &Chunk<'_>,
        partition: &Partition,
        blocks: impl Iterator<Item = &'a SampleLists> + Clone,
        hidden: &[f32],
        loss: Loss,
    ) {
        self.transposed.fill(kernels, blocks, partition, chunk.index);
        let vectors = matrix(hidden, chunk.columns());
        let entries = self.transposed.members.len();
        self.deltas.resize(entries, 0.0);
        let active = self.transposed.active_rows(chunk.rows(), vectors.rows());
        kernels.sddmm_forward(chunk.table(), chunk.bias(), &active, vectors, &mut self.deltas);
        self.loss = 0.0;
        for (&target, &logit) in self.transposed.values.iter().zip(&self.deltas) {
            if target != 0.0 {
                self.loss -= f64::from(target) * f64::from(logit);
            }
        }
        match loss {
            Loss::Bce => {
                self.loss += f64::from(kernels.sigmoid_entries(&mut self.deltas));
                self.subtract_targets();
            }
            Loss::Softmax => self.sum_by_sample(kernels, vectors.rows()),
        }
    }

    fn sum_by_sample(&mut self, kernels: &Kernels, samples: usize) {
        let members = &self.transposed.members;
        self.max.clear();
        self.max.resize(samples, f32::NEG_INFINITY);
        for (&sample, &logit) in members.iter().zip(&self.deltas) {
            let max = &mut self.max[sample as usize];
            *max = max.max(logit);
        }
        self.factors.clear();
        self.factors.resize(samples, 1.0);
        kernels.softmax_entries(&mut self.deltas, members, &self.max, &self.factors);
        self.sum.clear();
        self.sum.resize(samples, 0.0);
        for (&sample, &exponential) in members.iter().zip(&self.deltas) {
            self.sum[sample as usize] += exponential;
        }
    }

    /// Turns this chunk's exponentials into gradients, once the whole batch's `max` and `inverse_sum` per sample are
    /// known.
    pub fn finish_softmax(&mut self, kernels: &Kernels, max: &[f32], inverse_sum: &[f32]) {
        self.factors.clear();
        self.factors.extend(self.max.iter().zip(max).map(|(own, all)| own - all));
        kernels.exp(&mut self.factors);
        for (factor, inverse) in self.factors.iter_mut().zip(inverse_sum) {
            *factor *= inverse;
        }
        for (delta, &sample) in self.deltas.iter_mut().zip(&self.transposed.members) {
            *delta *= self.factors[sample as usize];
        }
        self.subtract_targets();
    }

    fn subtract_targets(&mut self) {
        for (delta, target) in self.deltas.iter_mut().zip(&self.transposed.values) {
            *delta -= target;
        }
    }

    /// Pass 2: the chunk's part of the hidden gradient becomes a leaf of `branches`, and its rows take their step.
    pub fn backward(
        &mut self,
        kernels: &Kernels,
        chunk: &mut Chunk<'_>,
        hidden: &[f32],
        adam: &Adam,
        branches: &mut Branches,
    ) {
        let mut leaf = branches.new_leaf(hidden.len());
        let columns = chunk.columns();
        let vectors = matrix(hidden, columns);
        let active = self.transposed.active_rows(chunk.rows(), vectors.rows());
        adam.touch(&self.transposed.rows, chunk.last_step, &mut self.decay);
        let rounding = chunk.rounding(adam);
        let (weights, optimiser) = chunk.target(adam, &self.decay);
        kernels.sddmm_backward(
            weights,
            optimiser,
            &active,
            &self.deltas,
            vectors,
            Some(matrix_mut(&mut leaf, columns)),
            rounding,
        );
        self.bias_gradient.clear();
        self.bias_gradient.extend(self.transposed.starts.windows(2).map(|bounds| {
            let entries = &self.deltas[bounds[0] as usize..bounds[1] as usize];
            entries.iter().fold(0.0, |sum, delta| sum + delta)
        }));
        let rows = &self.transposed.rows;
        chunk.update_bias(kernels, rows, &self.bias_gradient, &self.decay, adam);
        branches.push(chunk.index, leaf);
    }
}
