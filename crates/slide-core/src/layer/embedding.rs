//! The sparse input layer: an embedding bag, `h = bias + sum_i x_i * W[i, :]`, and its update.

use slide_kernels::Kernels;

use super::active_set::{Csc, Csr};
use super::rows::{LayerRows, Shard};
use crate::optim::{RowDecays, Step};
use crate::views::{matrix, row_ids};

/// Buffers of a worker that updates rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    columns: Csc,
    decays: RowDecays,
}

/// `out = bias + sum of values[i] * rows[i]` for one example; `out` has the layer's columns. Rows of integers are widened in `widened`.
pub(crate) fn forward(
    kernels: &Kernels,
    layer: &LayerRows,
    bias: &[f32],
    rows: &[u32],
    values: &[f32],
    widened: &mut Vec<f32>,
    out: &mut [f32],
) {
    if let Some(weights) = layer.quantized() {
        return weights.sum_of_rows(kernels, bias, rows, values, widened, out);
    }
    kernels.embedding_forward(layer.table(), row_ids(rows, layer.rows()), values, bias, out);
}

/// Updates the rows of a shard that the batch's examples use: `blocks` lists their features, by the same shards; `deltas` holds the
/// gradient of the loss with respect to the layer's sums, `[batch][columns]`.
pub(crate) fn update<'a>(
    kernels: &Kernels,
    shard: &mut Shard<'_>,
    blocks: impl Iterator<Item = &'a Csr> + Clone,
    deltas: &[f32],
    step: &Step,
    scratch: &mut Scratch,
) {
    let Scratch { columns, decays } = scratch;
    columns.fill(kernels, blocks, shard.range(), shard.index);
    if columns.rows.is_empty() {
        return;
    }
    let vectors = matrix(deltas, shard.columns());
    let pattern = columns.pattern(shard.rows(), vectors.rows());
    shard.touch(&columns.rows, step, decays);
    let rounding = shard.rounding(step);
    let (weights, optimiser) = shard.target(step, decays.all());
    kernels.sddmm_backward(weights, optimiser, &pattern, &columns.values, vectors, None, rounding);
}
