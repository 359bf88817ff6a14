//! A file for each verb.

mod data;
mod demo;
mod eval;
mod export;
pub(crate) mod index;
mod info;
mod predict;
mod quantize;
mod serve;
mod train;
mod tune;

pub(crate) use eval::{LATENCY_LABELS, WARM_UP};

use anyhow::Result;

use crate::args::{Cli, Verb};
use crate::interrupt;
use crate::progress::Style;
use crate::tables;

/// The result of a verb that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Done,
    Interrupted,
}

/// How a verb shows progress and results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Show {
    pub(crate) progress: Style,
    pub(crate) json: bool,
}

pub(crate) fn run(cli: Cli) -> Result<Status> {
    let show = Show { progress: Style::new(cli.output.quiet), json: cli.output.json };
    if cli.verb.writes_files() {
        interrupt::remove_unfinished_files()?;
    }
    match cli.verb {
        Verb::Train(args) => return train::run(&args, show),
        Verb::Demo(args) => return demo::run(&args, show),
        Verb::Tune(args) => tune::run(&args, show)?,
        Verb::Index(args) => index::run(&args, show)?,
        Verb::Quantize(args) => quantize::run(&args, show)?,
        Verb::Export(args) => export::run(&args, show)?,
        Verb::Eval(args) => eval::run(&args, show)?,
        Verb::Predict(args) => predict::run(&args, show)?,
        Verb::Explain(args) => tables::explain::run(&args, show)?,
        Verb::Serve(args) => serve::run(&args, show)?,
        Verb::Info(args) => info::run(&args, show)?,
        Verb::Data(verb) => data::run(&verb, show)?,
    }
    Ok(Status::Done)
}
