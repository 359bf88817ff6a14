//! A training: epochs of shuffled batches for the network, then rounds for the linear part, watched by the caller, who can stop
//! after any of them.

use std::ops::ControlFlow;
use std::path::Path;

use slide_kernels::rng::{CounterRng, RngKey};
use slide_mem::{MemError, Report};
use thiserror::Error;

use super::combine;
use super::engine::Engine;
use super::phases::Phases;
use crate::combination::Combination;
use crate::config::{ConfigError, TrainConfig};
use crate::data::{Dataset, Normalize, Numbering, TrainingSet};
use crate::index::IndexReport;
use crate::infer::{EvaluateOptions, PredictError, evaluate_model};
use crate::layer::partition::Partition;
use crate::linear;
use crate::lsh::HashError;
use crate::metrics::{Evaluation, Metrics};
use crate::model::{Checkpoint, Model, ModelError};
use crate::optim::Position;
use crate::runtime::{Runtime, RuntimeError};
use crate::streams;

/// Training that cannot begin or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration is impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tables found no memory.
    #[error(transparent)]
    Memory(#[from] MemError),
    /// The threads could not be started, or the instruction set is not there.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The hash tables of the checkpoint cannot be restored.
    #[error(transparent)]
    Tables(#[from] HashError),
    /// There is nothing to learn from.
    #[error(
        "the training data have {examples} examples, {features} features and {labels} labels; each must be at least 1"
    )]
    Empty {
        /// Number of examples.
        examples: usize,
        /// Number of features.
        features: usize,
        /// Number of labels.
        labels: usize,
    },
    /// Batches are numbered by 32 bits.
    #[error("{steps} batches, expected less than 2^32 - 1: fewer epochs, or larger batches")]
    TooManyBatches {
        /// All batches of the training.
        steps: u64,
    },
    /// The checkpoint was made from other data.
    #[error("the model was made from data with {expected} {what}, these have {found}")]
    OtherData {
        /// What differs.
        what: &'static str,
        /// The checkpoint's number.
        expected: usize,
        /// The data's number.
        found: usize,
    },
    /// The file holds weights only, or a checkpoint lacks the codes of its hash tables.
    #[error(
        "the model holds no complete training state: it was saved as a finished model, not as a checkpoint; it can only be trained \
         for more epochs than it has had"
    )]
    NotResumable,
    /// [`Trainer::extend`] has nothing to do.
    #[error("{epochs} epochs, expected more than the {known} of the model")]
    NoMoreEpochs {
        /// The epochs that are asked for.
        epochs: u32,
        /// Those of the model's configuration.
        known: u32,
    },
    /// [`Trainer::extend`] with a model that cannot be trained further.
    #[error("the model cannot be trained for more epochs: {0}")]
    NotExtendable(&'static str),
    /// The counts are those of the model's data, but not the examples, their order or their values.
    #[error("the model was made from other examples, or from the same in another order")]
    OtherExamples,
    /// The loss is not finite: continuing would be of no use.
    #[error("the loss is not finite in batch {step}: {loss}; a smaller learning rate, or other data, may help")]
    Diverged {
        /// The batch, from 1.
        step: u64,
        /// The loss.
        loss: f64,
    },
}

/// How [`Trainer::run`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The observer stopped it.
    Stopped,
}

/// Weights of a linear part for each entry of the feature matrix: 0.3 to 2.5 on the sets of docs/accuracy.md.
const WEIGHTS_OF_ENTRY: u64 = 3;
/// Bytes of a weight in a model file, with its label.
const BYTES_OF_WEIGHT: u64 = 4;

/// What has happened in a training.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A batch of the network.
    Batch(&'a Progress),
    /// A round of the linear part, which begins when the network's epochs are done.
    Round(&'a LinearProgress),
    /// The index, which is built last.
    Index(&'a IndexReport),
}

/// The progress of the linear part after a round.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LinearProgress {
    /// Rounds done.
    pub round: u32,
    /// All rounds: one with random negatives, and those of mining.
    pub rounds: u32,
    /// Pairs of label and example that the round trained on.
    pub pairs: usize,
    /// Weights that were kept.
    pub weights: usize,
}

/// The progress of the network's training after a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// The epoch of the batch, from 1.
    pub epoch: u32,
    /// All epochs.
    pub epochs: u32,
    /// Batches done.
    pub step: u64,
    /// All batches.
    pub steps: u64,
    /// Examples trained on so far, over all epochs.
    pub examples_done: u64,
    /// Examples of all epochs.
    pub examples_total: u64,
    /// Mean loss of the batch on its active rows.
    pub loss: f64,
    /// Mean loss of the epoch so far (since the start or the resumption).
    pub epoch_loss: f64,
    /// Learning rate of the batch.
    pub learning_rate: f32,
    /// Mean number of active output rows an example in the batch.
    pub active_per_example: f64,
    /// Of these, rows found in hash tables that are none of the example's labels; none if examples share their rows.
    pub hashed_per_example: Option<f64>,
    /// Of these, rows chosen at random to fill up; none if examples share their rows.
    pub random_per_example: Option<f64>,
    /// Distinct output rows that took a step in the batch.
    pub rows_touched: u64,
    /// Whether the batch was the last of its epoch.
    pub epoch_finished: bool,
}

