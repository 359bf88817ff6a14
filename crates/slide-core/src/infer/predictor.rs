//! The best labels of examples.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slide_mem::MemError;
use thiserror::Error;

use super::inference::{Inference, Scratch};
use super::plan::Plan;
use crate::combination::Parts;
use crate::metrics::Accumulator;
use crate::model::Model;
use crate::network::block::block_size;
use crate::retrieval::{Retrieval, RetrievalError};
use crate::runtime::{Runtime, RuntimeError};
use crate::views::list_range;

/// An example to predict labels for: its features, by their columns in a [`Dataset`](crate::Dataset), in any order, and as many
/// finite values.
pub type Example<'a> = (&'a [u32], &'a [f32]);

/// An example that cannot be predicted, or a predictor that cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PredictError {
    /// A feature that the model does not know.
    #[error("example {example}: feature {feature} is unknown to the model, which has {features}")]
    UnknownFeature {
        /// Number of the example in the call.
        example: usize,
        /// The feature, from 0.
        feature: u32,
        /// The model's number of features.
        features: usize,
    },
    /// Not one value for each feature.
    #[error("example {example}: {values} values, expected {features}, one for each feature")]
    Lengths {
        /// Number of the example in the call.
        example: usize,
        /// Features of the example.
        features: usize,
        /// Values of the example.
        values: usize,
    },
    /// A value that is infinite or not a number.
    #[error("example {example}: value {value} of feature {feature}, expected a finite number")]
    NotFinite {
        /// Number of the example in the call.
        example: usize,
        /// The feature.
        feature: u32,
        /// The value.
        value: f32,
    },
    /// The model lacks the part that is asked for.
    #[error("the model has no {}", match part { Parts::Network => "network", _ => "linear part" })]
    MissingPart {
        /// The part.
        part: Parts,
    },
    /// Cutoffs that no evaluation has.
    #[error("metrics at {0:?}, expected cutoffs from 1 to {largest}", largest = Accumulator::LARGEST_CUTOFF)]
    Cutoffs(Vec<usize>),
    /// Constants A and B of no propensities.
    #[error("propensities with {0} and {1}, expected A from 0 to 2 and B from 0.01 to 100")]
    PropensityConstants(f64, f64),
    /// The file of an [opened](Model::open) model can no longer be read: what was predicted may be wrong.
    #[error(transparent)]
    File(#[from] MemError),
    /// The retrieval is not possible with this model.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    /// The threads could not be started, or the instruction set is not there.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl PredictError {
    /// The same error for an example whose number is greater by `examples`.
    pub(super) fn later_by(mut self, examples: usize) -> Self {
        if let Self::UnknownFeature { example, .. } | Self::Lengths { example, .. } | Self::NotFinite { example, .. } =
            &mut self
        {
            *example += examples;
        }
        self
    }
}

/// A predicted label.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The label, by its column in a [`Dataset`](crate::Dataset).
    pub label: u32,
    /// Its probability. With a linear part: of the combined score, calibrated on examples that were held out in training. Of a
    /// network alone: the label's sigmoid (binary cross-entropy) or its share of the softmax over the labels that were
    /// scored, which with [`Retrieval::Exact`] are all.
    pub probability: f32,
}

/// The predictions for the examples of a batch, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    ends: Vec<usize>,
    items: Vec<Prediction>,
}

impl Predictions {
    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The predictions for an example, best first.
    ///
    /// # Panics
    /// If there is no such example.
    #[must_use]
    pub fn get(&self, example: usize) -> &[Prediction] {
        &self.items[list_range(&self.ends, example)]
    }

    /// The predictions of each example, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Prediction]> {
        (0..self.len()).map(|example| self.get(example))
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.items.clear();
    }

    fn push(&mut self, predictions: impl Iterator<Item = Prediction>) {
        self.items.extend(predictions);
        self.ends.push(self.items.len());
    }

    fn append(&mut self, other: &Self) {
        let before = self.items.len();
        self.items.extend_from_slice(&other.items);
        self.ends.extend(other.ends.iter().map(|end| before + end));
    }
}

/// Predicts with a model. Any number of threads may share it; after a few calls of the same size it allocates nothing but what
/// it returns. A thread that predicts again and again takes a [`session`](Self::session).
///
/// ```
/// # use slide_core::{Dataset, Model, TrainConfig, data::Parts};
/// use slide_core::Predictor;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let parts = Parts {
/// #     feature_indptr: vec![0, 2], feature_indices: vec![0, 2], feature_values: vec![1.0, 0.5],
/// #     label_indptr: vec![0, 1], label_indices: vec![1], feature_count: 3, label_count: 2,
/// # };
/// # let model = Model::fit(&Dataset::try_from(parts)?, &TrainConfig::default())?;
///
/// let predictor = Predictor::new(model)?;
/// let best = predictor.predict((&[0, 2], &[1.0, 0.5]), 2)?;
/// assert!(best[0].probability >= best[1].probability);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Predictor {
    model: Arc<Model>,
    runtime: Runtime,
    plan: Plan,
    ignores_unknown_features: bool,
    /// Of sessions that have ended: as many as there have been at the same time.
    idle: Mutex<Vec<Scratch>>,
    /// Of calls that use all threads, which take turns.
    batch: Mutex<BatchScratch>,
}

