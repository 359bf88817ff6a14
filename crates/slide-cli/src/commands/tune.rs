//! `slide tune`.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use serde_json::json;
use slide_core::{TrainConfig, write_atomically};

use super::Show;
use super::train::read_file;
use crate::args::TuneArgs;
use crate::files;
use crate::output;
use crate::settings::{as_toml, reasons_as_toml};

pub(crate) fn run(args: &TuneArgs, show: Show) -> Result<()> {
    let config = args.settings.over(&TrainConfig::default())?;
    let output = args.output.as_deref().filter(|path| !files::is_stdout(path));
    if let Some(path) = output {
        files::check_different(&[path], &[&args.train])?;
        files::check_writable(path)?;
    }
    let data = read_file(&args.train, &args.data.reading(args.runtime.threads), show)?;
    let (config, choices) = config.resolved(&data);
    let text = reasons_as_toml(&choices) + "\n" + &as_toml(&config);
    match output {
        Some(path) => write_atomically(path, |file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?,
        None if !show.json => return output::print(&text),
        None => {}
    }
    if show.json {
        output::print_json(&json!({ "file": args.train.display().to_string(), "choices": choices, "config": config }))
    } else {
        Ok(())
    }
}