/// A model in training, step by step: to watch it, stop it, or continue it from a checkpoint. [`Model::fit`] is simpler.
#[derive(Debug)]
pub struct Trainer {
    model: Model,
    data: TrainingSet,
    /// The examples that the parts are combined on, and those that the network is trained on.
    held_out: Vec<u32>,
    network_examples: Vec<u32>,
    /// None for a model without a network.
    engine: Option<Engine>,
    /// The batch before which the optimiser's state was 0.
    first_step: u64,
    runtime: Runtime,
}

impl Trainer {
    /// A new model for `data`.
    ///
    /// # Errors
    /// An impossible configuration, data without examples, features or labels, or no memory.
    pub fn new(config: TrainConfig, data: &Dataset, runtime: &Runtime) -> Result<Self, TrainError> {
        config.validate()?;
        let examples = data.examples();
        let numberings = [data.feature_numbering(), data.label_numbering()];
        let [feature_numbering, label_numbering] = &numberings;
        let (features, labels) = (feature_numbering.places(), label_numbering.places());
        if examples == 0 || features == 0 || labels == 0 {
            return Err(TrainError::Empty { examples, features, labels });
        }
        let frequencies = label_numbering.frequencies(&data.arrays().label_indices);
        let (mut config, choices) = config.resolved_by(examples, &frequencies);
        config.sampler(label_numbering.places())?;
        // Stored, so that the codes can be read by versions with other defaults.
        config.hashing = config.tables();
        let mut model = Model::new(config, examples, numberings, frequencies, runtime)?;
        model.choices = choices;
        Self::with_model(model, 0, data, runtime)
    }

    /// Gives the model an [attachment](Model::attach), which its checkpoints have too.
    pub fn attach(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        self.model.attach(name, bytes);
    }

    /// Continues a checkpoint on the data it was made from.
    ///
    /// # Errors
    /// A model that is no checkpoint, other data, or no memory.
    pub fn resume(mut model: Model, data: &Dataset, runtime: &Runtime) -> Result<Self, TrainError> {
        let checkpoint = model.checkpoint.take().ok_or(TrainError::NotResumable)?;
        let Checkpoint { data_digest, first_step } = checkpoint;
        let tables = model.tables.take();
        if tables.is_some() != (model.config.sampling.rebuild().is_some() && model.step > first_step) {
            return Err(TrainError::NotResumable);
        }
        check_counts(&model, data)?;
        let mut trainer = Self::with_model(model, first_step, data, runtime)?;
        if trainer.data.digest() != data_digest {
            return Err(TrainError::OtherExamples);
        }
        let engine = trainer.engine.as_mut();
        if let (Some(tables), Some(state)) = (engine.and_then(Engine::tables_mut), tables) {
            tables.restore(&state, runtime.kernels(), runtime.workers())?;
        }
        Ok(trainer)
    }

