//! Whether a commit makes anything slower than another one did: by its machine code and its instructions, which no load of
//! the machine changes, and by times of both builds taken in turns.

mod builds;
mod counts;
mod renamed;
mod self_test;
mod statistics;
mod timing;
mod verdict;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum as _;
use regex::Regex;

use crate::cli::{CountArguments, GateArguments, Selection};
use crate::cross::Toolchain;
use crate::process::Clock;
use crate::program::Target;
use crate::{asm_check, count};
use builds::{Binary, Builder, Cases, Revision};
use timing::{Same, training};
use verdict::{OfTarget, Verdict};

pub(crate) fn run(arguments: &GateArguments) -> Result<()> {
    if let Some(reason) = &arguments.accept {
        return accept(reason, arguments.filter.as_ref());
    }
    let builder = Builder::new()?;
    let clock = Clock::start();
    if arguments.self_test {
        return self_test::run(&builder);
    }
    let verdict = match &arguments.compare[..] {
        [old, new] => compare(&builder, [old, new], &arguments.rest)?,
        _ => {
            let base = builder.revision(arguments.base.as_deref().context("BASE is missing")?)?;
            let head = builder.revision(&arguments.head)?;
            let scope = Scope { targets: Target::value_variants(), filter: arguments.filter.clone() };
            judge(&builder, &base, &head, &scope)?
        }
    };
    print!("{verdict}");
    eprintln!("gate: {}", clock.read());
    ensure!(verdict.losses() == 0, "there are losses; each is in the verdict");
    Ok(())
}

/// Renews the committed counts with what the working tree has.
fn accept(reason: &str, filter: Option<&Regex>) -> Result<()> {
    for &target in Target::value_variants() {
        let selection = Selection { target, filter: filter.cloned() };
        count::run(&CountArguments { selection, accept: Some(reason.to_owned()), every_shape: false })?;
    }
    Ok(())
}

/// What is looked at.
struct Scope<'a> {
    targets: &'a [Target],
    filter: Option<Regex>,
}

impl Scope<'_> {
    fn selection(&self, target: Target) -> Selection {
        Selection { target, filter: self.filter.clone() }
    }

    /// The targets that have any of the kernels.
    fn chosen(&self) -> Result<Vec<Target>> {
        let mut chosen = Vec::new();
        for &target in self.targets {
            // An error says that there is none.
            if count::runs(&self.selection(target), target.architecture()?, false).is_ok() {
                chosen.push(target);
            }
        }
        Ok(chosen)
    }
}

fn judge(builder: &Builder, base: &Revision, head: &Revision, scope: &Scope<'_>) -> Result<Verdict> {
    let mut chosen = scope.chosen()?;
    ensure!(!chosen.is_empty(), "the filter matches no kernel");
    let mut incomplete = Vec::new();
    let tools = Toolchain::find_or_set_up();
    if let Err(error) = &tools {
        chosen.retain(|&target| target == Target::Native);
        incomplete.push(format!("no machine code is looked at, and nothing for emulated Arm: {error:#}"));
    }
    let build = |target| Ok::<_, anyhow::Error>((builder.build(base, target)?, builder.build(head, target)?));
    let native = build(Target::Native)?;
    let cases = [native.0.cases(&builder.shell)?, native.1.cases(&builder.shell)?];
    let mut targets = Vec::new();
    for target in chosen {
        let selection = scope.selection(target);
        let cross = if target == Target::Native { None } else { Some(build(target)?) };
        let (old, new) = cross.as_ref().unwrap_or(&native);
        let name = format!("{}, rustc {}", new.program.architecture.name(), new.program.compiler);
        let reports =
            tools.is_ok().then(|| asm_check::reports(&builder.shell, &new.program, &selection)).transpose()?;
        let kernels = reports.as_ref().map(Vec::len);
        let problems = reports.into_iter().flatten().flat_map(|(kernel, report)| {
            report.problems.into_iter().map(move |problem| (format!("{} {}", kernel.isa, kernel.name), problem))
        });
        let problems = problems.collect();
        let counts = counts::compare(builder, &selection, [(base, old), (head, new)], &cases)?;
        targets.push(OfTarget { name, kernels, problems, counts });
    }
    let mut verdict =
        Verdict { base: base.name.clone(), head: head.name.clone(), targets, times: vec![], equal: vec![], incomplete };
    time(builder, [base, head], [&native.0.binary, &native.1.binary], &cases, scope, &mut verdict)?;
    Ok(verdict)
}

/// Times of the kernels, and of trainings if no kernels are chosen.
fn time(
    builder: &Builder,
    revisions: [&Revision; 2],
    run_case: [&Binary; 2],
    cases: &[Cases; 2],
    scope: &Scope<'_>,
    verdict: &mut Verdict,
) -> Result<()> {
    let mut all = Vec::new();
    if run_case[0].hash == run_case[1].hash {
        verdict.equal.push("run-case");
    } else if timing::takes_turns(run_case[0]) {
        let kernels = timing::of_kernels(&scope.selection(Target::Native), cases);
        all.extend(kernels.into_iter().map(|measurement| (measurement, run_case.map(Binary::clone))));
    } else {
        let reason = format!("run-case of {} does not know --turns, so no kernels are timed.", revisions[0].name);
        verdict.incomplete.push(reason);
    }
    if scope.filter.is_none() {
        let slide = |revision| builder.binary(revision, Target::Native, "slide");
        let slide = [slide(revisions[0])?, slide(revisions[1])?];
        if slide[0].hash == slide[1].hash {
            verdict.equal.push("slide");
        } else {
            let trainings = training::measurements(&training::data(builder, &slide[0].path)?);
            all.extend(trainings.into_iter().map(|measurement| (measurement, slide.clone())));
        }
    }
    let mut same = Same::open(builder)?;
    for (i, (measurement, [old, new])) in all.iter().enumerate() {
        eprintln!("gate: timing {} of {}: {}", i + 1, all.len(), measurement.name());
        verdict.times.push(same.compare(measurement, [old, new])?);
    }
    Ok(())
}

/// Times two programs that somebody else has built.
fn compare(builder: &Builder, programs: [&Path; 2], arguments: &[String]) -> Result<Verdict> {
    let [base, head] = programs.map(|path| path.display().to_string());
    let name = programs[0].file_name().context("OLD is no file")?.to_string_lossy();
    let [old, new] = programs.map(|path| Binary::open(path.to_owned()));
    let times = vec![Same::open(builder)?.compare(&timing::any(&name, arguments), [&old?, &new?])?];
    Ok(Verdict { base, head, targets: vec![], times, equal: vec![], incomplete: vec![] })
}
