//! A block of examples of a batch: everything that belongs to examples and is computed by one worker alone.
//!
//! Results do not depend on how a batch is cut into blocks; blocks are multiples of 16 examples, the last one padded
//! with examples that have no features and whose gradients are 0.
//!
//! Logits are accumulated: [`Block::output_logits`] computes the network's share, to which what else scores labels can add its own
//! before [`Block::loss`] turns them into gradients.

use std::ops::DerefMut;

use slide_kernels::rng::RngKey;
use slide_kernels::{Kernels, Matrix, MatrixMut};

use super::{Dropout, Network};
use crate::layer::active_set::Csr;
use crate::layer::rows::{LayerRows, even_runs};
use crate::layer::{dense, embedding};
use crate::objective::{GroupLogits, GroupScratch, Objective, Target};
use crate::sampling::GROUP;
use crate::streams;
use crate::views::{matrix, matrix_mut, refill};

/// Most examples a block holds: the register tile of the kernels times what keeps a block's inputs in cache.
const MOST_EXAMPLES: usize = 64;
const _: () = assert!(GROUP.is_multiple_of(MOST_EXAMPLES), "a block lies in one group");

/// Examples of a block, a multiple of 16, when `examples` are cut for `workers`: as many blocks for each worker where there
/// are enough.
pub(crate) fn block_size(examples: usize, workers: usize) -> usize {
    let groups = examples.div_ceil(16).max(1);
    let blocks_a_worker = groups.div_ceil(workers * MOST_EXAMPLES / 16);
    16 * groups.div_ceil(blocks_a_worker * workers)
}

/// What a pass through the network needs besides the network.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    /// The kernels of the chosen instruction set.
    pub(crate) kernels: &'a Kernels,
    /// Probabilities of dropout: 0 in inference.
    pub(crate) dropout: Dropout,
    /// The seed of the dropout.
    pub(crate) seed: u64,
    /// Number of the batch since the beginning, for the dropout.
    pub(crate) step: u64,
}

/// The examples of a block and what is computed for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// Number of the block's first example in the batch.
    pub(crate) first: usize,
    /// Examples without the padding.
    pub(crate) examples: usize,
    /// Examples with the padding, a multiple of 16.
    pub(crate) padded: usize,
    /// Runs of rows into which the lists of features are cut, for the owners of these rows: 0, which is one, if nobody updates them.
    pub(crate) feature_runs: usize,
    /// Input features of each example (after dropout).
    pub(crate) features: Csr,
    /// Active output rows of each example with their targets, if each has its own.
    pub(crate) active: Csr,
    /// Loss of each example, as far as the block computes it.
    pub(crate) loss: Vec<f64>,
    /// Activations of each hidden layer, transposed: `[columns][padded]`.
    transposed: Vec<Vec<f32>>,
    /// Logits of each dense layer and, last, of the shared output rows, later the gradient with respect to them:
    /// `[rows][padded]`.
    deltas: Vec<Vec<f32>>,
    targets: Vec<Target>,
    has_labels: Vec<bool>,
    all_rows: Vec<u32>,
    random: Vec<u32>,
    group: GroupScratch,
    /// Rows of integers as floats.
    widened: Vec<f32>,
}

impl Block {
    /// The logits of dense layer `layer` of the network, or of the shared output rows (`layer` = number of dense layers);
    /// after [`loss`](Self::loss) and [`backward`](Self::backward) the gradient with respect to them: `[rows][padded]`.
    pub(crate) fn deltas(&self, layer: usize) -> &[f32] {
        &self.deltas[layer]
    }

    /// Activations of hidden layer `layer` (from 0), transposed: `[columns][padded]`.
    pub(crate) fn transposed(&self, layer: usize) -> &[f32] {
        &self.transposed[layer]
    }

