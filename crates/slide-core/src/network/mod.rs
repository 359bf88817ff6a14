//! The network: a sparse input layer, dense ReLU layers, and a very wide output layer.
//!
//! * [`Network`] holds the layers;
//! * [`block`] is the forward and backward pass of a block of examples, which training and inference both run;
//! * [`batch`] holds the blocks of a training batch with their buffers.

pub(crate) mod batch;
pub(crate) mod block;
mod config;

use slide_kernels::Kernels;
use slide_kernels::rng::RngKey;
use slide_mem::{MemError, Placement, Report, Workers};

use crate::layer::partition::Partition;
use crate::layer::rows::{LayerRows, Precision, Shape, Storage, Weights};
use crate::optim::Optimizer;
use crate::streams;

pub use config::{Dropout, DropoutError, NetworkConfig};

/// All layers. `input[f]` is what feature `f` adds to the first hidden layer (an embedding bag), so its rows are
/// features; the rows of every other layer are its units.
#[derive(Debug)]
pub(crate) struct Network {
    /// `features x hidden[0]`, without bias.
    pub(crate) input: LayerRows,
    /// The bias of the first hidden layer, as a layer of one row: `1 x hidden[0]`.
    pub(crate) input_bias: LayerRows,
    /// `hidden[i] x hidden[i - 1]` for i >= 1.
    pub(crate) hidden: Vec<LayerRows>,
    /// `labels x hidden.last()`.
    pub(crate) output: LayerRows,
}

impl Network {
    /// A network of zeros of the configured shape, with the state of `optimizer` if it is to be trained.
    pub(crate) fn zeroed(
        config: &NetworkConfig,
        features: usize,
        labels: usize,
        optimizer: Option<&dyn Optimizer>,
        placement: &Placement,
    ) -> Result<Self, MemError> {
        let zeros = |rows, width| {
            let weights = Weights::zeroed(Storage::Floats(config.precision), rows, width, placement)?;
            Ok::<_, MemError>((Partition::new(rows), weights))
        };
        let [first, last] = config.ends();
        let (input, output) = (zeros(features, first)?, zeros(labels, last)?);
        Self::with(config, input, output, optimizer, placement)
    }

    /// The same with these weights of the input and of the output layer, and the order of their rows.
    pub(crate) fn with(
        config: &NetworkConfig,
        input: (Partition, Weights),
        output: (Partition, Weights),
        optimizer: Option<&dyn Optimizer>,
        placement: &Placement,
    ) -> Result<Self, MemError> {
        let mut number = 0;
        let mut layer = |(partition, weights), width, has_bias| {
            number += 1;
            LayerRows::new(Shape { number, partition, width, has_bias }, weights, optimizer, placement)
        };
        let zeros = |rows, width, precision| {
            let weights = Weights::zeroed(Storage::Floats(precision), rows, width, placement)?;
            Ok::<_, MemError>((Partition::new(rows), weights))
        };
        let [first, last] = config.ends();
        Ok(Self {
            input: layer(input, first, false)?,
            input_bias: layer(zeros(1, first, Precision::F32)?, first, false)?,
            hidden: config
                .hidden
                .windows(2)
                .map(|pair| layer(zeros(pair[1], pair[0], config.precision)?, pair[0], true))
                .collect::<Result<_, _>>()?,
            output: layer(output, last, true)?,
        })
    }

    /// Sets the weights that training starts from.
    ///
    /// Weights are uniform with mean 0 and variance `1 / hidden[0]` (input), `2 / fan-in` (hidden: He et al.,
    /// 2015) and `0.25 / fan-in` (output); the objective says what the output bias is. A weight is a function of (seed,
    /// layer, logical row, column) alone.
    pub(crate) fn initialise(
        &mut self,
        config: &NetworkConfig,
        seed: u64,
        label_frequencies: &[u32],
        examples: usize,
        kernels: &Kernels,
        workers: &Workers,
    ) {
        let first = config.hidden[0];
        let mut layers = vec![(&mut self.input, 1.0 / first as f64)];
        for layer in &mut self.hidden {
            let variance = 2.0 / layer.width() as f64;
            layers.push((layer, variance));
        }
        let fan_in = self.output.width();
        layers.push((&mut self.output, 0.25 / fan_in as f64));
        for (number, (layer, variance)) in layers.into_iter().enumerate() {
            // A uniform distribution on (-a, a) has the variance a^2 / 3.
            let limit = (3.0 * variance).sqrt() as f32;
            let stream = streams::WEIGHTS + number as u32;
            fill_uniform(layer, seed, stream, limit, kernels, workers);
        }
        let objective = config.objective();
        let partition = *self.output.partition();
        for (row, bias) in self.output.bias_mut().iter_mut().enumerate() {
            let frequency = label_frequencies[partition.to_logical(row as u32) as usize];
            *bias = objective.initial_bias(frequency, examples);
        }
    }

