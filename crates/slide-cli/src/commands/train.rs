//! `slide train`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use slide_core::data::{self, LabelFile, Numbering, ReadOptions};
use slide_core::{
    Choice, Dataset, Model, Outcome, Predictor, Quantization, QuantizeConfig, Retrieval, Runtime, TrainConfig, Trainer,
};

use super::eval::evaluation;
use super::{Show, Status};
use crate::args::TrainArgs;
use crate::files;
use crate::log::Log;
use crate::output::{self, count, file_name};
use crate::session::Session;
use crate::summary::{Paths, Seconds, Summary, fallbacks};
use crate::tables::evaluate::judged;
use crate::tables::prepare::prepare;
use crate::unknown;
use crate::usage::Usage;

pub(crate) fn run(args: &TrainArgs, show: Show) -> Result<Status> {
    if let Some(share) = args.valid
        && !(share > 0.0 && share < 1.0)
    {
        return Err(Usage(format!("--valid: expected a share between 0 and 1, found {share}")).into());
    }
    let checkpoint = args.checkpoint.clone().unwrap_or_else(|| files::with_ending(&args.output, ".checkpoint"));
    check_files(args, &checkpoint)?;
    let resumed = args.resume.as_ref().map(|path| Model::load_placed(path, &args.runtime.placement())).transpose()?;
    let mut config = match &resumed {
        Some(model) => args.settings.agreeing_with(model.config())?,
        None => args.settings.over(&TrainConfig::default())?,
    };
    let runtime = args.runtime.start()?;

    let start = Instant::now();
    let (train, test, table) = if args.table.is_table(&args.train)? {
        let prepared = prepare(args, resumed.as_ref(), &runtime, show)?;
        config = prepared.config.unwrap_or(config);
        let (train, held_out) = hold_out(args, &config, prepared.train)?;
        (train, held_out.or(prepared.test), Some(prepared.model))
    } else {
        let (train, test) = read(args, &config, resumed.as_ref(), show)?;
        (train, test, None)
    };
    let reading = start.elapsed().as_secs_f64();

    let mut trainer = match resumed {
        Some(model) => match more_epochs(&config, &model) {
            Some(epochs) => Trainer::extend(model, epochs, &train, &runtime)?,
            None => Trainer::resume(model, &train, &runtime)?,
        },
        None => Trainer::new(config, &train, &runtime)?,
    };
    drop(train);
    if let Some(table) = &table {
        table.attachments().into_iter().for_each(|(name, bytes)| trainer.attach(name, bytes));
    }
    say_choices(trainer.model(), show);
    let mut log = args.log.as_ref().map(|path| Log::open(path, args.resume.is_some(), args.log_every)).transpose()?;
    if let Some(log) = &mut log {
        log_start(log, &trainer, &runtime)?;
    }
    let mut session = Session {
        style: show.progress,
        test: test.as_ref(),
        eval_every: args.eval_every,
        metrics: args.metrics.clone(),
        log,
        output: &args.output,
        has_checkpoint: args.resume.as_ref().is_some_and(|path| files::is_same(path, &checkpoint)),
        checkpoint,
        checkpoint_every: args.checkpoint_every,
    };
    let trained = session.run(&mut trainer)?;
    if trained.outcome == Outcome::Stopped {
        return Ok(Status::Interrupted);
    }

    let report = trainer.report();
    let mut model = trainer.into_model()?;
    let by_default =
        (table.is_some() && model.has_network() && !args.table.full_precision).then_some(Quantization::Int8);
    if let Some(to) = args.quantize.or(by_default) {
        let mut config = QuantizeConfig::default();
        config.to = to;
        model.quantize(&config, &runtime)?;
    }
    show.progress.during("writing the model", || model.save(&args.output))?;
    if !args.keep_checkpoint {
        session.remove_checkpoint();
    }
    let predictor = Predictor::with(model, Retrieval::Auto, &runtime)?.ignoring_unknown_features();
    let start = Instant::now();
    let (mut metrics, mut quality) = (None, None);
    match (&test, &table) {
        (Some(test), Some(table)) => {
            let work = || judged(table, &predictor, test, &args.metrics);
            let (of_rows, of_ranking) = show.progress.during("evaluating", work)?;
            (metrics, quality) = (Some(of_ranking), Some(of_rows));
        }
        (Some(test), None) => {
            let evaluation = evaluation(&predictor, test, None, None, &args.metrics, show)?;
            if let Some(path) = &args.test {
                unknown::warn(&evaluation.unknown, path);
            }
            metrics = Some(evaluation.metrics);
        }
        (None, _) => {}
    }
    let paths = Paths { model: args.output.clone(), file: args.train.clone() };
    let seconds = Seconds { reading, evaluation: start.elapsed().as_secs_f64(), ..Seconds::default() };
    let mut summary = Summary::new(paths, predictor.model(), &runtime, &trained, seconds, metrics, report);
    summary.quality = quality;
    if let Some(log) = &mut session.log {
        log.write("end", &summary)?;
    }
    if show.json {
        output::print_json(&summary)?
    } else {
        output::print(&summary.to_string())?
    }
    Ok(Status::Done)
}

