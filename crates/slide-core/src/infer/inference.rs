//! A block of examples through a model: hidden layers, retrieval, exact scores.

use super::Prediction;
use super::predictor::Example;
use crate::data::InputRows;
use crate::model::Model;
use crate::network::Dropout;
use crate::network::block::{Block, Pass};
use crate::retrieval::{self, Candidates, Query, Ranking, Retriever};
use crate::runtime::Runtime;

/// What predictions are made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inference<'a> {
    pub(super) model: &'a Model,
    pub(super) retriever: &'a dyn Retriever,
    pub(super) runtime: &'a Runtime,
}

/// What one thread needs, kept so that nothing is allocated after the first calls.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    inputs: InputRows,
    block: Block,
    activations: Vec<Vec<f32>>,
    retrieval: retrieval::Scratch,
    candidates: Candidates,
    ranking: Ranking,
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
        let Scratch { inputs, block, activations, retrieval, candidates, ranking } = scratch;
        let Model { network, config, .. } = self.model;
        let kernels = self.runtime.kernels();
        inputs.clear();
        for (indices, values) in examples {
            inputs.push(indices, values, config.network.normalize, network.input.partition());
        }
        let pass = Pass { kernels, dropout: Dropout::default(), seed: 0, step: 0 };
        block.padded = examples.len().next_multiple_of(16);
        block.assemble(&pass, &network.input, examples.len(), |example| inputs.features(example));
        network.resize_hidden(block.padded, activations);
        block.forward(&pass, network, activations);
        let query = Query {
            rows: &activations[network.hidden.len()],
            transposed: block.transposed(network.hidden.len()),
            examples: examples.len(),
            padded: block.padded,
        };
        self.retriever.retrieve(kernels, &network.output, &query, retrieval, candidates);
        let objective = config.network.loss.objective();
        ranking.score(kernels, &network.output, &query, candidates, k, objective.needs_log_sum());
        for example in 0..examples.len() {
            let log_sum = ranking.log_sum(example);
            let mut predictions = ranking
                .best(example)
                .iter()
                .map(|best| Prediction { label: best.label, probability: objective.probability(best.score, log_sum) });
            found(&mut predictions);
        }
    }
}
