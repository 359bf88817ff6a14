//! A block of samples of a batch: everything that belongs to samples and is computed by one worker alone.
//!
//! Results do not depend on how a batch is cut into blocks; blocks are multiples of 16 samples, the last one padded
//! with samples that have no features and whose gradients are 0.

use slide_kernels::rng::RngKey;
use slide_kernels::{Kernels, MatrixMut};

use super::active_set::SampleLists;
use super::prepared::Prepared;
use super::streams;
use crate::config::{Loss, TrainConfig};
use crate::layer::rows::{LayerRows, matrix, matrix_mut};
use crate::layer::{dense, embedding};
use crate::network::Network;

/// Most samples a block holds: the register tile of the kernels times what keeps a block's inputs in cache.
const MOST_SAMPLES: usize = 64;

/// Samples of a block, a multiple of 16, when `samples` are cut for `workers`: as many blocks for each worker where there
/// are enough.
pub fn block_size(samples: usize, workers: usize) -> usize {
    let groups = samples.div_ceil(16).max(1);
    let blocks_a_worker = groups.div_ceil(workers * MOST_SAMPLES / 16);
    16 * groups.div_ceil(blocks_a_worker * workers)
}

/// Where a batch stands in the training, and on what.
#[derive(Clone, Copy)]
pub struct BatchContext<'a> {
    /// The kernels of the chosen instruction set.
    pub kernels: &'a Kernels,
    /// What is trained and how.
    pub config: &'a TrainConfig,
    /// The training points.
    pub data: &'a Prepared,
    /// Number of the batch since the beginning.
    pub step: u64,
}

/// The samples of a block and what is computed for them.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Number of the block's first sample in the batch.
    pub first: usize,
    /// The points that the samples are, without the padding.
    pub points: Vec<u32>,
    /// Samples with the padding, a multiple of 16.
    pub padded: usize,
    /// Input features of each sample (after dropout).
    pub features: SampleLists,
    /// Active output rows of each sample with their targets, if each has its own.
    pub active: SampleLists,
    /// Activations of each hidden layer, transposed: `[columns][padded]`.
    transposed: Vec<Vec<f32>>,
    /// Gradient with respect to the sums of each dense layer and, last, of the shared output rows: `[rows][padded]`.
    deltas: Vec<Vec<f32>>,
    /// Loss of each of the block's samples, as far as the block computes it.
    pub loss: Vec<f64>,
    random: Vec<u32>,
    column_max: Vec<f32>,
    column_sum: Vec<f32>,
}

/// The block's part of the activations of each hidden layer, `[padded][columns]`, and of their gradients.
#[derive(Debug)]
pub struct BlockRows<'a> {
    /// Activations after ReLU and dropout.
    pub activations: Vec<&'a mut [f32]>,
    /// Gradient of the loss with respect to the sums before ReLU.
    pub gradients: Vec<&'a mut [f32]>,
}

impl Block {
    /// Gradient with respect to the sums of dense layer `layer` of the network, or of the shared output rows (`layer` =
    /// number of dense layers): `[rows][padded]`.
    pub fn deltas(&self, layer: usize) -> &[f32] {
        &self.deltas[layer]
    }

    /// Activations of hidden layer `layer` (from 0), transposed: `[columns][padded]`.
    pub fn transposed(&self, layer: usize) -> &[f32] {
        &self.transposed[layer]
    }

    /// Takes its samples of the batch `points`: those from `first`, at most `padded`.
    pub fn assemble(&mut self, context: &BatchContext<'_>, input: &LayerRows, points: &[u32]) {
        let first = self.first;
        let points = &points[first..points.len().min(first + self.padded)];
        self.points.clear();
        self.points.extend_from_slice(points);
        self.loss.clear();
        self.loss.resize(points.len(), 0.0);
        self.features.clear(input.partition());
        let rate = context.config.dropout.input;
        let (threshold, scale) = dropout_parameters(rate);
        for (sample, &point) in points.iter().enumerate() {
            let (rows, values) = context.data.features(point as usize);
            if rate > 0.0 {
                let item = (first + sample) as u32;
                let key = RngKey::new(context.config.seed, streams::INPUT_DROPOUT, context.step, item);
                self.random.resize(rows.len(), 0);
                context.kernels.random_words(key, 0, &mut self.random);
                for ((&row, &value), &word) in rows.iter().zip(values).zip(&self.random) {
                    if word >= threshold {
                        self.features.rows.push(row);
                        self.features.values.push(value * scale);
                    }
                }
            } else {
                self.features.rows.extend_from_slice(rows);
                self.features.values.extend_from_slice(values);
            }
            self.features.finish_sample();
        }
    }

