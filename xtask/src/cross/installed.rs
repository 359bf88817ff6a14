//! The tool chain of the system: a Rust target of rustup, a cross compiler, the emulator and LLVM's tools on `PATH`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use super::toolchain::{TARGET, Toolchain};
use crate::debian_packages::output::major_minor;
use crate::workspace::on_path;

/// The first LLVM whose model of Neoverse V1 is its own; earlier ones take an older core's.
const LLVM: u32 = 17;
/// The first emulator that knows Neoverse V1 and N2.
const QEMU: (u32, u32) = (8, 2);

/// The tools, or a line for each that is missing or too old, with what brings it.
pub(crate) fn find(shell: &Shell) -> Result<Toolchain, Vec<String>> {
    let mut missing = Vec::new();
    if !has_target(shell) {
        missing.push(format!("the standard library of {TARGET}: `rustup target add {TARGET}`"));
    }
    let mut want = |found: Option<PathBuf>, name: &str, remedy: &str| {
        if found.is_none() {
            missing.push(format!("{name}: {remedy}"));
        }
        found.unwrap_or_default()
    };
    let gcc = "package gcc-aarch64-linux-gnu, or the cross GCC of your distribution, on PATH";
    let linker =
        want(on_path(&["aarch64-linux-gnu-gcc", "aarch64-unknown-linux-gnu-gcc"]), "aarch64-linux-gnu-gcc", gcc);
    let archiver =
        want(on_path(&["aarch64-linux-gnu-ar", "aarch64-unknown-linux-gnu-ar"]), "aarch64-linux-gnu-ar", gcc);
    let system_root = want(
        system_root(shell, &linker),
        "lib/ld-linux-aarch64.so.1, the C library of the target",
        "package libc6-dev-arm64-cross, or libc6-arm64-cross; QEMU_LD_PREFIX names the folder of another",
    );
    let qemu = on_path(&["qemu-aarch64", "qemu-aarch64-static"]).filter(|path| version(shell, path) >= QEMU);
    let qemu = want(qemu, &format!("qemu-aarch64 {}.{} or newer", QEMU.0, QEMU.1), "package qemu-user");
    let mut llvm = |tool: &str| {
        want(newest_llvm(shell, tool), &format!("{tool} {LLVM} or newer"), "package llvm, or one of apt.llvm.org")
    };
    let (llvm_objdump, llvm_mca) = (llvm("llvm-objdump"), llvm("llvm-mca"));
    if missing.is_empty() {
        Ok(Toolchain { rust: None, linker, archiver, system_root, qemu, llvm_objdump, llvm_mca })
    } else {
        Err(missing)
    }
}

fn has_target(shell: &Shell) -> bool {
    let libraries = cmd!(shell, "rustc --print target-libdir --target {TARGET}").quiet().ignore_stderr().read();
    libraries.is_ok_and(|folder| Path::new(&folder).is_dir())
}

/// The tool of the highest version, with or without the version in its name.
fn newest_llvm(shell: &Shell, tool: &str) -> Option<PathBuf> {
    let names = (LLVM..LLVM + 20).rev().map(|version| format!("{tool}-{version}")).chain([tool.to_owned()]);
    let found = names.filter_map(|name| on_path(&[&name]));
    found.filter(|path| version(shell, path) >= (LLVM, 0)).max_by_key(|path| version(shell, path))
}

fn version(shell: &Shell, program: &Path) -> (u32, u32) {
    let printed = cmd!(shell, "{program} --version").quiet().ignore_stderr().read().unwrap_or_default();
    major_minor(&printed).unwrap_or_default()
}

/// The folder that has the target's loader in `lib`.
fn system_root(shell: &Shell, linker: &Path) -> Option<PathBuf> {
    let of_linker = cmd!(shell, "{linker} -print-sysroot").quiet().ignore_stderr().read().unwrap_or_default();
    let of_environment = env::var_os("QEMU_LD_PREFIX").unwrap_or_default();
    let candidates = [PathBuf::from(of_environment), PathBuf::from(of_linker), "/usr/aarch64-linux-gnu".into()];
    candidates.into_iter().find(|root| root.is_absolute() && root.join("lib/ld-linux-aarch64.so.1").exists())
}
