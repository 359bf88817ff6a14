//! All rows of the output layer for a block of samples: the best logits, without keeping the others.

use std::cmp::Ordering;

use slide_kernels::{Kernels, numerics};

use crate::layer::dense;
use crate::layer::rows::{LayerRows, matrix};

/// Rows computed at once; 512 logits of 64 samples fill 128 KiB of the second cache.
const TILE: usize = 512;

/// A label and its logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Best {
    /// The label.
    pub(super) label: u32,
    /// Its logit.
    pub(super) score: f32,
}

impl Best {
    /// Higher scores first, then lower labels. Scores are not NaN.
    fn order(&self, other: &Best) -> Ordering {
        other.score.total_cmp(&self.score).then(self.label.cmp(&other.label))
    }
}

/// The state of a scan, kept to be used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    rows: Vec<u32>,
    logits: Vec<f32>,
    best: Vec<Vec<Best>>,
    /// Per sample the score that a row must reach to be among the best.
    thresholds: Vec<f32>,
    max: Vec<f32>,
    sum: Vec<f32>,
    tile_max: Vec<f32>,
    tile_sum: Vec<f32>,
}

impl Scan {
    /// Computes the logits of all rows of `layer` for `inputs`, `[columns][samples]`, and keeps the `k` best of each
    /// sample; a NaN is never among them. With `with_sum`, also the sum of the exponentials of all logits.
    pub(super) fn run(
        &mut self,
        kernels: &Kernels,
        layer: &LayerRows,
        inputs: &[f32],
        samples: usize,
        k: usize,
        with_sum: bool,
    ) {
        self.best.resize_with(samples, Vec::new);
        self.best.iter_mut().for_each(Vec::clear);
        let k = k.min(layer.rows());
        refill(&mut self.thresholds, samples, if k == 0 { f32::INFINITY } else { f32::NEG_INFINITY });
        refill(&mut self.max, samples, f32::NEG_INFINITY);
        for buffer in [&mut self.sum, &mut self.tile_max, &mut self.tile_sum] {
            refill(buffer, samples, 0.0);
        }
        for first in (0..layer.rows()).step_by(TILE) {
            self.rows.clear();
            self.rows.extend(first as u32..layer.rows().min(first + TILE) as u32);
            self.logits.resize(self.rows.len() * samples, 0.0);
            dense::forward(kernels, layer, &self.rows, inputs, samples, &mut self.logits);
            if with_sum {
                self.add_to_sums(kernels, samples);
            }
            if k > 0 {
                self.keep_best(layer, samples, k);
            }
        }
        for best in &mut self.best {
            shorten(best, k);
            best.sort_unstable_by(Best::order);
        }
    }

    fn keep_best(&mut self, layer: &LayerRows, samples: usize, k: usize) {
        let Self { rows, logits, best, thresholds, .. } = self;
        for (&row, logits) in rows.iter().zip(logits.chunks_exact(samples)) {
            for (vector, logits) in logits.chunks_exact(16).enumerate() {
                let bars = &thresholds[vector * 16..vector * 16 + 16];
                // Nearly always false once the lists are full: a branch a vector, not a sample.
                if !logits.iter().zip(bars).fold(false, |any, (logit, bar)| any | (logit >= bar)) {
                    continue;
                }
                let label = layer.partition().to_logical(row);
                for (lane, &score) in logits.iter().enumerate() {
                    let sample = vector * 16 + lane;
                    if score >= thresholds[sample] {
                        let best = &mut best[sample];
                        best.push(Best { label, score });
                        if best.len() >= 2 * k.max(16) {
                            shorten(best, k);
                            thresholds[sample] = best.last().map_or(f32::INFINITY, |worst| worst.score);
                        }
                    }
                }
            }
        }
    }

    fn add_to_sums(&mut self, kernels: &Kernels, samples: usize) {
        let Self { logits, max, sum, tile_max, tile_sum, .. } = self;
        kernels.column_max_sum(matrix(logits, samples), tile_max, tile_sum);
        for sample in 0..samples {
            let both = max[sample].max(tile_max[sample]);
            sum[sample] = sum[sample] * numerics::exp(max[sample] - both)
                + tile_sum[sample] * numerics::exp(tile_max[sample] - both);
            max[sample] = both;
        }
    }

    /// The best rows of a sample, best first.
    pub(super) fn best(&self, sample: usize) -> &[Best] {
        &self.best[sample]
    }

    /// The logarithm of the sum of the exponentials of all logits of a sample.
    pub(super) fn log_sum(&self, sample: usize) -> f32 {
        self.max[sample] + numerics::ln(self.sum[sample])
    }
}

/// Keeps the first `k` of the order, the worst of them last. A list is shortened when it is twice as long, so that a row
/// costs the same on average, however large `k` is.
fn shorten(best: &mut Vec<Best>, k: usize) {
    if k > 0 && best.len() > k {
        best.select_nth_unstable_by(k - 1, Best::order);
        best.truncate(k);
    }
}

fn refill(buffer: &mut Vec<f32>, length: usize, value: f32) {
    buffer.clear();
    buffer.resize(length, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_go_to_the_lower_label() {
        let mut best: Vec<Best> = [(5, 1.0), (9, 3.0), (2, 1.0), (7, 2.0), (1, 3.0), (3, 0.5)]
            .map(|(label, score)| Best { label, score })
            .to_vec();
        shorten(&mut best, 4);
        assert_eq!(best.last(), Some(&Best { label: 2, score: 1.0 }));
        best.sort_unstable_by(Best::order);
        let labels: Vec<u32> = best.iter().map(|best| best.label).collect();
        assert_eq!(labels, [1, 9, 7, 2]);
    }
}
