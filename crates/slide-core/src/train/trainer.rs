//! Epochs of shuffled batches, watched by the caller, who can stop after any of them.

use std::path::Path;

use slide_kernels::rng::{CounterRng, RngKey};
use slide_mem::{MemError, Report};
use thiserror::Error;

use super::engine::Engine;
use super::prepared::Prepared;
use super::streams;
use crate::config::{ConfigError, Runtime, TrainConfig};
use crate::data::Dataset;
use crate::model::{Checkpoint, Model, ModelError};
use crate::optim::adam::learning_rate;

/// Training that cannot begin.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The configuration is impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tables found no memory.
    #[error(transparent)]
    Memory(#[from] MemError),
    /// There is nothing to learn from.
    #[error("the training data have {points} points, {features} features and {labels} labels; each must be at least 1")]
    Empty {
        /// Number of points.
        points: usize,
        /// Number of features.
        features: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The checkpoint was made from other data.
    #[error("the checkpoint was made from data with {expected} {what}, these have {found}")]
    OtherData {
        /// What differs.
        what: &'static str,
        /// The checkpoint's number.
        expected: usize,
        /// The data's number.
        found: usize,
    },
    /// The file holds weights only, or a checkpoint lacks the codes of its hash tables.
    #[error("the model holds no complete training state: it was saved as a finished model, not as a checkpoint")]
    NotResumable,
    /// The counts are those of the checkpoint's data, but not the points, their order or their values.
    #[error("the checkpoint was made from other points, or from the same in another order")]
    OtherPoints,
    /// The numbers got out of hand: nothing useful can come of going on.
    #[error("the loss became {loss} in batch {step}: a smaller learning rate, or other data, may help")]
    Diverged {
        /// The batch, from 1.
        step: u64,
        /// The loss.
        loss: f64,
    },
}

/// What the caller of [`Trainer::run`] wants after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The next batch.
    Continue,
    /// To stop here; the model can be saved and resumed.
    Stop,
}

/// How [`Trainer::run`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The observer stopped it.
    Stopped,
}

/// Where training stands after a batch.
#[derive(Debug)]
pub struct Progress {
    /// The epoch of the batch, from 1.
    pub epoch: u32,
    /// All epochs.
    pub epochs: u32,
    /// Batches done.
    pub step: u64,
    /// All batches.
    pub steps: u64,
    /// Points trained on so far, over all epochs.
    pub points_done: u64,
    /// Points of all epochs.
    pub points_total: u64,
    /// Mean loss of the batch on its active rows.
    pub loss: f64,
    /// Mean loss of the epoch so far (since the start or the resumption).
    pub epoch_loss: f64,
    /// Learning rate of the batch.
    pub learning_rate: f32,
    /// Mean number of active output rows a point in the batch.
    pub active_per_point: f64,
    /// Distinct output rows that took a step in the batch.
    pub rows_touched: u64,
    /// Whether the batch was the last of its epoch.
    pub epoch_finished: bool,
}

/// A model in training.
#[derive(Debug)]
pub struct Trainer<'r> {
    model: Model,
    data: Prepared,
    engine: Engine<'r>,
}

impl<'r> Trainer<'r> {
    /// A new model for `data`.
    pub fn new(config: TrainConfig, data: &Dataset, runtime: &'r Runtime) -> Result<Self, TrainError> {
        config.validate()?;
        let (points, features, labels) = (data.points(), data.feature_count(), data.label_count());
        if points == 0 || features == 0 || labels == 0 {
            return Err(TrainError::Empty { points, features, labels });
        }
        let Runtime { kernels, workers, placement } = runtime;
        let frequencies = data.label_frequencies();
        let model = Model::new(config, points, features, frequencies, placement, kernels, workers)?;
        Self::with_model(model, data, runtime)
    }

    /// Goes on with a checkpoint on the data it was made from.
    pub fn resume(mut model: Model, data: &Dataset, runtime: &'r Runtime) -> Result<Self, TrainError> {
        let checkpoint = model.checkpoint.take().ok_or(TrainError::NotResumable)?;
        if checkpoint.tables.is_some() != (model.config.sampler.uses_tables() && model.step > 0) {
            return Err(TrainError::NotResumable);
        }
        for (what, expected, found) in [
            ("points", model.points(), data.points()),
            ("features", model.features(), data.feature_count()),
            ("labels", model.labels(), data.label_count()),
        ] {
            if expected != found {
                return Err(TrainError::OtherData { what, expected, found });
            }
        }
        let data_digest = checkpoint.data_digest;
        let mut trainer = Self::with_model(model, data, runtime)?;
        if trainer.data.digest() != data_digest {
            return Err(TrainError::OtherPoints);
        }
        if let (Some(tables), Some(state)) = (trainer.engine.tables_mut(), checkpoint.tables) {
            tables.restore(&state, &trainer.model.config, runtime.kernels, &runtime.workers)?;
        }
        Ok(trainer)
    }

