//! Losses that are planted into the head, one by one, and that the gate must find, each where it is to be found.

use anyhow::{Context as _, Result, ensure};
use regex::Regex;

use super::builds::{Builder, Revision};
use super::statistics::percent;
use super::verdict::Verdict;
use super::{Scope, judge};
use crate::program::Target;

/// What must find a loss.
#[derive(Clone, Copy, Debug)]
enum Layer {
    MachineCode,
    Instructions,
    Times,
}

struct Plant {
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// The kernels that are looked at.
    filter: &'static str,
    found_by: Layer,
}

const DOT: &str = "crates/slide-kernels/src/generic/dot.rs";
const DOT_LOOP: &str = "            for (j, lane) in lanes.iter_mut().enumerate() {
                *lane = S::load::<L>(a.add(j * LANES)).fma(L::load(b.add(j * LANES)), *lane);
            }
";

const PLANTS: &[Plant] = &[
    Plant {
        what: "one instruction more in the loop of dot",
        file: DOT,
        from: "            left -= 4 * LANES;\n",
        to: "            left -= 4 * LANES;\n            core::arch::asm!(\"nop\");\n",
        filter: "dot::dot$",
        found_by: Layer::Instructions,
    },
    Plant {
        what: "the sums of dot go through memory in each step",
        file: DOT,
        from: DOT_LOOP,
        to: "            for j in 0..4 {
                lanes[j] = S::load::<L>(a.add(j * LANES)).fma(L::load(b.add(j * LANES)), lanes[j]);
            }
            core::hint::black_box(&mut lanes);
",
        filter: "dot::dot$",
        found_by: Layer::MachineCode,
    },
    Plant {
        what: "half the accumulators of dot",
        file: DOT,
        from: DOT_LOOP,
        to: "            for j in 0..4 {
                lanes[j % 2] = S::load::<L>(a.add(j * LANES)).fma(L::load(b.add(j * LANES)), lanes[j % 2]);
            }
",
        filter: "dot::dot$|dot::dot f32 1024$",
        found_by: Layer::Times,
    },
    Plant {
        what: "no row is asked for ahead by rows_dot",
        file: "crates/slide-kernels/src/generic/row_dot.rs",
        from: "                        prefetch(row(id).wrapping_add(k));\n",
        to: "                        let _ = row(id).wrapping_add(k);\n",
        filter: "row_dot::rows_dot$|row_dot::rows_dot from memory",
        found_by: Layer::Times,
    },
];

/// The head passes against itself, and no planted loss gets through.
pub(super) fn run(builder: &Builder) -> Result<()> {
    let head = builder.revision("HEAD")?;
    let gate = |changed: &Revision, filter: &str| {
        let scope = Scope { targets: &[Target::Native], filter: Some(Regex::new(filter)?) };
        judge(builder, &head, changed, &scope)
    };
    let mut missed = Vec::new();
    let same = gate(&head, "dot")?;
    println!("- nothing changed: {} losses", same.losses());
    if same.losses() > 0 {
        missed.push(format!("nothing changed, but:\n{same}"));
    }
    for plant in PLANTS {
        let changed = builder.edited(&head, plant.file, plant.from, plant.to).context(plant.what)?;
        let verdict = gate(&changed, plant.filter)?;
        let found = plant.found_by.losses(&verdict);
        println!("- {}: {}", plant.what, if found.is_empty() { "NOT FOUND".to_owned() } else { found.join("; ") });
        if found.is_empty() {
            missed.push(format!("{}, which {:?} should find:\n{verdict}", plant.what, plant.found_by));
        }
    }
    let broken = builder.edited(&head, DOT, DOT_LOOP, "there is no such syntax")?;
    let error = gate(&broken, "dot::dot$").err().map(|error| error.to_string()).unwrap_or_default();
    println!("- a commit that does not build: {error}");
    if !error.contains("does not build for") {
        missed.push(format!("the error of a commit that does not build: `{error}`"));
    }
    ensure!(missed.is_empty(), "{} of {} went wrong:\n{}", missed.len(), 2 + PLANTS.len(), missed.join("\n"));
    Ok(())
}

impl Layer {
    /// What it found.
    fn losses(self, verdict: &Verdict) -> Vec<String> {
        let targets = verdict.targets.iter();
        match self {
            Self::MachineCode => targets
                .flat_map(|target| &target.problems)
                .map(|(kernel, problem)| format!("{kernel}: {problem}"))
                .collect(),
            Self::Instructions => {
                let changes = targets.flat_map(|target| &target.counts.changes).filter(|change| change.is_loss());
                changes.map(|change| format!("{}: {} -> {}", change.run.level(), change.old, change.new)).collect()
            }
            Self::Times => {
                let losses = verdict.times.iter().filter(|timed| timed.is_loss());
                losses.map(|timed| format!("{}: {}", timed.name, percent(timed.ratio))).collect()
            }
        }
    }
}