/// The epochs that are asked for, if a model is to have more than it was to have.
fn more_epochs(config: &TrainConfig, model: &Model) -> Option<u32> {
    config.optimizer.epochs.filter(|_| config.optimizer.epochs > model.config().optimizer.epochs)
}

/// The settings that the data decided, a line each.
pub(crate) fn say_choices(model: &Model, show: Show) {
    for Choice { setting, value, reason, .. } in model.choices() {
        show.progress.note(&format!("{setting} {value}: {reason}"));
    }
}

fn check_files(args: &TrainArgs, checkpoint: &Path) -> Result<()> {
    let TrainArgs { train, output, test, config, resume, log, .. } = args;
    // A checkpoint may be resumed and replaced by later ones.
    let resumed = resume.as_deref().filter(|path| !files::is_same(path, checkpoint));
    let inputs: Vec<&Path> =
        [Some(train.as_path()), test.as_deref(), config.as_deref(), resumed].into_iter().flatten().collect();
    let outputs: Vec<&Path> =
        [Some(output.as_path()), Some(checkpoint), log.as_deref()].into_iter().flatten().collect();
    files::check_different(&outputs, &inputs)?;
    files::check_writable(output)?;
    files::check_writable(checkpoint)?;
    if let Some(log) = log.as_deref().filter(|log| files::is_stdout(log)) {
        return Err(Usage(format!("--log: {} is standard output, which has the summary", log.display())).into());
    }
    Ok(())
}

/// The examples to train on and those to evaluate on.
fn read(
    args: &TrainArgs,
    config: &TrainConfig,
    resumed: Option<&Model>,
    show: Show,
) -> Result<(Dataset, Option<Dataset>)> {
    let options = match resumed {
        // The file that it was trained on has its bases.
        Some(model) => {
            let [features, labels] = [model.feature_numbering(), model.label_numbering()].map(Numbering::base);
            args.data.reading_with(features, labels, args.runtime.threads)
        }
        None => args.data.reading(args.runtime.threads),
    };
    let all = read_file(&args.train, &options, show)?;
    if args.valid.is_some() {
        return hold_out(args, config, all);
    }
    let mut fitting = args.data.reading_with(all.feature_base(), all.label_base(), args.runtime.threads);
    fitting.labels = args.test_labels.clone().map_or(LabelFile::Beside, LabelFile::At);
    let test = args.test.as_ref().map(|path| read_file(path, &fitting, show)).transpose()?;
    Ok((all, test))
}

/// The examples to train on and, if a share is to be held out, those to evaluate on.
fn hold_out(args: &TrainArgs, config: &TrainConfig, all: Dataset) -> Result<(Dataset, Option<Dataset>)> {
    let Some(share) = args.valid else { return Ok((all, None)) };
    let (train, held_out) = all.hold_out(share, config.optimizer.seed);
    if train.examples() == 0 || held_out.examples() == 0 {
        let what = if held_out.examples() == 0 { "holds out none" } else { "leaves none to train on" };
        let (name, examples) = (file_name(&args.train), count(all.examples()));
        return Err(Usage(format!("--valid: a share of {share} {what} of the {examples} examples of {name}")).into());
    }
    Ok((train, Some(held_out)))
}

/// Reads a data file and prints its counts.
pub(crate) fn read_file(path: &Path, options: &ReadOptions, show: Show) -> Result<Dataset> {
    let name = file_name(path);
    let start = Instant::now();
    let data = show.progress.during(&format!("reading {name}"), || data::read(path, options))?;
    let [examples, features, labels] = [data.examples(), data.feature_count(), data.label_count()].map(count);
    let time = output::seconds(start.elapsed().as_secs_f64());
    show.progress.note(&format!("{name}: {examples} examples, {features} features, {labels} labels, read in {time}"));
    Ok(data)
}

/// The first line of the log: the configuration, the data and the machine.
fn log_start(log: &mut Log, trainer: &Trainer, runtime: &Runtime) -> Result<()> {
    #[derive(Serialize)]
    struct Start<'a> {
        version: &'a str,
        step: u64,
        examples: usize,
        features: usize,
        labels: usize,
        parameters: usize,
        isa: &'a str,
        threads: usize,
        placement: String,
        table_bytes_by_page: BTreeMap<u64, u64>,
        table_bytes_by_node: BTreeMap<u32, u64>,
        fallbacks: Vec<String>,
        config: &'a TrainConfig,
    }
    let (model, report) = (trainer.model(), trainer.report());
    let start = Start {
        version: env!("CARGO_PKG_VERSION"),
        step: model.step(),
        examples: model.examples(),
        features: model.features(),
        labels: model.labels(),
        parameters: model.parameters(),
        isa: runtime.kernels().isa().name(),
        threads: runtime.workers().count(),
        placement: runtime.placement().to_string(),
        fallbacks: fallbacks(&report),
        table_bytes_by_page: report.bytes_by_page,
        table_bytes_by_node: report.bytes_by_node,
        config: model.config(),
    };
    log.write("start", start)
}