    /// Adds a state of `optimizer`, of 0, to each layer, so that the network can be trained.
    pub(crate) fn begin_training(&mut self, optimizer: &dyn Optimizer, placement: &Placement) -> Result<(), MemError> {
        self.layers_mut().into_iter().try_for_each(|(_, layer)| layer.begin_training(optimizer, placement))
    }

    /// Sizes a matrix for each hidden layer, for `examples` examples.
    pub(crate) fn resize_hidden(&self, examples: usize, matrices: &mut Vec<Vec<f32>>) {
        matrices.resize_with(self.hidden.len() + 1, Vec::new);
        let dense = self.hidden.iter().map(|layer| layer.rows().next_multiple_of(16));
        for (matrix, columns) in matrices.iter_mut().zip(std::iter::once(self.input.columns()).chain(dense)) {
            matrix.resize(examples * columns, 0.0);
        }
    }

    /// The layers with their names in model files, input first.
    pub(crate) fn layers(&self) -> Vec<(String, &LayerRows)> {
        let mut layers = vec![("input".into(), &self.input), ("input_bias".into(), &self.input_bias)];
        layers.extend(self.hidden.iter().enumerate().map(|(i, l)| (format!("hidden.{i}"), l)));
        layers.push(("output".into(), &self.output));
        layers
    }

    /// The layers with their names in model files, to be set.
    pub(crate) fn layers_mut(&mut self) -> Vec<(String, &mut LayerRows)> {
        let mut layers = vec![("input".into(), &mut self.input), ("input_bias".into(), &mut self.input_bias)];
        let hidden = self.hidden.iter_mut().enumerate();
        layers.extend(hidden.map(|(i, l)| (format!("hidden.{i}"), l)));
        layers.push(("output".into(), &mut self.output));
        layers
    }

    /// Number of weights and biases.
    pub(crate) fn parameters(&self) -> usize {
        self.layers().iter().map(|(_, layer)| layer.rows() * layer.width() + layer.bias().len()).sum()
    }

    /// What pages the tables lie on.
    pub(crate) fn report(&self) -> Report {
        let mut report = self.input.report();
        for (_, layer) in &self.layers()[1..] {
            report.merge(&layer.report());
        }
        report
    }
}

fn fill_uniform(layer: &mut LayerRows, seed: u64, stream: u32, limit: f32, kernels: &Kernels, workers: &Workers) {
    let (partition, width) = (*layer.partition(), layer.width());
    let starts = partition.starts();
    let fill = |shard: usize, stride: usize, set: &mut dyn FnMut(usize, f32)| {
        let mut words = vec![0; width];
        for row in starts[shard]..starts[shard + 1] {
            let logical = partition.to_logical(row as u32);
            kernels.random_words(RngKey::new(seed, stream, 0, logical), 0, &mut words);
            for (column, &word) in words.iter().enumerate() {
                // 24 bits, exact in f32, from -1 to almost 1.
                let unit = (word >> 8) as f32 / (1 << 23) as f32 - 1.0;
                set((row - starts[shard]) * stride + column, unit * limit);
            }
        }
    };
    match layer.weights_mut() {
        Weights::F32(table) => {
            let stride = table.stride();
            workers.each(&mut table.shards_mut(&starts), |shard, values| {
                fill(shard, stride, &mut |at, value| values[at] = value);
            });
        }
        Weights::Bf16(table) => {
            let stride = table.stride();
            workers.each(&mut table.shards_mut(&starts), |shard, values| {
                fill(shard, stride, &mut |at, value| values[at] = half::bf16::from_f32(value));
            });
        }
        Weights::Quantized(_) => unreachable!("training starts from floats"),
    }
}
