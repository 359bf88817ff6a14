//! `slide demo`: training on the repository's data set, evaluation, and some predictions with names.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use slide_core::data::{ReadOptions, names};
use slide_core::{Dataset, Outcome, Predictor, Retrieval, TrainConfig, Trainer};

use super::eval::evaluation;
use super::train::{read_file, say_choices};
use super::{Show, Status};
use crate::args::{DemoArgs, MetricOptions};
use crate::files;
use crate::output::{self, pairs};
use crate::session::Session;
use crate::summary::{Paths, Seconds, Summary};

/// The folder of the set in the repository, and the default path of the model.
const DATA: &str = "data/debian";
const MODEL: &str = "target/demo.slide";
/// Its training examples.
const TRAIN: &str = "train.txt.zst";
/// Labels predicted for each example shown.
const PREDICTIONS: usize = 5;
/// Columns of text.
const WIDTH: usize = 100;

pub(crate) fn run(args: &DemoArgs, show: Show) -> Result<Status> {
    let config = args.settings.over(&TrainConfig::default())?;
    let folder = args.data.clone().map_or_else(find_data, Ok)?;
    let path = args.output.clone().unwrap_or_else(|| MODEL.into());
    if args.output.is_none() {
        fs::create_dir_all("target").context("cannot create the folder target")?;
    }
    files::check_writable(&path)?;
    let runtime = args.runtime.start()?;

    let start = Instant::now();
    let (train, test, names) = read(&folder, args, show)?;
    let reading = start.elapsed().as_secs_f64();

    let mut trainer = Trainer::new(config, &train, &runtime)?;
    drop(train);
    say_choices(trainer.model(), show);
    let mut session = Session {
        style: show.progress,
        test: None,
        eval_every: None,
        metrics: MetricOptions::default(),
        log: None,
        output: &path,
        checkpoint: files::with_ending(&path, ".checkpoint"),
        has_checkpoint: false,
        checkpoint_every: None,
    };
    let trained = session.run(&mut trainer)?;
    if trained.outcome == Outcome::Stopped {
        return Ok(Status::Interrupted);
    }
    let report = trainer.report();
    let model = trainer.into_model()?;
    show.progress.during("writing the model", || model.save(&path))?;
    let predictor = Predictor::with(model, Retrieval::Auto, &runtime)?;
    let start = Instant::now();
    let metrics = evaluation(&predictor, &test, None, None, &MetricOptions::default(), show)?.metrics;
    let paths = Paths { model: path, file: folder.join(TRAIN) };
    let seconds = Seconds { reading, evaluation: start.elapsed().as_secs_f64(), ..Seconds::default() };
    let summary = Summary::new(paths, predictor.model(), &runtime, &trained, seconds, Some(metrics), report);
    if show.json {
        output::print_json(&summary)?;
    } else {
        let examples = examples(&predictor, &test, &names, args.show)?;
        output::print(&format!("\n{summary}\n{examples}"))?;
    }
    Ok(Status::Done)
}

fn find_data() -> Result<PathBuf> {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DATA);
    let places = [PathBuf::from(DATA), built_from];
    match places.into_iter().find(|folder| folder.join(TRAIN).is_file()) {
        Some(folder) => Ok(folder),
        None => bail!("there is no folder {DATA} here: run this in the repository, or give --data FOLDER"),
    }
}

/// Names of features, labels and examples.
struct Names {
    features: Vec<String>,
    labels: Vec<String>,
    /// Of the test examples, if the set has them.
    examples: Option<Vec<String>>,
}

fn read(folder: &Path, args: &DemoArgs, show: Show) -> Result<(Dataset, Dataset, Names)> {
    let options = ReadOptions { threads: args.runtime.threads, ..ReadOptions::default() };
    let train = read_file(&folder.join(TRAIN), &options, show)?;
    let (features, labels) = (Some(train.feature_count()), Some(train.label_count()));
    let fitting = ReadOptions { feature_count: features, label_count: labels, ..options };
    let test = read_file(&folder.join("test.txt.zst"), &fitting, show)?;
    let examples = folder.join("test.names.zst");
    let names = Names {
        features: names::read(folder.join("features.txt.zst"), features)?,
        labels: names::read(folder.join("labels.txt.zst"), labels)?,
        examples: examples.exists().then(|| names::read(&examples, Some(test.examples()))).transpose()?,
    };
    Ok((train, test, names))
}

/// `number` test examples, spread over the set, with the predictions for them.
fn examples(predictor: &Predictor, test: &Dataset, names: &Names, number: usize) -> Result<String> {
    let number = number.min(test.examples());
    let chosen: Vec<usize> = (0..number).map(|i| (2 * i + 1) * test.examples() / (2 * number)).collect();
    let features: Vec<_> = chosen.iter().map(|&example| test.features(example)).collect();
    let predictions = predictor.predict_batch(&features, PREDICTIONS)?;
    let mut text = String::new();
    if number > 0 {
        let _ =
            writeln!(text, "Some of the {} test examples (✓ marks correct labels):", output::count(test.examples()));
    }
    for (&example, predictions) in chosen.iter().zip(predictions.iter()) {
        let labels = test.labels(example);
        let predicted = predictions.iter().map(|best| {
            let mark = if labels.binary_search(&best.label).is_ok() { "✓" } else { "" };
            format!("{}{mark} {:.0} %", names.labels[best.label as usize], 100.0 * best.probability)
        });
        let name = names.examples.as_ref().map_or_else(|| example.to_string(), |names| names[example].clone());
        let rows = [
            ("example", name),
            ("features", list(words(test, example, &names.features))),
            ("labels", list(labels.iter().map(|&label| names.labels[label as usize].clone()))),
            ("predicted", list(predicted)),
        ];
        let _ = write!(text, "\n{}", pairs(&rows));
    }
    Ok(text)
}

/// Names of the features of an example, the largest values first.
fn words(test: &Dataset, example: usize, names: &[String]) -> impl Iterator<Item = String> {
    let (features, values) = test.features(example);
    let mut weighed: Vec<(u32, f32)> = features.iter().copied().zip(values.iter().copied()).collect();
    weighed.sort_by(|left, right| right.1.total_cmp(&left.1));
    weighed.into_iter().map(|(feature, _)| names[feature as usize].clone())
}

/// The first items, in lines that fit beside the longest key.
fn list(items: impl Iterator<Item = String>) -> String {
    const MOST: usize = 12;
    const INDENT: usize = "predicted  ".len();
    let items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("and {more} more"));
    let mut text = String::new();
    let mut column = INDENT;
    for item in items.iter().take(MOST).chain(&more) {
        let width = item.chars().count() + ", ".len();
        if column + width > WIDTH && column > INDENT {
            let _ = write!(text, ",\n{:INDENT$}", "");
            column = INDENT;
        } else if column > INDENT {
            text += ", ";
        }
        text += item;
        column += width;
    }
    if text.is_empty() { "none".into() } else { text }
}
