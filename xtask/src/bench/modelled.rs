//! What no machine at hand can measure: exact counts of instructions, and cycles that llvm-mca models for the processors of
//! Graviton and Xeon. Nothing here is a time.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use slide_benches::cases::{self, Cost};

use super::measured::command;
use super::record::{Entry, Machine, Origin, Record};
use super::target::Suite;
use crate::cli::{BenchArguments, Selection, name_of};
use crate::count::{self, Run};
use crate::graviton::Graviton;
use crate::mca::model::{self, Call, Cycles};
use crate::program::{Program, Target};
use crate::workspace;

/// The cores of Skylake, Ice Lake and Sapphire Rapids, as LLVM names them.
const XEONS: [&str; 3] = ["skylake-avx512", "icelake-server", "sapphirerapids"];

/// The kernels on a Graviton, each on the levels that it has.
pub(crate) fn record(graviton: Graviton, arguments: &BenchArguments) -> Result<Record> {
    let shell = workspace::shell()?;
    let target = Target::Graviton;
    let mut runs = count::runs(&Selection::all(target), target.architecture()?, arguments.every_shape)?;
    runs.retain(|run| !model::lacks(graviton.cores(), run.isa));
    let name = |run: &Run| format!("{} {} {}", run.level(), run.kernel, run.shape);
    runs.retain(|run| arguments.filter.as_ref().is_none_or(|filter| filter.is_match(&name(run))));
    ensure!(!runs.is_empty(), "the filter chooses no kernel of {}", graviton.name());
    eprintln!("bench: building for {}", graviton.cores());
    let program = Program::build(&shell, target)?;
    eprintln!("bench: counting the instructions of {} cases, and modelling their loops", runs.len());
    let calls = model::calls(&shell, &program, target, &runs, &[graviton.cores()])?;
    let costs: BTreeMap<(&str, String), Cost> =
        cases::all().into_iter().map(|case| ((case.kernel, case.shape), case.cost)).collect();
    let mut entries = Vec::new();
    for (run, call) in runs.iter().zip(calls) {
        let (subject, shape, level) = (run.kernel.clone(), run.shape.clone(), run.level());
        let cost = costs.get(&(subject.as_str(), shape.clone()));
        let cost = *cost.with_context(|| format!("{run} is no case of the benchmarks"))?;
        let Some(call) = call else { continue };
        let mut entry = Entry { subject, shape, level, cost, measured: None, counted: None, modelled: BTreeMap::new() };
        fill(&mut entry, &call);
        entries.push(entry);
    }
    let machine = Machine {
        name: graviton.name().to_owned(),
        processor: graviton.description().to_owned(),
        cores: 1,
        notes: vec![
            "instructions: counted under emulation, exact".to_owned(),
            format!(
                "cycles: modelled by {} for {}, data in the first-level cache",
                model::version()?,
                graviton.cores()
            ),
            "no time was measured: only hardware can tell".to_owned(),
        ],
    };
    Ok(Record {
        target: graviton.target().to_owned(),
        suite: name_of(Suite::Kernels),
        origin: Origin::now(&shell, machine, program.compiler, command(arguments, Suite::Kernels))?,
        roofs: Vec::new(),
        entries,
    })
}

/// Adds counts, and cycles modelled for [`XEONS`], to what was measured of kernels on this machine.
pub(crate) fn add_xeons(entries: &mut [Entry]) -> Result<()> {
    let shell = workspace::shell()?;
    let target = Target::Native;
    let mut runs = count::runs(&Selection::all(target), target.architecture()?, true)?;
    runs.retain(|run| entries.iter().any(|entry| entry.is_of(run)));
    eprintln!("bench: counting the instructions of {} cases, and modelling their loops", runs.len());
    let program = Program::build(&shell, target)?;
    for (run, call) in runs.iter().zip(model::calls(&shell, &program, target, &runs, &XEONS)?) {
        let of_run = entries.iter_mut().filter(|entry| entry.is_of(run));
        of_run.zip(&call).for_each(|(entry, call)| fill(entry, call));
    }
    Ok(())
}

fn fill(entry: &mut Entry, call: &Call) {
    entry.counted = Some(call.instructions);
    for (processor, &cycles) in &call.cycles {
        match cycles {
            Cycles::Modelled(cycles) => drop(entry.modelled.insert(processor.clone(), Some(cycles))),
            Cycles::Lacking => drop(entry.modelled.insert(processor.clone(), None)),
            Cycles::NoLoop => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use slide_kernels::Isa;

    use super::*;
    use crate::bench::table::tests::entry;

    #[test]
    fn each_graviton_has_its_levels() {
        let gravitons = [Graviton::Second, Graviton::Third, Graviton::Fourth];
        let levels = |graviton: Graviton| {
            let levels = [Isa::Neon, Isa::NeonBf16, Isa::Sve].into_iter();
            levels.filter(|&isa| !model::lacks(graviton.cores(), isa)).collect::<Vec<_>>()
        };
        assert_eq!(gravitons.map(Graviton::name), ["graviton2", "graviton3", "graviton4"]);
        let [second, third, fourth] = gravitons.map(levels);
        assert_eq!(second, [Isa::Neon]);
        assert_eq!(third, [Isa::Neon, Isa::NeonBf16, Isa::Sve]);
        assert_eq!(fourth, [Isa::Neon, Isa::NeonBf16]);
    }

    #[test]
    fn what_was_modelled_is_filled_in() {
        let mut entry = entry("dot::dot", "neon", 10.0);
        let cycles = [("a", Cycles::Modelled(2.0)), ("b", Cycles::Lacking), ("c", Cycles::NoLoop)];
        let cycles = cycles.into_iter().map(|(processor, cycles)| (processor.to_owned(), cycles)).collect();
        fill(&mut entry, &Call { instructions: 692, in_loops: 0.9, cycles });
        assert_eq!(entry.counted, Some(692));
        let modelled: Vec<_> = entry.modelled.iter().map(|(processor, cycles)| (processor.as_str(), *cycles)).collect();
        assert_eq!(modelled, [("a", Some(2.0)), ("b", None)]);
    }
}
