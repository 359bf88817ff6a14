//! Scores by both parts: which labels of an example are worth scoring, and what each part says of them.
//!
//! The linear part knows the score of every label. The network scores few: those that the linear part ranks high, and the most
//! frequent ones. Or it ranks all labels by itself, or those that a retriever finds.

use slide_kernels::Kernels;

use super::frequent::{Frequent, Logits};
use crate::combination::{Combination, log_frequency};
use crate::data::Normalize;
use crate::layer::dense;
use crate::layer::quantized::ByteVectors;
use crate::linear::{Postings, Scores, row_scale};
use crate::model::Model;
use crate::network::Network;
use crate::retrieval::{Query, Ranking, log_sum_exp};

/// Labels that each part contributes to the candidates, unless more are asked for.
pub(crate) const CANDIDATES: usize = 50;

/// A label with its scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored {
    pub(crate) label: u32,
    /// The network's logit, and after [`Scoring::normalise`] what [`Combination`] takes; 0 without a network.
    pub(crate) network: f32,
    /// The linear part's score.
    pub(crate) linear: f32,
}

/// What the scores of a model with a linear part need, computed once.
#[derive(Debug)]
pub(crate) struct Scoring {
    /// Of each label.
    log_frequencies: Vec<f32>,
    /// None without a network, or if it finds labels by itself.
    frequent: Option<Frequent>,
}

/// The parts of a model that score labels together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scorer<'a> {
    pub(super) kernels: &'a Kernels,
    pub(super) scoring: &'a Scoring,
    pub(super) postings: &'a Postings,
    pub(super) network: Option<&'a Network>,
    pub(super) normalize: Normalize,
}

/// A block of examples, as the network knows it.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) query: Query<'a>,
    /// The labels that the network ranks high, if it finds them by itself.
    pub(super) ranking: Option<&'a Ranking>,
}

/// What one thread needs.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    linear: Scores,
    rows: Vec<u32>,
    logits: Vec<f32>,
    frequent: Logits,
    /// The example's last hidden layer, if the rows are integers.
    vector: ByteVectors,
    pub(super) candidates: Vec<Scored>,
}

impl Scoring {
    /// For `model`, whose `network`, if one is given, scores the most frequent labels.
    pub(crate) fn new(kernels: &Kernels, model: &Model, network: Option<&Network>) -> Self {
        let frequencies = model.label_frequencies();
        let log_frequencies = frequencies.iter().map(|&frequency| log_frequency(frequency)).collect();
        Self { log_frequencies, frequent: network.map(|network| Frequent::new(kernels, network, frequencies)) }
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

impl Scorer<'_> {
    /// What the network says of a block before its examples are looked at one by one.
    pub(super) fn score_block(&self, query: &Query<'_>, scratch: &mut Scratch) {
        if let (Some(network), Some(frequent)) = (self.network, &self.scoring.frequent) {
            frequent.score(self.kernels, network, query, &mut scratch.frequent);
        }
    }

    /// Replaces the candidates by those of example `number` of a block: at least `most` of each part, and with a ranking of the
    /// network those that it ranks, else the frequent labels.
    pub(super) fn collect(
        &self,
        block: Known<'_>,
        number: usize,
        (features, values): (&[u32], &[f32]),
        most: usize,
        scratch: &mut Scratch,
    ) {
        let Self { kernels, scoring, postings, network, normalize } = *self;
        let Scratch { linear, rows, logits, frequent, vector, candidates } = scratch;
        linear.score(postings, kernels, (features, values), row_scale(normalize == Normalize::L2, values));
        candidates.clear();
        match (block.ranking, &scoring.frequent) {
            (Some(ranking), _) => candidates.extend(ranking.best(number).iter().map(|best| Scored {
                label: best.label,
                network: best.score,
                linear: linear.of(best.label),
            })),
            (None, Some(labels)) => {
                let labels = labels.of(frequent, number);
                candidates.extend(labels.map(|(label, network)| Scored { label, network, linear: linear.of(label) }));
            }
            (None, None) => {}
        }
        let first = candidates.len();
        let is_new = |label: u32| match (block.ranking, &scoring.frequent) {
            (Some(ranking), _) => ranking.best(number).iter().all(|best| best.label != label),
            (None, frequent) => frequent.as_ref().is_none_or(|frequent| !frequent.has(label)),
        };
        let best = linear.best(kernels, most).iter().filter(|(label, _)| is_new(*label));
        candidates.extend(best.map(|&(label, linear)| Scored { label, network: 0.0, linear }));
        let Some(network) = network else { return };
        let output = &network.output;
        rows.clear();
        rows.extend(candidates[first..].iter().map(|one| output.partition().to_internal(one.label)));
        logits.resize(rows.len(), 0.0);
        let columns = output.columns();
        let hidden = &block.query.rows[number * columns..(number + 1) * columns];
        dense::forward_one(kernels, output, rows, hidden, vector, logits);
        candidates[first..].iter_mut().zip(&*logits).for_each(|(one, &logit)| one.network = logit);
    }
}

/// The last hidden layer of no example: what a model without a network is asked with.
pub(super) fn no_query<'a>(examples: usize) -> Query<'a> {
    Query { rows: &[], transposed: &[], examples, padded: examples }
}
