//! The index of a trained network: the queries that it learns from are those of training examples.

use std::sync::Arc;

use slide_kernels::rng::{CounterRng, RngKey};

use crate::config::ConfigError;
use crate::data::Dataset;
use crate::index::{self, IndexConfig, IndexReport, Queries};
use crate::infer::{Example, Inference, Scratch};
use crate::model::Model;
use crate::retrieval::{QuantizedRows, Scan, quantized};
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

impl Model {
    /// Gives the model an index of its output rows, by which labels are [retrieved](crate::Retrieval::Index). It learns from examples of `data`,
    /// which should be those that the model was trained on; an index that it has is replaced.
    ///
    /// # Errors
    /// No network. The model is unchanged then.
    pub fn build_index(
        &mut self,
        data: &Dataset,
        config: &IndexConfig,
        runtime: &Runtime,
    ) -> Result<IndexReport, ConfigError> {
        let network = self.network.as_ref().ok_or(ConfigError::NoNetwork)?;
        let seed = self.config.optimizer.seed;
        let (mut held_out, mut rest) =
            if data.examples() == self.examples { self.held_out() } else { Default::default() };
        if held_out.is_empty() {
            rest = (0..data.examples() as u32).collect();
            CounterRng::new(RngKey::new(seed, streams::INDEX_QUERIES, 0, 0)).shuffle(&mut rest);
            held_out = rest.split_off(rest.len() - (rest.len() / HELD_OUT).min(MOST_HELD_OUT));
        } else {
            CounterRng::new(RngKey::new(seed, streams::INDEX_QUERIES, 0, 0)).shuffle(&mut rest);
        }
        rest.truncate(config.query_count(rest.len()));
        // Rows that are integers are scanned as they are.
        let is_float = network.output.quantized().is_none();
        let rows = is_float.then(|| QuantizedRows::new(&network.output, runtime.kernels()));
        let queries = self.queries(data, &rest, rows.as_ref(), runtime);
        let held_out = self.queries(data, &held_out, None, runtime);
        let index = index::build(&network.output, queries, held_out, config, seed, runtime);
        let report = index.report;
        self.index = Some(Arc::new(index));
        Ok(report)
    }

    /// The last hidden layers of some examples, with the rows of their own labels and those of the highest logits: exactly, or by `rows`.
    fn queries(&self, data: &Dataset, examples: &[u32], rows: Option<&QuantizedRows>, runtime: &Runtime) -> Queries {
        let Some(network) = &self.network else { return Queries::default() };
        let inference = Inference { model: self, network: Some(network), linear: None, retriever: None, runtime };
        let (kernels, workers) = (runtime.kernels(), runtime.workers());
        let (output, partition) = (&network.output, *network.output.partition());
        let mut pieces: Vec<(&[u32], Vec<f32>, Vec<u32>)> =
            examples.chunks(PIECE).map(|examples| (examples, Vec::new(), Vec::new())).collect();
        let mut scratch: Vec<(Scratch, quantized::Scratch, (Scan, Vec<_>))> =
            (0..workers.count()).map(|_| Default::default()).collect();
        workers.each_with(&mut scratch, &mut pieces, |_, (examples, values, found), (scratch, bytes, scan)| {
            let inputs: Vec<Example<'_>> = examples.iter().map(|&example| data.features(example as usize)).collect();
            values.extend_from_slice(inference.queries(&inputs, scratch));
            let best = match rows {
                Some(rows) => rows.best(kernels, output, values, BEST, bytes),
                None => Scan::best(kernels, output, values, BEST, scan),
            };
            for best in best {
                found.extend(best.iter().map(|best| partition.to_internal(best.label)));
                // Only if logits are NaN.
                found.resize(found.len().next_multiple_of(BEST.min(output.rows())), 0);
            }
        });
        let mut queries = Queries { count: examples.len(), columns: output.columns(), ..Queries::default() };
        for (examples, values, best) in pieces {
            queries.values.extend(values);
            queries.best.extend(best);
            for &example in examples {
                queries.own.extend(data.labels(example as usize).iter().map(|&label| partition.to_internal(label)));
                queries.own_ends.push(queries.own.len());
            }
        }
        queries
    }
}