#[derive(Debug, Default)]
pub(super) struct BatchScratch {
    workers: Vec<Scratch>,
    pieces: Vec<Predictions>,
}

impl Predictor {
    /// A predictor that uses all parts of the model, with a thread for each core.
    ///
    /// # Errors
    /// [`PredictError::Runtime`].
    pub fn new(model: impl Into<Arc<Model>>) -> Result<Self, PredictError> {
        Self::with(model, Retrieval::Auto, &Runtime::new(&Default::default())?)
    }

    /// A predictor that finds labels by `retrieval`, with the threads and the memory of `runtime`.
    ///
    /// # Errors
    /// [`PredictError::Retrieval`] if the model lacks what the retrieval needs.
    pub fn with(model: impl Into<Arc<Model>>, retrieval: Retrieval, runtime: &Runtime) -> Result<Self, PredictError> {
        Self::of_parts(model, Parts::Both, retrieval, runtime)
    }

    /// A predictor that uses only some of the parts that the model has. A part alone of a model that has both ranks by its own
    /// score, and the probabilities of the linear part are not calibrated then.
    ///
    /// # Errors
    /// [`PredictError::MissingPart`], or [`PredictError::Retrieval`] if the model lacks what the retrieval needs.
    pub fn of_parts(
        model: impl Into<Arc<Model>>,
        parts: Parts,
        retrieval: Retrieval,
        runtime: &Runtime,
    ) -> Result<Self, PredictError> {
        let (model, runtime) = (model.into(), runtime.clone());
        let plan = Plan::new(&model, parts, retrieval, &runtime)?;
        let (idle, batch) = Default::default();
        Ok(Self { model, runtime, plan, ignores_unknown_features: false, idle, batch })
    }

    /// Predicts examples with features that the model does not know as if they did not have them, instead of refusing them.
    #[must_use]
    pub fn ignoring_unknown_features(self) -> Self {
        Self { ignores_unknown_features: true, ..self }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The threads and the memory.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What one thread predicts with on its own, beside any number of other sessions. To begin and to end one takes a lock for
    /// the time of a few instructions; its predictions take none.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        let scratch = self.idle().pop().unwrap_or_default();
        Session { predictor: self, scratch }
    }

    /// The `k` best labels of an example, best first (equal scores: the lower label first); fewer if fewer were found. Runs
    /// on the calling thread.
    ///
    /// # Errors
    /// A feature that the model does not know, not one value for each feature, or a value that is not finite.
    pub fn predict(&self, example: Example<'_>, k: usize) -> Result<Vec<Prediction>, PredictError> {
        let mut predictions = Vec::with_capacity(k.min(self.model.labels()));
        self.predict_into(example, k, &mut predictions)?;
        Ok(predictions)
    }

