//! The network: a sparse input layer, dense ReLU layers, and a very wide output layer.

use slide_kernels::Kernels;
use slide_kernels::rng::RngKey;
use slide_mem::{MemError, Placement, Report, Workers};

use crate::config::{Loss, Precision, TrainConfig};
use crate::layer::rows::{LayerRows, Weights};
use crate::train::streams;

/// All layers. `input[f]` is what feature `f` adds to the first hidden layer (an embedding bag), so its rows are
/// features; the rows of every other layer are its units.
#[derive(Debug)]
pub struct Network {
    /// `features x hidden[0]`, without bias.
    pub input: LayerRows,
    /// The bias of the first hidden layer, as a layer of one row: `1 x hidden[0]`.
    pub input_bias: LayerRows,
    /// `hidden[i] x hidden[i - 1]` for i >= 1.
    pub hidden: Vec<LayerRows>,
    /// `labels x hidden.last()`.
    pub output: LayerRows,
}

impl Network {
    /// A network of zeros of the configured shape, with Adam's state if `trainable`.
    pub fn zeroed(
        config: &TrainConfig,
        features: usize,
        labels: usize,
        trainable: bool,
        placement: &Placement,
    ) -> Result<Self, MemError> {
        let mut number = 0;
        let mut layer = |rows, width, bias, precision| {
            number += 1;
            LayerRows::zeroed(number, rows, width, bias, trainable, precision, placement)
        };
        let widths = &config.hidden;
        let first = widths[0];
        let last = widths[widths.len() - 1];
        Ok(Self {
            input: layer(features, first, false, config.precision)?,
            input_bias: layer(1, first, false, Precision::F32)?,
            hidden: widths
                .windows(2)
                .map(|pair| layer(pair[1], pair[0], true, config.precision))
                .collect::<Result<_, _>>()?,
            output: layer(labels, last, true, config.precision)?,
        })
    }

    /// Sets the weights that training starts from.
    ///
    /// Weights are uniform with mean 0 and variance `1 / hidden[0]` (input), `2 / fan-in` (hidden: He et al.,
    /// 2015) and `0.25 / fan-in` (output). The output bias is 0 for softmax and for binary cross-entropy the log of the label's
    /// prior, `ln((frequency + 0.5) / points)`: almost all targets are 0, and a network that starts there has not to
    /// learn it first. A weight is a function of (seed, layer, logical row, column) alone.
    pub fn initialise(
        &mut self,
        config: &TrainConfig,
        label_frequencies: &[u32],
        points: usize,
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
            fill_uniform(layer, config.seed, stream, limit, kernels, workers);
        }
        if config.loss == Loss::Bce {
            let partition = *self.output.partition();
            for (row, bias) in self.output.bias_mut().iter_mut().enumerate() {
                let frequency = label_frequencies[partition.to_logical(row as u32) as usize];
                *bias = libm::log((f64::from(frequency) + 0.5) / points as f64) as f32;
            }
        }
    }

    /// The layers with their names in model files, input first.
    pub fn layers(&self) -> Vec<(String, &LayerRows)> {
        let mut layers = vec![("input".into(), &self.input), ("input_bias".into(), &self.input_bias)];
        layers.extend(self.hidden.iter().enumerate().map(|(i, l)| (format!("hidden.{i}"), l)));
        layers.push(("output".into(), &self.output));
        layers
    }

    /// The layers with their names in model files, to be set.
    pub fn layers_mut(&mut self) -> Vec<(String, &mut LayerRows)> {
        let mut layers = vec![("input".into(), &mut self.input), ("input_bias".into(), &mut self.input_bias)];
        let hidden = self.hidden.iter_mut().enumerate();
        layers.extend(hidden.map(|(i, l)| (format!("hidden.{i}"), l)));
        layers.push(("output".into(), &mut self.output));
        layers
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers().iter().map(|(_, layer)| layer.rows() * layer.width() + layer.bias().len()).sum()
    }

    /// What pages the tables lie on.
    pub fn report(&self) -> Report {
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
    let fill = |chunk: usize, stride: usize, set: &mut dyn FnMut(usize, f32)| {
        let mut words = vec![0; width];
        for row in starts[chunk]..starts[chunk + 1] {
            let logical = partition.to_logical(row as u32);
            kernels.random_words(RngKey::new(seed, stream, 0, logical), 0, &mut words);
            for (column, &word) in words.iter().enumerate() {
                // 24 bits, exact in f32, from -1 to almost 1.
                let unit = (word >> 8) as f32 / (1 << 23) as f32 - 1.0;
                set((row - starts[chunk]) * stride + column, unit * limit);
            }
        }
    };
    match layer.weights_mut() {
        Weights::F32(table) => {
            let stride = table.stride();
            workers.each(&mut table.shards_mut(&starts), |chunk, values| {
                fill(chunk, stride, &mut |at, value| values[at] = value);
            });
        }
        Weights::Bf16(table) => {
            let stride = table.stride();
            workers.each(&mut table.shards_mut(&starts), |chunk, values| {
                fill(chunk, stride, &mut |at, value| values[at] = half::bf16::from_f32(value));
            });
        }
    }
}
