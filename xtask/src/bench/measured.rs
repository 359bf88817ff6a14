//! Suites that run: on this machine here, and what becomes of the lines that they write.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use slide_benches::record::{self as lines, Line, Request};
use xshell::{Shell, cmd};

use super::record::{Entry, Measured, Origin, Record};
use super::target::Suite;
use crate::artifacts::Artifacts;
use crate::cli::{BenchArguments, Selection, name_of};
use crate::count::{self, Counter};
use crate::cross;
use crate::process;
use crate::program::{self, Program, Target};
use crate::workspace;

/// Builds the program of a suite. It needs no other file where it runs.
pub(crate) fn build(shell: &Shell, target: Target, suite: Suite) -> Result<PathBuf> {
    let _environment = program::environment(shell, target)?;
    let option: &[&str] = if target == Target::Graviton { &["--target", cross::TARGET] } else { &[] };
    let name = &name_of(suite);
    eprintln!("bench: building the suite {name}");
    let what = ["--quiet", "--workspace", "--bench", name, "--no-run"];
    let messages =
        cmd!(shell, "cargo bench {what...} {option...} --message-format json-render-diagnostics").quiet().read()?;
    Ok(Artifacts::parse(&messages)?.tests_of("benches", Some(name))?[0].executable.clone())
}

/// What a suite is asked for; the record's file is not said yet.
pub(crate) fn request(arguments: &BenchArguments) -> Result<Request> {
    Ok(Request {
        levels: arguments.target.levels()?,
        filter: arguments.filter.as_ref().map(ToString::to_string),
        typical: !arguments.every_shape,
        record: None,
    })
}

/// Runs a suite on this machine.
pub(crate) fn run_here(program: &Path, request: Request) -> Result<Vec<Line>> {
    let folder = workspace::scratch("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let record = folder.join(format!("lines-{}", std::process::id()));
    let request = Request { record: Some(record.clone()), ..request };
    let mut command = Command::new(program);
    command.arg("--bench").env(lines::REQUEST, serde_json::to_string(&request)?);
    command.env("CRITERION_HOME", workspace::target().join("criterion"));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = process::start(&mut command)?;
    pass_on(child.stderr.take().context("a pipe")?);
    let status = child.wait()?;
    let text = fs::read_to_string(&record);
    // It has been read, or was never there.
    let _ = fs::remove_file(&record);
    ensure!(status.success(), "{} ended with {status}", program.display());
    lines::parse(&text.with_context(|| format!("{} has left no record", program.display()))?)
}

/// Passes on what a suite says on standard error, line by line, but for what criterion says of its own doings; on a terminal
/// lines of progress take the place of each other. Returns the last lines.
pub(crate) fn pass_on(errors: impl Read) -> String {
    const LAST: usize = 20;
    let own = io::stderr();
    let mut last = VecDeque::new();
    for line in BufReader::new(errors).lines().map_while(Result::ok).filter(|line| !line.starts_with("Benchmarking ")) {
        if own.is_terminal() && line.contains(" of ") {
            eprint!("\r\x1b[K{line}\r");
        } else {
            eprintln!("{line}");
        }
        last.push_back(line);
        if last.len() > LAST {
            last.pop_front();
        }
    }
    Vec::from(last).join("\n")
}

/// The record of what a suite has found; `target` is what it was built for.
pub(crate) fn assemble(
    shell: &Shell,
    arguments: &BenchArguments,
    suite: Suite,
    target: Target,
    lines: Vec<Line>,
) -> Result<Record> {
    let (mut machine, mut roofs, mut entries, mut notes) = (None, Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Machine(found) => machine = Some(found),
            Line::Roof(roof) => roofs.push(roof),
            Line::Note(note) => notes.push(note),
            Line::Measured(lines::Measured { subject, shape, level, cost, nanoseconds, p99, limit, counters }) => {
                let measured = Some(Measured { nanoseconds, p99, limit, counters });
                entries.push(Entry { subject, shape, level, cost, measured, counted: None, modelled: BTreeMap::new() });
            }
        }
    }
    group(&mut entries);
    let mut machine = machine.context("the suite has not said on which machine it ran")?;
    machine.notes.append(&mut notes);
    let because = if arguments.filter.is_some() { ": nothing matches the filter" } else { "" };
    ensure!(!entries.is_empty(), "the suite {} has measured nothing{because}", name_of(suite));
    Ok(Record {
        target: arguments.target.name().to_owned(),
        suite: name_of(suite),
        origin: Origin::now(shell, machine, program::compiler(shell, target)?, command(arguments, suite))?,
        roofs,
        entries,
    })
}

/// Puts the levels of a subject and shape together, in the order in which these first came.
fn group(entries: &mut [Entry]) {
    let subjects: Vec<_> = entries.iter().map(|entry| (entry.subject.clone(), entry.shape.clone())).collect();
    let first =
        |entry: &Entry| subjects.iter().position(|(subject, shape)| (subject, shape) == (&entry.subject, &entry.shape));
    entries.sort_by_key(first);
}

