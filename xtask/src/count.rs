//! How many instructions each kernel executes: exact, whatever the machine's load, and held against a committed table.

pub(crate) mod baseline;
mod emulation;
#[cfg(target_os = "linux")]
mod stepping;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use rayon::prelude::*;
use slide_benches::cases;
use slide_kernels::{Isa, Precision};

use crate::cli::{CountArguments, Selection};
use crate::cross::Toolchain;
use crate::program::{Architecture, Program, Target};
use crate::workspace;
use baseline::Baseline;

/// More than these instructions of one call are not counted: it would take too long.
const MOST: u64 = 1_000_000;

pub(crate) fn run(arguments: &CountArguments) -> Result<()> {
    let shell = workspace::shell()?;
    let selection = &arguments.selection;
    let program = Program::build(&shell, selection.target)?;
    let runs = runs(selection, program.architecture, arguments.every_shape)?;
    let counts = count(&program, selection.target, &runs)?;
    for (run, &instructions) in &counts {
        println!("{run:<76} {:10.4} instructions an element", instructions as f64 / run.elements as f64);
    }
    let mut baseline = Baseline::load(program.architecture)?;
    let whole = selection.filter.is_none();
    match &arguments.accept {
        Some(reason) => baseline.accept(&program.compiler, &counts, whole, reason),
        None => baseline.check(&program.compiler, &counts, whole && !arguments.every_shape),
    }
}

/// A call takes more than [`MOST`] instructions.
#[derive(Debug)]
pub(crate) struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a call takes more than {MOST} instructions; the kernel needs a case with a smaller shape")
    }
}

impl std::error::Error for TooLong {}

/// Instructions of a call.
pub(crate) type Counts = BTreeMap<Run, u64>;

/// Those of every run, or what went wrong with any.
pub(crate) fn count(program: &Program, target: Target, runs: &[Run]) -> Result<Counts> {
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    for (run, histogram) in runs.iter().zip(Counter::new(program, target)?.histograms(runs)) {
        match histogram.map(|histogram| histogram.values().sum::<u64>()) {
            Ok(0) => {
                failures.push(format!("{run}: no instruction of slide_kernels::{}", program.architecture.module()))
            }
            Ok(instructions) => drop(counts.insert(run.clone(), instructions)),
            Err(error) => failures.push(format!("{run}: {error:#}")),
        }
    }
    let (failed, of) = (failures.len(), runs.len());
    ensure!(failed == 0, "{failed} of {of} could not be counted:\n  {}", failures.join("\n  "));
    Ok(counts)
}

/// A call of a kernel on a level that has its own implementation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    /// `family::name`.
    pub(crate) kernel: String,
    pub(crate) shape: String,
    pub(crate) isa: Isa,
    pub(crate) precision: Precision,
    pub(crate) elements: u64,
}

impl Run {
    /// A kernel on AVX2, for tests.
    #[cfg(test)]
    pub(crate) fn example(kernel: &str, shape: &str, elements: u64) -> Self {
        let (kernel, shape) = (kernel.to_owned(), shape.to_owned());
        Self { kernel, shape, isa: Isa::Avx2, precision: Precision::Reproducible, elements }
    }

    /// The level's name, and the precision's.
    pub(crate) fn level(&self) -> String {
        cases::level(self.isa, self.precision)
    }

    /// The arguments of `run-case`.
    fn arguments(&self) -> Vec<&str> {
        let mut arguments = vec![self.isa.name(), &self.kernel, &self.shape];
        arguments.extend((self.precision == Precision::Native).then_some("--native"));
        arguments
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:<17} {:<28} {}", self.level(), self.kernel, self.shape))
    }
}

/// Executions by address, in the file.
pub(crate) type Histogram = BTreeMap<u64, u64>;

