//! `slide index`.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use slide_core::data::ReadOptions;
use slide_core::{IndexConfig, IndexReport, Model};

use super::Show;
use super::train::read_file;
use crate::args::IndexArgs;
use crate::files;
use crate::output::{self, bytes, count};
use crate::usage::Usage;

pub(crate) fn run(args: &IndexArgs, show: Show) -> Result<()> {
    if !(args.recall > 0.0 && args.recall <= 1.0) {
        return Err(Usage(format!("--recall: expected a share above 0 and at most 1, found {}", args.recall)).into());
    }
    let path = args.output.as_ref().unwrap_or(&args.model);
    files::check_different(&[path], &[&args.data])?;
    files::check_writable(path)?;
    let mut model = Model::load_placed(&args.model, &args.runtime.placement())?;
    let runtime = args.runtime.start()?;
    let options = ReadOptions {
        feature_count: Some(model.features()),
        label_count: Some(model.labels()),
        ..args.reading.reading(args.runtime.threads)
    };
    let data = read_file(&args.data, &options, show)?;
    let mut config = IndexConfig::default();
    (config.recall, config.queries, config.lists) =
        (args.recall, args.queries.map(Into::into), args.lists.map(Into::into));
    let start = Instant::now();
    let report = show.progress.during("building the index", || model.build_index(&data, &config, &runtime))?;
    let seconds = start.elapsed().as_secs_f64();
    show.progress.during("writing the model", || model.save(path))?;
    if show.json {
        return output::print_json(&json!({ "model": path, "seconds": seconds, "index": report }));
    }
    output::print(&(text(&report, seconds) + "\n"))
}

fn text(report: &IndexReport, seconds: f64) -> String {
    format!(
        "index of {} lists, {}, built in {}: finds {} of the best and {} of the five best labels of {} held-out examples, reading {:.0} rows of \
         {:.1} lists",
        count(report.lists),
        bytes(report.bytes as u64),
        output::seconds(seconds),
        percent(report.recall_at_1),
        percent(report.recall_at_5),
        count(report.held_out),
        report.rows_read,
        report.lists_read,
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
