//! What a change must pass before it is merged. The last step is the tests, so that the output ends with their summary.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use slide_kernels::Isa;
use xshell::{Shell, cmd};

use crate::artifacts::Artifacts;
use crate::cli::{AsmCheckArguments, CiArguments, CountArguments, DocsArguments, Selection};
use crate::cross::{TARGET, Toolchain};
use crate::graviton::Graviton;
use crate::program::Target;
use crate::test::emulated::{self, Emulation};
use crate::{asm_check, bench, check_model_python, count, docs, hwloc, package, sanitise, test, workspace};

/// The steps, in the order in which they run: cheap ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// rustfmt agrees with every file
    Format,
    /// clippy has nothing to say about any target
    Clippy,
    /// rustdoc has nothing to say, links included, and the tables made from the code are up to date
    Documentation,
    /// slide-kernels builds without the standard library, and slide-mem works as on systems other than Linux
    Portable,
    /// slide-mem with the feature `hwloc`: lints, tests, and the program; the C library is unpacked from Debian's packages if need be
    Hwloc,
    /// slide-mem's tests under AddressSanitizer, and under Miri where that is installed
    Sanitise,
    /// The code for 64-bit Arm passes clippy; its kernels and golden models have their bits, emulated as Graviton2, 3 and 4
    Arm,
    /// Engine and program on each instruction set of the machine, forced in turn (the kernels' tests try all by themselves)
    Isa,
    /// A program outside the workspace builds against the packages of slide-kernels and slide-mem
    Package,
    /// Python's safetensors reads a model and a checkpoint that the program has just written
    Python,
    /// The machine code of every kernel holds what it should, on this architecture and on Arm
    AsmCheck,
    /// Every kernel executes as many instructions as it did, on this machine and on emulated Arm
    Count,
    /// A suite of `cargo xtask bench` runs through ssh, against a server on the loopback
    Remote,
    /// Memory and workers lie where they were asked to, and golden models have their bits, on emulated machines with several nodes
    Numa,
    /// All tests, as README tells to run them
    Test,
}

pub(crate) fn run(arguments: &CiArguments) -> Result<()> {
    let shell = workspace::shell()?;
    let chosen = |step: &&Step| arguments.steps.is_empty() || arguments.steps.contains(step);
    let steps: Vec<Step> = Step::value_variants().iter().filter(chosen).copied().collect();
    let start = Instant::now();
    for (i, step) in steps.iter().enumerate() {
        let name = step.to_possible_value().context("a step without a name")?;
        let (name, begun) = (name.get_name(), Instant::now());
        println!("== {name} ({} of {}), {:.0} s since the start", i + 1, steps.len(), start.elapsed().as_secs_f64());
        step.run(&shell).with_context(|| format!("step `{name}` failed; `cargo xtask ci {name}` repeats it alone"))?;
        // Nothing after the last step: the test runner's summary is to be the end.
        if i + 1 < steps.len() {
            println!("== {name}: {:.1} s", begun.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

impl Step {
    fn run(self, shell: &Shell) -> Result<()> {
        match self {
            Self::Format => cmd!(shell, "cargo fmt --all --check").run()?,
            Self::Clippy => cmd!(shell, "cargo clippy --workspace --all-targets -- -D warnings").run()?,
            Self::Documentation => {
                docs::run(&DocsArguments { check: true })?;
                let _strict = shell.push_env("RUSTDOCFLAGS", "-D warnings");
                cmd!(shell, "cargo doc --workspace --no-deps").run()?;
            }
            Self::Portable => portable(shell)?,
            Self::Hwloc => hwloc::check(shell)?,
            Self::Sanitise => sanitise::run(shell)?,
            Self::Arm => arm(shell)?,
            Self::Isa => {
                // Of the golden models, each once on the forced level: the last step trains them on all levels.
                let _budget = shell.push_env("SLIDE_TEST_CASES", "8");
                let programs = Artifacts::of_tests(shell, &[])?;
                let mut tests =
                    [programs.tests_of("slide-core", None)?, programs.tests_of("slide-cli", None)?].concat();
                tests.retain(|test| !WITHOUT_KERNELS.contains(&test.name()));
                for isa in Isa::available() {
                    test::force(shell, isa, |shell| tests.iter().try_for_each(|test| test.run(shell)))?;
                }
            }
            Self::Package => package::run()?,
            Self::Python => python(shell)?,
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
            Self::Remote => bench::remote::loopback::check(shell)?,
            Self::Numa => test::numa::run(shell, test::numa::CASES, &[])?,
            Self::Test => test::test_workspace(shell, &["--no-fail-fast".to_owned()])?,
        }
        Ok(())
    }
}

/// Tests of engine and program that only read files, or refuse to.
const WITHOUT_KERNELS: [&str; 7] =
    ["data", "data_formats", "data_fuzz", "data_npz", "data_real", "data_synth", "bad_input"];

/// Libraries on systems that this one is not. A target whose standard library rustup has brought is checked as it is; what it
/// would take is tried here in any case.
fn portable(shell: &Shell) -> Result<()> {
    cmd!(shell, "cargo check --package slide-kernels --no-default-features").run()?;
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

/// What only an Arm machine would show, on any.
fn arm(shell: &Shell) -> Result<()> {
    let toolchain = Toolchain::find_or_set_up()?;
    {
        let _clippy = toolchain.enter_clippy(shell);
        let packages =
            ["slide-kernels", "slide-mem", "slide-core", "slide-cli"].map(|name| format!("--package={name}"));
        cmd!(shell, "cargo check --target {TARGET} {packages...}").run()?;
        cmd!(shell, "cargo check --target {TARGET} --package slide-kernels --no-default-features").run()?;
    }
    Emulation::of(Graviton::Third, emulated::CASES, &[]).kernels(shell, &toolchain, &[])?;
    // Each of the eight runs on each of the four levels.
    Emulation::of(Graviton::Third, 32, &[]).golden(shell, &toolchain)?;
    for smoke in [Graviton::Second, Graviton::Fourth].map(|graviton| Emulation::of(graviton, 2, &[])) {
        smoke.kernels(shell, &toolchain, &["--test=linear"])?;
        smoke.golden(shell, &toolchain)?;
    }
    Ok(())
}

/// A model and a checkpoint of the program, as Python sees them.
fn python(shell: &Shell) -> Result<()> {
    let folder = workspace::scratch("models");
    shell.create_dir(&folder)?;
    let [data, model] = ["train.txt", "model.slide"].map(|name| folder.join(name));
    let checkpoint = folder.join("model.slide.checkpoint");
    let programs = Artifacts::of_tests(shell, &[])?;
    let slide = programs.program("slide")?;
    cmd!(shell, "{slide} --quiet data synth --points 500 --features 400 --labels 200 -o {data}").run()?;
    let options = ["--epochs", "1", "--sampler", "vanilla", "--active", "20", "--checkpoint-every", "1"];
    cmd!(shell, "{slide} --quiet train {data} -o {model} {options...} --batch-size 300").run()?;
    check_model_python::check(&[&model, &checkpoint])
}