/// The chosen kernels on their levels, by one shape of each kind, or by every one.
pub(crate) fn runs(selection: &Selection, architecture: Architecture, every_shape: bool) -> Result<Vec<Run>> {
    let cases = if every_shape { cases::all() } else { cases::typical() };
    let can_run = |isa: Isa| architecture.has(isa) && (selection.target == Target::Graviton || isa.is_available());
    let mut runs = Vec::new();
    for case in cases {
        let kernel = cases::kernel(case.kernel).with_context(|| format!("{} is not listed", case.kernel))?;
        let own = kernel.levels.iter().map(|&isa| (isa, Precision::Reproducible));
        let native = kernel.native.iter().map(|&isa| (isa, Precision::Native));
        for (isa, precision) in own.chain(native).filter(|&(isa, _)| can_run(isa)) {
            let (kernel, shape, elements) = (case.kernel.to_owned(), case.shape.clone(), case.cost.elements);
            let run = Run { kernel, shape, isa, precision, elements };
            if selection.chooses(&format!("{} {}", run.level(), run.kernel)) {
                runs.push(run);
            }
        }
    }
    ensure!(!runs.is_empty(), "no case of a kernel of this target is chosen");
    Ok(runs)
}

/// What can count the instructions of a program.
pub(crate) struct Counter<'a> {
    program: &'a Program,
    /// Functions whose instructions count: those of the back ends. What they call elsewhere (memcpy, the standard library) is
    /// not counted: in the C library it is another function on another machine.
    counted: Vec<Range<u64>>,
    emulator: Option<emulation::Emulator>,
}

impl<'a> Counter<'a> {
    pub(crate) fn new(program: &'a Program, target: Target) -> Result<Self> {
        const PARTS: &[&str] =
            &["slide_kernels::x86::", "slide_kernels::arm::", "slide_kernels::generic::", "slide_kernels::scalar::"];
        let is_counted = |name: &str| PARTS.iter().any(|part| name.contains(part));
        let functions = program.symbols.functions.iter().filter(|function| is_counted(&function.name));
        let counted = functions.map(|function| function.address.clone()).collect();
        let emulator = match target {
            Target::Native => None,
            Target::Graviton => Some(emulation::Emulator::new(Toolchain::find_or_set_up()?)),
        };
        Ok(Self { program, counted, emulator })
    }

    /// The executions of each run, in order.
    pub(crate) fn histograms(&self, runs: &[Run]) -> Vec<Result<Histogram>> {
        runs.par_iter().map(|run| self.histogram(run)).collect()
    }

    fn histogram(&self, run: &Run) -> Result<Histogram> {
        match &self.emulator {
            #[cfg(target_os = "linux")]
            None => stepping::histogram(self, &run.arguments()),
            #[cfg(not(target_os = "linux"))]
            None => anyhow::bail!("stepping needs Linux; --target graviton counts under emulation"),
            Some(emulator) => emulator.histogram(self, &run.arguments()),
        }
    }

    fn is_counted(&self, address: u64) -> bool {
        let after = self.counted.partition_point(|range| range.start <= address);
        self.counted[..after].last().is_some_and(|range| range.contains(&address))
    }

    /// Where the program says it is called from, in the file.
    fn mark(&self) -> Result<Range<u64>> {
        let mark = self.program.symbols.named("run_case::mark").next().context("run-case has no function `mark`")?;
        Ok(mark.address.clone())
    }

    /// How far the addresses in memory are beyond those in the file, from the line that the program prints.
    fn shift(&self, line: &str) -> Result<u64> {
        let address = line.trim().strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let address = address.with_context(|| format!("run-case printed `{}`, which is no address", line.trim()))?;
        Ok(address.wrapping_sub(self.mark()?.start))
    }

    /// Executions so far, if they are not too many.
    fn add(&self, histogram: &mut Histogram, total: &mut u64, address: u64) -> Result<()> {
        if self.is_counted(address) {
            *histogram.entry(address).or_default() += 1;
        }
        *total += 1;
        if *total > MOST {
            return Err(TooLong.into());
        }
        Ok(())
    }
}
