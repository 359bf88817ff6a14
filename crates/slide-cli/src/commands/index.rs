//! `slide index`.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use slide_core::{BuildIndex, IndexConfig, IndexReport, Model, Parts, Predictor, Retrieval, latencies};

use super::Show;
use super::train::read_file;
use crate::args::IndexArgs;
use crate::files;
use crate::output::{self, bytes, count};
use crate::percentiles::Percentiles;

/// Queries that times are taken of.
const TIMED: usize = 1000;

pub(crate) fn run(args: &IndexArgs, show: Show) -> Result<()> {
    let path = args.output.as_ref().unwrap_or(&args.model);
    files::check_different(&[path], &[&args.data])?;
    files::check_writable(path)?;
    let mut model = Model::load_placed(&args.model, &args.runtime.placement())?;
    let runtime = args.runtime.start()?;
    let options = args.reading.reading_for(&model, args.unknown, args.runtime.threads);
    let data = read_file(&args.data, &options, show)?;
    let mut config = IndexConfig::default();
    (config.index, config.index_recall) = (BuildIndex::Always, args.recall);
    (config.index_queries, config.index_lists) = (args.queries.map(Into::into), args.lists.map(Into::into));
    let start = Instant::now();
    let report = show.progress.during("building the index", || model.build_index(&data, &config, &runtime))?;
    let seconds = start.elapsed().as_secs_f64();
    show.progress.during("writing the model", || model.save(path))?;
    let timed = data.select(&(0..data.examples().min(TIMED) as u32).collect::<Vec<_>>());
    let predictor = Predictor::of_parts(model, Parts::Network, Retrieval::Index, &runtime)?.ignoring_unknown_features();
    let times = Percentiles::of(&latencies(&predictor, &timed, 5, TIMED)?.output_layer);
    if show.json {
        let (seconds, latency) = (json!({ "index": seconds }), json!({ "output_layer": times }));
        let report = json!({ "model": path.display().to_string(), "file": args.data.display().to_string(), "index": report, "latency": latency, "seconds": seconds });
        return output::print_json(&report);
    }
    output::print(&format!(
        "index: {}, built in {}\ntime of the five best labels of a query: {times}\n",
        text(&report),
        output::seconds(seconds)
    ))
}

/// What an index is and finds.
pub(crate) fn text(report: &IndexReport) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    format!(
        "{} lists, {}, learnt from {} examples: reads {:.0} labels of {:.1} lists, and finds {} of the best and {} of the five best \
         labels of {} other examples (P@1 {}, of all labels {})",
        count(report.lists),
        bytes(report.bytes as u64),
        count(report.queries),
        report.rows_read,
        report.lists_read,
        percent(report.recall_at_1),
        percent(report.recall_at_5),
        count(report.held_out),
        percent(report.precision),
        percent(report.exact_precision),
    )
}
