//! What a change must pass before it is merged. The last step is the tests, so that the output ends with their summary.

mod times;

use std::path::Path;
use std::thread;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use slide_kernels::Isa;
use xshell::{Shell, cmd};

use self::times::Times;
use crate::artifacts::Artifacts;
use crate::cli::{AsmCheckArguments, CiArguments, CountArguments, DocsArguments, Selection, name_of};
use crate::cross::{TARGET, Toolchain};
use crate::graviton::Graviton;
use crate::process::Clock;
use crate::program::Target;
use crate::test::emulated::{self, Emulation};
use crate::{
    asm_check, bench, check_model_python, count, docs, hwloc, package, python_package, sanitise, test, workspace,
};

/// The steps, in the order in which they run: cheap ones first. Which of them every change must pass, and which run at night
/// and before a release: [`Step::is_quick`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Step {
    /// Formatting of every file (rustfmt)
    Format,
    /// Lints of all targets (clippy), without warnings
    Clippy,
    /// Documentation without warnings, links included; generated tables are up to date
    Documentation,
    /// slide-kernels builds without the standard library
    NoStd,
    /// A program outside the workspace builds against the packages of slide-kernels and slide-mem
    Package,
    /// Machine code of every kernel: expected instructions, no calls or spills in loops, on x86 and Arm
    AsmCheck,
    /// Instruction counts of every kernel are unchanged, on this machine and on emulated Arm
    Count,
    /// Emulated Graviton3: each golden model once, some tests of the kernels with few cases; lints of slide-kernels for Arm
    Arm,
    /// Python's safetensors reads a model and a checkpoint of the program; the Python package: its tests with the newest and the oldest
    /// libraries, and mypy (the tests are built in this step)
    Python,
    /// Full only: the Python package's source distribution, a wheel, and one for 64-bit Arm that Python uses in the emulator
    Wheels,
    /// Full only: slide-mem with the code for systems other than Linux
    Portable,
    /// Full only: slide-mem with the feature `hwloc` (lints, tests, the program); Debian's packages are unpacked if need be
    Hwloc,
    /// Full only: slide-mem's tests under AddressSanitizer, and under Miri where that is installed
    Sanitise,
    /// Full only: lints of all code for Arm; kernels and golden models with debug assertions, as Graviton2, 3 and 4
    Gravitons,
    /// Full only: engine and program on each instruction set of the machine, forced in turn
    Isa,
    /// Full only: a suite of `cargo xtask bench` runs through ssh, against a server on the loopback
    Remote,
    /// Full only: the page of `slide serve` in Chromium without a screen (Debian: chromium-driver), and the program without its server
    Serve,
    /// Full only: the feature `parquet`: its tests, and a program with it
    Parquet,
    /// Full only: placement of memory and workers, and golden models, on emulated machines with several nodes
    Numa,
    /// Full only: mutated inputs for every parser and the model loader, a minute each
    Fuzz,
    /// All tests, as README tells to run them; kernels and golden models on each instruction set of the machine
    Test,
}

pub(crate) fn run(arguments: &CiArguments) -> Result<()> {
    let steps = chosen(&arguments.steps, arguments.full);
    let shell = workspace::shell()?;
    // The tools are fetched while the first steps run; the first step that needs them waits.
    let mut tools = steps.iter().any(|step| step.needs_arm()).then(|| thread::spawn(Toolchain::find_or_set_up));
    let mut times = Times::default();
    for (i, &step) in steps.iter().enumerate() {
        let (name, clock) = (name_of(step), Clock::start());
        if i + 1 == steps.len() {
            // Before the last step: the output ends with the summary of the test runner.
            print!("{times}");
        }
        println!("== {name} ({} of {})", i + 1, steps.len());
        if let Some(tools) = step.needs_arm().then(|| tools.take()).flatten() {
            tools.join().expect("to set up the tools does not panic")?;
        }
        step.run(&shell).with_context(|| format!("step `{name}` failed; `cargo xtask ci {name}` repeats it alone"))?;
        let time = clock.read();
        if i + 1 < steps.len() {
            println!("== {name}: {time}");
        }
        times.add(name, time)?;
    }
    Ok(())
}

/// The steps that are named, or those of every change, or all.
fn chosen(named: &[Step], full: bool) -> Vec<Step> {
    let is_chosen = |step: &&Step| if named.is_empty() { full || step.is_quick() } else { named.contains(step) };
    Step::value_variants().iter().filter(is_chosen).copied().collect()
}

