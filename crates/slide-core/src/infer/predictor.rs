//! The best labels of points, by computing every output row.

use slide_kernels::numerics;
use thiserror::Error;

use super::scan::Scan;
use crate::config::{Dropout, Loss, Runtime, TrainConfig};
use crate::model::Model;
use crate::train::block::{BatchContext, Block, BlockRows, block_size};
use crate::train::prepared::Prepared;

/// A point that cannot be predicted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PredictError {
    /// A feature that the model does not know.
    #[error("point {point}: feature {feature}, expected less than {features}")]
    FeatureRange {
        /// Number of the point in the call.
        point: usize,
        /// The feature.
        feature: u32,
        /// The model's number of features.
        features: usize,
    },
}

impl PredictError {
    /// The same of a point that stands `points` further on.
    pub(super) fn later_by(self, points: usize) -> Self {
        let Self::FeatureRange { point, feature, features } = self;
        Self::FeatureRange { point: point + points, feature, features }
    }
}

/// A predicted label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The label.
    pub label: u32,
    /// Its probability: the label's sigmoid (binary cross-entropy) or its share of the softmax over all labels.
    pub score: f32,
}

/// Predicts with a model.
#[derive(Debug)]
pub struct Predictor<'a> {
    model: &'a Model,
    runtime: &'a Runtime,
    config: TrainConfig,
    workers: Vec<WorkerScratch>,
}

#[derive(Debug, Default)]
struct WorkerScratch {
    block: Block,
    activations: Vec<Vec<f32>>,
    scan: Scan,
}

impl<'a> Predictor<'a> {
    /// A predictor with the threads and kernels of `runtime`.
    pub fn new(model: &'a Model, runtime: &'a Runtime) -> Self {
        let config = TrainConfig { dropout: Dropout::default(), ..model.config().clone() };
        let workers = (0..runtime.workers.count()).map(|_| WorkerScratch::default()).collect();
        Self { model, runtime, config, workers }
    }

    /// The `k` best labels of each point, best first (equal scores: the lower label first). A point is its feature
    /// numbers and their values, as long, in any order. The result does not depend on which points are predicted together.
    pub fn predict(&mut self, points: &[(&[u32], &[f32])], k: usize) -> Result<Vec<Vec<Prediction>>, PredictError> {
        let features = self.model.features();
        let mut data = Prepared::empty();
        for (point, (indices, values)) in points.iter().enumerate() {
            if let Some(&feature) = indices.iter().find(|&&feature| feature as usize >= features) {
                return Err(PredictError::FeatureRange { point, feature, features });
            }
            data.push(indices, values, self.config.normalize, self.model.network().input.partition());
        }
        let numbers: Vec<u32> = (0..points.len() as u32).collect();
        let size = block_size(points.len(), self.runtime.workers.count());
        let mut predictions = vec![Vec::new(); points.len()];
        let mut pieces: Vec<&mut [Vec<Prediction>]> = predictions.chunks_mut(size).collect();
        let Self { model, runtime, config, workers } = self;
        let context = BatchContext { kernels: runtime.kernels, config, data: &data, step: 0 };
        runtime.workers.each_with(workers, &mut pieces, |piece, out, scratch| {
            predict_block(&context, model, &numbers, piece * size, k, out, scratch);
        });
        Ok(predictions)
    }
}

/// Predicts the points `first..first + out.len()` of `points`.
fn predict_block(
    context: &BatchContext<'_>,
    model: &Model,
    points: &[u32],
    first: usize,
    k: usize,
    out: &mut [Vec<Prediction>],
    scratch: &mut WorkerScratch,
) {
    let WorkerScratch { block, activations, scan } = scratch;
    let network = model.network();
    block.first = first;
    block.padded = out.len().next_multiple_of(16);
    block.assemble(context, &network.input, &points[..first + out.len()]);
    activations.resize_with(context.config.hidden.len(), Vec::new);
    for (activations, width) in activations.iter_mut().zip(&context.config.hidden) {
        activations.resize(block.padded * width.next_multiple_of(16), 0.0);
    }
    let activations = activations.iter_mut().map(Vec::as_mut_slice).collect();
    block.forward(context, network, &mut BlockRows { activations, gradients: Vec::new() });
    let softmax = context.config.loss == Loss::Softmax;
    let inputs = block.transposed(network.hidden.len());
    scan.run(context.kernels, &network.output, inputs, block.padded, k, softmax);
    for (sample, predictions) in out.iter_mut().enumerate() {
        predictions.extend(scan.best(sample).iter().map(|best| {
            let score = match context.config.loss {
                Loss::Bce => numerics::sigmoid(best.score),
                Loss::Softmax => numerics::exp(best.score - scan.log_sum(sample)),
            };
            Prediction { label: best.label, score }
        }));
    }
}
