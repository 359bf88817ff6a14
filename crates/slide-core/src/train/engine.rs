//! One batch: its phases, and who does what in each.
//!
//! | phase | owner | shared set | own set per sample |
//! |---|---|---|---|
//! | 1 | block of samples | hidden layers; logits, loss and gradient down to the input layer | hidden layers; active sets |
//! | 2 | chunk of output rows | | transposition, logits, (binary cross-entropy: step) |
//! | 3 | block of samples | | softmax sums |
//! | 4 | chunk of output rows | gradient and step | hidden gradient by chunk, step |
//! | 5 | block of samples | | hidden gradient by the tree, hidden layers |
//! | 6 | chunk of rows of the other layers | gradient and step | gradient and step |
//!
//! In a phase everything else is only read. Between phases all workers meet at a barrier.

use slide_kernels::Matrix;
use slide_mem::Workers;

use super::active_set::SampleLists;
use super::block::{BatchContext, Block, BlockRows, block_size, identity, invert_sums, target};
use super::prepared::Prepared;
use super::rebuild::OutputTables;
use super::tree::{self, Branches};
use crate::config::{ConfigError, Loss, Runtime, TrainConfig};
use crate::layer::dense::BlockDeltas;
use crate::layer::rows::Chunk;
use crate::layer::sampled::ChunkState;
use crate::layer::{dense, embedding};
use crate::network::Network;
use crate::optim::adam::{Adam, Decays};
use crate::sampling::{Context, SampleKey, Sampler, SamplerKind, Scratch, shared_set};

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchReport {
    /// Sum over the samples of the loss on their active rows.
    pub loss: f64,
    /// Sum over the samples of the number of active output rows.
    pub active: u64,
    /// Distinct output rows that took a step.
    pub rows_touched: u64,
}

/// The buffers that training needs beside the network, kept between batches.
#[derive(Debug)]
pub struct Engine<'r> {
    runtime: &'r Runtime,
    sampler: Sampler,
    tables: Option<OutputTables>,
    decays: Option<Decays>,
    all_outputs: Vec<u32>,
    blocks: Vec<Block>,
    chunk_states: Vec<ChunkState>,
    activations: Vec<Vec<f32>>,
    gradients: Vec<Vec<f32>>,
    workers: Vec<WorkerScratch>,
}

#[derive(Debug)]
struct WorkerScratch {
    embedding: embedding::Scratch,
    dense: dense::Scratch,
    sampling: Scratch,
    codes: Vec<u32>,
    set: Vec<u32>,
    branches: Branches,
    merge: Branches,
}

/// A block and its rows of the batch's matrices.
struct BlockItem<'a> {
    block: &'a mut Block,
    rows: BlockRows<'a>,
}

impl<'r> Engine<'r> {
    /// An engine for `network`, which must have moments.
    pub fn new(config: &TrainConfig, network: &Network, runtime: &'r Runtime) -> Result<Self, ConfigError> {
        let outputs = network.output.rows();
        let sampler = config.sampler(outputs)?;
        let exact = config.sampler == SamplerKind::Exact;
        let scratch = || WorkerScratch {
            embedding: Default::default(),
            dense: Default::default(),
            sampling: Scratch::new(outputs),
            codes: Vec::new(),
            set: Vec::new(),
            branches: Branches::default(),
            merge: Branches::default(),
        };
        Ok(Self {
            runtime,
            sampler,
            tables: OutputTables::new(config, &network.output, runtime.placement)?,
            decays: None,
            all_outputs: if exact { identity(outputs) } else { Vec::new() },
            blocks: Vec::new(),
            chunk_states: vec![ChunkState::default(); network.output.partition().chunks()],
            activations: vec![Vec::new(); config.hidden.len()],
            gradients: vec![Vec::new(); config.hidden.len()],
            workers: (0..runtime.workers.count()).map(|_| scratch()).collect(),
        })
    }

