//! Instructions of two builds, kernel by kernel.

use std::collections::BTreeMap;

use anyhow::Result;

use super::builds::{Build, Builder, Cases, Revision};
use super::renamed;
use crate::cli::Selection;
use crate::count::baseline::{self, Baseline};
use crate::count::{self, Counts, Run};
use crate::workspace;

/// A count that is another one.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) run: Run,
    pub(super) old: u64,
    pub(super) new: u64,
    /// Why it was taken over into the committed table, if it was.
    pub(super) accepted: Option<String>,
}

impl Change {
    pub(super) fn is_loss(&self) -> bool {
        self.new > self.old && self.accepted.is_none()
    }
}

/// How many counts were compared, and those that differ.
pub(super) struct Comparison {
    pub(super) compared: usize,
    pub(super) changes: Vec<Change>,
    /// Cases that only one of the two has.
    pub(super) unmatched: Vec<String>,
}

/// The cases of a build are those of its program for this machine, whatever it is for.
pub(super) fn compare(
    builder: &Builder,
    selection: &Selection,
    [base, head]: [(&Revision, &Build); 2],
    cases: &[Cases; 2],
) -> Result<Comparison> {
    let architecture = head.1.program.architecture;
    let all = count::runs(selection, architecture, false)?;
    let mut runs = Vec::new();
    let mut unmatched = Vec::new();
    for run in all {
        match cases.each_ref().map(|cases| named_as_in(cases, &run)) {
            [Some(old), Some(new)] => runs.push((old, new)),
            _ => unmatched.push(run.to_string()),
        }
    }
    let (old_runs, new_runs): (Vec<Run>, Vec<Run>) = runs.iter().cloned().unzip();
    let old = cached(builder, selection, base.1, &old_runs)?;
    let new = cached(builder, selection, head.1, &new_runs)?;
    let mut changes = Vec::new();
    let mut tables = None;
    for (old_run, run) in &runs {
        let (before, count) = (old[old_run], new[run]);
        if baseline::differs(before, count) {
            let [old_table, new_table] = match &tables {
                Some(tables) => tables,
                None => {
                    let place = Baseline::place(architecture);
                    let [old, new] = [base.0, head.0].map(|revision| builder.file(revision, &place));
                    tables.insert([old.unwrap_or_else(|_| "{}".to_owned()), new.unwrap_or_else(|_| "{}".to_owned())])
                }
            };
            let accepted =
                baseline::reason_since(old_table, new_table, &head.1.program.compiler, [old_run, run], count)?;
            changes.push(Change { run: run.clone(), old: before, new: count, accepted });
        }
    }
    Ok(Comparison { compared: runs.len(), changes, unmatched })
}

/// The run by the name that its case has in a build with these cases.
fn named_as_in(cases: &Cases, run: &Run) -> Option<Run> {
    let (kernel, shape) = renamed::name_in(cases, &run.kernel, &run.shape)?;
    Some(Run { kernel, shape, ..run.clone() })
}

/// Counts what has not been counted of this very program before.
fn cached(builder: &Builder, selection: &Selection, build: &Build, runs: &[Run]) -> Result<Counts> {
    let path = builder.folder.join("counts").join(format!("{}.json", build.binary.hash));
    let mut known = workspace::read_json_or_default::<BTreeMap<String, u64>>(&path)?;
    let missing: Vec<Run> = runs.iter().filter(|run| !known.contains_key(&run.to_string())).cloned().collect();
    if !missing.is_empty() {
        eprintln!("gate: counting {} runs for {}", missing.len(), build.program.architecture.name());
        let counts = count::count(&build.program, selection.target, &missing)?;
        known.extend(counts.iter().map(|(run, &count)| (run.to_string(), count)));
        workspace::write_json(&path, &known)?;
    }
    Ok(runs.iter().map(|run| (run.clone(), known[&run.to_string()])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_instructions_are_a_loss_unless_somebody_said_why() {
        let run = Run::example("dot::dot", "f32 1", 1);
        let change = |old, new, accepted: Option<&str>| {
            Change { run: run.clone(), old, new, accepted: accepted.map(str::to_owned) }.is_loss()
        };
        assert!(change(100, 101, None));
        assert!(!change(100, 101, Some("tails without masks")));
        assert!(!change(100, 99, None));
    }
}
