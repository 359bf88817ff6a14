//! Texts in, labels out: slide beside fastText, Vowpal Wabbit and a linear support vector machine on tf-idf of scikit-learn.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use slide_benches::statistics::median;

use super::Session;
use super::environment::{Environment, Versions};
use super::record::Origin;
use crate::program::{self, Target};
use crate::workspace;

const PEERS: &str = include_str!("text_peers.py");
/// Sets that are looked for if none are named.
const SETS: [&str; 3] = ["imdb", "clinc150", "tibkat-titles"];
/// One of these files is in the folder of a set.
const FILES: [&str; 3] = ["train.jsonl", "train.jsonl.zst", "data_full.json.zst"];
/// Systems: name, as in tables, and packages.
const SYSTEMS: [(&str, &str, &[&str]); 4] = [
    ("slide", "slide", &[]),
    ("fasttext", "fastText", &["fasttext-wheel"]),
    ("vw", "Vowpal Wabbit", &["vowpalwabbit"]),
    ("svc", "tf-idf + linear SVC (scikit-learn)", &["scikit-learn"]),
];

#[derive(Serialize)]
struct Record {
    origin: Origin,
    versions: BTreeMap<String, Versions>,
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    set: String,
    system: String,
    round: u32,
    /// None if the system cannot learn the set.
    found: Option<Found>,
    problem: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Found {
    accuracy: f64,
    wall_seconds: f64,
    cpu_seconds: f64,
    bytes: u64,
    microseconds: f64,
}

pub(super) fn run(session: &Session<'_>, folders: &[PathBuf], origin: Origin) -> Result<()> {
    let Session { arguments, shell } = session;
    let sets = find(folders, &arguments.sets)?;
    let folder = workspace::target().join("versus-text");
    let environment = Environment::open(shell, &folder, PEERS)?;
    environment.provide("prepare", &[&["zstandard"]])?;
    let slide = program::build(shell, Target::Native, &workspace::target(), "slide")?;
    let mut record = Record { origin, versions: BTreeMap::new(), runs: Vec::new() };
    let mut systems = Vec::new();
    for (name, title, packages) in SYSTEMS {
        match environment.provide(name, &[packages]) {
            Ok(versions) => {
                record.versions.insert(name.to_owned(), versions);
                systems.push((name, title));
            }
            Err(error) => eprintln!("versus: {title} is left out: {error:#}"),
        }
    }
    for (set, path) in &sets {
        let prepared = folder.join("sets").join(set);
        if !prepared.join("test.jsonl").exists() {
            environment.run(set, "prepare", &[path, &prepared]).with_context(|| format!("cannot prepare {set}"))?;
        }
    }
    for round in 1..=arguments.rounds {
        for set in sets.keys() {
            let data = folder.join("sets").join(set);
            for &(system, title) in &systems {
                eprintln!("versus: {title}, {set}, round {round}");
                let runs = folder.join("runs");
                let words = [&*data.join("train.jsonl"), &*data.join("test.jsonl"), &runs, &slide];
                let (found, problem) = match environment.answer(system, "run", &words) {
                    Ok(found) => (Some(found), None),
                    Err(error) => (None, Some(format!("{error:#}"))),
                };
                record.runs.push(Run { set: set.clone(), system: system.to_owned(), round, found, problem });
                session.write_json(&record)?;
            }
        }
    }
    let text = report(&record, &sets.into_keys().collect::<Vec<_>>());
    print!("{text}");
    session.write_document(&text)
}

/// The folders of the sets: below those that are given.
fn find(folders: &[PathBuf], wanted: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let known = SETS.map(str::to_owned);
    for set in if wanted.is_empty() { &known } else { wanted } {
        let has_texts = |folder: &PathBuf| FILES.iter().any(|file| folder.join(file).is_file());
        match folders.iter().map(|folder| folder.join(set)).find(has_texts) {
            Some(folder) => drop(found.insert(set.clone(), folder)),
            None if !wanted.is_empty() => bail!("no folder of --data has {set} with train.jsonl"),
            None => {}
        }
    }
    ensure!(!found.is_empty(), "no folder of --data has {}", SETS.join(", "));
    Ok(found)
}

fn report(record: &Record, sets: &[String]) -> String {
    let Origin { command, date, commit, .. } = &record.origin;
    let mut text = String::from(
        "| set | system | accuracy (P@1) | training, s | CPU-s | model, MB | one prediction, us |\n|---|---|---|---|---|---|---|\n",
    );
    for set in sets {
        for (system, title, _) in SYSTEMS {
            let runs = || record.runs.iter().filter(|run| run.set == *set && run.system == system);
            let found = |of: fn(&Found) -> f64| {
                median(&mut runs().filter_map(|run| run.found.as_ref().map(of)).collect::<Vec<_>>())
            };
            if runs().all(|run| run.found.is_none()) {
                if let Some(problem) = runs().find_map(|run| run.problem.as_ref()) {
                    text += &format!("| {set} | {title} | {problem} | | | | |\n");
                }
                continue;
            }
            text += &format!(
                "| {set} | {title} | {:.2} | {:.1} | {:.1} | {:.1} | {:.0} |\n",
                100.0 * found(|found| found.accuracy),
                found(|found| found.wall_seconds),
                found(|found| found.cpu_seconds),
                found(|found| found.bytes as f64 / 1e6),
                found(|found| found.microseconds),
            );
        }
    }
    text + &format!("\n(`{command}`, {date}, commit {commit}; two threads; medians of the rounds)\n")
}
