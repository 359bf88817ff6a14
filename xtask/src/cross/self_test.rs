//! Proof that a tool chain works: a program is compiled, linked and run, and a loop is modelled.

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use super::toolchain::{DEFAULT_CPU, TARGET, Toolchain};

const PROGRAM: &str = "\
use std::arch::is_aarch64_feature_detected as has;
fn main() {
    println!(\"bf16 {} sve {}\", has!(\"bf16\"), has!(\"sve\"));
}
";

/// Fails, and says what failed, unless everything works that later tasks rely on.
pub(crate) fn run(shell: &Shell, toolchain: &Toolchain) -> Result<()> {
    let folder = shell.create_temp_dir()?;
    let (source, program) = (folder.path().join("features.rs"), folder.path().join("features"));
    shell.write_file(&source, PROGRAM)?;
    let _environment = toolchain.enter(shell, DEFAULT_CPU);
    let (rustc, linker) = (toolchain.rustc(), toolchain.linker());
    let flags = ["--edition", "2024", "--target", TARGET, "-C"];
    cmd!(shell, "{rustc} {flags...} linker={linker} -o {program} {source}")
        .quiet()
        .run()
        .with_context(|| format!("self-test: {} cannot compile and link for {TARGET}", rustc.display()))?;
    let qemu = &toolchain.qemu;
    let found = cmd!(shell, "{qemu} {program}")
        .quiet()
        .read()
        .with_context(|| format!("self-test: {} cannot run a program of {TARGET}", qemu.display()))?;
    ensure!(
        found == "bf16 true sve true",
        "self-test: an emulated {DEFAULT_CPU} should have bf16 and sve, and has: {found}; is {} too old?",
        qemu.display()
    );
    let (mca, objdump) = (&toolchain.llvm_mca, &toolchain.llvm_objdump);
    let modelled = cmd!(shell, "{mca} -mtriple=aarch64 -mcpu={DEFAULT_CPU}")
        .stdin("fmla v0.4s, v1.4s, v2.4s\n")
        .quiet()
        .read()
        .with_context(|| format!("self-test: {} does not model {DEFAULT_CPU}", mca.display()))?;
    ensure!(modelled.contains("Total Cycles:"), "self-test: {} prints:\n{modelled}", mca.display());
    let disassembly = cmd!(shell, "{objdump} --disassemble {program}").quiet().read()?;
    ensure!(disassembly.contains("ret"), "self-test: {} does not disassemble {TARGET}", objdump.display());
    Ok(())
}