    /// Takes `examples` examples, whose internal features, ascending, and values `features` gives.
    pub(crate) fn assemble<'a>(
        &mut self,
        pass: &Pass<'_>,
        input: &LayerRows,
        examples: usize,
        features: impl Fn(usize) -> (&'a [u32], &'a [f32]),
    ) {
        self.examples = examples;
        refill(&mut self.loss, examples, 0.0);
        self.features.clear(even_runs(input.rows(), self.feature_runs.max(1)));
        let rate = pass.dropout.input;
        let (threshold, scale) = dropout_parameters(rate);
        for example in 0..examples {
            let (rows, values) = features(example);
            if rate > 0.0 {
                let item = (self.first + example) as u32;
                let key = RngKey::new(pass.seed, streams::INPUT_DROPOUT, pass.step, item);
                self.random.resize(rows.len(), 0);
                pass.kernels.random_words(key, 0, &mut self.random);
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
            self.features.finish_example();
        }
    }

    /// Computes the activations of all hidden layers, after ReLU and dropout: into `activations`, `[padded][columns]` for
    /// each, and transposed.
    pub(crate) fn forward<A: DerefMut<Target = [f32]>>(
        &mut self,
        pass: &Pass<'_>,
        network: &Network,
        activations: &mut [A],
    ) {
        let kernels = pass.kernels;
        let layers = network.hidden.len() + 1;
        self.transposed.resize_with(layers, Vec::new);
        self.deltas.resize_with(layers, Vec::new);
        let columns = network.input.columns();
        let bias = network.input_bias.table();
        let slide_kernels::Values::F32(bias) = bias.values() else { unreachable!("the input bias is stored as f32") };
        let bias = &bias[..columns];
        for (example, out) in activations[0].chunks_exact_mut(columns).enumerate() {
            if example < self.examples {
                let (features, values) = self.features.example(example);
                embedding::forward(kernels, &network.input, bias, features, values, &mut self.widened, out);
            } else {
                out.fill(0.0);
            }
        }
        self.finish_activations(pass, 0, columns, &mut activations[0]);
        for (index, layer) in network.hidden.iter().enumerate() {
            let logits = &mut self.deltas[index];
            logits.resize(layer.rows() * self.padded, 0.0);
            let rows = all_rows(&mut self.all_rows, layer);
            dense::forward(kernels, layer, rows, &self.transposed[index], self.padded, logits);
            let columns = layer.rows().next_multiple_of(16);
            let out = &mut activations[index + 1];
            let matrix_out = MatrixMut::new(out, columns, layer.rows()).expect("sized to the batch");
            kernels.transpose(matrix(logits, self.padded), matrix_out);
            self.finish_activations(pass, index + 1, columns, &mut activations[index + 1]);
        }
    }

    /// ReLU and dropout of hidden layer `layer`, and its transpose.
    fn finish_activations(&mut self, pass: &Pass<'_>, layer: usize, columns: usize, activations: &mut [f32]) {
        let kernels = pass.kernels;
        kernels.relu(activations);
        let rate = pass.dropout.hidden;
        if rate > 0.0 {
            let (threshold, scale) = dropout_parameters(rate);
            self.random.resize(columns, 0);
            let examples = activations.chunks_exact_mut(columns).take(self.examples);
            for (example, values) in examples.enumerate() {
                let stream = streams::HIDDEN_DROPOUT + layer as u32;
                let item = (self.first + example) as u32;
                let key = RngKey::new(pass.seed, stream, pass.step, item);
                kernels.random_words(key, 0, &mut self.random);
                kernels.dropout(values, &self.random, threshold, scale);
            }
        }
        let transposed = &mut self.transposed[layer];
        transposed.resize(columns * self.padded, 0.0);
        kernels.transpose(matrix(activations, columns), matrix_mut(transposed, self.padded));
    }

    /// The network's logits of the output rows `shared` (ascending): `[shared][padded]`.
    pub(crate) fn output_logits(&mut self, pass: &Pass<'_>, network: &Network, shared: &[u32]) {
        let last = network.hidden.len();
        let logits = &mut self.deltas[last];
        logits.resize(shared.len() * self.padded, 0.0);
        dense::forward(pass.kernels, &network.output, shared, &self.transposed[last], self.padded, logits);
    }

    /// Turns the logits of the rows `shared` into the gradient of the loss with respect to them. `labels` gives the labels
    /// of an example as internal rows, which are among `shared`.
    pub(crate) fn loss<'a>(
        &mut self,
        pass: &Pass<'_>,
        objective: &dyn Objective,
        shared: &[u32],
        labels: impl Fn(usize) -> &'a [u32],
    ) {
        let padded = self.padded;
        self.targets.clear();
        self.has_labels.clear();
        for example in 0..self.examples {
            let labels = labels(example);
            let value = objective.target(labels.len());
            self.targets.extend(labels.iter().map(|row| {
                let position = shared.binary_search(row).expect("labels are in the shared set");
                Target { at: position * padded + example, example, value }
            }));
            self.has_labels.push(!labels.is_empty());
        }
        let logits = self.deltas.last_mut().expect("at least one layer");
        let (targets, has_labels) = (&self.targets[..], &self.has_labels[..]);
        let group = GroupLogits { logits, padded, targets, has_labels, loss: &mut self.loss };
        objective.group(pass.kernels, group, &mut self.group);
        if self.examples < padded {
            for row in logits.chunks_exact_mut(padded) {
                row[self.examples..].fill(0.0);
            }
        }
    }

    /// From the gradient with respect to the logits of the rows `shared` to that with respect to the sums of all hidden
    /// layers: `gradients` has the shape of `activations`.
    pub(crate) fn backward<A: DerefMut<Target = [f32]>>(
        &mut self,
        pass: &Pass<'_>,
        network: &Network,
        shared: &[u32],
        activations: &[A],
        gradients: &mut [A],
    ) {
        let last = network.hidden.len();
        dense::backward(pass.kernels, &network.output, shared, &self.deltas[last], self.padded, &mut gradients[last]);
        self.hidden_backward(pass, network, activations, gradients);
    }

    /// From the gradient with respect to the last hidden layer's activations, in `gradients`, to the gradients with
    /// respect to the sums of all hidden layers.
    pub(crate) fn hidden_backward<A: DerefMut<Target = [f32]>>(
        &mut self,
        pass: &Pass<'_>,
        network: &Network,
        activations: &[A],
        gradients: &mut [A],
    ) {
        let kernels = pass.kernels;
        for (index, layer) in network.hidden.iter().enumerate().rev() {
            through_relu(pass, &activations[index + 1], &mut gradients[index + 1]);
            let columns = layer.rows().next_multiple_of(16);
            let gradient = Matrix::new(&gradients[index + 1], columns, layer.rows()).expect("sized to the batch");
            let deltas = &mut self.deltas[index];
            kernels.transpose(gradient, matrix_mut(deltas, self.padded));
            let rows = all_rows(&mut self.all_rows, layer);
            dense::backward(kernels, layer, rows, deltas, self.padded, &mut gradients[index]);
        }
        through_relu(pass, &activations[0], &mut gradients[0]);
    }
}

fn through_relu(pass: &Pass<'_>, activations: &[f32], gradient: &mut [f32]) {
    pass.kernels.relu_backward(gradient, activations);
    let (_, scale) = dropout_parameters(pass.dropout.hidden);
    if scale != 1.0 {
        gradient.iter_mut().for_each(|value| *value *= scale);
    }
}

/// `(threshold, scale)`: a value is dropped where its random word is below the threshold, else scaled.
fn dropout_parameters(rate: f32) -> (u32, f32) {
    ((f64::from(rate) * 4_294_967_296.0) as u32, 1.0 / (1.0 - rate))
}

/// The list of all rows of a layer, from a buffer that is filled once.
pub(crate) fn all_rows<'a>(buffer: &'a mut Vec<u32>, layer: &LayerRows) -> &'a [u32] {
    buffer.extend(buffer.len() as u32..layer.rows() as u32);
    &buffer[..layer.rows()]
}