/// What repeats the run. Which host it was is nobody's business.
pub(super) fn command(arguments: &BenchArguments, suite: Suite) -> String {
    use super::target::Target;
    let target = match &arguments.target {
        Target::Ssh(_) => "ssh:HOST".to_owned(),
        other => other.to_string(),
    };
    let mut command = format!("cargo xtask bench --target {target} --suite {}", name_of(suite));
    if let Some(filter) = &arguments.filter {
        command.push_str(&format!(" --filter '{filter}'"));
    }
    if arguments.every_shape {
        command.push_str(" --every-shape");
    }
    command
}

/// Adds the instructions of a call, where that is one of those that `cargo xtask count` counts.
pub(crate) fn add_counts(shell: &Shell, target: Target, entries: &mut [Entry]) -> Result<()> {
    let mut runs = count::runs(&Selection::all(target), target.architecture()?, false)?;
    runs.retain(|run| entries.iter().any(|entry| entry.is_of(run)));
    if runs.is_empty() {
        return Ok(());
    }
    eprintln!("bench: counting the instructions of {} cases", runs.len());
    let program = Program::build(shell, target)?;
    let histograms = Counter::new(&program, target)?.histograms(&runs);
    for (run, histogram) in runs.iter().zip(histograms) {
        let instructions = histogram.with_context(|| run.to_string())?.values().sum();
        entries.iter_mut().filter(|entry| entry.is_of(run)).for_each(|entry| entry.counted = Some(instructions));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli;

    fn arguments(words: &[&str]) -> BenchArguments {
        let words = ["cargo xtask", "bench"].iter().chain(words);
        let cli::Task::Bench(arguments) = cli::Arguments::try_parse_from(words).unwrap().task else {
            unreachable!("the task is named")
        };
        arguments
    }

    #[test]
    fn what_is_said_is_passed_on() {
        let said = "kernels: 1 of 2: avx2 dot::dot\nBenchmarking dot::dot\nError: no memory\n";
        assert_eq!(pass_on(said.as_bytes()), "kernels: 1 of 2: avx2 dot::dot\nError: no memory");
        let many = "line\n".repeat(100);
        assert_eq!(pass_on(many.as_bytes()).lines().count(), 20);
    }

    #[test]
    fn a_record_says_what_repeats_it() {
        let native = arguments(&["--filter", "dot f32", "--every-shape", "--save", "x"]);
        let expected = "cargo xtask bench --target native --suite memory --filter 'dot f32' --every-shape";
        assert_eq!(command(&native, Suite::Memory), expected);
        let remote = arguments(&["--target", "ssh:secret.example"]);
        assert_eq!(command(&remote, Suite::Kernels), "cargo xtask bench --target ssh:HOST --suite kernels");
        let request = request(&native).unwrap();
        assert!(!request.typical && request.levels.is_empty() && request.filter.as_deref() == Some("dot f32"));
    }

    #[test]
    fn lines_become_a_record() {
        let shell = workspace::shell().unwrap();
        let cost = slide_benches::cases::Cost { elements: 1, bytes: 2, operations: 3 };
        let measured = |subject: &str, level: &str| lines::Measured {
            subject: subject.to_owned(),
            shape: "f32 1024".to_owned(),
            level: level.to_owned(),
            cost,
            nanoseconds: [1.0, 2.0, 3.0],
            p99: None,
            limit: None,
            counters: None,
        };
        let all = || {
            vec![
                Line::Machine(slide_benches::machine::detect()),
                Line::Note("a note".to_owned()),
                Line::Measured(measured("dot::dot", "avx2")),
                Line::Measured(measured("axpy::axpy", "avx2")),
                Line::Measured(measured("dot::dot", "avx512")),
            ]
        };
        let assemble =
            |lines| assemble(&shell, &arguments(&["--target", "ssh:x"]), Suite::Memory, Target::Native, lines);
        let record = assemble(all()).unwrap();
        assert_eq!((&*record.target, &*record.suite), ("native", "memory"));
        assert_eq!(record.origin.machine.notes.last().unwrap(), "a note");
        let entries: Vec<_> =
            record.entries.iter().map(|entry| (&*entry.subject, &*entry.level, entry.median())).collect();
        let expected = [("dot::dot", "avx2"), ("dot::dot", "avx512"), ("axpy::axpy", "avx2")];
        assert_eq!(entries, expected.map(|(subject, level)| (subject, level, Some(2.0))));
        let error = assemble(all()[..2].to_vec()).unwrap_err().to_string();
        assert_eq!(error, "the suite memory has measured nothing");
        let error = assemble(all()[1..].to_vec()).unwrap_err().to_string();
        assert!(error.contains("on which machine"), "{error}");
    }
}
