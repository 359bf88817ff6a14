//! A training run of the program: progress, log, evaluations, checkpoints and interruption, between batches.

use std::fs;
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;
use slide_core::{
    Dataset, Destination, Event, IndexReport, LinearProgress, Metrics, Model, Outcome, Phases, Progress, Trainer,
};

use crate::args::MetricOptions;
use crate::commands::index::text;
use crate::files;
use crate::interrupt::Deferred;
use crate::log::Log;
use crate::output::{causes, say};
use crate::progress::{Style, Training};

/// The actions between batches.
pub(crate) struct Session<'a> {
    pub(crate) style: Style,
    pub(crate) test: Option<&'a Dataset>,
    pub(crate) eval_every: Option<NonZeroU32>,
    pub(crate) metrics: MetricOptions,
    pub(crate) log: Option<Log>,
    /// Path of the trained model.
    pub(crate) output: &'a Path,
    /// Path of checkpoints.
    pub(crate) checkpoint: PathBuf,
    /// Whether this training has a checkpoint there: one that it continued from, or wrote.
    pub(crate) has_checkpoint: bool,
    pub(crate) checkpoint_every: Option<NonZeroU64>,
}

/// Active output rows of an example on average, for samplers that give each example its own.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct ActiveRows {
    /// All, labels included.
    pub(crate) all: f64,
    /// Those found in hash tables, labels not included.
    pub(crate) hashed: f64,
    /// Those chosen at random to fill up.
    pub(crate) random: f64,
}

/// The result of a training.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trained {
    pub(crate) outcome: Outcome,
    pub(crate) steps: u64,
    pub(crate) examples: u64,
    /// Mean loss of the last epoch.
    pub(crate) loss: f64,
    /// None without such a sampler, or without a batch.
    pub(crate) active_rows: Option<ActiveRows>,
    /// Seconds of training the network alone.
    pub(crate) seconds: f64,
    /// Seconds of training the linear part, and of combining both.
    pub(crate) linear_seconds: f64,
    /// The time of its phases, summed over the threads.
    pub(crate) phases: Phases,
}