    /// The same into a buffer, which is replaced: nothing is allocated once it is large enough.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_into(
        &self,
        example: Example<'_>,
        k: usize,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), PredictError> {
        self.session().predict_into(example, k, predictions)
    }

    /// The `k` best labels of each example, by all threads. The result does not depend on which examples are predicted
    /// together. Calls from several threads run one after the other; [sessions](Self::session) run beside each other.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), of the first example that has one.
    ///
    /// # Panics
    /// If it is called from inside a task of the [runtime's workers](Runtime::workers).
    pub fn predict_batch(&self, examples: &[Example<'_>], k: usize) -> Result<Predictions, PredictError> {
        let mut predictions = Predictions::default();
        self.predict_batch_into(examples, k, &mut predictions)?;
        Ok(predictions)
    }

    /// The same into a buffer, which is replaced: nothing is allocated once it is large enough.
    ///
    /// # Errors
    /// As [`predict_batch`](Self::predict_batch).
    ///
    /// # Panics
    /// As [`predict_batch`](Self::predict_batch).
    pub fn predict_batch_into(
        &self,
        examples: &[Example<'_>],
        k: usize,
        predictions: &mut Predictions,
    ) -> Result<(), PredictError> {
        let mut scratch = self.batch.lock().unwrap_or_else(|poisoned| {
            // A panic may have left active sets half filled.
            let mut scratch = poisoned.into_inner();
            *scratch = BatchScratch::default();
            self.batch.clear_poison();
            scratch
        });
        self.check_all(examples)?;
        predict_batch(&self.inference(), examples, k, &mut scratch, predictions);
        Ok(self.model.check_file()?)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn inference(&self) -> Inference<'_> {
        self.plan.inference(&self.model, &self.runtime)
    }

    /// Checks the features and values of an example.
    pub(super) fn check(&self, number: usize, (columns, values): Example<'_>) -> Result<(), PredictError> {
        if columns.len() != values.len() {
            return Err(PredictError::Lengths { example: number, features: columns.len(), values: values.len() });
        }
        let numbering = self.model.feature_numbering();
        let unknown = |&&column: &&u32| numbering.place(column).is_none();
        if !self.ignores_unknown_features
            && let Some(&feature) = columns.iter().find(unknown)
        {
            return Err(PredictError::UnknownFeature { example: number, feature, features: numbering.places() });
        }
        match columns.iter().zip(values).find(|(_, value)| !value.is_finite()) {
            Some((&feature, &value)) => Err(PredictError::NotFinite { example: number, feature, value }),
            None => Ok(()),
        }
    }

    fn check_all(&self, examples: &[Example<'_>]) -> Result<(), PredictError> {
        examples.iter().enumerate().try_for_each(|(number, &example)| self.check(number, example))
    }
}

/// Predictions of one thread: what they need beside the model is the session's own, so sessions of one [`Predictor`] do not wait
/// for each other. When a session ends, its buffers are kept for the next one.
///
/// ```
/// # use slide_core::{Dataset, Model, Predictor, TrainConfig, data::Parts};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let parts = Parts {
/// #     feature_indptr: vec![0, 2], feature_indices: vec![0, 2], feature_values: vec![1.0, 0.5],
/// #     label_indptr: vec![0, 1], label_indices: vec![1], feature_count: 3, label_count: 2,
/// # };
/// # let model = Model::fit(&Dataset::try_from(parts)?, &TrainConfig::default())?;
/// let predictor = Predictor::new(model)?;
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             let (mut session, mut best) = (predictor.session(), Vec::new());
///             session.predict_into((&[0, 2], &[1.0, 0.5]), 2, &mut best)
///         });
///     }
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Session<'a> {
    predictor: &'a Predictor,
    scratch: Scratch,
}

impl Session<'_> {
    /// As [`Predictor::predict_into`].
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub fn predict_into(
        &mut self,
        example: Example<'_>,
        k: usize,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), PredictError> {
        let Self { predictor, scratch } = self;
        predictor.check(0, example)?;
        predictions.clear();
        predictor.inference().predict(&[example], k, scratch, |found| predictions.extend(found));
        Ok(predictor.model.check_file()?)
    }

    /// The `k` best labels of each example, on the calling thread, into a buffer, which is replaced: nothing is allocated once it
    /// is large enough. A few examples together take less time than each alone; the result is the same.
    ///
    /// # Errors
    /// As [`Predictor::predict`], of the first example that has one.
    pub fn predict_batch_into(
        &mut self,
        examples: &[Example<'_>],
        k: usize,
        predictions: &mut Predictions,
    ) -> Result<(), PredictError> {
        let Self { predictor, scratch } = self;
        predictor.check_all(examples)?;
        let inference = predictor.inference();
        predictions.clear();
        for examples in examples.chunks(block_size(examples.len(), 1)) {
            inference.predict(examples, k, scratch, |found| predictions.push(found));
        }
        Ok(predictor.model.check_file()?)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A panic may have left active sets half filled.
        if !std::thread::panicking() {
            self.predictor.idle().push(std::mem::take(&mut self.scratch));
        }
    }
}

/// Predicts examples, which have been checked, by all threads of the runtime, a block at a time.
pub(super) fn predict_batch(
    inference: &Inference<'_>,
    examples: &[Example<'_>],
    k: usize,
    scratch: &mut BatchScratch,
    predictions: &mut Predictions,
) {
    let threads = inference.runtime.workers();
    let BatchScratch { workers, pieces } = scratch;
    workers.resize_with(threads.count(), Scratch::default);
    let size = block_size(examples.len(), threads.count());
    let count = examples.len().div_ceil(size);
    if pieces.len() < count {
        pieces.resize_with(count, Predictions::default);
    }
    threads.each_with(workers, &mut pieces[..count], |piece, out, scratch| {
        out.clear();
        let examples = &examples[piece * size..examples.len().min((piece + 1) * size)];
        inference.predict(examples, k, scratch, |found| out.push(found));
    });
    predictions.clear();
    pieces[..count].iter().for_each(|piece| predictions.append(piece));
}
