//! Scores by both parts: which labels of an example are worth scoring, and what each part says of them.
//!
//! The linear part scores all labels at once. The network scores few: those that the linear part ranks high, and the most frequent
//! ones, which it knows best and which are computed for a block of examples as one dense product. Or it ranks all labels by
//! itself, or those that a retriever finds.

use slide_kernels::{Kernels, MatrixMut};

use crate::combination::{Combination, log_frequency};
use crate::data::Normalize;
use crate::layer::dense;
use crate::linear::{Postings, Scores, row_scale};
use crate::model::Model;
use crate::network::Network;
use crate::retrieval::{Query, Ranking, log_sum_exp};
use crate::views::{matrix, row_ids};

/// Labels that each part contributes to the candidates, unless more are asked for.
pub(crate) const CANDIDATES: usize = 50;
/// Labels that the network always scores.
const FREQUENT: usize = 1024;

/// A label with its scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored {
    pub(crate) label: u32,
    /// The network's logit, and after [`Scoring::normalise`] what [`Combination`] takes; 0 without a network.
    pub(crate) network: f32,
    /// The linear part's score; 0 without one.
    pub(crate) linear: f32,
}

/// What the scores of a model's labels need, computed once.
#[derive(Debug)]
pub(crate) struct Scoring {
    /// Of each label.
    log_frequencies: Vec<f32>,
    /// The most frequent labels as rows of the network, ascending.
    frequent_rows: Vec<u32>,
    /// The labels of these rows.
    frequent_labels: Vec<u32>,
    /// Whether a label is one of them.
    is_frequent: Vec<bool>,
}

/// What one thread needs.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    linear: Scores,
    top: Vec<u32>,
    top_values: Vec<f32>,
    rows: Vec<u32>,
    logits: Vec<f32>,
    /// Logits of the frequent rows, `[rows][padded]`, and transposed, `[padded][columns]`.
    frequent: Vec<f32>,
    frequent_by_example: Vec<f32>,
    pub(crate) candidates: Vec<Scored>,
}

impl Scoring {
    pub(crate) fn new(model: &Model) -> Self {
        let frequencies = model.label_frequencies();
        let log_frequencies = frequencies.iter().map(|&frequency| log_frequency(frequency)).collect();
        let mut labels: Vec<u32> = (0..frequencies.len() as u32).collect();
        let most = FREQUENT.min(labels.len());
        if most < labels.len() {
            labels.select_nth_unstable_by_key(most, |&label| (u32::MAX - frequencies[label as usize], label));
        }
        labels.truncate(most);
        let mut is_frequent = vec![false; frequencies.len()];
        labels.iter().for_each(|&label| is_frequent[label as usize] = true);
        let partition = model.network.as_ref().map(|network| *network.output.partition());
        let mut rows: Vec<u32> = match partition {
            Some(partition) => labels.iter().map(|&label| partition.to_internal(label)).collect(),
            None => Vec::new(),
        };
        rows.sort_unstable();
        let frequent_labels = rows.iter().filter_map(|&row| Some(partition?.to_logical(row))).collect();
        Self { log_frequencies, frequent_rows: rows, frequent_labels, is_frequent }
    }

    /// The network's logits of the frequent labels for a block of examples.
    pub(crate) fn score_frequent(
        &self,
        kernels: &Kernels,
        network: &Network,
        query: &Query<'_>,
        scratch: &mut Scratch,
    ) {
        let Scratch { frequent, frequent_by_example, .. } = scratch;
        let rows = self.frequent_rows.len();
        let columns = rows.next_multiple_of(16);
        frequent.resize(rows * query.padded, 0.0);
        frequent_by_example.resize(columns * query.padded, 0.0);
        dense::forward(kernels, &network.output, &self.frequent_rows, query.transposed, query.padded, frequent);
        let out = MatrixMut::new(frequent_by_example, columns, rows).expect("sized to the block");
        kernels.transpose(matrix(frequent, query.padded), out);
    }