    /// Computes the activations of all hidden layers.
    pub fn forward(&mut self, context: &BatchContext<'_>, network: &Network, rows: &mut BlockRows<'_>) {
        let kernels = context.kernels;
        let layers = network.hidden.len() + 1;
        self.transposed.resize_with(layers, Vec::new);
        self.deltas.resize_with(layers, Vec::new);
        let columns = network.input.columns();
        let bias = network.input_bias.table();
        let slide_kernels::Values::F32(bias) = bias.values() else { unreachable!("the input bias is stored as f32") };
        let bias = &bias[..columns];
        let activations = &mut rows.activations[0];
        for (sample, out) in activations.chunks_exact_mut(columns).enumerate() {
            if sample < self.points.len() {
                let (features, values) = self.features.sample(sample);
                embedding::forward(kernels, &network.input, bias, features, values, out);
            } else {
                out.fill(0.0);
            }
        }
        self.finish_activations(context, 0, columns, rows);
        for (index, layer) in network.hidden.iter().enumerate() {
            let logits = &mut self.deltas[index];
            logits.resize(layer.rows() * self.padded, 0.0);
            let all = identity(layer.rows());
            dense::forward(kernels, layer, &all, &self.transposed[index], self.padded, logits);
            let columns = layer.rows().next_multiple_of(16);
            let out = &mut rows.activations[index + 1];
            let out = MatrixMut::new(out, columns, layer.rows()).expect("sized by the engine");
            kernels.transpose(matrix(logits, self.padded), out);
            self.finish_activations(context, index + 1, columns, rows);
        }
    }

    /// ReLU and dropout of hidden layer `layer`, and its transpose.
    fn finish_activations(
        &mut self,
        context: &BatchContext<'_>,
        layer: usize,
        columns: usize,
        rows: &mut BlockRows<'_>,
    ) {
        let kernels = context.kernels;
        let activations = &mut *rows.activations[layer];
        kernels.relu(activations);
        let rate = context.config.dropout.hidden;
        if rate > 0.0 {
            let (threshold, scale) = dropout_parameters(rate);
            self.random.resize(columns, 0);
            let samples = activations.chunks_exact_mut(columns).take(self.points.len());
            for (sample, values) in samples.enumerate() {
                let stream = streams::HIDDEN_DROPOUT + layer as u32;
                let item = (self.first + sample) as u32;
                let key = RngKey::new(context.config.seed, stream, context.step, item);
                kernels.random_words(key, 0, &mut self.random);
                kernels.dropout(values, &self.random, threshold, scale);
            }
        }
        let transposed = &mut self.transposed[layer];
        transposed.resize(columns * self.padded, 0.0);
        kernels.transpose(matrix(activations, columns), matrix_mut(transposed, self.padded));
    }

    /// The output layer for the rows of `shared` (ascending): logits, loss, their gradients, and the gradient with
    /// respect to the last hidden layer.
    pub fn shared_output(
        &mut self,
        context: &BatchContext<'_>,
        network: &Network,
        shared: &[u32],
        rows: &mut BlockRows<'_>,
    ) {
        let (kernels, padded) = (context.kernels, self.padded);
        let last = network.hidden.len();
        let logits = &mut self.deltas[last];
        logits.resize(shared.len() * padded, 0.0);
        dense::forward(kernels, &network.output, shared, &self.transposed[last], padded, logits);
        let targets: Vec<(usize, f32)> = targets(context, &self.points)
            .map(|(sample, row, target)| {
                let position = shared.binary_search(&row).expect("labels are in the shared set");
                let at = position * padded + sample;
                self.loss[sample] -= f64::from(target) * f64::from(logits[at]);
                (at, target)
            })
            .collect();
        self.column_sum.clear();
        self.column_sum.resize(padded, 0.0);
        match context.config.loss {
            Loss::Bce => {
                kernels.sigmoid_columns(matrix_mut(logits, padded), &mut self.column_sum);
                for (loss, &column) in self.loss.iter_mut().zip(&self.column_sum) {
                    *loss += f64::from(column);
                }
            }
            Loss::Softmax => {
                self.column_max.clear();
                self.column_max.resize(padded, 0.0);
                let (max, sum) = (&mut self.column_max, &mut self.column_sum);
                kernels.column_max_sum(matrix(logits, padded), max, sum);
                invert_sums(context, &self.points, max, sum, &mut self.loss);
                kernels.softmax_columns(matrix_mut(logits, padded), max, sum);
            }
        }
        for (at, target) in targets {
            logits[at] -= target;
        }
        if self.points.len() < padded {
            for row in logits.chunks_exact_mut(padded) {
                row[self.points.len()..].fill(0.0);
            }
        }
        let gradient = &mut rows.gradients[last];
        dense::backward(kernels, &network.output, shared, logits, padded, gradient);
        self.backward(context, network, rows);
    }

