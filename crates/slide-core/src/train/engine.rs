//! One batch: its phases, and who does what in each.
//!
//! | phase | owner | shared sets | own set per example |
//! |---|---|---|---|
//! | 1 | block of examples | hidden layers; logits, loss and gradient down to the input layer | hidden layers; active sets |
//! | 2 | shard of output rows | | transposition, logits, (uncoupled objectives: step) |
//! | 3 | block of examples | | (coupled objectives: sums over all shards) |
//! | 4 | shard of output rows | gradient and step | hidden gradient by shard, step |
//! | 5 | block of examples | | hidden gradient by the tree, hidden layers |
//! | 6 | shard of rows of the other layers | gradient and step | gradient and step |
//!
//! In a phase everything else is only read. Between phases all workers meet at a barrier.

use slide_kernels::Matrix;

use super::phases::{Lap, Phase, Phases};
use crate::config::{ConfigError, TrainConfig};
use crate::data::TrainingSet;
use crate::layer::active_set::Csr;
use crate::layer::dense::BlockDeltas;
use crate::layer::reduction_tree::{self, ReductionTree};
use crate::layer::rows::{Precision, Shard};
use crate::layer::sampled::ShardPass;
use crate::layer::{dense, embedding};
use crate::lsh::{OutputTables, Rebuild};
use crate::network::Network;
use crate::network::batch::{Batch, BlockItem};
use crate::network::block::{Block, Pass, all_rows};
use crate::objective::{Objective, Totals};
use crate::optim::{Decays, Position, Step};
use crate::runtime::Runtime;
use crate::sampling::{Context, ExampleKey, GROUP, Origins, Sampler, SamplerKind, Scratch, SharedSets};

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BatchReport {
    /// Sum over the examples of the loss on their active rows.
    pub(super) loss: f64,
    /// Sum over the examples of the number of active output rows.
    pub(super) active: u64,
    /// Sums over the examples of the numbers of rows by their origin; none where examples share their rows.
    pub(super) origins: Option<Origins>,
    /// Distinct output rows that took a step.
    pub(super) rows_touched: u64,
}

/// The buffers that training needs besides the network, kept between batches.
#[derive(Debug)]
pub(super) struct Engine {
    runtime: Runtime,
    sampler: Sampler,
    /// The hash tables and when they are rebuilt, if the sampler uses any.
    tables: Option<(OutputTables, Rebuild)>,
    decays: Option<Decays>,
    batch: Batch,
    shards: Vec<ShardPass>,
    all_rows: Vec<u32>,
    workers: Vec<WorkerScratch>,
}

#[derive(Debug)]
struct WorkerScratch {
    embedding: embedding::Scratch,
    dense: dense::Scratch,
    sampling: Scratch,
    codes: Vec<u32>,
    set: Vec<u32>,
    origins: Origins,
    tree: ReductionTree,
    merge: ReductionTree,
    phases: Phases,
}

/// What the phases of a batch have in common.
#[derive(Clone, Copy)]
struct BatchContext<'a> {
    pass: Pass<'a>,
    objective: &'a dyn Objective,
    data: &'a TrainingSet,
    /// The examples of the batch.
    examples: &'a [u32],
    step: &'a Step,
}

impl<'a> BatchContext<'a> {
    /// The features of an example of `block`.
    fn features(&self, first: usize) -> impl Fn(usize) -> (&'a [u32], &'a [f32]) + use<'a> {
        let (data, examples) = (self.data, self.examples);
        move |example| data.features(examples[first + example] as usize)
    }

    /// The labels of an example of the block that begins with example `first`.
    fn labels(&self, first: usize) -> impl Fn(usize) -> &'a [u32] + use<'a> {
        let (data, examples) = (self.data, self.examples);
        move |example| data.labels(examples[first + example] as usize)
    }

    /// Hidden layers of a block.
    fn hidden_layers(&self, network: &Network, block: &mut Block, activations: &mut [&mut [f32]]) {
        let examples = block.padded.min(self.examples.len() - block.first);
        block.assemble(&self.pass, &network.input, examples, self.features(block.first));
        block.forward(&self.pass, network, activations);
    }
}

impl Engine {
    /// An engine for `network`, which must have the optimiser's state.
    pub(super) fn new(config: &TrainConfig, network: &Network, runtime: &Runtime) -> Result<Self, ConfigError> {
        let outputs = network.output.rows();
        let scratch = || WorkerScratch {
            embedding: Default::default(),
            dense: Default::default(),
            sampling: Scratch::new(outputs),
            codes: Vec::new(),
            set: Vec::new(),
            origins: Origins::default(),
            tree: ReductionTree::default(),
            merge: ReductionTree::default(),
            phases: Phases::default(),
        };
        let tables = match (config.sampling.rebuild(), config.tables()) {
            (Some(rebuild), Some(hashing)) => {
                let (seed, placement) = (config.optimizer.seed, *runtime.placement());
                Some((OutputTables::new(&hashing, &network.output, seed, placement)?, rebuild))
            }
            _ => None,
        };
        Ok(Self {
            runtime: runtime.clone(),
            sampler: config.sampler(outputs)?,
            tables,
            decays: None,
            batch: Batch::default(),
            shards: vec![ShardPass::default(); network.output.partition().shards()],
            all_rows: Vec::new(),
            workers: (0..runtime.workers().count()).map(|_| scratch()).collect(),
        })
    }