    /// What it runs with.
    pub fn runtime(&self) -> &'r Runtime {
        self.runtime
    }

    /// The hash tables, if the sampler uses any.
    pub fn tables(&self) -> Option<&OutputTables> {
        self.tables.as_ref()
    }

    /// The hash tables, to be restored.
    pub fn tables_mut(&mut self) -> Option<&mut OutputTables> {
        self.tables.as_mut()
    }

    /// Trains one batch: batch `step` of `steps`, on `points` of `data`.
    pub fn train_batch(
        &mut self,
        network: &mut Network,
        config: &TrainConfig,
        data: &Prepared,
        points: &[u32],
        step: u64,
        steps: u64,
    ) -> BatchReport {
        let Runtime { kernels, workers, .. } = self.runtime;
        if let Some(tables) = &mut self.tables
            && (step == 0 || config.rebuild.is_due(step))
        {
            tables.rebuild(&network.output, step, config, kernels, workers);
        }
        let context = BatchContext { kernels, config, data, step };
        let decays = self.decays.take().unwrap_or_else(|| Decays::new(config));
        let adam = Adam::new(config, step, steps, decays);
        self.size_buffers(network, points.len());
        let report = match config.sampler {
            SamplerKind::Shared => {
                let labels: Vec<u32> = points.iter().flat_map(|&point| data.labels(point as usize)).copied().collect();
                let key = SampleKey { seed: config.seed, step, sample: 0 };
                let shared = shared_set(kernels, &labels, self.sampler.target, network.output.rows(), key);
                self.train_on_shared_set(&context, network, points, &shared, &adam)
            }
            SamplerKind::Exact => {
                let all = std::mem::take(&mut self.all_outputs);
                let report = self.train_on_shared_set(&context, network, points, &all, &adam);
                self.all_outputs = all;
                report
            }
            _ => self.train_on_own_sets(&context, network, points, &adam),
        };
        self.decays = Some(adam.into_decays());
        report
    }

    /// Cuts the batch into blocks, and makes room for it.
    fn size_buffers(&mut self, network: &Network, samples: usize) {
        let padded = samples.next_multiple_of(16);
        let size = block_size(samples, self.runtime.workers.count());
        self.blocks.resize_with(padded.div_ceil(size), Block::default);
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.first = index * size;
            block.padded = size.min(padded - block.first);
        }
        let widths = std::iter::once(network.input.width()).chain(network.hidden.iter().map(|layer| layer.rows()));
        for ((width, activations), gradients) in widths.zip(&mut self.activations).zip(&mut self.gradients) {
            activations.resize(padded * width.next_multiple_of(16), 0.0);
            gradients.resize(padded * width.next_multiple_of(16), 0.0);
        }
    }

    fn train_on_shared_set(
        &mut self,
        context: &BatchContext<'_>,
        network: &mut Network,
        points: &[u32],
        shared: &[u32],
        adam: &Adam,
    ) -> BatchReport {
        let workers = &self.runtime.workers;
        let frozen = &*network;
        let mut items = block_items(&mut self.blocks, &mut self.activations, &mut self.gradients);
        workers.each(&mut items, |_, BlockItem { block, rows }| {
            block.assemble(context, &frozen.input, points);
            block.forward(context, frozen, rows);
            block.shared_output(context, frozen, shared, rows);
        });
        let last = network.hidden.len();
        let (blocks, activations) = (&self.blocks, &self.activations[last]);
        let mut chunks = network.output.runs_mut();
        workers.each_with(&mut self.workers, &mut chunks, |_, chunk, scratch| {
            let deltas = block_deltas(blocks, last, activations);
            dense::update(context.kernels, chunk, shared, deltas, adam, &mut scratch.dense);
        });
        self.update_hidden(context, network, adam);
        BatchReport {
            loss: self.blocks.iter().flat_map(|block| &block.loss).sum(),
            active: (shared.len() * points.len()) as u64,
            rows_touched: shared.len() as u64,
        }
    }

    fn train_on_own_sets(
        &mut self,
        context: &BatchContext<'_>,
        network: &mut Network,
        points: &[u32],
        adam: &Adam,
    ) -> BatchReport {
        let (kernels, loss) = (context.kernels, context.config.loss);
        let workers = &self.runtime.workers;
        let frozen = &*network;
        let (sampler, tables) = (&self.sampler, self.tables.as_ref());
        let mut items = block_items(&mut self.blocks, &mut self.activations, &mut self.gradients);
        workers.each_with(&mut self.workers, &mut items, |_, BlockItem { block, rows }, scratch| {
            block.assemble(context, &frozen.input, points);
            block.forward(context, frozen, rows);
            let hidden = rows.activations.last().expect("at least one hidden layer");
            choose_active(context, frozen, sampler, tables, block, hidden, scratch);
        });

        let last = network.hidden.len();
        let partition = *network.output.partition();
        let (blocks, hidden) = (&self.blocks, &self.activations[last]);
        let sets = || blocks.iter().map(|block| &block.active);
        for scratch in &mut self.workers {
            scratch.branches.clear();
        }
        let mut chunks: Vec<(Chunk<'_>, &mut ChunkState)> =
            network.output.chunks_mut().into_iter().zip(&mut self.chunk_states).collect();
        workers.each_with(&mut self.workers, &mut chunks, |_, (chunk, state), scratch| {
            state.forward(kernels, chunk, &partition, sets(), hidden, loss);
            if loss == Loss::Bce {
                state.backward(kernels, chunk, hidden, adam, &mut scratch.branches);
            }
        });
        let mut softmax_loss = 0.0;
        if loss == Loss::Softmax {
            let samples = points.len();
            let mut max = vec![f32::NEG_INFINITY; samples.next_multiple_of(16)];
            let mut sum = vec![0.0; max.len()];
            softmax_loss = combine_sums(context, points, &chunks, &mut max, &mut sum, workers);
            workers.each_with(&mut self.workers, &mut chunks, |_, (chunk, state), scratch| {
                state.finish_softmax(kernels, &max, &sum);
                state.backward(kernels, chunk, hidden, adam, &mut scratch.branches);
            });
        }
        drop(chunks);

        let frozen = &*network;
        let columns = frozen.output.columns();
        let branches: Vec<Branches> =
            self.workers.iter_mut().map(|scratch| std::mem::take(&mut scratch.branches)).collect();
        let mut items = block_items(&mut self.blocks, &mut self.activations, &mut self.gradients);
        workers.each_with(&mut self.workers, &mut items, |_, BlockItem { block, rows }, scratch| {
            let range = block.first * columns..(block.first + block.padded) * columns;
            let gradient = rows.gradients.last_mut().expect("at least one hidden layer");
            let open = branches.iter().flat_map(Branches::open);
            tree::merge(open, range, &mut scratch.merge, gradient);
            block.backward(context, frozen, rows);
        });
        for (scratch, branches) in self.workers.iter_mut().zip(branches) {
            scratch.branches = branches;
        }
        self.update_hidden(context, network, adam);
        BatchReport {
            loss: softmax_loss + self.chunk_states.iter().map(|state| state.loss).sum::<f64>(),
            active: self.blocks.iter().map(|block| block.active.rows.len() as u64).sum(),
            rows_touched: self.chunk_states.iter().map(|state| state.rows_touched() as u64).sum(),
        }
    }

    /// The steps of all layers but the output's.
    fn update_hidden(&mut self, context: &BatchContext<'_>, network: &mut Network, adam: &Adam) {
        let (kernels, workers) = (context.kernels, &self.runtime.workers);
        let blocks = &self.blocks;
        for (index, layer) in network.hidden.iter_mut().enumerate() {
            let all = identity(layer.rows());
            let inputs = &self.activations[index];
            workers.each_with(&mut self.workers, &mut layer.runs_mut(), |_, chunk, scratch| {
                let deltas = block_deltas(blocks, index, inputs);
                dense::update(kernels, chunk, &all, deltas, adam, &mut scratch.dense);
            });
        }
        let gradient = &self.gradients[0];
        let samples = gradient.len() / network.input.columns();
        let ones = vec![1.0; samples];
        for chunk in &mut network.input_bias.chunks_mut() {
            let deltas = std::iter::once(BlockDeltas { deltas: &ones, inputs: gradient, samples });
            dense::update(kernels, chunk, &[0], deltas, adam, &mut self.workers[0].dense);
        }
        let partition = *network.input.partition();
        let features = || blocks.iter().map(|block| &block.features);
        workers.each_with(&mut self.workers, &mut network.input.chunks_mut(), |_, chunk, scratch| {
            embedding::update(kernels, chunk, &partition, features(), gradient, adam, &mut scratch.embedding);
        });
    }
}