impl Step {
    /// Whether it runs for every change, and not at night and before a release only.
    fn is_quick(self) -> bool {
        !(Self::Wheels..=Self::Fuzz).contains(&self)
    }

    /// Whether it starts the tools that `cargo xtask setup-cross` brings.
    fn needs_arm(self) -> bool {
        matches!(self, Self::AsmCheck | Self::Count | Self::Arm | Self::Wheels | Self::Gravitons)
    }

    fn run(self, shell: &Shell) -> Result<()> {
        match self {
            Self::Format => cmd!(shell, "cargo fmt --all --check").run()?,
            Self::Clippy => {
                cmd!(shell, "cargo clippy --workspace --all-targets -- -D warnings").run()?;
                cmd!(shell, "cargo clippy --package slide-features --features parquet --all-targets -- -D warnings")
                    .run()?;
            }
            Self::Documentation => {
                docs::run(&DocsArguments { check: true })?;
                let _strict = shell.push_env("RUSTDOCFLAGS", "-D warnings");
                cmd!(shell, "cargo doc --workspace --no-deps").run()?;
            }
            Self::NoStd => cmd!(shell, "cargo check --package slide-kernels --no-default-features").run()?,
            Self::Package => package::run()?,
            Self::AsmCheck => {
                for &target in Target::value_variants() {
                    asm_check::run(&AsmCheckArguments { selection: Selection::all(target), verbose: false })?;
                }
            }
            Self::Count => {
                for &target in Target::value_variants() {
                    count::run(&CountArguments {
                        selection: Selection::all(target),
                        accept: None,
                        every_shape: false,
                    })?;
                }
            }
            Self::Arm => arm(shell)?,
            Self::Python => python(shell)?,
            Self::Wheels => python_package::wheels(shell)?,
            Self::Portable => portable(shell)?,
            Self::Hwloc => hwloc::check(shell)?,
            Self::Sanitise => sanitise::run(shell)?,
            Self::Gravitons => gravitons(shell)?,
            Self::Isa => isa(shell)?,
            Self::Remote => bench::remote::loopback::check(shell)?,
            Self::Serve => serve(shell)?,
            Self::Parquet => {
                cmd!(shell, "cargo test --package slide-features --features parquet").run()?;
                cmd!(shell, "cargo build --package slide-cli --features parquet").run()?;
            }
            Self::Numa => test::numa::run(shell, test::numa::CASES, &[])?,
            Self::Fuzz => cmd!(shell, "cargo run --release --package slide-fuzz -- --seconds 60").run()?,
            Self::Test => test::test_workspace(shell, &["--no-fail-fast".to_owned()])?,
        }
        Ok(())
    }
}

/// The kernels' tests try all levels by themselves. Of the golden models, each once on the forced level: the last step trains
/// them on all levels.
fn isa(shell: &Shell) -> Result<()> {
    let _budget = shell.push_env("SLIDE_TEST_CASES", GOLDEN_RUNS.to_string());
    let programs = Artifacts::of_tests(shell, &[])?;
    let mut tests = [programs.tests_of("slide-core", None)?, programs.tests_of("slide-cli", None)?].concat();
    tests.retain(|test| !WITHOUT_KERNELS.contains(&test.name()));
    for isa in Isa::available() {
        test::force(shell, isa, |shell| tests.iter().try_for_each(|test| test.run(shell)))?;
    }
    Ok(())
}

/// Tests of engine and program that only read files, or refuse to.
const WITHOUT_KERNELS: [&str; 8] =
    ["data", "data_formats", "data_fuzz", "data_npz", "data_real", "data_synth", "bad_input", "modules"];

/// The golden models of slide-core: as many as `runs` of its test `golden` has.
const GOLDEN_RUNS: u32 = 13;

/// Libraries on systems that this one is not. A target whose standard library rustup has brought is checked as it is; what it
/// would take is tried here in any case.
fn portable(shell: &Shell) -> Result<()> {
    for target in ["aarch64-apple-darwin", "x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"] {
        let folder = cmd!(shell, "rustc --print target-libdir --target {target}").quiet().read()?;
        if Path::new(&folder).exists() {
            cmd!(shell, "cargo check --package slide-kernels --package slide-mem --target {target}").run()?;
        }
    }
    let _other_system = shell.push_env("RUSTFLAGS", "--cfg slide_portable -D warnings");
    let host = workspace::host(shell)?;
    // With the target named, compilers' plugins do without the flags, and need not be built again.
    Ok(cmd!(shell, "cargo test --package slide-mem --target {host}").run()?)
}