    /// The hash tables, if the sampler uses any.
    pub(super) fn tables(&self) -> Option<&OutputTables> {
        self.tables.as_ref().map(|(tables, _)| tables)
    }

    /// The hash tables, to be restored.
    pub(super) fn tables_mut(&mut self) -> Option<&mut OutputTables> {
        self.tables.as_mut().map(|(tables, _)| tables)
    }

    /// The time of each phase of all batches so far.
    pub(super) fn phases(&self) -> Phases {
        let mut phases = Phases::default();
        self.workers.iter().for_each(|scratch| phases += scratch.phases);
        phases
    }

    /// Trains the batch at `position` on `examples` of `data`.
    pub(super) fn train_batch(
        &mut self,
        network: &mut Network,
        config: &TrainConfig,
        data: &TrainingSet,
        examples: &[u32],
        position: Position,
    ) -> BatchReport {
        let Position { number, first, .. } = position;
        let runtime = self.runtime.clone();
        let (kernels, workers) = (runtime.kernels(), runtime.workers());
        let mut lap = Lap::start();
        if let Some((tables, rebuild)) = &mut self.tables
            && (number == first || rebuild.is_due(number))
        {
            tables.rebuild(&network.output, number, kernels, workers);
            lap.end_of(workers.count(), Phase::Sampling, &mut self.workers[0].phases);
        }
        let stochastic = config.network.precision == Precision::Bf16;
        let step = Step::new(&config.optimizer, position, stochastic, self.decays.take());
        let seed = config.optimizer.seed;
        let context = BatchContext {
            pass: Pass { kernels, dropout: config.network.dropout, seed, step: number },
            objective: config.network.objective(),
            data,
            examples,
            step: &step,
        };
        self.batch.resize(network, examples.len(), workers.count());
        let report = match self.sampler.kind {
            SamplerKind::Shared => {
                let labels = |group: &[u32]| -> Vec<u32> {
                    group.iter().flat_map(|&example| data.labels(example as usize)).copied().collect()
                };
                let key = ExampleKey { seed, step: number, example: 0 };
                let (target, rows) = (self.sampler.target, network.output.rows());
                // A softmax over the labels of fewer examples would be another loss.
                let size = if context.objective.couples_rows() { examples.len() } else { GROUP };
                let sets = SharedSets::new(kernels, examples.chunks(size).map(labels).collect(), target, rows, key);
                lap.end(Phase::Sampling, &mut self.workers[0].phases);
                self.train_on_shared_sets(&context, network, &sets)
            }
            SamplerKind::Exact => {
                let mut buffer = std::mem::take(&mut self.all_rows);
                all_rows(&mut buffer, &network.output);
                buffer.truncate(network.output.rows());
                let sets = SharedSets::one(buffer);
                let report = self.train_on_shared_sets(&context, network, &sets);
                self.all_rows = sets.into_rows();
                report
            }
            _ => self.train_on_own_sets(&context, network),
        };
        self.decays = Some(step.into_decays());
        report
    }

    fn train_on_shared_sets(
        &mut self,
        context: &BatchContext<'_>,
        network: &mut Network,
        sets: &SharedSets,
    ) -> BatchReport {
        let (pass, workers) = (&context.pass, self.runtime.workers());
        let frozen = &*network;
        workers.each_with(&mut self.workers, &mut self.batch.items(), |_, item, scratch| {
            let BlockItem { block, activations, gradients } = item;
            let (mut lap, phases) = (Lap::start(), &mut scratch.phases);
            let shared = sets.of_block(block.first);
            context.hidden_layers(frozen, block, activations);
            lap.end(Phase::Hidden, phases);
            block.output_logits(pass, frozen, shared);
            lap.end(Phase::Logits, phases);
            block.loss(pass, context.objective, shared, context.labels(block.first));
            lap.end(Phase::Loss, phases);
            block.backward(pass, frozen, shared, activations, gradients);
            lap.end(Phase::Backward, phases);
        });
        let (last, batch) = (network.hidden.len(), &self.batch);
        let rows = sets.rows();
        let mut runs = network.output.runs_of_listed_mut(rows, workers.count());
        workers.each_with(&mut self.workers, &mut runs, |_, run, scratch| {
            let mut lap = Lap::start();
            let deltas = batch.deltas(last, |first| sets.of_block(first));
            dense::update(pass.kernels, run, rows, deltas, context.step, &mut scratch.dense);
            lap.end(Phase::UpdateOutput, &mut scratch.phases);
        });
        self.update_hidden(context, network);
        let active = |block: &Block| (block.examples * sets.of_block(block.first).len()) as u64;
        BatchReport {
            loss: self.batch.blocks.iter().flat_map(|block| &block.loss).sum(),
            active: self.batch.blocks.iter().map(active).sum(),
            origins: None,
            rows_touched: rows.len() as u64,
        }
    }

