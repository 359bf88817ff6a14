//! The committed table of counts, by compiler, kernel, shape and level.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::{Counts, Run};
use crate::program::Architecture;
use crate::workspace;

/// A count that differs by more than this part of the old one is another.
pub(crate) const TOLERANCE: f64 = 0.005;

#[derive(Debug)]
pub(crate) struct Baseline {
    path: PathBuf,
    by_compiler: BTreeMap<String, Table>,
}

/// What one compiler makes of the kernels.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Table {
    /// Why the counts were last accepted.
    reason: String,
    /// Instructions of a call by kernel, shape and level.
    instructions: BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>>,
}

impl Baseline {
    pub(super) fn load(architecture: Architecture) -> Result<Self> {
        Self::load_from(workspace::root().join(Self::place(architecture)))
    }

    /// Where it lies in the workspace.
    pub(crate) fn place(architecture: Architecture) -> String {
        format!("benches/baseline/counts-{}.json", architecture.name())
    }

    fn load_from(path: PathBuf) -> Result<Self> {
        Ok(Self { by_compiler: workspace::read_json_or_default(&path)?, path })
    }

    /// Fails where counts differ, and where one is new. If they are all that can be counted, where an old one is gone, too.
    pub(super) fn check(&self, compiler: &str, counts: &Counts, whole: bool) -> Result<()> {
        let Some(table) = self.by_compiler.get(compiler) else {
            println!("{} counts; no baseline for rustc {compiler} to hold them against", counts.len());
            return Ok(());
        };
        let differences = table.differences(counts, whole);
        if differences.is_empty() {
            println!("{} counts as in {}", counts.len(), name(&self.path));
            return Ok(());
        }
        for difference in &differences {
            println!("{difference}");
        }
        bail!(
            "{} counts differ from {}; `cargo xtask count --accept REASON` takes them over",
            differences.len(),
            name(&self.path)
        )
    }

    /// Takes counts over: all, or those of some kernels.
    pub(super) fn accept(&mut self, compiler: &str, counts: &Counts, whole: bool, reason: &str) -> Result<()> {
        let table = self.by_compiler.entry(compiler.to_owned()).or_default();
        if whole {
            // Other machines have other levels: theirs stay.
            let counted: Vec<String> = counts.keys().map(Run::level).collect();
            for shapes in table.instructions.values_mut() {
                for levels in shapes.values_mut() {
                    levels.retain(|level, _| !counted.contains(level));
                }
                shapes.retain(|_, levels| !levels.is_empty());
            }
            table.instructions.retain(|_, shapes| !shapes.is_empty());
        }
        for (run, &count) in counts {
            let shapes = table.instructions.entry(run.kernel.clone()).or_default();
            shapes.entry(run.shape.clone()).or_default().insert(run.level(), count);
        }
        table.reason = reason.to_owned();
        workspace::write_json(&self.path, &self.by_compiler)?;
        println!("{} counts accepted into {}", counts.len(), name(&self.path));
        Ok(())
    }
}

/// The reason for which this count has been taken over into the text of a table since an older one, if it was. The run may
/// have another name in the older one.
pub(crate) fn reason_since(
    old: &str,
    new: &str,
    compiler: &str,
    [old_run, run]: [&Run; 2],
    count: u64,
) -> Result<Option<String>> {
    let [old, new] = [old, new].map(serde_json::from_str::<BTreeMap<String, Table>>);
    let (old, mut new) = (old?, new?);
    let Some(table) = new.remove(compiler) else { return Ok(None) };
    let before = old.get(compiler).and_then(|table| table.get(old_run));
    let accepted = table.get(run).filter(|accepted| Some(*accepted) != before && !differs(*accepted, count));
    Ok(accepted.map(|_| table.reason))
}

/// By more than chance or a byte of alignment would.
pub(crate) fn differs(old: u64, new: u64) -> bool {
    new.abs_diff(old) as f64 > TOLERANCE * old as f64
}

