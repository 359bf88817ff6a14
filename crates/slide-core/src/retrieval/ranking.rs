//! Candidates scored exactly, and the best of them.

use std::cmp::Ordering;

use slide_kernels::{Kernels, numerics};

use super::scan::Scan;
use crate::layer::dense;
use crate::layer::quantized::ByteVectors;
use crate::layer::rows::LayerRows;
use crate::views::list_range;

/// A label and its logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ScoredLabel {
    pub(crate) label: u32,
    /// Its logit; never NaN.
    pub(crate) score: f32,
}

impl ScoredLabel {
    /// Higher scores first, then lower labels.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.label.cmp(&other.label))
    }
}

/// The last hidden layer of a block of examples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    /// Activations, `[padded][columns]`.
    pub(crate) rows: &'a [f32],
    /// The same transposed, `[columns][padded]`.
    pub(crate) transposed: &'a [f32],
    /// Examples without the padding.
    pub(crate) examples: usize,
    /// Examples with the padding, a multiple of 16.
    pub(crate) padded: usize,
}

/// The rows that are worth scoring, for each example of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates {
    /// All rows, for every example; the lists are empty then.
    pub(super) all: bool,
    /// Where each example's list ends.
    pub(super) ends: Vec<usize>,
    /// Internal rows, each once in a list.
    pub(super) rows: Vec<u32>,
}

impl Candidates {
    pub(super) fn clear(&mut self) {
        self.all = false;
        self.ends.clear();
        self.rows.clear();
    }

    /// All rows for every example.
    pub(super) fn set_all(&mut self) {
        self.clear();
        self.all = true;
    }

    fn list(&self, example: usize) -> &[u32] {
        &self.rows[list_range(&self.ends, example)]
    }
}

/// The best labels of each example of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranking {
    /// Of at least as many examples as the block has.
    best: Vec<Vec<ScoredLabel>>,
    log_sums: Vec<f32>,
    scan: Scan,
    /// An example's candidates.
    rows: Vec<u32>,
    logits: Vec<f32>,
    /// A query, if the rows are integers.
    vector: ByteVectors,
}

impl Ranking {
    /// Scores the candidates by the rows of `layer` and keeps the `k` best of each example. With `with_sum`, also the sum of
    /// the exponentials of all candidates' logits.
    pub(crate) fn score(
        &mut self,
        kernels: &Kernels,
        layer: &LayerRows,
        query: &Query<'_>,
        candidates: &Candidates,
        k: usize,
        with_sum: bool,
    ) {
        self.log_sums.clear();
        if candidates.all {
            self.scan.run(kernels, layer, query, k, with_sum, &mut self.best);
            if with_sum {
                self.log_sums.extend((0..query.examples).map(|example| self.scan.log_sum(example)));
            }
            return;
        }
        self.best.resize_with(query.examples.max(self.best.len()), Vec::new);
        let columns = layer.columns();
        for (example, best) in self.best.iter_mut().enumerate().take(query.examples) {
            self.rows.clear();
            self.rows.extend_from_slice(candidates.list(example));
            if with_sum {
                self.rows.sort_by_key(|&row| layer.place_in_sums(row));
            }
            let rows = &self.rows;
            self.logits.resize(rows.len(), 0.0);
            let hidden = &query.rows[example * columns..(example + 1) * columns];
            dense::forward_one(kernels, layer, rows, hidden, &mut self.vector, &mut self.logits);
            best.clear();
            for (&row, &score) in rows.iter().zip(&self.logits) {
                if !score.is_nan() {
                    best.push(ScoredLabel { label: layer.partition().to_logical(row), score });
                }
            }
            shorten(best, k);
            best.sort_unstable_by(ScoredLabel::order);
            if with_sum {
                self.log_sums.push(log_sum_exp(self.logits.iter().copied()));
            }
        }
    }

    /// The best labels of an example, best first: `k`, or as many as there are candidates.
    pub(crate) fn best(&self, example: usize) -> &[ScoredLabel] {
        &self.best[example]
    }

    /// The logarithm of the sum of the exponentials of the candidates' logits; 0 if it was not asked for.
    pub(crate) fn log_sum(&self, example: usize) -> f32 {
        self.log_sums.get(example).copied().unwrap_or(0.0)
    }
}

/// The logarithm of the sum of the exponentials of `logits`.
pub(crate) fn log_sum_exp(logits: impl Iterator<Item = f32> + Clone) -> f32 {
    let max = logits.clone().fold(f32::NEG_INFINITY, f32::max);
    max + numerics::ln(logits.fold(0.0, |sum, logit| sum + numerics::exp(logit - max)))
}

/// Keeps the first `k` of the order, the worst of them last. A list is shortened when it is twice as long, so that a row
/// costs the same on average, however large `k` is.
pub(crate) fn shorten(best: &mut Vec<ScoredLabel>, k: usize) {
    if best.len() > k {
        if k > 0 {
            best.select_nth_unstable_by(k - 1, ScoredLabel::order);
        }
        best.truncate(k);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_go_to_the_lower_label() {
        let mut best: Vec<ScoredLabel> = [(5, 1.0), (9, 3.0), (2, 1.0), (7, 2.0), (1, 3.0), (3, 0.5)]
            .map(|(label, score)| ScoredLabel { label, score })
            .to_vec();
        shorten(&mut best, 4);
        assert_eq!(best.last(), Some(&ScoredLabel { label: 2, score: 1.0 }));
        best.sort_unstable_by(ScoredLabel::order);
        let labels: Vec<u32> = best.iter().map(|best| best.label).collect();
        assert_eq!(labels, [1, 9, 7, 2]);
    }
}
