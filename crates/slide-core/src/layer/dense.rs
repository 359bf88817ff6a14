//! A list of rows that a group of examples shares: all rows of a hidden layer, or the shared set of a batch.
//!
//! Every product is owned by its output. A block of examples computes its own logits and the gradient with respect
//! to its own inputs, reading all listed rows; the owner of a row computes the row's gradient, reading all
//! examples, and updates the row at once. So partial sums of different owners are never added, and each sum is one chain
//! in a fixed order: over inputs, over the listed rows, over examples.

use slide_kernels::{Kernels, MatrixMut};

use super::quantized::{ByteVectors, QuantizedRows};
use super::rows::{LayerRows, Shard};
use crate::optim::{RowDecays, Step};
use crate::views::{matrix, matrix_mut, row_ids};

/// Rows whose gradients are held at once: a multiple of the rows of the kernels' tiles. The kernel packs the activations of all
/// examples for each such tile, which costs a tenth of the product with 32 rows and a thirtieth with 96; with 256 columns their
/// gradients are 96 KiB in the second-level cache.
///
/// `cargo bench -p slide-benches --bench shared_set`
const TILE: usize = 96;
/// The same where each block of examples has its own part of the rows.
const PART_TILE: usize = 256;

/// Logits of the listed rows: `out[r][s] = bias[rows[r]] + <weights[rows[r]], inputs[:][s]>`.
///
/// `inputs` is transposed, `[columns][examples]`; `out` is `[rows][examples]`; `examples` is a multiple of 16.
pub(crate) fn forward(
    kernels: &Kernels,
    layer: &LayerRows,
    rows: &[u32],
    inputs: &[f32],
    examples: usize,
    out: &mut [f32],
) {
    kernels.gemm_forward(
        layer.table(),
        row_ids(rows, layer.rows()),
        layer.bias(),
        matrix(inputs, examples),
        matrix_mut(out, examples),
    );
}

/// The same of prediction, where the rows may be integers: then `vectors` are the inputs in bytes, of which there may be any number.
pub(crate) fn forward_bytes(
    kernels: &Kernels,
    (weights, bias): (&QuantizedRows, &[f32]),
    rows: &[u32],
    vectors: &mut ByteVectors,
    out: &mut [f32],
) {
    weights.products(kernels, rows, vectors, out);
    for (logits, &row) in out.chunks_exact_mut(vectors.count()).zip(rows) {
        logits.iter_mut().for_each(|logit| *logit += bias[row as usize]);
    }
}

/// Logits of the listed rows for one vector, `hidden`: `out[r] = <weights[rows[r]], hidden> + bias[rows[r]]`. Rows of integers are
/// multiplied with `bytes`, which the vector is rounded to.
pub(crate) fn forward_one(
    kernels: &Kernels,
    layer: &LayerRows,
    rows: &[u32],
    hidden: &[f32],
    bytes: &mut ByteVectors,
    out: &mut [f32],
) {
    if let Some(weights) = layer.quantized() {
        bytes.take(kernels, hidden, hidden.len());
        return forward_bytes(kernels, (weights, layer.bias()), rows, bytes, out);
    }
    kernels.rows_dot(layer.table(), row_ids(rows, layer.rows()), hidden, out);
    out.iter_mut().zip(rows).for_each(|(logit, &row)| *logit += layer.bias()[row as usize]);
}

/// Gradient with respect to the inputs: `input_gradient[s] = sum_r deltas[r][s] * weights[rows[r]]`.
///
/// `deltas` is `[rows][examples]`, `input_gradient` is `[examples][columns]`.
pub(crate) fn backward(
    kernels: &Kernels,
    layer: &LayerRows,
    rows: &[u32],
    deltas: &[f32],
    examples: usize,
    input_gradient: &mut [f32],
) {
    input_gradient.fill(0.0);
    kernels.gemm_backward(
        layer.table(),
        row_ids(rows, layer.rows()),
        matrix(deltas, examples),
        matrix_mut(input_gradient, layer.columns()),
    );
}

/// Buffers of a worker that updates rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    local: Vec<u32>,
    decays: RowDecays,
    gradient: Vec<f32>,
    /// The rows of `gradient` to which a block contributes.
    part: Vec<f32>,
    /// Their places in the tile.
    places: Vec<usize>,
    bias_gradient: Vec<f32>,
}

