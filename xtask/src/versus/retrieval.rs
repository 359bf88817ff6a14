//! How searches of an output layer compare: slide's index beside libraries that search for the greatest inner products. All have the
//! vectors of one model, take one thread of one core, and answer the same queries in turns.

mod contestant;
mod record;
mod report;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use super::Session;
use super::environment::Environment;
use super::evaluate;
use super::record::{LeftOut, Origin};
use super::sets::{self, Set};
use crate::program::{self, Target};
use crate::workspace;
use contestant::{Contestant, Round};
use record::{Library, Method, Quality, Record, SetRecord};

/// Calls the libraries.
const SCRIPT: &str = include_str!("retrieval.py");
/// Libraries by their names in the script, with what pip is asked for.
const LIBRARIES: [(&str, &[&str]); 5] = [
    ("numpy", &["numpy"]),
    ("onnxruntime", &["onnxruntime", "onnx"]),
    ("hnswlib", &["hnswlib"]),
    ("faiss", &["faiss-cpu"]),
    ("scann", &["scann"]),
];
/// The searches of slide that are measured; the first is what the others are compared with.
const OWN: [&str; 5] = ["exact", "index:0.95", "index:0.99", "index:0.995", "lsh"];

pub(super) fn run(session: &Session<'_>, found: &BTreeMap<String, PathBuf>, origin: Origin) -> Result<()> {
    let Session { arguments, shell } = session;
    let folder = workspace::target().join("versus/retrieval");
    let environment = Environment::open(shell, &folder, SCRIPT)?;
    let mut record = Record { origin, libraries: Vec::new(), left_out: Vec::new(), sets: Vec::new() };
    for (name, requirements) in LIBRARIES {
        match environment.provide(name, &[requirements]) {
            Ok(versions) => record.libraries.push(Library { name: name.to_owned(), versions }),
            Err(error) => {
                let reason = format!("{error:#}");
                eprintln!("versus: {name} is not available: {reason}");
                record.left_out.push(LeftOut { name: name.to_owned(), reason });
            }
        }
    }
    cmd!(shell, "cargo build --quiet --release --workspace --example output_layer").quiet().run()?;
    let ground = Ground {
        slide: program::build(shell, Target::Native, &workspace::target(), "slide")?,
        output_layer: workspace::target().join("release/examples/output_layer"),
        models: arguments.models.clone().unwrap_or_else(|| folder.join("models")),
        environment,
        folder,
    };
    for (name, path) in found {
        let set = sets::prepare(name, path, &ground.folder.join("sets"))?;
        record.sets.push(ground.measure(&set, &record.libraries, arguments.rounds)?);
        session.write_json(&record)?;
    }
    let text = report::markdown_of(&record);
    print!("{text}");
    session.write_document(&text)
}

/// What is needed to measure.
struct Ground {
    slide: PathBuf,
    /// The example of the benchmarks.
    output_layer: PathBuf,
    /// Folder of models.
    models: PathBuf,
    environment: Environment,
    folder: PathBuf,
}

impl Ground {
    fn measure(&self, set: &Set, libraries: &[Library], rounds: u32) -> Result<SetRecord> {
        let say = |what: &str| eprintln!("versus: {}: {what}", set.name);
        let model = self.models.join(format!("{}.slide", set.name));
        if !model.is_file() {
            say("training");
            fs::create_dir_all(&self.models).with_context(|| format!("cannot make {}", self.models.display()))?;
            let words = ["train".as_ref(), set.train.as_os_str(), "-o".as_ref(), model.as_os_str(), "--quiet".as_ref()];
            run_command(Command::new(&self.slide).args(words))?;
        }
        let folder = self.folder.join("vectors").join(&set.name);
        run_command(Command::new(&self.output_layer).arg("export").args([&model, &set.train, &set.test, &folder]))?;

        let mut contestants: Vec<Contestant> = Vec::new();
        let mut failed = Vec::new();
        let own: Vec<OsString> = ["search".into()]
            .into_iter()
            .chain([&model, &set.train, &folder].map(|path| path.clone().into_os_string()))
            .chain(OWN.map(OsString::from))
            .collect();
        let mut commands = vec![("slide", [vec![self.output_layer.clone().into_os_string()], own].concat())];
        let asked = |library: &str| self.environment.ask(library, "search", &[&folder]);
        commands.extend(libraries.iter().map(|library| (&*library.name, asked(&library.name))));
        for (name, command) in commands {
            say(&format!("{name} is built"));
            match Contestant::start(name, &command, &folder) {
                Ok(contestant) => contestants.push(contestant),
                Err(error) => failed.push(LeftOut { name: name.to_owned(), reason: format!("{error:#}") }),
            }
        }
        let mut all: Vec<Vec<Vec<Round>>> = vec![Vec::new(); contestants.len()];
        for number in 1..=rounds {
            say(&format!("round {number}"));
            for (contestant, all) in contestants.iter_mut().zip(&mut all) {
                all.push(contestant.round()?);
            }
        }
        let examples = read_numbers(&folder.join("examples.txt"))?;
        let truth: Vec<&[u32]> = examples.iter().map(|&example| &*set.truth[example]).collect();
        let answers = |library: &str, method: &str| {
            let path = folder.join(format!("answers-{library}-{method}"));
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            evaluate::parse(&text, set.size.labels).with_context(|| format!("{}", path.display()))
        };
        let exact = answers("slide", OWN[0])?;
        let mut methods = Vec::new();
        for (contestant, rounds) in contestants.iter().zip(&all) {
            for (number, built) in contestant.built().iter().enumerate() {
                methods.push(Method {
                    library: contestant.name().to_owned(),
                    built: built.clone(),
                    quality: Quality::of(&answers(contestant.name(), &built.method)?, &exact, &truth)?,
                    rounds: rounds.iter().map(|methods| methods[number].clone()).collect(),
                });
            }
        }
        Ok(SetRecord { name: set.name.clone(), labels: set.size.labels, queries: examples.len(), methods, failed })
    }
}

fn run_command(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(status.success(), "{} fails", command.get_program().display());
    Ok(())
}

fn read_numbers(path: &Path) -> Result<Vec<usize>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines().map(|line| line.parse().with_context(|| format!("{}: `{line}`", path.display()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_has_each_library() {
        for (name, _) in LIBRARIES {
            assert!(SCRIPT.contains(&format!("    \"{name}\": [")), "retrieval.py has no {name}");
        }
    }
}
