//! `slide eval` with a model of a table.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;
use slide_core::metrics::Propensity;
use slide_core::{Dataset, Metrics, Model, Predictor};
use slide_features::read::Reader;
use slide_features::{Scratch, Table};
use slide_tables::{Judge, Quality, TableModel};

use super::prepare::LabelledRows;
use crate::args::{EvalArgs, MetricOptions};
use crate::commands::Show;
use crate::commands::{LATENCY_LABELS, WARM_UP};
use crate::output::{self, count, pairs, path_text, seconds};
use crate::percentiles::Percentiles;
use crate::table;
use crate::usage::Usage;

/// Rows that are read at once.
const PIECE: usize = 1 << 16;
/// Rows that times are taken of at most.
const MOST_TIMED: usize = 10_000;

#[derive(Serialize)]
struct Report {
    #[serde(serialize_with = "path_text")]
    model: PathBuf,
    #[serde(serialize_with = "path_text")]
    file: PathBuf,
    quality: Quality,
    metrics: Metrics,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
    seconds: Seconds,
    isa: &'static str,
    threads: usize,
}

/// From the fields of a row to its labels.
#[derive(Serialize)]
struct Latency {
    prediction: Percentiles,
}

#[derive(Serialize)]
struct Seconds {
    reading: f64,
    evaluation: f64,
}

pub(crate) fn run(args: &EvalArgs, model: Model, table: &TableModel, show: Show) -> Result<()> {
    if args.compare.is_some() || args.parts || args.filter.is_some() {
        return Err(Usage("--compare, --parts and --filter are not for models of tables".into()).into());
    }
    let runtime = args.runtime.start()?;
    let predictor = Predictor::with(model, args.retrieval.retrieval, &runtime)?.ignoring_unknown_features();
    let (quality, metrics, seconds) = show.progress.during("evaluating", || judge(args, table, &predictor))?;
    let latency = || latency(args, table, &predictor);
    let latency = args.latency.then(|| show.progress.during("taking times", latency)).transpose()?;
    let (isa, threads) = (runtime.kernels().isa().name(), runtime.workers().count());
    let (model, file) = (args.model.clone(), args.test.clone());
    let report = Report { model, file, quality, metrics, latency, seconds, isa, threads };
    if show.json { output::print_json(&report) } else { output::print(&report.text(table)) }
}

/// How good a model is on rows, and its metrics.
pub(crate) fn judged(
    model: &TableModel,
    predictor: &Predictor,
    data: &Dataset,
    metrics: &MetricOptions,
) -> Result<(Quality, Metrics)> {
    let propensity = propensity(predictor, metrics);
    let mut judge = Judge::new(model, predictor, metrics.cutoffs(), Some(&propensity));
    judge.add(data)?;
    Ok(judge.finish())
}

fn propensity(predictor: &Predictor, metrics: &MetricOptions) -> Propensity {
    let (trained, (a, b)) = (predictor.model(), metrics.propensity());
    Propensity::with_constants(trained.label_frequencies(), trained.examples(), a, b)
}

/// Reads and predicts the file piece by piece: its size does not matter.
fn judge(args: &EvalArgs, model: &TableModel, predictor: &Predictor) -> Result<(Quality, Metrics, Seconds)> {
    let propensity = propensity(predictor, &args.metrics);
    let mut judge = Judge::new(model, predictor, args.metrics.cutoffs(), Some(&propensity));
    let mut rows = LabelledRows::open(model, &args.test, &args.table.options(args.skip_bad_rows))?;
    let (mut seconds, mut has_labels) = (Seconds { reading: 0.0, evaluation: 0.0 }, false);
    loop {
        let start = Instant::now();
        let data = rows.take(PIECE)?;
        seconds.reading += start.elapsed().as_secs_f64();
        if data.examples() == 0 {
            break;
        }
        let start = Instant::now();
        has_labels |= !data.arrays().label_indices.is_empty();
        judge.add(&data)?;
        seconds.evaluation += start.elapsed().as_secs_f64();
    }
    rows.say_what_is_wrong();
    let (path, target) = (args.test.display(), model.target());
    ensure!(has_labels, "{path}: no row has a label in column `{target}`");
    let (quality, metrics) = judge.finish();
    Ok((quality, metrics, seconds))
}

/// The times of single rows, one after another on one thread.
fn latency(args: &EvalArgs, model: &TableModel, predictor: &Predictor) -> Result<Latency> {
    if args.test.as_os_str() == "-" {
        return Err(Usage("--latency: standard input cannot be read twice".into()).into());
    }
    let mut reader = Reader::open(&args.test, &args.table.options(args.skip_bad_rows))?;
    let mut table = Table::new(model.columns());
    reader.read(&mut table, MOST_TIMED, false)?;
    let (mut session, mut scratch) = (predictor.session(), Scratch::default());
    let (mut indices, mut values, mut predictions, mut best) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut times: Vec<Duration> = Vec::with_capacity(table.rows());
    let warm_up = WARM_UP.min(table.rows());
    for row in (0..warm_up).chain(0..table.rows()) {
        let start = Instant::now();
        indices.clear();
        values.clear();
        model.featurizer().row(|column| table.field(row, column), &mut scratch, &mut indices, &mut values);
        session.predict_into((&indices, &values), model.asked(LATENCY_LABELS), &mut predictions)?;
        model.probabilities(&predictions, LATENCY_LABELS, &mut best);
        times.push(start.elapsed());
    }
    Ok(Latency { prediction: Percentiles::of(&times[warm_up..]) })
}

impl Report {
    fn text(&self, model: &TableModel) -> String {
        let Self { quality, metrics, latency, seconds: times, .. } = self;
        let mut text = String::new();
        if !model.is_single() {
            text += &format!("{}\n", table::metrics(metrics));
        }
        text += &super::quality::text(quality);
        let each = 1e6 * (times.reading + times.evaluation) / quality.rows.max(1) as f64;
        let all = seconds(times.reading + times.evaluation);
        let mut rows = vec![("rows", count(quality.rows)), ("time", format!("{all} with reading, {each:.0} us a row"))];
        rows.extend(
            latency.as_ref().map(|times| ("latency", format!("{} (single rows, from their text)", times.prediction))),
        );
        text + &pairs(&rows)
    }
}
