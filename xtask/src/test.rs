//! The workspace's tests, on the best instruction set or on forced ones; those of another architecture are emulated.

pub(crate) mod emulated;
pub(crate) mod numa;

use anyhow::{Result, ensure};
use slide_kernels::{Isa, Kernels};
use xshell::{Shell, cmd};

use self::emulated::Emulation;
use crate::cli::TestArguments;
use crate::cross::{Toolchain, chosen_cpu};
use crate::workspace;

pub(crate) fn run(arguments: &TestArguments) -> Result<()> {
    let shell = workspace::shell()?;
    if arguments.numa {
        return numa::run(&shell, arguments.cases.unwrap_or(numa::CASES), &arguments.rest);
    }
    let emulation_cases = arguments.cases.unwrap_or(emulated::CASES);
    if let Some(graviton) = arguments.target {
        let emulation = Emulation::of(graviton, emulation_cases, &arguments.rest);
        return emulation.test(&shell, &Toolchain::find_or_set_up()?);
    }
    let isa: Option<Isa> = arguments.isa.as_deref().filter(|&name| name != "all").map(str::parse).transpose()?;
    if let Some(isa) = isa.filter(|&isa| emulated::is_needed(isa)) {
        let cpu = arguments.cpu.clone().unwrap_or_else(chosen_cpu);
        let emulation = Emulation { cpu: &cpu, isa, cases: emulation_cases, rest: &arguments.rest };
        return emulation.test(&shell, &Toolchain::find_or_set_up()?);
    }
    ensure!(arguments.cpu.is_none(), "--cpu chooses the processor to emulate, and this level is not emulated here");
    let _budget = arguments.cases.map(|cases| shell.push_env("SLIDE_TEST_CASES", cases.to_string()));
    match (arguments.isa.as_deref(), isa) {
        (_, Some(isa)) => force(&shell, isa, |shell| test_workspace(shell, &arguments.rest)),
        (Some(_all), None) => {
            for isa in Isa::available() {
                force(&shell, isa, |shell| test_workspace(shell, &arguments.rest))?;
            }
            Ok(())
        }
        (None, None) => test_workspace(&shell, &arguments.rest),
    }
}

/// Runs `task` with that instruction set forced on every process that it starts.
pub(crate) fn force(shell: &Shell, isa: Isa, task: impl FnOnce(&Shell) -> Result<()>) -> Result<()> {
    println!("== SLIDE_ISA={isa}");
    Kernels::for_isa(isa)?;
    let _forced = shell.push_env("SLIDE_ISA", isa.name());
    let _required = shell.push_env("SLIDE_REQUIRE_ISA", isa.name());
    task(shell)
}

pub(crate) fn test_workspace(shell: &Shell, rest: &[String]) -> Result<()> {
    Ok(cmd!(shell, "cargo test --workspace {rest...}").run()?)
}