fn block_items<'a>(
    blocks: &'a mut [Block],
    activations: &'a mut [Vec<f32>],
    gradients: &'a mut [Vec<f32>],
) -> Vec<BlockItem<'a>> {
    let padded: usize = blocks.iter().map(|block| block.padded).sum();
    let mut activations: Vec<&mut [f32]> = activations.iter_mut().map(Vec::as_mut_slice).collect();
    let mut gradients: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
    let columns: Vec<usize> = activations.iter().map(|layer| layer.len() / padded).collect();
    let take = |layers: &mut Vec<&'a mut [f32]>, samples: usize| -> Vec<&'a mut [f32]> {
        let layers = layers.iter_mut().zip(&columns);
        layers.map(|(layer, columns)| layer.split_off_mut(..samples * columns).expect("sized to the batch")).collect()
    };
    blocks
        .iter_mut()
        .map(|block| {
            let rows = BlockRows {
                activations: take(&mut activations, block.padded),
                gradients: take(&mut gradients, block.padded),
            };
            BlockItem { block, rows }
        })
        .collect()
}

/// What the blocks bring to the gradient of dense layer `layer` (the output's number follows the last), whose inputs
/// are `inputs`, `[batch][columns]`.
fn block_deltas<'a>(
    blocks: &'a [Block],
    layer: usize,
    inputs: &'a [f32],
) -> impl Iterator<Item = BlockDeltas<'a>> + Clone {
    let padded: usize = blocks.iter().map(|block| block.padded).sum();
    let columns = inputs.len() / padded;
    blocks.iter().map(move |block| BlockDeltas {
        deltas: block.deltas(layer),
        inputs: &inputs[block.first * columns..(block.first + block.padded) * columns],
        samples: block.padded,
    })
}

