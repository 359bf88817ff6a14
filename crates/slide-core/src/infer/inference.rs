//! A block of examples through a model: hidden layers, candidates, scores.

use std::time::{Duration, Instant};

use slide_kernels::{Kernels, numerics};

use super::Prediction;
use super::inputs::Inputs;
use super::predictor::Example;
use super::scoring::{self, CANDIDATES, Known, Scored, Scorer, Scoring, no_query};
use crate::data::FeatureRows;
use crate::linear::Postings;
use crate::model::Model;
use crate::network::block::{Block, Pass};
use crate::network::{Dropout, Network};
use crate::retrieval::{self, Candidates, Query, Ranking, Retriever, ScoredLabel, shorten};
use crate::runtime::Runtime;

/// What predictions are made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inference<'a> {
    pub(crate) model: &'a Model,
    /// The parts to use.
    pub(crate) network: Option<&'a Network>,
    pub(crate) linear: Option<(&'a Postings, &'a Scoring)>,
    /// How the network finds labels; none: by the linear part.
    pub(crate) retriever: Option<&'a dyn Retriever>,
    pub(crate) runtime: &'a Runtime,
}

/// What one thread needs, kept so that nothing is allocated after the first calls.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    inputs: Inputs,
    block: Block,
    activations: Vec<Vec<f32>>,
    search: Search,
    scoring: scoring::Scratch,
    best: Vec<ScoredLabel>,
}

/// The labels that a network finds by itself.
#[derive(Debug, Default)]
pub(super) struct Search {
    retrieval: retrieval::Scratch,
    candidates: Candidates,
    pub(super) ranking: Ranking,
}

impl Search {
    /// Finds the `k` best labels of each example of `query`, with their exact logits.
    pub(super) fn run(
        &mut self,
        (network, retriever, kernels): (&Network, &dyn Retriever, &Kernels),
        query: &Query<'_>,
        k: usize,
        with_sum: bool,
    ) {
        let Self { retrieval, candidates, ranking } = self;
        retriever.retrieve(kernels, &network.output, query, k, retrieval, candidates);
        ranking.score(kernels, &network.output, query, candidates, k, with_sum);
    }
}

