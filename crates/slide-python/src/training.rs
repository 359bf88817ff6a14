//! Training: a thread trains, and the thread that called looks for signals and calls back.

use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use serde_json::json;
use slide_core::{EvaluateOptions, Event, Outcome, Quantization, QuantizeConfig, Runtime, TrainConfig, Trainer};

use crate::dataset::Dataset;
use crate::model::Model;
use crate::table::Plan;
use crate::{errors, evaluation, process, settings};

/// How often the thread that called looks for signals.
const POLL: Duration = Duration::from_millis(50);
/// How often it calls back in an epoch.
const CALL_BACK: Duration = Duration::from_millis(100);
/// How long an interrupted call waits for the end of a batch or a round.
const PATIENCE: Duration = Duration::from_millis(600);

/// What has happened, as JSON, and where to say whether training is to stop.
struct Message {
    text: String,
    stop: Sender<bool>,
}

/// What the thread that called says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    GoOn,
    /// Training ends, with the model that there is.
    Stop,
    /// Nobody waits for the model any more.
    Interrupted,
}

/// What both threads know.
#[derive(Default)]
struct Signals {
    /// Training is to stop.
    stop: AtomicBool,
    /// A checkpoint is being written.
    saving: AtomicBool,
}

/// The thread that trains.
struct Training {
    trainer: Trainer,
    /// What rounds the weights of a network to integers in the end.
    quantize: Option<Runtime>,
    validation: Option<Arc<slide_core::Dataset>>,
    cutoffs: Vec<usize>,
    /// None if nobody wants to be called.
    messages: Option<Sender<Message>>,
    signals: Arc<Signals>,
    checkpoint: Option<PathBuf>,
    checkpoint_every: Option<NonZeroU64>,
}