/// Chooses the active output rows of each sample of a block, with their targets.
fn choose_active(
    context: &BatchContext<'_>,
    network: &Network,
    sampler: &Sampler,
    tables: Option<&OutputTables>,
    block: &mut Block,
    hidden: &[f32],
    scratch: &mut WorkerScratch,
) {
    let BatchContext { kernels, config, data, step } = *context;
    let WorkerScratch { sampling, codes, set, .. } = scratch;
    let count = tables.map_or(0, |tables| tables.tables.settings().tables);
    codes.resize(block.padded * count, 0);
    if let Some(tables) = tables {
        let vectors = Matrix::new(hidden, network.output.columns(), network.output.width());
        tables.functions.codes(kernels, vectors.expect("sized to the batch"), codes);
    }
    let rows = network.output.rows();
    let choice = Context { kernels, rows, tables: tables.map(|tables| &tables.tables) };
    block.active.clear(network.output.partition());
    for (sample, &point) in block.points.iter().enumerate() {
        let labels = data.labels(point as usize);
        let codes = &codes[sample * count..(sample + 1) * count];
        let key = SampleKey { seed: config.seed, step, sample: (block.first + sample) as u32 };
        sampler.collect(&choice, codes, labels, key, sampling, set);
        push_with_targets(&mut block.active, set, labels, target(config.loss, labels.len()));
        block.active.finish_sample();
    }
}

/// Appends the ascending rows of `set`, with `target` where the row is one of the ascending `labels` and else 0.
fn push_with_targets(lists: &mut SampleLists, set: &[u32], labels: &[u32], target: f32) {
    let mut labels = labels.iter().copied().peekable();
    for &row in set {
        lists.rows.push(row);
        let is_label = labels.next_if_eq(&row).is_some();
        lists.values.push(if is_label { target } else { 0.0 });
    }
}

/// Combines the chunks' sums of exponentials into each sample's maximum and inverse sum, chunks ascending; returns
/// the sum over samples of the log of the sums.
fn combine_sums(
    context: &BatchContext<'_>,
    points: &[u32],
    chunks: &[(Chunk<'_>, &mut ChunkState)],
    max: &mut [f32],
    sum: &mut [f32],
    workers: &Workers,
) -> f64 {
    const PIECE: usize = 64;
    let mut losses = vec![0.0; max.len()];
    let mut pieces: Vec<_> = max.chunks_mut(PIECE).zip(sum.chunks_mut(PIECE)).zip(losses.chunks_mut(PIECE)).collect();
    workers.each(&mut pieces, |piece, ((max, sum), losses)| {
        let first = piece * PIECE;
        let samples = first..first + max.len();
        for (_, state) in chunks {
            for (max, own) in max.iter_mut().zip(&state.max[samples.clone()]) {
                *max = max.max(*own);
            }
        }
        let mut factor = [0.0; PIECE];
        for (_, state) in chunks {
            let factor = &mut factor[..max.len()];
            for ((factor, own), max) in factor.iter_mut().zip(&state.max[samples.clone()]).zip(max.iter()) {
                *factor = own - max;
            }
            context.kernels.exp(factor);
            for ((sum, own), factor) in sum.iter_mut().zip(&state.sum[samples.clone()]).zip(&*factor) {
                *sum += own * factor;
            }
        }
        let real = points.len().saturating_sub(first).min(max.len());
        invert_sums(context, &points[first..first + real], max, sum, losses);
    });
    losses.iter().sum()
}
