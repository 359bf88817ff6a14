//! `slide export`.

use std::fs;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use slide_core::Model;

use super::Show;
use crate::args::{ExportArgs, ExportType};
use crate::files;
use crate::output::{self, bytes, count};

/// What is written as JSON.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(serialize_with = "output::path_text")]
    model: &'a std::path::Path,
    #[serde(serialize_with = "output::path_text")]
    file: &'a std::path::Path,
    #[serde(rename = "type")]
    kind: &'static str,
    bytes: u64,
    parameters: usize,
    seconds: Seconds,
}

#[derive(Serialize)]
struct Seconds {
    reading: f64,
    writing: f64,
}

pub(crate) fn run(args: &ExportArgs, show: Show) -> Result<()> {
    let ExportArgs { model: path, output, dtype } = args;
    files::check_different(&[output], &[path])?;
    files::check_writable(output)?;
    let start = Instant::now();
    let model = show.progress.during("reading the model", || Model::load(path))?;
    let reading = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let kind = match dtype {
        ExportType::F32 => {
            show.progress.during("writing", || model.export_f32(output))?;
            "f32"
        }
    };
    let seconds = Seconds { reading, writing: start.elapsed().as_secs_f64() };
    let (written, parameters) = (fs::metadata(output)?.len(), model.parameters());
    if show.json {
        return output::print_json(&Report { model: path, file: output, kind, bytes: written, parameters, seconds });
    }
    let parameters = count(parameters);
    output::print(&format!("{}: {parameters} parameters as {kind}, {}", output.display(), bytes(written)))
}