/// What only an Arm machine would show, on any: as much as goes with each change. Built as the programs are whose machine code
/// is looked at, and so mostly built already.
fn arm(shell: &Shell) -> Result<()> {
    let toolchain = Toolchain::find_or_set_up()?;
    {
        let _clippy = toolchain.enter_clippy(shell);
        cmd!(shell, "cargo check --release --target {TARGET} --package slide-kernels").run()?;
    }
    // Of the golden models, each once, on the best level.
    Emulation::of(Graviton::Third, GOLDEN_RUNS, &[]).release(
        shell,
        &toolchain,
        &["golden", "linear", "elementwise", "specification"],
    )
}

/// The same for all crates, with debug assertions and overflow checks, and as each Graviton.
fn gravitons(shell: &Shell) -> Result<()> {
    let toolchain = Toolchain::find_or_set_up()?;
    {
        let _clippy = toolchain.enter_clippy(shell);
        let packages = ["slide-kernels", "slide-mem", "slide-core", "slide-features", "slide-tables", "slide-cli"]
            .map(|name| format!("--package={name}"));
        cmd!(shell, "cargo check --target {TARGET} {packages...}").run()?;
        cmd!(shell, "cargo check --target {TARGET} --package slide-kernels --no-default-features").run()?;
    }
    Emulation::of(Graviton::Third, emulated::CASES, &[]).kernels(shell, &toolchain, &[])?;
    // Each run on each of the four levels.
    Emulation::of(Graviton::Third, 4 * GOLDEN_RUNS, &[]).golden(shell, &toolchain)?;
    for smoke in [Graviton::Second, Graviton::Fourth].map(|graviton| Emulation::of(graviton, 2, &[])) {
        smoke.kernels(shell, &toolchain, &["--test=linear"])?;
        smoke.golden(shell, &toolchain)?;
    }
    Ok(())
}

/// The server's page in a real browser, which must be there; and what the program says that was built without the server.
fn serve(shell: &Shell) -> Result<()> {
    {
        let _required = shell.push_env("SLIDE_REQUIRE_BROWSER", "1");
        cmd!(shell, "cargo test --package slide-cli --test serve_page").run()?;
    }
    Ok(cmd!(shell, "cargo test --package slide-cli --no-default-features --test without_serve").run()?)
}

/// A model and a checkpoint of the program, as Python sees them, and the Python package.
fn python(shell: &Shell) -> Result<()> {
    let folder = workspace::scratch("models");
    shell.create_dir(&folder)?;
    let [data, model] = ["train.txt", "model.slide"].map(|name| folder.join(name));
    let checkpoint = folder.join("model.slide.checkpoint");
    let programs = Artifacts::of_tests(shell, &[])?;
    let slide = programs.program("slide")?;
    cmd!(shell, "{slide} --quiet data synth --examples 500 --features 400 --labels 200 -o {data}").run()?;
    let options =
        ["--epochs", "1", "--sampler", "vanilla", "--active", "20", "--checkpoint-every", "1", "--keep-checkpoint"];
    cmd!(shell, "{slide} --quiet train {data} -o {model} {options...} --batch-size 300").run()?;
    check_model_python::check(&[&model, &checkpoint])?;
    python_package::check(shell, slide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_quick_or_full() {
        let (quick, full) = (chosen(&[], false), chosen(&[], true));
        assert_eq!(full, Step::value_variants(), "--full: all, in order");
        for steps in [&quick, &full] {
            assert_eq!(steps.last(), Some(&Step::Test), "the output ends with the summary of the tests");
        }
    }

    #[test]
    fn named_steps_run_in_order_whatever_their_set() {
        assert_eq!(chosen(&[Step::Numa, Step::Format], false), [Step::Format, Step::Numa]);
        for &step in Step::value_variants() {
            assert_eq!(chosen(&[step], false), [step]);
            let help = step.to_possible_value().and_then(|value| Some(value.get_help()?.to_string())).unwrap();
            assert_eq!(help.starts_with("Full only: "), !step.is_quick(), "{help}");
        }
    }
}
