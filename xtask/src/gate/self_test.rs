//! Losses that are planted into the head, one by one, and that the gate must find, each where it is to be found; and what is
//! no loss.

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

/// A loss that only times show must be found as often as it is looked for.
const TIMES: usize = 3;

/// No loss: every kernel lies elsewhere.
const MOVED: Plant = Plant {
    what: "all functions moved, by one more before them",
    file: "benches/bin/run_case.rs",
    from: "fn main() -> Result<()> {\n",
    to: "#[inline(never)]\nfn unrelated(seed: u64) -> u64 {
    (0..seed).fold(seed, |sum, x| (sum ^ x).wrapping_mul(0x9e37_79b9).rotate_left(7))
}

fn main() -> Result<()> {
    black_box(unrelated(black_box(3)));\n",
    filter: "dot",
    found_by: Layer::Times,
};

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
        what: "Adam does not prefetch rows",
        file: "crates/slide-kernels/src/generic/row_update.rs",
        from: "                    ahead.prefetch(k, LANES);\n",
        to: "",
        filter: "row_update::adam_rows$|row_update::adam_rows from memory",
        found_by: Layer::Times,
    },
];

/// The head passes against itself and against the same elsewhere, and no planted loss gets through.
pub(super) fn run(builder: &Builder) -> Result<()> {
    let head = builder.revision("HEAD")?;
    let gate = |changed: &Revision, filter: &str| {
        let scope = Scope { targets: &[Target::Native], filter: Some(Regex::new(filter)?) };
        judge(builder, &head, changed, &scope)
    };
    let planted = |plant: &Plant| builder.edited(&head, plant.file, plant.from, plant.to).context(plant.what);
    let mut wrong = Vec::new();
    for (what, same) in [("nothing changed", head.clone()), (MOVED.what, planted(&MOVED)?)] {
        let verdict = gate(&same, MOVED.filter)?;
        println!("- {what}: {} losses", verdict.losses());
        if verdict.losses() > 0 {
            wrong.push(format!("{what}, which is no loss:\n{verdict}"));
        }
    }
    for plant in PLANTS {
        let changed = planted(plant)?;
        let times = if matches!(plant.found_by, Layer::Times) { TIMES } else { 1 };
        for _ in 0..times {
            let verdict = gate(&changed, plant.filter)?;
            let found = plant.found_by.losses(&verdict);
            println!("- {}: {}", plant.what, if found.is_empty() { "NOT FOUND".to_owned() } else { found.join("; ") });
            if found.is_empty() {
                wrong.push(format!("{}, which {:?} should find:\n{verdict}", plant.what, plant.found_by));
            }
        }
    }
    let broken = builder.edited(&head, DOT, DOT_LOOP, "there is no such syntax")?;
    let error = gate(&broken, "dot::dot$").err().map(|error| error.to_string()).unwrap_or_default();
    println!("- a commit that does not build: {error}");
    if !error.contains("does not build for") {
        wrong.push(format!("the error of a commit that does not build: `{error}`"));
    }
    ensure!(wrong.is_empty(), "{} went wrong:\n{}", wrong.len(), wrong.join("\n"));
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
