//! The index of a trained network: the queries that it learns from are those of training examples.

use std::borrow::Cow;
use std::sync::Arc;

use slide_kernels::rng::{CounterRng, RngKey};

use crate::config::{ConfigError, TrainConfig};
use crate::data::{Dataset, TrainingSet};
use crate::index::{self, IndexConfig, IndexReport, LabelIndex, Queries};
use crate::infer::{Example, Inference, Scratch};
use crate::layer::partition::Partition;
use crate::model::Model;
use crate::network::Network;
use crate::retrieval::{ByteScan, Scan, byte_scan};
use crate::runtime::Runtime;
use crate::streams;

/// Best labels of a query that the index learns from.
const BEST: usize = 10;
/// Examples that a worker takes at a time.
const PIECE: usize = 64;
/// Share of the examples that the index is tuned on, if the training held out none, and
const HELD_OUT: usize = 20;
/// most of them.
const MOST_HELD_OUT: usize = 2000;

/// Examples to learn from: features by their column in a data set, and output rows of the labels.
struct Examples<'a> {
    count: usize,
    features: &'a (dyn Fn(usize) -> (Cow<'a, [u32]>, &'a [f32]) + Sync),
    rows: &'a dyn Fn(usize) -> Vec<u32>,
}

impl Model {
    /// Gives the model an index of its labels, by which they are [retrieved](crate::Retrieval::Index). It learns from examples of
    /// `data`, which should be those that the model was trained on; an index that the model has is replaced. It has the same bits for
    /// each copy of a model; that of an [opened](Self::open) model is as good, but another, since its rows are in another order.
    ///
    /// # Errors
    /// No network, or settings that are impossible. The model is unchanged then.
    pub fn build_index(
        &mut self,
        data: &Dataset,
        config: &IndexConfig,
        runtime: &Runtime,
    ) -> Result<IndexReport, ConfigError> {
        let network = self.network.as_ref().ok_or(ConfigError::NoIndexedNetwork)?;
        TrainConfig { index: config.clone(), ..self.config.clone() }.validate()?;
        let (partition, labels) = (*network.output.partition(), self.label_numbering());
        let examples = Examples {
            count: data.examples(),
            features: &|example| {
                let (features, values) = data.features(example);
                (features.into(), values)
            },
            rows: &|example| {
                let places = data.labels(example).iter().filter_map(|&label| labels.place(label));
                places.map(|place| partition.to_internal(place)).collect()
            },
        };
        let index = index_of(self, network, &examples, config, runtime);
        let report = index.report;
        self.config.index = config.clone();
        self.index = Some(Arc::new(index));
        Ok(report)
    }

    /// The same of the training set.
    pub(super) fn build_index_in_training(&mut self, data: &TrainingSet, runtime: &Runtime) -> Option<IndexReport> {
        let network = self.network.as_ref()?;
        let (features, columns) = (Partition::new(self.features()), self.feature_numbering());
        let examples = Examples {
            count: data.examples(),
            features: &|example| {
                let (rows, values) = data.features(example);
                (rows.iter().map(|&row| columns.column(features.to_logical(row))).collect(), values)
            },
            rows: &|example| data.labels(example).to_vec(),
        };
        let index = index_of(self, network, &examples, &self.config.index, runtime);
        let report = index.report;
        self.index = Some(Arc::new(index));
        Some(report)
    }
}

fn index_of(
    model: &Model,
    network: &Network,
    examples: &Examples<'_>,
    config: &IndexConfig,
    runtime: &Runtime,
) -> LabelIndex {
    let seed = model.config.optimizer.seed;
    let is_training_set = examples.count == model.examples;
    let (mut held_out, mut rest) = if is_training_set { model.held_out() } else { Default::default() };
    if held_out.is_empty() {
        rest = (0..examples.count as u32).collect();
    }
    CounterRng::new(RngKey::new(seed, streams::INDEX_QUERIES, 0, 0)).shuffle(&mut rest);
    if held_out.is_empty() {
        held_out = rest.split_off(rest.len() - (rest.len() / HELD_OUT).min(MOST_HELD_OUT));
    }
    rest.truncate(config.query_count(rest.len()));
    // Rows that are integers are scanned as they are.
    let is_float = network.output.quantized().is_none();
    let rows = is_float.then(|| ByteScan::new(&network.output, runtime.kernels()));
    let learnt = queries(model, network, examples, &rest, rows.as_ref(), runtime);
    let held_out = queries(model, network, examples, &held_out, None, runtime);
    drop(rows);
    index::build(&network.output, learnt, held_out, config, seed, runtime)
}

/// The last hidden layers of the examples `chosen`, with the rows of their own labels and those of the highest logits: exactly, or by
/// `rows`.
fn queries(
    model: &Model,
    network: &Network,
    examples: &Examples<'_>,
    chosen: &[u32],
    rows: Option<&ByteScan>,
    runtime: &Runtime,
) -> Queries {
    let inference = Inference { model, network: Some(network), linear: None, retriever: None, runtime };
    let (kernels, workers, output) = (runtime.kernels(), runtime.workers(), &network.output);
    let mut pieces: Vec<(&[u32], Vec<f32>, Vec<u32>)> =
        chosen.chunks(PIECE).map(|chosen| (chosen, Vec::new(), Vec::new())).collect();
    let mut scratch: Vec<(Scratch, byte_scan::Scratch, (Scan, Vec<_>))> =
        (0..workers.count()).map(|_| Default::default()).collect();
    workers.each_with(&mut scratch, &mut pieces, |_, (chosen, values, found), (scratch, bytes, scan)| {
        let inputs: Vec<_> = chosen.iter().map(|&example| (examples.features)(example as usize)).collect();
        let inputs: Vec<Example<'_>> = inputs.iter().map(|(features, values)| (&features[..], *values)).collect();
        values.extend_from_slice(inference.queries(&inputs, scratch));
        let best = match rows {
            Some(rows) => rows.best(kernels, output, values, BEST, bytes),
            None => Scan::best(kernels, output, values, BEST, scan),
        };
        for best in best {
            found.extend(best.iter().map(|best| output.partition().to_internal(best.label)));
            // Only if logits are NaN.
            found.resize(found.len().next_multiple_of(BEST.min(output.rows())), 0);
        }
    });
    let mut queries = Queries { count: chosen.len(), columns: output.columns(), ..Queries::default() };
    for (chosen, values, best) in pieces {
        queries.values.extend(values);
        queries.best.extend(best);
        for &example in chosen {
            queries.own.extend((examples.rows)(example as usize));
            queries.own_ends.push(queries.own.len());
        }
    }
    queries
}