    /// From the gradient with respect to the last hidden layer's activations (in `rows`) to the gradients with
    /// respect to the sums of all hidden layers.
    pub fn backward(&mut self, context: &BatchContext<'_>, network: &Network, rows: &mut BlockRows<'_>) {
        let kernels = context.kernels;
        for (index, layer) in network.hidden.iter().enumerate().rev() {
            Self::through_relu(context, index + 1, rows);
            let columns = layer.rows().next_multiple_of(16);
            let gradient = slide_kernels::Matrix::new(rows.gradients[index + 1], columns, layer.rows());
            let deltas = &mut self.deltas[index];
            kernels.transpose(gradient.expect("sized by the engine"), matrix_mut(deltas, self.padded));
            let all = identity(layer.rows());
            let below = &mut rows.gradients[index];
            dense::backward(kernels, layer, &all, deltas, self.padded, below);
        }
        Self::through_relu(context, 0, rows);
    }

    fn through_relu(context: &BatchContext<'_>, layer: usize, rows: &mut BlockRows<'_>) {
        let gradient = &mut *rows.gradients[layer];
        context.kernels.relu_backward(gradient, rows.activations[layer]);
        let (_, scale) = dropout_parameters(context.config.dropout.hidden);
        if scale != 1.0 {
            gradient.iter_mut().for_each(|value| *value *= scale);
        }
    }
}

/// `(sample, internal label row, target)` of all labels of the block's points.
pub fn targets<'a>(context: &BatchContext<'a>, points: &'a [u32]) -> impl Iterator<Item = (usize, u32, f32)> + 'a {
    let (data, loss) = (context.data, context.config.loss);
    points.iter().enumerate().flat_map(move |(sample, &point)| {
        let labels = data.labels(point as usize);
        let target = target(loss, labels.len());
        labels.iter().map(move |&row| (sample, row, target))
    })
}

/// The target of each of a point's `labels` labels.
pub fn target(loss: Loss, labels: usize) -> f32 {
    match loss {
        Loss::Softmax => 1.0 / labels as f32,
        Loss::Bce => 1.0,
    }
}

/// Replaces each sample's sum of exponentials by its inverse, or by 0 for a point without labels, which has no target
/// distribution and so neither loss nor gradient. Adds `max + ln(sum)` to the loss of the points with labels.
pub fn invert_sums(context: &BatchContext<'_>, points: &[u32], max: &[f32], sums: &mut [f32], losses: &mut [f64]) {
    for (((&point, &max), sum), loss) in points.iter().zip(max).zip(sums).zip(losses) {
        if context.data.labels(point as usize).is_empty() {
            *sum = 0.0;
        } else {
            *loss += f64::from(max) + libm::log(f64::from(*sum));
            *sum = 1.0 / *sum;
        }
    }
}

/// `(threshold, scale)`: a value is dropped where its random word is below the threshold, else scaled.
fn dropout_parameters(rate: f32) -> (u32, f32) {
    ((f64::from(rate) * 4_294_967_296.0) as u32, 1.0 / (1.0 - rate))
}

/// The list of all rows of a layer.
pub fn identity(rows: usize) -> Vec<u32> {
    (0..rows as u32).collect()
}