impl Training {
    /// The trained model; none if it was interrupted.
    fn run(self) -> PyResult<Option<slide_core::Model>> {
        let Self { mut trainer, quantize, validation, cutoffs, messages, signals, checkpoint, checkpoint_every } = self;
        let save = |trainer: &Trainer| {
            let Some(path) = &checkpoint else { return Ok(()) };
            signals.saving.store(true, Ordering::SeqCst);
            let saved = trainer.save_checkpoint(path).map_err(errors::of_model);
            signals.saving.store(false, Ordering::SeqCst);
            saved
        };
        let metrics = |trainer: &Trainer| -> PyResult<serde_json::Value> {
            let Some(data) = &validation else { return Ok(serde_json::Value::Null) };
            let mut options = EvaluateOptions::default();
            options.cutoffs = Some(&cutoffs);
            let evaluation = trainer.evaluate_with(data, options).map_err(errors::of_prediction)?;
            Ok(serde_json::from_str(&evaluation::text(&evaluation)).unwrap_or_default())
        };
        let call_back = |text: serde_json::Value| {
            let Some(messages) = &messages else { return Answer::GoOn };
            let (stop, answer) = crossbeam_channel::bounded(1);
            match messages.send(Message { text: text.to_string(), stop }).ok().and_then(|()| answer.recv().ok()) {
                Some(false) => Answer::GoOn,
                Some(true) => Answer::Stop,
                None => Answer::Interrupted,
            }
        };
        let (mut last_call, mut failure, mut is_interrupted) = (Instant::now(), None, false);
        let outcome = trainer.run(&mut |event, trainer| {
            let mut step = || -> PyResult<Answer> {
                if signals.stop.load(Ordering::SeqCst) {
                    return Ok(Answer::Interrupted);
                }
                let text = match event {
                    Event::Batch(progress) => {
                        let has_linear = trainer.model().config().model.model.has_linear();
                        let is_due = checkpoint_every.is_some_and(|every| progress.step.is_multiple_of(every.get()));
                        if is_due || progress.step == progress.steps && has_linear {
                            save(trainer)?;
                        }
                        if messages.is_none() || !progress.epoch_finished && last_call.elapsed() < CALL_BACK {
                            return Ok(Answer::GoOn);
                        }
                        let metrics = if progress.epoch_finished { metrics(trainer)? } else { serde_json::Value::Null };
                        json!({
                            "event": if progress.epoch_finished { "epoch" } else { "batch" },
                            "epoch": progress.epoch, "epochs": progress.epochs, "step": progress.step,
                            "steps": progress.steps, "examples_done": progress.examples_done,
                            "examples_total": progress.examples_total, "loss": progress.loss,
                            "epoch_loss": progress.epoch_loss, "learning_rate": progress.learning_rate,
                            "evaluation": metrics,
                        })
                    }
                    Event::Round(progress) => json!({
                        "event": "round", "round": progress.round, "rounds": progress.rounds,
                        "pairs": progress.pairs, "weights": progress.weights,
                    }),
                    Event::Index(report) => json!({ "event": "index", "index": report }),
                    _ => return Ok(Answer::GoOn),
                };
                let answer = call_back(text);
                last_call = Instant::now();
                Ok(answer)
            };
            let (answer, error) = match step() {
                Ok(answer) => (answer, None),
                Err(error) => (Answer::Stop, Some(error)),
            };
            failure = error;
            if answer == Answer::Interrupted {
                is_interrupted = true;
                // What the network has learnt when the linear part begins was saved then.
                if let Event::Batch(_) = event {
                    failure = save(trainer).err();
                }
            }
            if answer == Answer::GoOn { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let outcome = outcome.map_err(errors::of_training)?;
        if let Some(error) = failure {
            return Err(error);
        }
        if is_interrupted || signals.stop.load(Ordering::SeqCst) {
            return Ok(None);
        }
        if messages.is_some() && validation.is_some() && outcome == Outcome::Finished {
            call_back(json!({ "event": "finished", "evaluation": metrics(&trainer)? }));
        }
        let mut model = trainer.into_model().map_err(errors::of_training)?;
        if let Some(runtime) = quantize.filter(|_| model.has_network()) {
            let mut config = QuantizeConfig::default();
            config.to = Quantization::Int8;
            model.quantize(&config, &runtime).map_err(errors::of_memory)?;
        }
        Ok(Some(model))
    }
}

/// Ends a training: waits until its thread has seen it, or for `PATIENCE`, and always until a checkpoint is complete.
fn interrupt(py: Python<'_>, signals: &Signals, messages: &Receiver<Message>) {
    signals.stop.store(true, Ordering::SeqCst);
    let start = Instant::now();
    py.detach(|| {
        while start.elapsed() < PATIENCE || signals.saving.load(Ordering::SeqCst) {
            // A message that is dropped says stop.
            if let Err(RecvTimeoutError::Disconnected) = messages.recv_timeout(POLL) {
                return;
            }
        }
    });
}

/// Trains a model: a new one, one that continues a checkpoint, or one for more epochs.
#[pyfunction]
#[pyo3(signature = (data, changes, *, validation=None, cutoffs=vec![1, 3, 5], callback=None, threads=None, checkpoint=None, checkpoint_every=None, resume=None, epochs=None, plan=None, full_precision=false))]
pub(crate) fn train(
    py: Python<'_>,
    data: &Dataset,
    changes: Vec<(String, String)>,
    validation: Option<&Dataset>,
    cutoffs: Vec<usize>,
    callback: Option<Bound<'_, PyAny>>,
    threads: Option<NonZeroUsize>,
    checkpoint: Option<PathBuf>,
    checkpoint_every: Option<NonZeroU64>,
    resume: Option<PathBuf>,
    epochs: Option<u32>,
    plan: Option<&Plan>,
    full_precision: bool,
) -> PyResult<Model> {
    let config = match plan {
        Some(plan) => plan.config.clone(),
        None => settings::changed(&TrainConfig::default(), &changes)?,
    };
    let validation = validation.map(|data| data.kept(py)).transpose()?;
    let runtime = process::start(threads)?;
    let mut trainer = data.with(py, |data| match resume {
        None => Trainer::new(config, data, &runtime).map_err(errors::of_training),
        Some(path) => {
            let model = slide_core::Model::load(path).map_err(errors::of_model)?;
            match epochs {
                Some(epochs) => Trainer::extend(model, epochs, data, &runtime),
                None => Trainer::resume(model, data, &runtime),
            }
            .map_err(errors::of_training)
        }
    })??;
    if let Some(plan) = plan {
        plan.table.attachments().into_iter().for_each(|(name, bytes)| trainer.attach(name, bytes));
    }
    // As the program does with models of tables.
    let quantizes = plan.is_some() && !full_precision;
    let (sender, messages) = crossbeam_channel::unbounded();
    // A sender that lives as long as the thread tells when it ends.
    let (signals, alive) = (Arc::new(Signals::default()), sender.clone());
    let training = Training {
        trainer,
        quantize: quantizes.then(|| runtime.clone()),
        validation,
        cutoffs,
        messages: callback.is_some().then_some(sender),
        signals: Arc::clone(&signals),
        checkpoint,
        checkpoint_every,
    };
    let run = move || {
        let trained = training.run();
        drop(alive);
        trained
    };
    let thread = std::thread::Builder::new().name("slide-train".into()).spawn(run)?;
    loop {
        let happened = match py.detach(|| messages.recv_timeout(POLL)) {
            Ok(Message { text, stop }) => {
                let answer = callback.as_ref().map_or(Ok(false), |callback| callback.call1((text,))?.is_truthy());
                answer.map(|wants_stop| {
                    // The thread waits for the answer.
                    let _ = stop.send(wants_stop);
                })
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(error) = happened.and_then(|()| py.check_signals()) {
            interrupt(py, &signals, &messages);
            return Err(error);
        }
    }
    let trained = py.detach(|| thread.join());
    match trained {
        Ok(Ok(Some(model))) => Ok(Model::new(model, threads)),
        Ok(Ok(None)) => Err(PyRuntimeError::new_err("training was interrupted")),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(PyRuntimeError::new_err("a thread of the training panicked")),
    }
}
