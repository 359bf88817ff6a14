//! `slide quantize`.

use std::fs;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use slide_core::metrics::Metrics;
use slide_core::{Model, Predictor, QuantizeConfig};

use super::Show;
use super::eval::evaluation;
use super::train::read_file;
use crate::args::{MetricOptions, QuantizeArgs};
use crate::files;
use crate::output::{self, bytes};
use crate::table::Table;
use crate::usage::Usage;

/// What is shown, and what is written as JSON.
#[derive(Serialize)]
struct Report {
    #[serde(serialize_with = "output::path_text")]
    model: std::path::PathBuf,
    /// If there was data, and so the metrics.
    file: Option<String>,
    bytes_before: u64,
    bytes_after: u64,
    metrics_before: Option<Metrics>,
    metrics_after: Option<Metrics>,
}

pub(crate) fn run(args: &QuantizeArgs, show: Show) -> Result<()> {
    if !(args.prune >= 0.0 && args.prune < 1.0) {
        return Err(Usage(format!("--prune: expected a share from 0 to less than 1, found {}", args.prune)).into());
    }
    if args.max_loss.is_nan() {
        return Err(Usage("--max-loss: expected a number of percentage points, found NaN".into()).into());
    }
    let path = args.output.as_ref().unwrap_or(&args.model);
    files::check_different(&[path], &args.data.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    files::check_writable(path)?;
    let bytes_before = fs::metadata(&args.model)?.len();
    let model =
        show.progress.during("reading the model", || Model::load_placed(&args.model, &args.runtime.placement()))?;
    let runtime = args.runtime.start()?;
    let mut config = QuantizeConfig::default();
    (config.to, config.input_bits, config.prune) = (args.to, args.input_bits, args.prune);
    let Some(data) = &args.data else {
        let mut model = model;
        model.quantize(&config, &runtime)?;
        show.progress.note("nothing was checked: --data FILE measures what the predictions lose");
        show.progress.during("writing the model", || model.save(path))?;
        return print(args, [bytes_before, fs::metadata(path)?.len()], None, show);
    };
    let data = read_file(data, &args.reading.reading_for(&model, args.unknown, args.runtime.threads), show)?;
    let measure = |model: &Arc<Model>| -> Result<Metrics> {
        let predictor = Predictor::with(model.clone(), args.retrieval.retrieval, &runtime)?.ignoring_unknown_features();
        Ok(evaluation(&predictor, &data, None, None, &MetricOptions::default(), show)?.metrics)
    };
    let mut model = Arc::new(model);
    let before = measure(&model)?;
    Arc::get_mut(&mut model).context("the model is still in use")?.quantize(&config, &runtime)?;
    let after = measure(&model)?;
    let loss = 100.0 * (before.at[0].precision - after.at[0].precision);
    ensure!(
        loss <= args.max_loss,
        "P@1 would fall by {loss:.2} points, from {:.2} to {:.2}, which is more than --max-loss {}; nothing was written",
        100.0 * before.at[0].precision,
        100.0 * after.at[0].precision,
        args.max_loss,
    );
    show.progress.during("writing the model", || model.save(path))?;
    print(args, [bytes_before, fs::metadata(path)?.len()], Some([before, after]), show)
}

fn print(args: &QuantizeArgs, [before, after]: [u64; 2], metrics: Option<[Metrics; 2]>, show: Show) -> Result<()> {
    let (metrics_before, metrics_after) = metrics.map(|[before, after]| (before, after)).unzip();
    let report = Report {
        model: args.output.as_ref().unwrap_or(&args.model).clone(),
        file: args.data.as_ref().map(|path| path.display().to_string()),
        bytes_before: before,
        bytes_after: after,
        metrics_before,
        metrics_after,
    };
    if show.json { output::print_json(&report) } else { output::print(&report.to_string()) }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = Table::new(["", "before", "after", "difference"]);
        let share = 100.0 * (self.bytes_after as f64 / self.bytes_before.max(1) as f64 - 1.0);
        table.row(["bytes".into(), bytes(self.bytes_before), bytes(self.bytes_after), format!("{share:+.0} %")]);
        for (before, after) in self.metrics_before.iter().zip(&self.metrics_after) {
            for (before, after) in before.at.iter().zip(&after.at) {
                let [first, second] = [before, after].map(|at| 100.0 * at.precision);
                let difference = format!("{:+.2}", second - first);
                table.row([format!("P@{}", before.k), format!("{first:.2}"), format!("{second:.2}"), difference]);
            }
        }
        write!(f, "{table}")
    }
}