impl Inference<'_> {
    /// Predicts the `k` best labels of each of `examples`, at most a block of them: calls `found` for each example, in order,
    /// with its predictions, best first. Features have been checked.
    pub(super) fn predict(
        &self,
        examples: &[Example<'_>],
        k: usize,
        scratch: &mut Scratch,
        mut found: impl FnMut(&mut dyn ExactSizeIterator<Item = Prediction>),
    ) {
        let Some((_, scoring)) = self.linear else {
            return self.predict_by_network(examples, k, scratch, found);
        };
        let (combination, labels) = (&self.model.combination, self.model.label_numbering());
        // A model with both parts, asked for one, ranks by that part's score.
        let is_combined = self.network.is_some() || self.model.network.is_none();
        let mut best = std::mem::take(&mut scratch.best);
        self.score(examples, k, scratch, |candidates| {
            best.clear();
            best.extend(candidates.iter().map(|one| ScoredLabel {
                label: one.label,
                score: if is_combined { scoring.score(combination, one) } else { one.linear },
            }));
            best.retain(|one| !one.score.is_nan());
            shorten(&mut best, k);
            best.sort_unstable_by(ScoredLabel::order);
            let predictions = best.iter().map(|one| (labels.column(one.label), numerics::sigmoid(one.score)));
            found(&mut predictions.map(|(label, probability)| Prediction { label, probability }));
        });
        scratch.best = best;
    }

    /// Calls `found` for each of `examples`, in order, with the labels that are worth scoring, at least `k` if there are as
    /// many, and the scores of both parts.
    pub(crate) fn score(
        &self,
        examples: &[Example<'_>],
        k: usize,
        scratch: &mut Scratch,
        mut found: impl FnMut(&[Scored]),
    ) {
        let Some((postings, scoring)) = self.linear else { return };
        let most = CANDIDATES.max(k).min(self.model.labels());
        let config = &self.model.config.network;
        let (network, kernels) = (self.network, self.runtime.kernels());
        self.take_inputs(examples, scratch);
        if let Some(network) = network {
            self.hidden_layers(network, examples.len(), scratch);
        }
        let Scratch { inputs, block, activations, search, scoring: scratch, .. } = scratch;
        let query = network
            .map_or_else(|| no_query(examples.len()), |network| query(network, examples.len(), block, activations));
        let scorer = Scorer { kernels, scoring, postings, network, normalize: config.normalize };
        if let Some((network, retriever)) = network.zip(self.retriever) {
            search.run((network, retriever, kernels), &query, most, false);
        }
        scorer.score_block(&query, scratch);
        let known = Known { query, ranking: self.retriever.map(|_| &search.ranking) };
        for example in 0..examples.len() {
            scorer.collect(known, example, inputs.features(example), most, scratch);
            if network.is_some() && config.objective().couples_rows() {
                Scoring::normalise(&mut scratch.candidates);
            }
            found(&scratch.candidates);
        }
    }

    /// The network alone: its own ranking, and its own probabilities.
    fn predict_by_network(
        &self,
        examples: &[Example<'_>],
        k: usize,
        scratch: &mut Scratch,
        mut found: impl FnMut(&mut dyn ExactSizeIterator<Item = Prediction>),
    ) {
        let Some((network, retriever)) = self.network.zip(self.retriever) else { return };
        let (query, search) = self.query(network, examples, scratch);
        let objective = self.model.config.network.objective();
        search.run((network, retriever, self.runtime.kernels()), &query, k, objective.needs_log_sum());
        let (ranking, labels) = (&search.ranking, self.model.label_numbering());
        for example in 0..examples.len() {
            let log_sum = ranking.log_sum(example);
            let mut predictions = ranking.best(example).iter().map(|best| Prediction {
                label: labels.column(best.label),
                probability: objective.probability(best.score, log_sum),
            });
            found(&mut predictions);
        }
    }

    /// The last hidden layers of `examples`, `[examples][columns]`; nothing without a network.
    pub(crate) fn queries<'a>(&self, examples: &[Example<'_>], scratch: &'a mut Scratch) -> &'a [f32] {
        let Some(network) = self.network else { return &[] };
        let (query, _) = self.query(network, examples, scratch);
        &query.rows[..examples.len() * network.output.columns()]
    }

    /// The time from the last hidden layer of an example to the network's `k` best labels; none if it does not find them by itself.
    pub(super) fn time_output_layer(&self, example: Example<'_>, k: usize, scratch: &mut Scratch) -> Option<Duration> {
        let (network, retriever) = self.network.zip(self.retriever)?;
        let (query, search) = self.query(network, &[example], scratch);
        let start = Instant::now();
        search.run((network, retriever, self.runtime.kernels()), &query, k, false);
        Some(start.elapsed())
    }

    /// The last hidden layer of `examples`, and what searches with it.
    fn query<'a>(
        &self,
        network: &Network,
        examples: &[Example<'_>],
        scratch: &'a mut Scratch,
    ) -> (Query<'a>, &'a mut Search) {
        self.take_inputs(examples, scratch);
        self.hidden_layers(network, examples.len(), scratch);
        let Scratch { block, activations, search, .. } = scratch;
        (query(network, examples.len(), block, activations), search)
    }

    fn take_inputs(&self, examples: &[Example<'_>], scratch: &mut Scratch) {
        let rows = FeatureRows::new(self.model.config.network.normalize, self.model.feature_numbering());
        scratch.inputs.take(examples, &rows, &self.model.feature_rows());
    }

    /// The hidden layers for the inputs that were taken.
    fn hidden_layers(&self, network: &Network, examples: usize, scratch: &mut Scratch) {
        let Scratch { inputs, block, activations, .. } = scratch;
        let kernels = self.runtime.kernels();
        let pass = Pass { kernels, dropout: Dropout::default(), seed: 0, step: 0 };
        block.padded = examples.next_multiple_of(16);
        block.assemble(&pass, &network.input, examples, |example| inputs.features(example));
        network.resize_hidden(block.padded, activations);
        block.forward(&pass, network, activations);
    }
}

/// The last hidden layer of a block.
fn query<'a>(network: &Network, examples: usize, block: &'a Block, activations: &'a [Vec<f32>]) -> Query<'a> {
    let last = network.hidden.len();
    Query { rows: &activations[last], transposed: block.transposed(last), examples, padded: block.padded }
}
