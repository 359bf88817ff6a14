//! `slide eval`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use serde::Serialize;
use slide_core::data::{Filter, Numbering};
use slide_core::metrics::{At, Bootstrap, Difference, Interval, LabelGroup, Unknown};
use slide_core::{
    Dataset, Evaluation, Metrics, Model, Parts, PredictError, Predictor, Retrieval, evaluate_with, latencies,
};
use slide_tables::TableModel;

use super::Show;
use super::train::read_file;
use crate::args::{EvalArgs, MetricOptions};
use crate::output::{self, count, file_name, pairs, seconds};
use crate::percentiles::Percentiles;
use crate::tables;
use crate::{table, unknown};

/// Labels of the predictions that times are taken of.
pub(crate) const LATENCY_LABELS: usize = 5;
/// Predictions before the first that is counted.
pub(crate) const WARM_UP: usize = 1000;

/// What is shown, and what is written as JSON.
#[derive(Serialize)]
struct Report {
    /// The test set.
    #[serde(serialize_with = "output::path_text")]
    file: PathBuf,
    #[serde(flatten)]
    measured: Measured,
    /// Of each part alone, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartAlone>,
    comparison: Option<Comparison>,
    /// Of single predictions, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
    resamples: usize,
    propensity: PropensityConstants,
    retrieval: &'static str,
    isa: &'static str,
    threads: usize,
}

/// Of the propensities in PSP.
#[derive(Serialize)]
struct PropensityConstants {
    a: f64,
    b: f64,
}

/// How good a model is.
#[derive(Serialize)]
struct Measured {
    #[serde(serialize_with = "output::path_text")]
    model: PathBuf,
    metrics: Metrics,
    intervals: Vec<At<Interval>>,
    calibration_error: f64,
    /// What the test set has that the model does not.
    unknown: Unknown,
    #[serde(skip)]
    bootstrap: Bootstrap,
    label_groups: Vec<LabelGroup>,
    seconds: Seconds,
    microseconds_per_example: f64,
}

#[derive(Serialize)]
struct Seconds {
    /// Without the bootstrap.
    evaluation: f64,
}

/// How good a part of the model is without the other.
#[derive(Serialize)]
struct PartAlone {
    part: &'static str,
    metrics: Metrics,
}

/// How good another model is, and by how much the first is above it.
#[derive(Serialize)]
struct Comparison {
    #[serde(flatten)]
    measured: Measured,
    differences: Vec<At<Difference>>,
}

/// How long single predictions of the five best labels take.
#[derive(Serialize)]
struct Latency {
    prediction: Percentiles,
    /// From the last hidden layer to the labels that the network ranks highest.
    output_layer: Option<Percentiles>,
}