impl Session<'_> {
    /// Trains to the end, or until a signal: then writes a checkpoint and prints its path.
    pub(crate) fn run(&mut self, trainer: &mut Trainer) -> Result<Trained> {
        let interrupt = Deferred::new()?;
        let reservation = files::reserve(self.output, trainer)?;
        let model = trainer.model();
        let has_batches = model.step() < model.steps_per_epoch() * u64::from(model.epochs());
        let mut watch = Watch::new(self.style, model, has_batches);
        let mut failure = None;
        let outcome = trainer.run(&mut |event, trainer| {
            failure = match event {
                Event::Batch(progress) => self.after_batch(progress, trainer, &mut watch).err(),
                Event::Round(progress) => self.after_round(progress, &mut watch).err(),
                Event::Index(report) => self.after_index(report, &mut watch).err(),
                _ => None,
            };
            if failure.is_some() || interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        watch.bar.finish();
        drop(reservation);
        let outcome = outcome?;
        if outcome == Outcome::Stopped || failure.is_some() {
            self.save_checkpoint_and_say_where(trainer)?;
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(watch.trained(outcome, trainer.phases())),
        }
    }

    fn after_round(&mut self, progress: &LinearProgress, watch: &mut Watch) -> Result<()> {
        watch.update_linear(progress);
        if let Some(log) = &mut self.log {
            let &LinearProgress { round, rounds, pairs, weights, .. } = progress;
            let seconds = watch.linear_seconds;
            let fields = json!({
                "round": round, "rounds": rounds, "pairs": pairs, "weights": weights, "seconds": seconds,
            });
            log.write("linear", fields)?;
        }
        Ok(())
    }

    fn after_index(&mut self, report: &IndexReport, watch: &mut Watch) -> Result<()> {
        watch.bar.say(&format!("index: {}", text(report)));
        match &mut self.log {
            Some(log) => log.write("index", json!({ "index": report })),
            None => Ok(()),
        }
    }

    /// Removes the checkpoint of a training that has ended: its model is written.
    pub(crate) fn remove_checkpoint(&self) {
        if !self.has_checkpoint {
            return;
        }
        let removed = Destination::of(&self.checkpoint).and_then(|checkpoint| fs::remove_file(checkpoint.path()));
        if let Err(error) = removed.with_context(|| format!("cannot remove {}", self.checkpoint.display())) {
            say(&causes("warning:", &error));
        }
    }

    fn save_checkpoint(&mut self, trainer: &Trainer) -> Result<()> {
        trainer.save_checkpoint(&self.checkpoint).context("cannot write the checkpoint")?;
        self.has_checkpoint = true;
        Ok(())
    }

    fn save_checkpoint_and_say_where(&mut self, trainer: &Trainer) -> Result<()> {
        let step = trainer.model().step();
        self.save_checkpoint(trainer)?;
        say(&format!("stopped after batch {step}; checkpoint: {}", self.checkpoint.display()));
        Ok(())
    }

    fn after_batch(&mut self, progress: &Progress, trainer: &Trainer, watch: &mut Watch) -> Result<()> {
        watch.update(progress);
        if let Some(log) = &mut self.log {
            log.batch(progress, watch.seconds(), watch.rate(), trainer.phases())?;
        }
        let begin = Instant::now();
        let is_last = progress.step == progress.steps;
        let due = |every: Option<NonZeroU32>| every.is_some_and(|every| progress.epoch.is_multiple_of(every.get()));
        if let Some(test) = self.test
            && progress.epoch_finished
            && !is_last
            && due(self.eval_every)
        {
            let metrics = trainer.evaluate_with(test, self.metrics.evaluation())?.metrics;
            watch.bar.say(&brief(progress.epoch, &metrics));
            if let Some(log) = &mut self.log {
                log.write("metrics", json!({ "epoch": progress.epoch, "metrics": metrics }))?;
            }
        }
        if let Some(every) = self.checkpoint_every
            && progress.step.is_multiple_of(every.get())
            && !is_last
            && let Err(error) = self.save_checkpoint(trainer)
        {
            // The previous checkpoint still exists, and training does not need one.
            watch.bar.warn(&error);
        }
        watch.skip(begin.elapsed());
        Ok(())
    }
}

fn brief(epoch: u32, metrics: &Metrics) -> String {
    let percent = |value: f64| format!("{:.2}", 100.0 * value);
    let precisions: Vec<String> = metrics.at.iter().map(|at| format!("P@{} {}", at.k, percent(at.precision))).collect();
    format!("epoch {epoch}  {}", precisions.join("  "))
}

/// Number of examples that the model has been trained on, counted in every epoch.
fn examples_done(model: &Model) -> u64 {
    let batches = model.step() % model.steps_per_epoch();
    u64::from(model.epoch()) * model.network_examples() as u64 + batches * model.batch_size() as u64
}

/// Time and progress of a run.
struct Watch {
    bar: Training,
    start: Instant,
    /// Time not spent on training.
    aside: Duration,
    /// Examples done before this run.
    examples_before: u64,
    /// Examples done by it.
    examples: u64,
    steps: u64,
    loss: f64,
    /// Sums over these examples.
    active_rows: Option<ActiveRows>,
    /// When the network was done, and after how many seconds of training.
    network_done: Option<(Instant, f64)>,
    /// From there to the end of the last round of the linear part.
    linear_seconds: f64,
}

impl Watch {
    fn new(style: Style, model: &Model, has_batches: bool) -> Self {
        let examples_before = examples_done(model);
        let bar = Training::new(style, examples_before);
        let start = Instant::now();
        let mut watch = Self {
            bar,
            start,
            aside: Duration::ZERO,
            examples_before,
            examples: 0,
            steps: model.step(),
            loss: 0.0,
            active_rows: None,
            network_done: None,
            linear_seconds: 0.0,
        };
        if !has_batches {
            watch.network_done = Some((start, 0.0));
        }
        watch
    }

    fn update(&mut self, progress: &Progress) {
        self.bar.update(progress);
        let examples_before = std::mem::replace(&mut self.examples, progress.examples_done - self.examples_before);
        if let (Some(hashed), Some(random)) = (progress.hashed_per_example, progress.random_per_example) {
            let (sums, examples) = (self.active_rows.get_or_insert_default(), (self.examples - examples_before) as f64);
            sums.all += examples * progress.active_per_example;
            sums.hashed += examples * hashed;
            sums.random += examples * random;
        }
        self.steps = progress.step;
        self.loss = progress.epoch_loss;
        if progress.step == progress.steps {
            self.network_done = Some((Instant::now(), self.seconds()));
        }
    }

    fn update_linear(&mut self, progress: &LinearProgress) {
        self.bar.update_linear(progress);
        self.linear_seconds = self.network_done.map_or(0.0, |(done, _)| done.elapsed().as_secs_f64());
    }

    fn skip(&mut self, time: Duration) {
        self.aside += time;
        self.bar.skip(time);
    }

    fn seconds(&self) -> f64 {
        let so_far = || self.start.elapsed().saturating_sub(self.aside).as_secs_f64();
        self.network_done.map_or_else(so_far, |(_, seconds)| seconds)
    }

    fn rate(&self) -> f64 {
        self.examples as f64 / self.seconds().max(1e-9)
    }

    fn trained(&self, outcome: Outcome, phases: Phases) -> Trained {
        let &Self { steps, examples, loss, linear_seconds, .. } = self;
        let mean = |sum: f64| sum / examples as f64;
        let active_rows = self.active_rows.map(|ActiveRows { all, hashed, random }| ActiveRows {
            all: mean(all),
            hashed: mean(hashed),
            random: mean(random),
        });
        Trained { outcome, steps, examples, loss, active_rows, seconds: self.seconds(), phases, linear_seconds }
    }
}