    /// Replaces the candidates by those of an example of the block: at least `most` of each part, and with `ranking` of the network
    /// those that it ranks, else the frequent labels.
    pub(crate) fn collect(
        &self,
        kernels: &Kernels,
        parts: (Option<&Network>, Option<&Postings>),
        (features, values): (&[u32], &[f32]),
        normalize: Normalize,
        (query, example): (&Query<'_>, usize),
        ranking: Option<&Ranking>,
        most: usize,
        scratch: &mut Scratch,
    ) {
        let Scratch { linear, top, top_values, rows, logits, frequent_by_example, candidates, .. } = scratch;
        let (network, postings) = parts;
        candidates.clear();
        let mut found = 0;
        if let Some(postings) = postings {
            let scale = row_scale(normalize == Normalize::L2, values);
            postings.scores(kernels, (features, values), scale, linear);
            top.resize(most, 0);
            top_values.resize(most, 0.0);
            found = kernels.top_k(linear.all(), top, top_values);
        }
        let Some(network) = network else {
            let best = top[..found].iter().zip(&*top_values);
            candidates.extend(best.map(|(&label, &linear)| Scored { label, network: 0.0, linear }));
            return;
        };
        let linear_of = |label: u32| postings.map_or(0.0, |_| linear.all()[label as usize]);
        match ranking {
            Some(ranking) => candidates.extend(ranking.best(example).iter().map(|best| Scored {
                label: best.label,
                network: best.score,
                linear: linear_of(best.label),
            })),
            None => {
                let columns = self.frequent_rows.len().next_multiple_of(16);
                let logits = &frequent_by_example[example * columns..];
                let frequent = self.frequent_labels.iter().zip(logits);
                candidates.extend(frequent.map(|(&label, &network)| Scored {
                    label,
                    network,
                    linear: linear_of(label),
                }));
            }
        }
        let first = candidates.len();
        let is_new = |label: u32| match ranking {
            Some(ranking) => ranking.best(example).iter().all(|best| best.label != label),
            None => !self.is_frequent[label as usize],
        };
        let best = top[..found].iter().zip(&*top_values).filter(|(label, _)| is_new(**label));
        candidates.extend(best.map(|(&label, &linear)| Scored { label, network: 0.0, linear }));
        let output = &network.output;
        rows.clear();
        rows.extend(candidates[first..].iter().map(|one| output.partition().to_internal(one.label)));
        logits.resize(rows.len(), 0.0);
        let columns = output.columns();
        let hidden = &query.rows[example * columns..(example + 1) * columns];
        kernels.rows_dot(output.table(), row_ids(rows, output.rows()), hidden, logits);
        for ((one, &row), &logit) in candidates[first..].iter_mut().zip(&*rows).zip(&*logits) {
            one.network = logit + output.bias()[row as usize];
        }
    }

    /// Makes the logits of an objective whose rows are coupled comparable between examples: logarithms of the softmax over the
    /// candidates.
    pub(crate) fn normalise(candidates: &mut [Scored]) {
        let log_sum = log_sum_exp(candidates.iter().map(|one| one.network));
        candidates.iter_mut().for_each(|one| one.network -= log_sum);
    }

    /// The logarithm of a label's frequency, as [`Combination`] takes it.
    pub(crate) fn log_frequency(&self, label: u32) -> f32 {
        self.log_frequencies[label as usize]
    }

    /// The combined score of a candidate.
    pub(crate) fn score(&self, combination: &Combination, one: &Scored) -> f32 {
        combination.score(one.network, one.linear, self.log_frequency(one.label))
    }
}

/// The last hidden layer of no example: what a model without a network is asked with.
pub(crate) fn no_query<'a>(examples: usize) -> Query<'a> {
    Query { rows: &[], transposed: &[], examples, padded: examples }
}