/// The contribution of one block of examples to the gradient of the listed rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockDeltas<'a> {
    /// The block's rows, ascending: all that are updated, or some of them.
    pub(crate) rows: &'a [u32],
    /// Gradient with respect to the logits, `[rows][examples]`.
    pub(crate) deltas: &'a [f32],
    /// Inputs of the layer, `[examples][columns]`.
    pub(crate) inputs: &'a [f32],
    /// Number of examples, a multiple of 16.
    pub(crate) examples: usize,
}

/// Updates the listed rows in `shard`. `rows` is the whole list, ascending.
pub(crate) fn update<'a>(
    kernels: &Kernels,
    shard: &mut Shard<'_>,
    rows: &[u32],
    blocks: impl Iterator<Item = BlockDeltas<'a>> + Clone,
    step: &Step,
    scratch: &mut Scratch,
) {
    let Scratch { local, decays, gradient, part, places, bias_gradient } = scratch;
    let (first, columns) = (shard.first_row, shard.columns());
    let begin = rows.partition_point(|&row| (row as usize) < first);
    let end = rows.partition_point(|&row| (row as usize) < first + shard.rows());
    local.clear();
    local.extend(rows[begin..end].iter().map(|&row| row - first as u32));
    shard.touch(local, step, decays);
    bias_gradient.clear();
    let rounding = shard.rounding(step);
    let most = if blocks.clone().all(|block| block.rows.len() == rows.len()) { TILE } else { PART_TILE };
    for tile in (0..local.len()).step_by(most) {
        let tile = tile..local.len().min(tile + most);
        let listed = &rows[begin + tile.start..begin + tile.end];
        gradient.clear();
        gradient.resize(tile.len() * columns, 0.0);
        let mut lanes = [[0.0f32; 16]; PART_TILE];
        for BlockDeltas { rows, deltas, inputs, examples } in blocks.clone() {
            let from = rows.partition_point(|row| *row < listed[0]);
            let own = &rows[from..rows.partition_point(|row| *row <= listed[listed.len() - 1])];
            let deltas = &deltas[from * examples..(from + own.len()) * examples];
            let by_row = deltas.chunks_exact(examples);
            let (deltas, inputs) = (matrix(deltas, examples), matrix(inputs, columns));
            if own.len() == listed.len() {
                by_row.zip(&mut lanes).for_each(|(row, lanes)| add_to_lanes(row, lanes));
                let gradient = MatrixMut::new(gradient, columns, columns).expect("sized above");
                kernels.gemm_gradient(deltas, inputs, gradient);
                continue;
            }
            places.clear();
            let mut next = 0;
            places.extend(own.iter().map(|row| {
                next += listed[next..].iter().position(|other| other == row).expect("a row of the list");
                next
            }));
            by_row.zip(&*places).for_each(|(row, &place)| add_to_lanes(row, &mut lanes[place]));
            let of = |place: usize| place * columns..(place + 1) * columns;
            part.clear();
            places.iter().for_each(|&place| part.extend_from_slice(&gradient[of(place)]));
            kernels.gemm_gradient(deltas, inputs, MatrixMut::new(part, columns, columns).expect("whole rows"));
            let computed = part.chunks_exact(columns).zip(&*places);
            computed.for_each(|(row, &place)| gradient[of(place)].copy_from_slice(row));
        }
        bias_gradient.extend(lanes[..tile.len()].iter().map(reduce_sum));
        let bound = shard.rows();
        let (weights, optimiser) = shard.target(step, decays.of(tile.clone()));
        kernels.update_rows(weights, optimiser, row_ids(&local[tile], bound), matrix(gradient, columns), rounding);
    }
    if !shard.bias().is_empty() {
        shard.update_bias(kernels, local, bias_gradient, decays, step);
    }
}

/// Sum over examples in 16 lanes (example `s` in lane `s mod 16`), so that blocks of any multiple of 16 examples give
/// the same bits.
fn add_to_lanes(values: &[f32], lanes: &mut [f32; 16]) {
    for vector in values.chunks_exact(16) {
        for (lane, value) in lanes.iter_mut().zip(vector) {
            *lane += value;
        }
    }
}

/// Sum of the lanes: i + 8, i + 4, i + 2, i + 1, as in the kernels.
fn reduce_sum(lanes: &[f32; 16]) -> f32 {
    let mut sums = *lanes;
    for width in [8, 4, 2, 1] {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
    }
    sums[0]
}
