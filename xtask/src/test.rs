//! The workspace's tests, on the best instruction set or on forced ones.

use anyhow::Result;
use slide_kernels::Isa;
use xshell::{Shell, cmd};

use crate::cli::TestArguments;
use crate::workspace;

pub(crate) fn run(arguments: &TestArguments) -> Result<()> {
    let shell = workspace::shell()?;
    match arguments.isa.as_deref() {
        None => test_workspace(&shell, &arguments.rest),
        Some("all") => {
            for isa in available() {
                force(&shell, isa, |shell| test_workspace(shell, &arguments.rest))?;
            }
            Ok(())
        }
        Some(name) => force(&shell, name.parse()?, |shell| test_workspace(shell, &arguments.rest)),
    }
}

/// The instruction sets of this machine, worst first.
pub(crate) fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.iter().copied().filter(|isa| isa.is_available())
}

/// Runs `task` with that instruction set forced on every process that it starts.
pub(crate) fn force(shell: &Shell, isa: Isa, task: impl FnOnce(&Shell) -> Result<()>) -> Result<()> {
    println!("== SLIDE_ISA={}", isa.name());
    let _forced = shell.push_env("SLIDE_ISA", isa.name());
    task(shell)
}

pub(crate) fn test_workspace(shell: &Shell, rest: &[String]) -> Result<()> {
    Ok(cmd!(shell, "cargo test --workspace {rest...}").run()?)
}