pub(crate) fn run(args: &EvalArgs, show: Show) -> Result<()> {
    let load = |path: &Path| {
        let what = format!("reading {}", file_name(path));
        show.progress.during(&what, || args.runtime.open_model(path))
    };
    let model = load(&args.model)?;
    if let Some(table) = TableModel::of(&model)? {
        return tables::evaluate::run(args, model, &table, show);
    }
    let other = args.compare.as_deref().map(load).transpose()?;
    if let Some((path, other)) = args.compare.as_deref().zip(other.as_ref()) {
        let of = |model: &Model| {
            let [features, labels] = [model.feature_numbering(), model.label_numbering()].map(Numbering::width);
            format!("{features} features and {labels} labels")
        };
        let (found, expected) = (of(other), of(&model));
        let [path, first] = [path, &args.model].map(Path::display);
        ensure!(found == expected, "{path} has {found}, expected {expected} as {first} has");
    }
    let runtime = args.runtime.start()?;
    // Reading has refused them, if that was asked for.
    let predictor =
        |model| Predictor::with(model, args.retrieval.retrieval, &runtime).map(Predictor::ignoring_unknown_features);
    let first = predictor(model)?;
    let second = other.map(predictor).transpose()?;

    let reference = first.model();
    let options = args.data.reading_for(reference, args.unknown, args.runtime.threads);
    let test = read_file(&args.test, &options, show)?;
    let filter =
        args.filter.as_ref().map(|path| Filter::read(path, test.examples(), test.label_count())).transpose()?;
    let measure = |path: &Path, predictor: &Predictor| -> Result<Measured> {
        let start = Instant::now();
        let evaluation = evaluation(predictor, &test, filter.as_ref(), Some(reference), &args.metrics, show)?;
        let seconds = start.elapsed().as_secs_f64();
        let bootstrap = evaluation.bootstrap(args.resamples.get(), runtime.workers());
        Ok(Measured {
            model: path.to_owned(),
            metrics: evaluation.metrics,
            intervals: bootstrap.intervals(),
            bootstrap,
            calibration_error: evaluation.calibration_error,
            unknown: evaluation.unknown,
            label_groups: evaluation.label_groups,
            seconds: Seconds { evaluation: seconds },
            microseconds_per_example: 1e6 * seconds / test.examples().max(1) as f64,
        })
    };
    let measured = measure(&args.model, &first)?;
    unknown::warn(&measured.unknown, &args.test);
    let parts = if args.parts { vec![Parts::Network, Parts::Linear] } else { Vec::new() };
    let alone = |part: Parts| -> Result<PartAlone> {
        let predictor =
            Predictor::of_parts(reference.clone(), part, Retrieval::Auto, &runtime)?.ignoring_unknown_features();
        let metrics = evaluation(&predictor, &test, filter.as_ref(), None, &args.metrics, show)?.metrics;
        Ok(PartAlone { part: part.name(), metrics })
    };
    let parts = parts.into_iter().map(alone).collect::<Result<Vec<_>>>()?;
    let compare = |(path, second): (&Path, &Predictor)| -> Result<Comparison> {
        let other = measure(path, second)?;
        Ok(Comparison { differences: measured.bootstrap.compare(&other.bootstrap)?, measured: other })
    };
    let comparison = args.compare.as_deref().zip(second.as_ref()).map(compare).transpose()?;
    let latency = || -> Result<Latency> {
        let times = latencies(&first, &test, LATENCY_LABELS, WARM_UP)?;
        let output_layer = (!times.output_layer.is_empty()).then(|| Percentiles::of(&times.output_layer));
        Ok(Latency { prediction: Percentiles::of(&times.prediction), output_layer })
    };
    let latency = args.latency.then(|| show.progress.during("taking times", latency)).transpose()?;
    let (a, b) = args.metrics.propensity();
    let report = Report {
        file: args.test.clone(),
        measured,
        parts,
        comparison,
        latency,
        resamples: args.resamples.get(),
        propensity: PropensityConstants { a, b },
        retrieval: args.retrieval.retrieval.name(),
        isa: runtime.kernels().isa().name(),
        threads: runtime.workers().count(),
    };
    if show.json { output::print_json(&report) } else { output::print(&report.to_string()) }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { measured, parts, comparison, resamples, .. } = self;
        let Metrics { examples, examples_without_labels, .. } = measured.metrics;
        let examples = match examples_without_labels {
            0 => count(examples),
            without => format!("{}, of which {} have no label and count as 0", count(examples), count(without)),
        };
        let resamples = count(*resamples as u64);
        let width = format!("half the width of a 95 % interval, of {resamples} resamples of the examples");
        let error = format!("{:.1} % (expected calibration error)", 100.0 * measured.calibration_error);
        let mut rows = vec![("examples", examples), ("±", width), ("calibration", error), ("time", measured.time())];
        for PartAlone { part, metrics } in parts {
            writeln!(f, "{part} alone\n{}", table::metrics(metrics))?;
        }
        if let Some(Comparison { measured: other, differences }) = comparison {
            let [first, second] = [measured, other].map(|measured| measured.model.display());
            writeln!(f, "{first}\n{measured}\n{second}\n{other}\n{}", table::differences(differences))?;
            rows.push(("", other.time()));
            rows.push(("difference", format!("{first} minus {second} (resamples in which {first} is better)")));
        } else {
            writeln!(f, "{measured}")?;
        }
        if let Some(Latency { prediction, output_layer }) = &self.latency {
            rows.push(("latency", format!("{prediction} (single examples, {LATENCY_LABELS} labels)")));
            rows.extend(output_layer.as_ref().map(|times| ("", format!("{times} (output layer alone)"))));
        }
        f.write_str(&pairs(&rows))
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let metrics = table::metrics_with_intervals(&self.metrics, &self.intervals);
        write!(f, "{metrics}\n{}", table::label_groups(&self.label_groups))
    }
}

impl Measured {
    fn time(&self) -> String {
        format!("{}, {:.0} us an example", seconds(self.seconds.evaluation), self.microseconds_per_example)
    }
}

/// Evaluates a model on a test set, with progress; `filter` and `reference` are those of [`slide_core::EvaluateOptions`].
pub(crate) fn evaluation(
    predictor: &Predictor,
    test: &Dataset,
    filter: Option<&Filter>,
    reference: Option<&Model>,
    metrics: &MetricOptions,
    show: Show,
) -> Result<Evaluation, PredictError> {
    show.progress.examples("evaluating", test.examples(), |done| {
        let mut options = metrics.evaluation();
        (options.filter, options.reference, options.progress) = (filter, reference, Some(done as _));
        evaluate_with(predictor, test, options)
    })
}
