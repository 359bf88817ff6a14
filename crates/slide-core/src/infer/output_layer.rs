//! The output layer of a network by itself: for comparisons with other searches for the greatest inner products.

use super::inference::{Inference, Scratch, Search};
use super::predictor::{Example, PredictError, Predictor};
use crate::data::Dataset;
use crate::network::Network;
use crate::retrieval::{Query, Retriever};

/// Examples whose last hidden layers are computed together.
const BLOCK: usize = 64;
/// Examples with the padding of one.
const PADDED: usize = 16;

/// The output layer of a [`Predictor`]'s network, and how the predictor searches it: an example's last hidden layer is the query, and
/// the answer is the labels whose logits are the greatest.
#[derive(Debug)]
pub struct OutputLayer<'a> {
    predictor: &'a Predictor,
    inference: Inference<'a>,
    network: &'a Network,
    retriever: &'a dyn Retriever,
    /// The query, padded with zeros: `[PADDED][columns]`, and
    rows: Vec<f32>,
    /// `[columns][PADDED]`.
    transposed: Vec<f32>,
    search: Search,
}

impl<'a> OutputLayer<'a> {
    /// That of a predictor whose network finds labels by itself; none if it has no network, or if the linear part finds them.
    #[must_use]
    pub fn of(predictor: &'a Predictor) -> Option<Self> {
        let inference = predictor.inference();
        let (network, retriever) = inference.network.zip(inference.retriever)?;
        let zeros = vec![0.0; PADDED * network.output.columns()];
        Some(Self {
            predictor,
            inference,
            network,
            retriever,
            rows: zeros.clone(),
            transposed: zeros,
            search: Search::default(),
        })
    }

    /// Number of labels.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.network.output.rows()
    }

    /// Width of the last hidden layer.
    #[must_use]
    pub fn width(&self) -> usize {
        self.network.output.width()
    }

    /// The weights, `[labels][width]`.
    #[must_use]
    pub fn weights(&self) -> Vec<f32> {
        let (output, width) = (&self.network.output, self.width());
        let mut weights = vec![0.0; self.labels() * width];
        let rows = weights.chunks_exact_mut(width).zip(0..);
        rows.for_each(|(row, label)| output.copy_row(output.partition().to_internal(label) as usize, row));
        weights
    }

    /// The bias of each label.
    #[must_use]
    pub fn bias(&self) -> Vec<f32> {
        let output = &self.network.output;
        (0..self.labels() as u32).map(|label| output.bias()[output.partition().to_internal(label) as usize]).collect()
    }

    /// The last hidden layers of the examples of `data`, `[examples][width]`.
    ///
    /// # Errors
    /// A feature that the model does not know.
    pub fn queries(&self, data: &Dataset) -> Result<Vec<f32>, PredictError> {
        let (mut queries, mut scratch) = (Vec::with_capacity(data.examples() * self.width()), Scratch::default());
        let examples: Vec<Example<'_>> = (0..data.examples()).map(|example| data.features(example)).collect();
        for (number, &example) in examples.iter().enumerate() {
            self.predictor.check(number, example)?;
        }
        for examples in examples.chunks(BLOCK) {
            let rows = self.inference.queries(examples, &mut scratch).chunks_exact(self.network.output.columns());
            rows.for_each(|row| queries.extend_from_slice(&row[..self.width()]));
        }
        Ok(queries)
    }

    /// Takes the query that is to be answered next.
    ///
    /// # Panics
    /// Unless it is as wide as the last hidden layer.
    pub fn set_query(&mut self, query: &[f32]) {
        assert_eq!(query.len(), self.width(), "the width of a query");
        self.rows[..query.len()].copy_from_slice(query);
        self.transposed.chunks_exact_mut(PADDED).zip(query).for_each(|(column, &x)| column[0] = x);
    }

    /// The `k` best labels of the query, best first, with their logits.
    pub fn best(&mut self, k: usize) -> impl ExactSizeIterator<Item = (u32, f32)> {
        let query = Query { rows: &self.rows, transposed: &self.transposed, examples: 1, padded: PADDED };
        self.search.run((self.network, self.retriever, self.inference.runtime.kernels()), &query, k, false);
        self.search.ranking.best(0).iter().map(|best| (best.label, best.score))
    }
}