    fn train_on_own_sets(&mut self, context: &BatchContext<'_>, network: &mut Network) -> BatchReport {
        let BatchContext { pass, objective, step, .. } = *context;
        let kernels = pass.kernels;
        let workers = self.runtime.workers();
        let frozen = &*network;
        let (sampler, tables) = (&self.sampler, self.tables.as_ref().map(|(tables, _)| tables));
        workers.each_with(&mut self.workers, &mut self.batch.items(), |_, item, scratch| {
            let BlockItem { block, activations, .. } = item;
            let mut lap = Lap::start();
            context.hidden_layers(frozen, block, activations);
            lap.end(Phase::Hidden, &mut scratch.phases);
            let hidden = activations.last().expect("at least one hidden layer");
            choose_active(context, frozen, sampler, tables, block, hidden, scratch);
            lap.end(Phase::Sampling, &mut scratch.phases);
        });

        let mut origins = Origins::default();
        self.workers.iter_mut().for_each(|scratch| origins += std::mem::take(&mut scratch.origins));
        let last = network.hidden.len();
        let (blocks, hidden) = (&self.batch.blocks, &self.batch.activations[last]);
        let padded = self.batch.padded();
        let sets = || blocks.iter().map(|block| &block.active);
        for scratch in &mut self.workers {
            scratch.tree.clear();
        }
        let mut shards: Vec<(Shard<'_>, &mut ShardPass)> =
            network.output.shards_mut().into_iter().zip(&mut self.shards).collect();
        let coupled = objective.couples_rows();
        workers.each_with(&mut self.workers, &mut shards, |_, (shard, pass), scratch| {
            let mut lap = Lap::start();
            pass.logits(kernels, shard, sets(), hidden);
            lap.end(Phase::Logits, &mut scratch.phases);
            pass.loss(kernels, objective, padded);
            lap.end(Phase::Loss, &mut scratch.phases);
            if !coupled {
                pass.backward(kernels, shard, hidden, step, &mut scratch.tree);
                lap.end(Phase::UpdateOutput, &mut scratch.phases);
            }
        });
        let mut coupled_loss = 0.0;
        if coupled {
            let (max, factor);
            (max, factor, coupled_loss) = combine(context, &shards, padded, workers);
            workers.each_with(&mut self.workers, &mut shards, |_, (shard, pass), scratch| {
                let mut lap = Lap::start();
                pass.finish_loss(kernels, objective, &max, &factor);
                lap.end(Phase::Loss, &mut scratch.phases);
                pass.backward(kernels, shard, hidden, step, &mut scratch.tree);
                lap.end(Phase::UpdateOutput, &mut scratch.phases);
            });
        }
        drop(shards);

        let frozen = &*network;
        let columns = frozen.output.columns();
        let trees: Vec<ReductionTree> =
            self.workers.iter_mut().map(|scratch| std::mem::take(&mut scratch.tree)).collect();
        workers.each_with(&mut self.workers, &mut self.batch.items(), |_, item, scratch| {
            let BlockItem { block, activations, gradients } = item;
            let mut lap = Lap::start();
            let range = block.first * columns..(block.first + block.padded) * columns;
            let gradient = gradients.last_mut().expect("at least one hidden layer");
            let open = trees.iter().flat_map(ReductionTree::open);
            reduction_tree::merge(open, range, &mut scratch.merge, gradient);
            block.hidden_backward(&context.pass, frozen, activations, gradients);
            lap.end(Phase::Backward, &mut scratch.phases);
        });
        for (scratch, tree) in self.workers.iter_mut().zip(trees) {
            scratch.tree = tree;
        }
        self.update_hidden(context, network);
        BatchReport {
            loss: coupled_loss + self.shards.iter().map(|shard| shard.loss).sum::<f64>(),
            active: self.batch.blocks.iter().map(|block| block.active.rows.len() as u64).sum(),
            origins: Some(origins),
            rows_touched: self.shards.iter().map(|shard| shard.rows_touched() as u64).sum(),
        }
    }

    /// The steps of all layers but the output's.
    fn update_hidden(&mut self, context: &BatchContext<'_>, network: &mut Network) {
        let (kernels, workers, step) = (context.pass.kernels, self.runtime.workers(), context.step);
        let batch = &self.batch;
        for (index, layer) in network.hidden.iter_mut().enumerate() {
            let rows = all_rows(&mut self.all_rows, layer);
            let runs = workers.count().min(rows.len());
            workers.each_with(&mut self.workers, &mut layer.runs_mut(runs), |_, run, scratch| {
                let mut lap = Lap::start();
                dense::update(kernels, run, rows, batch.deltas(index, |_| rows), step, &mut scratch.dense);
                lap.end(Phase::UpdateHidden, &mut scratch.phases);
            });
        }
        let gradient = &batch.gradients[0];
        let examples = batch.padded();
        let mut lap = Lap::start();
        let ones = vec![1.0; examples];
        for shard in &mut network.input_bias.shards_mut() {
            let deltas = std::iter::once(BlockDeltas { rows: &[0], deltas: &ones, inputs: gradient, examples });
            dense::update(kernels, shard, &[0], deltas, step, &mut self.workers[0].dense);
        }
        lap.end(Phase::UpdateHidden, &mut self.workers[0].phases);
        // The runs by which the blocks have cut their lists.
        let mut runs = network.input.runs_mut(workers.count());
        let features = || batch.blocks.iter().map(|block| &block.features);
        workers.each_with(&mut self.workers, &mut runs, |_, shard, scratch| {
            let mut lap = Lap::start();
            embedding::update(kernels, shard, features(), gradient, step, &mut scratch.embedding);
            lap.end(Phase::UpdateInput, &mut scratch.phases);
        });
    }
}

/// Chooses the active output rows of each example of a block, with their targets.
fn choose_active(
    context: &BatchContext<'_>,
    network: &Network,
    sampler: &Sampler,
    tables: Option<&OutputTables>,
    block: &mut Block,
    hidden: &[f32],
    scratch: &mut WorkerScratch,
) {
    let Pass { kernels, seed, step, .. } = context.pass;
    let WorkerScratch { sampling, codes, set, origins, .. } = scratch;
    let count = tables.map_or(0, |tables| tables.tables.settings().tables);
    codes.resize(block.padded * count, 0);
    if let Some(tables) = tables {
        let vectors = Matrix::new(hidden, network.output.columns(), network.output.width());
        tables.codes(kernels, vectors.expect("sized to the batch"), codes);
    }
    let choice = Context { kernels, rows: network.output.rows(), tables: tables.map(|tables| &tables.tables) };
    block.active.clear(network.output.partition().starts());
    let labels = context.labels(block.first);
    for example in 0..block.examples {
        let labels = labels(example);
        let codes = &codes[example * count..(example + 1) * count];
        let key = ExampleKey { seed, step, example: (block.first + example) as u32 };
        *origins += sampler.collect(&choice, codes, labels, key, sampling, set);
        push_with_targets(&mut block.active, set, labels, context.objective.target(labels.len()));
        block.active.finish_example();
    }
}

/// Appends the ascending rows of `set`, with `target` where the row is one of the ascending `labels` and else 0.
fn push_with_targets(lists: &mut Csr, set: &[u32], labels: &[u32], target: f32) {
    let mut labels = labels.iter().copied().peekable();
    for &row in set {
        lists.rows.push(row);
        let is_label = labels.next_if_eq(&row).is_some();
        lists.values.push(if is_label { target } else { 0.0 });
    }
}

/// Combines what the objective keeps of each shard, shards ascending: the totals of each example, padding included, and
/// the sum of the losses that come of them.
fn combine(
    context: &BatchContext<'_>,
    shards: &[(Shard<'_>, &mut ShardPass)],
    padded: usize,
    workers: &slide_mem::Workers,
) -> (Vec<f32>, Vec<f32>, f64) {
    const PIECE: usize = 64;
    let mut max = vec![f32::NEG_INFINITY; padded];
    let (mut factor, mut losses) = (vec![0.0; padded], vec![0.0; padded]);
    let mut pieces: Vec<_> =
        max.chunks_mut(PIECE).zip(factor.chunks_mut(PIECE)).zip(losses.chunks_mut(PIECE)).collect();
    workers.each(&mut pieces, |piece, ((max, factor), loss)| {
        let first = piece * PIECE;
        let range = first..first + max.len();
        let real = context.examples.len().saturating_sub(first).min(max.len());
        let labels = context.labels(first);
        let has_labels: Vec<bool> = (0..real).map(|example| !labels(example).is_empty()).collect();
        let mut sums = shards.iter().map(|(_, pass)| &pass.sums);
        let totals = Totals { max, factor };
        context.objective.combine(context.pass.kernels, &mut sums, range, &has_labels, totals, loss);
    });
    let loss = losses.iter().sum();
    (max, factor, loss)
}
