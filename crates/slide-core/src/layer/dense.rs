//! A list of rows that a group of samples shares: all rows of a hidden layer, or the shared set of a batch.
//!
//! Every product is owned by its output. A block of samples computes its own logits and the gradient with respect
//! to its own inputs, reading all listed rows; the owner of a row computes the row's gradient, reading all
//! samples, and updates the row at once. So no partial sums of different owners are ever added, and each sum is one chain
//! in a fixed order: over inputs, over the listed rows, over samples.

use slide_kernels::{Kernels, MatrixMut};

use super::rows::{Chunk, LayerRows, matrix, matrix_mut, row_ids};
use crate::optim::adam::Adam;

/// Rows whose gradients are held at once: with 256 columns they fill half of a 64 KiB cache.
const TILE: usize = 32;

/// Logits of the listed rows: `out[r][s] = bias[rows[r]] + <weights[rows[r]], inputs[:][s]>`.
///
/// `inputs` is transposed, `[columns][samples]`; `out` is `[rows][samples]`; `samples` is a multiple of 16.
pub fn forward(kernels: &Kernels, layer: &LayerRows, rows: &[u32], inputs: &[f32], samples: usize, out: &mut [f32]) {
    kernels.gemm_forward(
        layer.table(),
        row_ids(rows, layer.rows()),
        layer.bias(),
        matrix(inputs, samples),
        matrix_mut(out, samples),
    );
}

/// Gradient with respect to the inputs: `input_gradient[s] = sum_r deltas[r][s] * weights[rows[r]]`.
///
/// `deltas` is `[rows][samples]`, `input_gradient` is `[samples][columns]`.
pub fn backward(
    kernels: &Kernels,
    layer: &LayerRows,
    rows: &[u32],
    deltas: &[f32],
    samples: usize,
    input_gradient: &mut [f32],
) {
    input_gradient.fill(0.0);
    kernels.gemm_backward(
        layer.table(),
        row_ids(rows, layer.rows()),
        matrix(deltas, samples),
        matrix_mut(input_gradient, layer.columns()),
    );
}

/// Buffers of a worker that updates rows.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    local: Vec<u32>,
    decay: Vec<[f32; 2]>,
    gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
}

/// What one block of samples brings to the gradient of the listed rows.
#[derive(Clone, Copy, Debug)]
pub struct BlockDeltas<'a> {
    /// Gradient with respect to the logits, `[listed rows][samples]`.
    pub deltas: &'a [f32],
    /// Inputs of the layer, `[samples][columns]`.
    pub inputs: &'a [f32],
    /// Number of samples, a multiple of 16.
    pub samples: usize,
}

/// Updates the listed rows that lie in `chunk`. `rows` is the whole list, ascending.
pub fn update<'a>(
    kernels: &Kernels,
    chunk: &mut Chunk<'_>,
    rows: &[u32],
    blocks: impl Iterator<Item = BlockDeltas<'a>> + Clone,
    adam: &Adam,
    scratch: &mut Scratch,
) {
    let Scratch { local, decay, gradient, bias_gradient } = scratch;
    let (first, columns) = (chunk.first_row, chunk.columns());
    let begin = rows.partition_point(|&row| (row as usize) < first);
    let end = rows.partition_point(|&row| (row as usize) < first + chunk.rows());
    local.clear();
    local.extend(rows[begin..end].iter().map(|&row| row - first as u32));
    adam.touch(local, chunk.last_step, decay);
    bias_gradient.clear();
    let rounding = chunk.rounding(adam);
    for tile in (0..local.len()).step_by(TILE) {
        let tile = tile..local.len().min(tile + TILE);
        gradient.clear();
        gradient.resize(tile.len() * columns, 0.0);
        let mut lanes = [[0.0f32; 16]; TILE];
        for BlockDeltas { deltas, inputs, samples } in blocks.clone() {
            let deltas = &deltas[(begin + tile.start) * samples..(begin + tile.end) * samples];
            for (row, lanes) in deltas.chunks_exact(samples).zip(&mut lanes) {
                add_to_lanes(row, lanes);
            }
            kernels.gemm_gradient(
                matrix(deltas, samples),
                matrix(inputs, columns),
                MatrixMut::new(gradient, columns, columns).expect("sized above"),
            );
        }
        bias_gradient.extend(lanes[..tile.len()].iter().map(fold_lanes));
        let bound = chunk.rows();
        let (weights, optimiser) = chunk.target(adam, &decay[tile.clone()]);
        kernels.update_rows(weights, optimiser, row_ids(&local[tile], bound), matrix(gradient, columns), rounding);
    }
    if !chunk.bias().is_empty() {
        chunk.update_bias(kernels, local, bias_gradient, decay, adam);
    }
}

/// Sum over samples in 16 lanes (sample `s` in lane `s mod 16`), so that blocks of any multiple of 16 samples give
/// the same bits.
fn add_to_lanes(values: &[f32], lanes: &mut [f32; 16]) {
    for vector in values.chunks_exact(16) {
        for (lane, value) in lanes.iter_mut().zip(vector) {
            *lane += value;
        }
    }
}

/// Folds lanes i + 8, i + 4, i + 2, i + 1, as the kernels do.
fn fold_lanes(lanes: &[f32; 16]) -> f32 {
    let mut folded = *lanes;
    for width in [8, 4, 2, 1] {
        for lane in 0..width {
            folded[lane] += folded[lane + width];
        }
    }
    folded[0]
}