fn name(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

impl Table {
    fn get(&self, run: &Run) -> Option<u64> {
        self.instructions.get(&run.kernel)?.get(&run.shape)?.get(&run.level()).copied()
    }

    fn differences(&self, counts: &Counts, whole: bool) -> Vec<String> {
        let mut differences = Vec::new();
        for (run, &new) in counts {
            let an_element = |count: u64| count as f64 / run.elements as f64;
            match self.get(run) {
                None => differences.push(format!("{run}: not in the baseline; now {:.4}", an_element(new))),
                Some(old) if differs(old, new) => differences.push(format!(
                    "{run}: {:.4} -> {:.4} instructions an element ({:+.1} %)",
                    an_element(old),
                    an_element(new),
                    100.0 * (new as f64 / old as f64 - 1.0)
                )),
                Some(_) => {}
            }
        }
        if whole {
            let counted: Vec<String> = counts.keys().map(Run::level).collect();
            for (kernel, shapes) in &self.instructions {
                for (shape, levels) in shapes {
                    for level in levels.keys().filter(|level| counted.contains(level)) {
                        let is_this =
                            |run: &&Run| run.kernel == *kernel && run.shape == *shape && run.level() == *level;
                        if !counts.keys().any(|run| is_this(&run)) {
                            differences
                                .push(format!("{level} {kernel} {shape}: in the baseline, but there is none now"));
                        }
                    }
                }
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use slide_kernels::Isa;

    use super::*;

    fn run(kernel: &str, isa: Isa) -> Run {
        Run { isa, ..Run::example(kernel, "f32 1000", 1000) }
    }

    #[test]
    fn what_is_accepted_passes_and_what_differs_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baseline/counts.json");
        let mut counts = Counts::from([(run("dot::dot", Isa::Avx2), 2000), (run("dot::dot", Isa::Avx512), 1000)]);
        let mut baseline = Baseline::load_from(path.clone()).unwrap();
        baseline.check("1.95.0", &counts, true).expect("no baseline is no failure");
        baseline.accept("1.95.0", &counts, true, "first").unwrap();

        let baseline = Baseline::load_from(path).unwrap();
        let table = &baseline.by_compiler["1.95.0"];
        assert_eq!(table.reason, "first");
        assert_eq!(table.differences(&counts, true), [""; 0]);
        baseline.check("1.96.0", &counts, true).expect("no baseline for this compiler");

        counts.insert(run("dot::dot", Isa::Avx2), 2010);
        assert_eq!(table.differences(&counts, true), [""; 0]);
        counts.insert(run("dot::dot", Isa::Avx2), 2100);
        let [difference] = &table.differences(&counts, true)[..] else { panic!("one difference") };
        assert!(difference.ends_with("2.0000 -> 2.1000 instructions an element (+5.0 %)"), "{difference}");
        assert!(baseline.check("1.95.0", &counts, true).is_err());
    }

    #[test]
    fn a_count_is_accepted_if_the_table_was_renewed_with_it() {
        let table = |count: u64, reason: &str| {
            format!(
                r#"{{"1.95.0": {{"reason": "{reason}", "instructions": {{"dot::dot": {{"f32 1000": {{"avx2": {count}}}}}}}}}}}"#
            )
        };
        let run = run("dot::dot", Isa::Avx2);
        let reason = |old: &str, new: &str, count| reason_since(old, new, "1.95.0", [&run; 2], count).unwrap();
        let (old, new) = (table(1000, "first"), table(1100, "wider tails"));
        assert_eq!(reason(&old, &new, 1100).as_deref(), Some("wider tails"));
        assert_eq!(reason("{}", &new, 1100).as_deref(), Some("wider tails"));
        assert_eq!(reason(&old, &new, 1200), None, "another count than was accepted");
        assert_eq!(reason(&new, &new, 1100), None, "not renewed");
        assert_eq!(reason_since(&old, &new, "1.96.0", [&run; 2], 1100).unwrap(), None, "another compiler");
        assert!(reason_since("", &new, "1.95.0", [&run; 2], 1100).is_err());
    }

    #[test]
    fn new_and_lost_kernels_differ() {
        let old = run("dot::dot", Isa::Avx2);
        let shapes = BTreeMap::from([(old.shape.clone(), BTreeMap::from([(old.level(), 5), ("other".to_owned(), 6)]))]);
        let table = Table { reason: String::new(), instructions: BTreeMap::from([(old.kernel.clone(), shapes)]) };
        let counts = Counts::from([(run("gemm::forward", Isa::Avx2), 7)]);
        let differences = table.differences(&counts, true);
        assert!(differences[0].contains("not in the baseline"), "{differences:?}");
        assert!(differences[1].contains("there is none now"), "{differences:?}");
        assert_eq!(differences.len(), 2, "a level that this machine lacks is no difference");
        assert_eq!(table.differences(&counts, false).len(), 1);
    }
}
