//! The sparse input layer: an embedding bag, `h = bias + sum_i x_i * W[i, :]`, and its update.

use slide_kernels::Kernels;

use super::rows::{Chunk, LayerRows, matrix, row_ids};
use crate::optim::adam::Adam;
use crate::train::active_set::{SampleLists, Transposed};

/// Buffers of a worker that updates rows.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    transposed: Transposed,
    decay: Vec<[f32; 2]>,
}

/// `out = bias + sum of values[i] * rows[i]` for one sample; `out` has the layer's columns.
pub fn forward(kernels: &Kernels, layer: &LayerRows, bias: &[f32], rows: &[u32], values: &[f32], out: &mut [f32]) {
    kernels.embedding_forward(layer.table(), row_ids(rows, layer.rows()), values, bias, out);
}

/// Updates the rows of a chunk that the batch's samples use: `blocks` lists their features, `deltas` holds the
/// gradient of the loss with respect to the layer's sums, `[batch][columns]`.
pub fn update<'a>(
    kernels: &Kernels,
    chunk: &mut Chunk<'_>,
    partition: &super::partition::Partition,
    blocks: impl Iterator<Item = &'a SampleLists> + Clone,
    deltas: &[f32],
    adam: &Adam,
    scratch: &mut Scratch,
) {
    let Scratch { transposed, decay } = scratch;
    transposed.fill(kernels, blocks, partition, chunk.index);
    if transposed.rows.is_empty() {
        return;
    }
    let vectors = matrix(deltas, chunk.columns());
    let active = transposed.active_rows(chunk.rows(), vectors.rows());
    adam.touch(&transposed.rows, chunk.last_step, decay);
    let rounding = chunk.rounding(adam);
    let (weights, optimiser) = chunk.target(adam, decay);
    kernels.sddmm_backward(weights, optimiser, &active, &transposed.values, vectors, None, rounding);
}
