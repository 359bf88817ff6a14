//! All rows of the output layer for a block of examples: the best logits, without keeping the others.

use slide_kernels::{Kernels, numerics};

use super::ranking::{Query, ScoredLabel, shorten};
use crate::layer::dense;
use crate::layer::quantized::ByteVectors;
use crate::layer::rows::LayerRows;
use crate::views::{matrix, matrix_mut, refill};

/// Rows computed at once; 512 logits of 64 examples fill 128 KiB of the second cache.
const TILE: usize = 512;

/// The state of a scan, kept to be used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    rows: Vec<u32>,
    logits: Vec<f32>,
    /// Per example the score that a row must reach to be among the best.
    thresholds: Vec<f32>,
    /// Of an example alone, where the logits are that reach it.
    chosen: Vec<u32>,
    chosen_logits: Vec<f32>,
    max: Vec<f32>,
    sum: Vec<f32>,
    tile_max: Vec<f32>,
    tile_sum: Vec<f32>,
    /// The logits of an example alone in the first of 16 columns, as the kernel takes them.
    columns: Vec<f32>,
    /// The queries, if the rows are integers.
    vectors: ByteVectors,
}

impl Scan {
    /// Computes the logits of all rows of `layer` for the examples of `query`, padding included, and replaces the first lists
    /// of `best` by the `k` best of each; a NaN is never among them. With `with_sum`, also the sum of the exponentials of all logits.
    /// With rows of integers an example alone is not padded.
    pub(super) fn run(
        &mut self,
        kernels: &Kernels,
        layer: &LayerRows,
        query: &Query<'_>,
        k: usize,
        with_sum: bool,
        best: &mut Vec<Vec<ScoredLabel>>,
    ) {
        if let Some(weights) = layer.quantized() {
            let examples = if query.examples == 1 { 1 } else { query.padded };
            let mut vectors = std::mem::take(&mut self.vectors);
            vectors.take(kernels, &query.rows[..examples * layer.columns()], layer.columns());
            self.run_with(kernels, layer, examples, k, with_sum, best, |rows, logits| {
                dense::forward_bytes(kernels, (weights, layer.bias()), rows, &mut vectors, logits);
            });
            self.vectors = vectors;
            return;
        }
        let examples = query.padded;
        let logits = |rows: &[u32], logits: &mut [f32]| {
            dense::forward(kernels, layer, rows, query.transposed, examples, logits);
        };
        self.run_with(kernels, layer, examples, k, with_sum, best, logits);
    }