    fn with_model(model: Model, data: &Dataset, runtime: &'r Runtime) -> Result<Self, TrainError> {
        let network = &model.network;
        let (features, labels) = (network.input.partition(), network.output.partition());
        let data = Prepared::new(data, model.config.normalize, features, labels, runtime.placement)?;
        let engine = Engine::new(&model.config, network, runtime)?;
        Ok(Self { model, data, engine })
    }

    /// Trains from where the model stands to the last epoch; `observer` is called after every batch, with the trainer
    /// itself to look at (and, at its own cost, to save or evaluate).
    pub fn run(&mut self, observer: &mut dyn FnMut(&Progress, &mut Self) -> Control) -> Result<Outcome, TrainError> {
        let (batch_size, epochs) = (self.model.config.batch_size, self.model.config.epochs);
        let points = self.data.points();
        let per_epoch = self.model.steps_per_epoch();
        let steps = per_epoch * u64::from(epochs);
        let mut order = Vec::new();
        let mut ordered_epoch = None;
        let (mut epoch_loss, mut epoch_points) = (0.0, 0);
        while self.model.step < steps {
            let step = self.model.step;
            let (epoch, batch) = (step / per_epoch, (step % per_epoch) as usize);
            if ordered_epoch != Some(epoch) {
                order = shuffled(points, self.model.config.seed, epoch);
                ordered_epoch = Some(epoch);
                (epoch_loss, epoch_points) = (0.0, 0);
            }
            let batch_points = &order[batch * batch_size..points.min((batch + 1) * batch_size)];
            let config = &self.model.config;
            let network = &mut self.model.network;
            let report = self.engine.train_batch(network, config, &self.data, batch_points, step, steps);
            if !report.loss.is_finite() {
                return Err(TrainError::Diverged { step: step + 1, loss: report.loss });
            }
            self.model.step += 1;
            epoch_loss += report.loss;
            epoch_points += batch_points.len();
            let samples = batch_points.len() as f64;
            let done = points.min((batch + 1) * batch_size);
            let progress = Progress {
                epoch: epoch as u32 + 1,
                epochs,
                step: step + 1,
                steps,
                points_done: epoch * points as u64 + done as u64,
                points_total: u64::from(epochs) * points as u64,
                loss: report.loss / samples,
                epoch_loss: epoch_loss / epoch_points as f64,
                learning_rate: learning_rate(config, step, steps),
                active_per_point: report.active as f64 / samples,
                rows_touched: report.rows_touched,
                epoch_finished: done == points,
            };
            if observer(&progress, self) == Control::Stop && self.model.step < steps {
                return Ok(Outcome::Stopped);
            }
        }
        Ok(Outcome::Finished)
    }

    /// Writes all that training needs to continue bit for bit to `path`, whole or not at all: the weights, Adam's moments,
    /// the steps of rows and the codes in the hash tables.
    pub fn save_checkpoint(&self, path: &Path) -> Result<(), ModelError> {
        // Before the first batch the tables are not built yet.
        let tables = self.engine.tables().filter(|_| self.model.step > 0).map(|tables| tables.state());
        self.model.write(path, Some(&Checkpoint { tables, data_digest: self.data.digest() }))
    }

    /// The model as it stands.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What pages the data and the tables of the model and of the hashing lie on, and why the workers are not pinned, should they not be.
    pub fn report(&self) -> Report {
        let mut report = self.model.report();
        report.merge(&self.data.report());
        if let Some(tables) = self.engine.tables() {
            report.merge(&tables.tables.report());
        }
        report.fallbacks.extend_from_slice(self.engine.runtime().workers.fallbacks());
        report
    }

    /// The model.
    pub fn into_model(self) -> Model {
        self.model
    }
}

/// The order of the points in an epoch: Fisher and Yates with counter-based numbers.
fn shuffled(points: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..points as u32).collect();
    CounterRng::new(RngKey::new(seed, streams::SHUFFLE, epoch, 0)).shuffle(&mut order);
    order
}