    /// Trains a model for more epochs than it was to have, up to `epochs` in all, on the data it was made from.
    ///
    /// * A checkpoint keeps the optimiser's state. From its batch on, each batch has the learning rate that it has in a training of
    ///   `epochs` epochs: warm-up and schedule are those of all epochs, the earlier ones included.
    /// * A finished model has no such state: the moments are 0 again, and warm-up and schedule are those of a training of the additional
    ///   epochs alone. The data must have as many examples of each label; that they are the same examples is not checked.
    ///
    /// In both cases the linear part and the index are made anew at the end, if the configuration has them. An index that the model got
    /// after its training ([`Model::build_index`]) is dropped.
    ///
    /// # Errors
    /// No more epochs than the model has; a finished model without a network or with integers as weights; other data, or no memory.
    pub fn extend(mut model: Model, epochs: u32, data: &Dataset, runtime: &Runtime) -> Result<Self, TrainError> {
        let known = model.epochs();
        if !model.config.model.model.has_network() {
            return Err(TrainError::NotExtendable("it has no network, and a linear part has no epochs"));
        }
        if epochs <= known {
            return Err(TrainError::NoMoreEpochs { epochs, known });
        }
        model.config.optimizer.epochs = Some(epochs);
        model.choices.retain(|choice| choice.setting != "epochs");
        if model.is_resumable() {
            return Self::resume(model, data, runtime);
        }
        check_counts(&model, data)?;
        if model.label_frequencies != model.label_numbering.frequencies(&data.arrays().label_indices) {
            return Err(TrainError::OtherExamples);
        }
        if let Some(network) = &mut model.network {
            if network.layers().iter().any(|(_, layer)| layer.quantized().is_some()) {
                return Err(TrainError::NotExtendable("its weights are integers"));
            }
            network.begin_training(model.config.optimizer.method.optimizer(), runtime.placement())?;
        }
        (model.linear, model.combination) = (None, Combination::default());
        (model.index, model.tables) = (None, None);
        let first_step = model.step;
        Self::with_model(model, first_step, data, runtime)
    }

    fn with_model(model: Model, first_step: u64, data: &Dataset, runtime: &Runtime) -> Result<Self, TrainError> {
        let steps = model.steps_per_epoch().saturating_mul(model.epochs().into());
        if steps >= u64::from(u32::MAX) {
            return Err(TrainError::TooManyBatches { steps });
        }
        let numberings = [model.feature_numbering(), model.label_numbering()];
        let normalize = model.config.network.normalize;
        let data = TrainingSet::new(data, normalize, numberings, *runtime.placement())?;
        let engine = model.network.as_ref().map(|network| Engine::new(&model.config, network, runtime)).transpose()?;
        let (held_out, network_examples) = model.held_out();
        Ok(Self { model, data, held_out, network_examples, engine, first_step, runtime: runtime.clone() })
    }