    /// The `k` best labels of each of `vectors`, `[vectors][columns]`, best first.
    pub(crate) fn best<'a>(
        kernels: &Kernels,
        layer: &LayerRows,
        vectors: &[f32],
        k: usize,
        (scan, best): &'a mut (Self, Vec<Vec<ScoredLabel>>),
    ) -> &'a [Vec<ScoredLabel>] {
        let (columns, examples) = (layer.columns(), vectors.len() / layer.columns());
        let padded = examples.next_multiple_of(16);
        let mut rows = vectors.to_vec();
        rows.resize(padded * columns, 0.0);
        let mut transposed = vec![0.0; rows.len()];
        kernels.transpose(matrix(&rows, columns), matrix_mut(&mut transposed, padded));
        let query = Query { rows: &rows, transposed: &transposed, examples, padded };
        scan.run(kernels, layer, &query, k, false, best);
        &best[..examples]
    }

    /// The same with logits that `logits_of` computes: of a list of rows for `examples` examples, `[rows][examples]`; one example, or
    /// a multiple of 16.
    #[allow(clippy::too_many_arguments, reason = "those of `run` and what takes the place of the query")]
    pub(super) fn run_with(
        &mut self,
        kernels: &Kernels,
        layer: &LayerRows,
        examples: usize,
        k: usize,
        with_sum: bool,
        best: &mut Vec<Vec<ScoredLabel>>,
        mut logits_of: impl FnMut(&[u32], &mut [f32]),
    ) {
        // Never shortened: a smaller block leaves the lists of a larger one for the next.
        best.resize_with(examples.max(best.len()), Vec::new);
        let best = &mut best[..examples];
        best.iter_mut().for_each(Vec::clear);
        let k = k.min(layer.rows());
        refill(&mut self.thresholds, examples, if k == 0 { f32::INFINITY } else { f32::NEG_INFINITY });
        refill(&mut self.max, examples, f32::NEG_INFINITY);
        for buffer in [&mut self.sum, &mut self.tile_max, &mut self.tile_sum] {
            refill(buffer, examples, 0.0);
        }
        for first in (0..layer.rows()).step_by(TILE) {
            self.rows.clear();
            let rows = first..layer.rows().min(first + TILE);
            if with_sum {
                self.rows.extend(layer.in_order_of_sums(rows));
            } else {
                self.rows.extend(rows.start as u32..rows.end as u32);
            }
            self.logits.resize(self.rows.len() * examples, 0.0);
            logits_of(&self.rows, &mut self.logits);
            if with_sum {
                self.add_to_sums(kernels, examples);
            }
            if k > 0 {
                self.keep_best(kernels, layer, examples, k, best);
            }
        }
        for best in best {
            shorten(best, k);
            best.sort_unstable_by(ScoredLabel::order);
        }
    }

    fn keep_best(
        &mut self,
        kernels: &Kernels,
        layer: &LayerRows,
        examples: usize,
        k: usize,
        best: &mut [Vec<ScoredLabel>],
    ) {
        let Self { rows, logits, thresholds, chosen, chosen_logits, .. } = self;
        let offer = |row, score, threshold: &mut f32, best: &mut Vec<ScoredLabel>| {
            if score >= *threshold {
                best.push(ScoredLabel { label: layer.partition().to_logical(row), score });
                if best.len() >= 2 * k.max(16) {
                    shorten(best, k);
                    *threshold = best.last().map_or(f32::INFINITY, |worst| worst.score);
                }
            }
        };
        if let ([best], [threshold]) = (&mut *best, &mut thresholds[..]) {
            if *threshold == f32::NEG_INFINITY {
                // No number is below it: all are offered.
                return rows.iter().zip(&*logits).for_each(|(&row, &score)| offer(row, score, threshold, best));
            }
            chosen.resize(logits.len(), 0);
            chosen_logits.resize(logits.len(), 0.0);
            let count = kernels.select_above(logits, threshold.next_down(), chosen, chosen_logits);
            let found = chosen[..count].iter().zip(&*chosen_logits);
            return found.for_each(|(&at, &score)| offer(rows[at as usize], score, threshold, best));
        }
        for (&row, logits) in rows.iter().zip(logits.chunks_exact(examples)) {
            for (vector, logits) in logits.chunks_exact(16).enumerate() {
                let bars = &thresholds[vector * 16..vector * 16 + 16];
                // Nearly always false once the lists are full: a branch a vector, not an example.
                if !logits.iter().zip(bars).fold(false, |any, (logit, bar)| any | (logit >= bar)) {
                    continue;
                }
                for (lane, &score) in logits.iter().enumerate() {
                    let example = vector * 16 + lane;
                    offer(row, score, &mut thresholds[example], &mut best[example]);
                }
            }
        }
    }

    fn add_to_sums(&mut self, kernels: &Kernels, examples: usize) {
        let Self { logits, max, sum, tile_max, tile_sum, columns, .. } = self;
        let padded = examples.next_multiple_of(16);
        for buffer in [&mut *tile_max, &mut *tile_sum] {
            buffer.resize(padded, 0.0);
        }
        let logits = if padded == examples {
            logits
        } else {
            refill(columns, logits.len() * padded, 0.0);
            columns.iter_mut().step_by(padded).zip(&*logits).for_each(|(column, logit)| *column = *logit);
            columns
        };
        kernels.column_max_sum(matrix(logits, padded), tile_max, tile_sum);
        for example in 0..examples {
            let both = max[example].max(tile_max[example]);
            sum[example] = sum[example] * numerics::exp(max[example] - both)
                + tile_sum[example] * numerics::exp(tile_max[example] - both);
            max[example] = both;
        }
    }

    /// The logarithm of the sum of the exponentials of all logits of an example.
    pub(super) fn log_sum(&self, example: usize) -> f32 {
        self.max[example] + numerics::ln(self.sum[example])
    }
}
