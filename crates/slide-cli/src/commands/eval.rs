//! `slide eval`.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use slide_core::data::{Filter, ReadOptions};
use slide_core::infer::evaluate;
use slide_core::model::Model;

use super::Show;
use super::train::read_file;
use crate::args::EvalArgs;
use crate::output::{self, count, pairs, seconds};
use crate::table;

pub(crate) fn run(args: &EvalArgs, show: Show) -> Result<()> {
    let model = show.progress.during("reading the model", || Model::load(&args.model, &args.runtime.placement()))?;
    let runtime = args.runtime.start()?;
    let options = ReadOptions {
        feature_count: Some(model.features()),
        label_count: Some(model.labels()),
        ..args.data.reading(args.runtime.threads)
    };
    let test = read_file(&args.test, &options, show)?;
    let filter = args.filter.as_ref().map(|path| Filter::read(path, test.points(), test.label_count())).transpose()?;
    let start = Instant::now();
    let metrics = show
        .progress
        .points("evaluating", test.points(), |done| evaluate(&model, &runtime, &test, filter.as_ref(), done))?;
    let spent = start.elapsed().as_secs_f64();
    let per_point = 1e6 * spent / test.points().max(1) as f64;
    if show.json {
        return output::print_json(&json!({
            "metrics": metrics,
            "seconds": spent,
            "microseconds_per_point": per_point,
            "isa": runtime.kernels.isa().name(),
            "threads": runtime.workers.count(),
        }));
    }
    let points = match metrics.points_without_labels {
        0 => count(metrics.points),
        without => format!("{}, of which {} have no label and count as 0", count(metrics.points), count(without)),
    };
    let time = format!("{}, {per_point:.0} us a point", seconds(spent));
    output::print(&format!("{}\n{}", table::metrics(&metrics), pairs(&[("points", points), ("time", time)])))
}
