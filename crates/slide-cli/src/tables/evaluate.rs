//! `slide eval` with a model of a table.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;
use slide_core::{Dataset, Metrics, Model, Predictor};
use slide_features::read::Reader;
use slide_features::{Scratch, Table};
use slide_tables::{Quality, TableModel, quality};

use super::prepare::labelled_rows;
use crate::args::EvalArgs;
use crate::commands::Show;
use crate::commands::{LATENCY_LABELS, WARM_UP};
use crate::output::{self, count, pairs, path_text, seconds};
use crate::percentiles::Percentiles;
use crate::table;
use crate::usage::Usage;

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
    let start = Instant::now();
    let runtime = args.runtime.start()?;
    let predictor = Predictor::with(model, args.retrieval.retrieval, &runtime)?.ignoring_unknown_features();
    let data = labelled_rows(table, &args.test, &args.table.options(args.skip_bad_rows))?;
    let (path, target) = (args.test.display(), table.target());
    ensure!(!data.arrays().label_indices.is_empty(), "{path}: no row has a label in column `{target}`");
    let reading = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let quality = quality(table, &predictor, &data)?;
    let metrics = crate::commands::evaluation(&predictor, &data, None, None, &args.metrics, show)?.metrics;
    let evaluation = start.elapsed().as_secs_f64();
    let latency = || latency(args, table, &predictor);
    let latency = args.latency.then(|| show.progress.during("taking times", latency)).transpose()?;
    let seconds = Seconds { reading, evaluation };
    let (isa, threads) = (runtime.kernels().isa().name(), runtime.workers().count());
    let (model, file) = (args.model.clone(), args.test.clone());
    let report = Report { model, file, quality, metrics, latency, seconds, isa, threads };
    if show.json { output::print_json(&report) } else { output::print(&report.text(&data, table)) }
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
    fn text(&self, data: &Dataset, model: &TableModel) -> String {
        let Self { quality, metrics, latency, seconds: times, .. } = self;
        let mut text = String::new();
        if !model.is_single() {
            text += &format!("{}\n", table::metrics(metrics));
        }
        text += &super::quality::text(quality);
        let each = 1e6 * (times.reading + times.evaluation) / data.examples().max(1) as f64;
        let all = seconds(times.reading + times.evaluation);
        let mut rows =
            vec![("rows", count(data.examples())), ("time", format!("{all} with reading, {each:.0} us a row"))];
        rows.extend(
            latency.as_ref().map(|times| ("latency", format!("{} (single rows, from their text)", times.prediction))),
        );
        text + &pairs(&rows)
    }
}
