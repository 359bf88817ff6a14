//! `slide eval`.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use slide_core::data::{Filter, ReadOptions};
use slide_core::{Dataset, EvaluateOptions, Metrics, Model, PredictError, Predictor, evaluate_with};

use super::Show;
use super::train::read_file;
use crate::args::EvalArgs;
use crate::output::{self, count, pairs, seconds};
use crate::table;

pub(crate) fn run(args: &EvalArgs, show: Show) -> Result<()> {
    let model =
        show.progress.during("reading the model", || Model::load_placed(&args.model, &args.runtime.placement()))?;
    let runtime = args.runtime.start()?;
    let predictor = Predictor::with(model, args.retrieval, &runtime)?;
    let model = predictor.model();
    let options = ReadOptions {
        feature_count: Some(model.features()),
        label_count: Some(model.labels()),
        ..args.data.reading(args.runtime.threads)
    };
    let test = read_file(&args.test, &options, show)?;
    let filter =
        args.filter.as_ref().map(|path| Filter::read(path, test.examples(), test.label_count())).transpose()?;
    let start = Instant::now();
    let metrics = show
        .progress
        .examples("evaluating", test.examples(), |done| evaluation(&predictor, &test, filter.as_ref(), done))?;
    let spent = start.elapsed().as_secs_f64();
    let per_example = 1e6 * spent / test.examples().max(1) as f64;
    if show.json {
        return output::print_json(&json!({
            "metrics": metrics,
            "retrieval": args.retrieval.name(),
            "seconds": spent,
            "microseconds_per_example": per_example,
            "isa": runtime.kernels().isa().name(),
            "threads": runtime.workers().count(),
        }));
    }
    let examples = match metrics.examples_without_labels {
        0 => count(metrics.examples),
        without => format!("{}, of which {} have no label and count as 0", count(metrics.examples), count(without)),
    };
    let time = format!("{}, {per_example:.0} us an example", seconds(spent));
    output::print(&format!("{}\n{}", table::metrics(&metrics), pairs(&[("examples", examples), ("time", time)])))
}

/// The metrics of a model on a test set, with progress.
pub(crate) fn evaluation<'a>(
    predictor: &Predictor,
    test: &Dataset,
    filter: Option<&'a Filter>,
    done: &'a mut (dyn FnMut(usize) + 'a),
) -> Result<Metrics, PredictError> {
    let mut options = EvaluateOptions::default();
    (options.filter, options.progress) = (filter, Some(done));
    evaluate_with(predictor, test, options)
}
