//! How slide compares with other systems, in the same run on the same machine.

mod environment;
mod evaluate;
mod measure;
mod plot;
mod record;
mod report;
mod retrieval;
mod sets;
mod system;
mod text;
mod trial;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::Serialize;
use slide_benches::machine;
use xshell::{Shell, cmd};

use crate::cli::{VersusArguments, name_of};
use crate::program::{self, Target};
use crate::workspace;
use environment::Environment;
use record::{Contestant, LeftOut, Origin, Record, SetRecord};
use sets::Set;
pub(crate) use system::System;
use system::{COMMON, PEERS};
use trial::Ground;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Metrics, and what training and predicting take
    Accuracy,
    /// Searches of an output layer: how much they find, and how fast
    Retrieval,
    /// Classifiers of texts: from the file of texts to the model, and one prediction
    Text,
}

pub(crate) fn run(arguments: &VersusArguments) -> Result<()> {
    let session = Session { arguments, shell: workspace::shell()? };
    session.check()?;
    let mut folders = arguments.data.clone();
    if folders.is_empty() {
        folders.push(workspace::root().join("data"));
    }
    let compiler = program::compiler(&session.shell, Target::Native)?;
    let origin = Origin::now(&session.shell, machine::detect(), compiler, command(arguments))?;
    match arguments.suite {
        Suite::Accuracy => accuracy(&session, &sets::find(&folders, &arguments.sets)?, origin),
        Suite::Retrieval => retrieval::run(&session, &sets::find(&folders, &arguments.sets)?, origin),
        Suite::Text => text::run(&session, &folders, origin),
    }
}

fn accuracy(session: &Session<'_>, found: &BTreeMap<String, PathBuf>, origin: Origin) -> Result<()> {
    let Session { arguments, shell } = session;
    let mut record = Record { origin, systems: Vec::new(), left_out: Vec::new(), sets: Vec::new() };
    let folder = workspace::target().join("versus");
    let environment = Environment::open(shell, &folder, PEERS)?;
    provide(&environment, &arguments.peers, &mut record);
    let ground = Ground {
        environment: &environment,
        slide: program::build(shell, Target::Native, &workspace::target(), "slide")?,
        prediction_time: build_prediction_time(shell)?,
        folder: folder.join("runs"),
    };
    let mut prepared: Vec<Set> = Vec::new();
    for (name, path) in found {
        let set = sets::prepare(name, path, &folder.join("sets"))?;
        record.sets.push(SetRecord { name: name.clone(), size: set.size, runs: Vec::new() });
        prepared.push(set);
    }
    let systems: Vec<System> = record.systems.iter().map(|contestant| contestant.system).collect();
    for round in 1..=arguments.rounds {
        for (i, set) in prepared.iter().enumerate() {
            for &system in &systems {
                record.sets[i].runs.push(ground.run(system, set, round));
                // What was found is kept, whatever comes after it.
                session.write_json(&record)?;
            }
        }
    }
    let text = report::markdown_of(&record);
    print!("{text}");
    if let Some(path) = &arguments.svg {
        workspace::write_whole(path, &plot::draw(&record)?)?;
    }
    session.write_document(&text)
}

/// What repeats the run. Where the data lie is nobody's business.
fn command(arguments: &VersusArguments) -> String {
    let mut command = format!("cargo xtask versus --suite {}", name_of(arguments.suite));
    for folder in &arguments.data {
        let is_own = folder == Path::new("data");
        command.push_str(if is_own { " --data data" } else { " --data FOLDER" });
    }
    if !arguments.sets.is_empty() {
        command.push_str(&format!(" --sets {}", arguments.sets.join(",")));
    }
    if arguments.peers != System::PEERS {
        let names: Vec<_> = arguments.peers.iter().map(|peer| peer.name()).collect();
        command.push_str(&format!(" --peers {}", names.join(",")));
    }
    if arguments.models.is_some() {
        command.push_str(" --models FOLDER");
    }
    if arguments.rounds != 1 {
        command.push_str(&format!(" --rounds {}", arguments.rounds));
    }
    command
}

/// Slide, and the peers that can be installed.
fn provide(environment: &Environment, peers: &[System], record: &mut Record) {
    let versions = [("slide".to_owned(), format!("{} ({})", env!("CARGO_PKG_VERSION"), record.origin.commit))];
    let settings = |system: System| system.settings().to_owned();
    let slide = System::Slide;
    record.systems.push(Contestant { system: slide, settings: settings(slide), versions: versions.into() });
    for &system in peers {
        match environment.provide(system.name(), &[&COMMON, system.requirements()]) {
            Ok(versions) => record.systems.push(Contestant { system, settings: settings(system), versions }),
            Err(error) => {
                let reason = format!("{error:#}");
                eprintln!("versus: {} is left out: {reason}", system.name());
                record.left_out.push(LeftOut { name: system.title().to_owned(), reason });
            }
        }
    }
}

fn build_prediction_time(shell: &Shell) -> Result<PathBuf> {
    cmd!(shell, "cargo build --quiet --release --workspace --example prediction_time").quiet().run()?;
    Ok(workspace::target().join("release/examples/prediction_time"))
}

/// What is asked for. Paths are those of the caller's folder, and not of the workspace's root.
struct Session<'a> {
    arguments: &'a VersusArguments,
    shell: Shell,
}

impl Session<'_> {
    /// A document without a place for the report is better told now than after the run.
    fn check(&self) -> Result<()> {
        self.arguments.document.as_deref().map_or(Ok(()), |path| self.with_report(path, "").map(drop))
    }

    fn write_json(&self, record: &impl Serialize) -> Result<()> {
        let Some(path) = &self.arguments.json else { return Ok(()) };
        workspace::write_json(path, record)
    }

    fn write_document(&self, report: &str) -> Result<()> {
        let Some(path) = &self.arguments.document else { return Ok(()) };
        workspace::write_whole(path, &self.with_report(path, report)?)
    }

    fn with_report(&self, document: &Path, report: &str) -> Result<String> {
        let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
        report::insert(&text, &name_of(self.arguments.suite), report).with_context(|| format!("{}", document.display()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli;

    fn arguments(words: &[&str]) -> VersusArguments {
        let words = ["cargo xtask", "versus", "--suite", "accuracy"].iter().chain(words);
        let cli::Task::Versus(arguments) = cli::Arguments::try_parse_from(words).unwrap().task else {
            unreachable!("the task is named")
        };
        arguments
    }

    #[test]
    fn a_record_says_what_repeats_it() {
        assert_eq!(command(&arguments(&[])), "cargo xtask versus --suite accuracy");
        let words = [
            "--data",
            "data",
            "--data",
            "/secret",
            "--sets",
            "b,a",
            "--peers",
            "pecos,pytorch",
            "--rounds",
            "3",
            "--json",
            "x.json",
        ];
        let expected =
            "cargo xtask versus --suite accuracy --data data --data FOLDER --sets b,a --peers pecos,pytorch --rounds 3";
        assert_eq!(command(&arguments(&words)), expected);
    }
}