    /// Trains from the model's present batch to the last epoch of the network, and then the linear part; `observer` is called
    /// after every batch and every round, with the trainer itself to look at (and, at its own cost, to save or evaluate), and can
    /// stop after any of them. The linear part begins anew after a stop.
    ///
    /// # Errors
    /// [`TrainError::Diverged`]: the weights are then of no use, and a checkpoint of them neither.
    pub fn run(
        &mut self,
        observer: &mut dyn FnMut(Event<'_>, &Self) -> ControlFlow<()>,
    ) -> Result<Outcome, TrainError> {
        if self.run_network(observer)? == Outcome::Stopped {
            return Ok(Outcome::Stopped);
        }
        let outcome = self.run_linear(observer)?;
        if outcome == Outcome::Finished
            && self.builds_index()
            && let Some(report) = self.model.build_index_in_training(&self.data, &self.runtime)
        {
            // There is nothing left to stop.
            let _ = observer(Event::Index(&report), self);
        }
        Ok(outcome)
    }

    /// Whether the model gets an index in the end.
    fn builds_index(&self) -> bool {
        let config = &self.model.config;
        config.index.is_wanted(self.model.labels(), config.model.model.has_linear())
    }

    fn run_network(
        &mut self,
        observer: &mut dyn FnMut(Event<'_>, &Self) -> ControlFlow<()>,
    ) -> Result<Outcome, TrainError> {
        let (batch_size, epochs) = (self.model.batch_size(), self.model.epochs());
        let seed = self.model.config.optimizer.seed;
        let examples = self.network_examples.len();
        let per_epoch = self.model.steps_per_epoch();
        let steps = per_epoch * u64::from(epochs);
        let mut order = Vec::new();
        let mut ordered_epoch = None;
        let (mut epoch_loss, mut epoch_examples) = (0.0, 0);
        while self.model.step < steps {
            let step = self.model.step;
            let (epoch, batch) = (step / per_epoch, (step % per_epoch) as usize);
            if ordered_epoch != Some(epoch) {
                order.clone_from(&self.network_examples);
                shuffle(&mut order, seed, epoch);
                ordered_epoch = Some(epoch);
                (epoch_loss, epoch_examples) = (0.0, 0);
            }
            let batch_examples = &order[batch * batch_size..examples.min((batch + 1) * batch_size)];
            let config = &self.model.config;
            let (Some(network), Some(engine)) = (&mut self.model.network, &mut self.engine) else { break };
            let position = Position { number: step, first: self.first_step, total: steps };
            let report = engine.train_batch(network, config, &self.data, batch_examples, position);
            if !report.loss.is_finite() {
                return Err(TrainError::Diverged { step: step + 1, loss: report.loss });
            }
            self.model.step += 1;
            epoch_loss += report.loss;
            epoch_examples += batch_examples.len();
            let in_batch = batch_examples.len() as f64;
            let done = examples.min((batch + 1) * batch_size);
            let progress = Progress {
                epoch: epoch as u32 + 1,
                epochs,
                step: step + 1,
                steps,
                examples_done: epoch * examples as u64 + done as u64,
                examples_total: u64::from(epochs) * examples as u64,
                loss: report.loss / in_batch,
                epoch_loss: epoch_loss / epoch_examples as f64,
                learning_rate: config.optimizer.learning_rate_at(position),
                active_per_example: report.active as f64 / in_batch,
                hashed_per_example: report.origins.map(|origins| origins.hashed as f64 / in_batch),
                random_per_example: report.origins.map(|origins| origins.random as f64 / in_batch),
                rows_touched: report.rows_touched,
                epoch_finished: done == examples,
            };
            let is_last = self.model.step == steps && !self.model.config.model.model.has_linear();
            if observer(Event::Batch(&progress), self).is_break() && !is_last {
                return Ok(Outcome::Stopped);
            }
        }
        Ok(Outcome::Finished)
    }

    /// Trains the linear part, and combines its scores with the network's before the last round, which has the examples that were
    /// held out for that.
    fn run_linear(
        &mut self,
        observer: &mut dyn FnMut(Event<'_>, &Self) -> ControlFlow<()>,
    ) -> Result<Outcome, TrainError> {
        let config = &self.model.config;
        if !config.model.model.has_linear() {
            return Ok(Outcome::Finished);
        }
        let labels = Partition::new(self.model.labels());
        let settings = linear::Settings {
            config: &config.linear,
            seed: config.optimizer.seed,
            features: self.model.features(),
            labels: &labels,
            is_scaled: config.network.normalize == Normalize::L2,
        };
        let mining = config.linear.mining_rounds.unwrap_or(0);
        let mut combination = Combination::default();
        let mut training = linear::Training::new(&self.data, &settings, &self.held_out, &self.runtime)?;
        for round in 0..=mining {
            if round == mining {
                combination = combine::fit(&self.model, training.postings(), &self.data, &self.held_out, &self.runtime);
                training.include(&self.held_out)?;
            }
            if round > 0 {
                training.run_round()?;
            }
            let progress = LinearProgress {
                round: round + 1,
                rounds: mining + 1,
                pairs: training.pairs(),
                weights: training.postings().weights(),
            };
            if observer(Event::Round(&progress), self).is_break() && round < mining {
                return Ok(Outcome::Stopped);
            }
        }
        let linear = training.into_postings();
        (self.model.linear, self.model.combination) = (Some(linear), combination);
        Ok(Outcome::Finished)
    }

    /// Writes all that training needs to continue bit for bit to `path`, atomically: the weights, the optimiser's state,
    /// the steps of rows and the codes in the hash tables.
    ///
    /// # Errors
    /// [`ModelError::Io`]; what was at `path` before is unchanged then.
    pub fn save_checkpoint(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        // Before the first batch the tables are not built yet.
        let tables = self.engine.as_ref().and_then(Engine::tables).filter(|_| self.model.step > self.first_step);
        let tables = tables.map(|tables| tables.state());
        let checkpoint = Checkpoint { data_digest: self.data.digest(), first_step: self.first_step };
        self.model.write(path.as_ref(), Some(&checkpoint), tables.as_ref())
    }

    /// Bytes of the file of the finished model: exact up to a few hundred bytes a tensor for a network, an estimate that is seldom
    /// exceeded for a linear part, whose weights are not known before, and for an index.
    pub fn file_bytes(&self) -> u64 {
        let is_missing = self.model.config.model.model.has_linear() && !self.model.has_linear();
        let entries = self.data.feature_arrays().1.len() as u64;
        let linear = if is_missing { WEIGHTS_OF_ENTRY * BYTES_OF_WEIGHT * entries } else { 0 };
        let network = self.model.network.as_ref().filter(|_| self.builds_index() && self.model.index.is_none());
        let columns = network.map(|network| network.output.columns());
        let index = columns.map_or(0, |columns| self.model.config.index.file_bytes(self.model.labels(), columns));
        self.model.file_bytes() + linear + index
    }

    /// The metrics of the present model on a test set: of the network alone while the linear part is missing.
    ///
    /// # Errors
    /// An example with a feature that the model does not know; a model without a network before its linear part is trained.
    pub fn evaluate(&self, data: &Dataset) -> Result<Metrics, PredictError> {
        self.evaluate_with(data, EvaluateOptions::default()).map(|evaluation| evaluation.metrics)
    }

    /// The same with options, and with all that was counted.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and options that [`evaluate_with`](crate::evaluate_with) refuses.
    pub fn evaluate_with(&self, data: &Dataset, options: EvaluateOptions<'_>) -> Result<Evaluation, PredictError> {
        evaluate_model(&self.model, &self.runtime, data, options)
    }

    /// The present model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The time of each phase of this trainer's batches, those before a resumption not included.
    pub fn phases(&self) -> Phases {
        self.engine.as_ref().map(Engine::phases).unwrap_or_default()
    }

    /// What pages the data, the model and the hash tables lie on, and why workers are not pinned if that was asked for.
    pub fn report(&self) -> Report {
        let mut report = self.model.report();
        report.merge(&self.data.report());
        if let Some(tables) = self.engine.as_ref().and_then(Engine::tables) {
            report.merge(&tables.report());
        }
        report.fallbacks.extend_from_slice(self.runtime.workers().fallbacks());
        report
    }

    /// The model, with hash tables of its weights if its configuration has any.
    ///
    /// # Errors
    /// No memory for the tables.
    pub fn into_model(self) -> Result<Model, TrainError> {
        let Self { mut model, data, engine, runtime, .. } = self;
        drop((data, engine));
        if let Some(hashing) = model.config.tables().filter(|_| model.has_network()) {
            model.build_tables(&hashing, &runtime)?;
        }
        Ok(model)
    }
}

impl Model {
    /// Trains a model.
    ///
    /// ```
    /// use slide_core::{Dataset, Model, Predictor, TrainConfig};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("train.txt");
    /// # std::fs::write(&path, "2 3 2\n0 0:1 2:1\n1 1:1\n")?;
    ///
    /// let data = Dataset::read(&path)?;
    /// let model = Model::fit(&data, &TrainConfig::default())?;
    /// let best = Predictor::new(model)?.predict((&[0, 2], &[1.0, 1.0]), 1)?;
    /// println!("label {} with probability {}", best[0].label, best[0].probability);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Trainer::new`] and [`Trainer::run`], and if the threads cannot be started.
    pub fn fit(data: &Dataset, config: &TrainConfig) -> Result<Self, TrainError> {
        let runtime = Runtime::new(&Default::default())?;
        Self::fit_with(data, config, &runtime, |_| ControlFlow::Continue(()))
    }

    /// Trains a model with the threads and the memory of `runtime`; `observer` is called after every batch of the network and every
    /// round of the linear part, and may end the training: the model then has what was finished.
    ///
    /// # Errors
    /// As [`Trainer::new`] and [`Trainer::run`].
    pub fn fit_with(
        data: &Dataset,
        config: &TrainConfig,
        runtime: &Runtime,
        mut observer: impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Self, TrainError> {
        let mut trainer = Trainer::new(config.clone(), data, runtime)?;
        trainer.run(&mut |event, _| observer(event))?;
        trainer.into_model()
    }
}

/// That the data have the size, the features and the labels of those that the model was made from.
fn check_counts(model: &Model, data: &Dataset) -> Result<(), TrainError> {
    for (what, expected, found) in [
        ("examples", model.examples(), data.examples()),
        ("features", model.feature_numbering().width(), data.feature_count()),
        ("labels", model.label_numbering().width(), data.label_count()),
    ] {
        if expected != found {
            return Err(TrainError::OtherData { what, expected, found });
        }
    }
    let has_same = |own: &Numbering, other: Numbering| own.occurring() == other.occurring();
    match has_same(model.feature_numbering(), data.feature_numbering())
        && has_same(model.label_numbering(), data.label_numbering())
    {
        true => Ok(()),
        false => Err(TrainError::OtherExamples),
    }
}

/// The order of the examples in an epoch: Fisher and Yates with counter-based numbers.
pub(super) fn shuffle(examples: &mut [u32], seed: u64, epoch: u64) {
    CounterRng::new(RngKey::new(seed, streams::SHUFFLE, epoch, 0)).shuffle(examples);
}
