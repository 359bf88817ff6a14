//! A tool chain that is ready for use, and the environment in which cargo uses it.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::{PushEnv, Shell};

use super::folder::Folder;
use crate::workspace;

/// The target of all cross builds.
pub(crate) const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The processor that is emulated where nobody asks for another: that of Graviton3.
pub(crate) const DEFAULT_CPU: &str = "neoverse-v1";

/// Tools that build for [`TARGET`], run it and look into it. All paths are absolute.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// None where cargo's own compiler knows the target.
    rust: Option<Rust>,
    linker: PathBuf,
    archiver: PathBuf,
    /// What the emulated program takes for `/`: the target's loader and libraries lie there.
    system_root: PathBuf,
    /// Runs programs of the target, in the environment of [`Toolchain::enter`].
    pub(crate) qemu: PathBuf,
    pub(crate) llvm_objdump: PathBuf,
    pub(crate) llvm_mca: PathBuf,
}

#[derive(Clone, Debug)]
struct Rust {
    compiler: PathBuf,
    documentation: PathBuf,
}

impl Toolchain {
    /// The tool chain of the cache folder, which is filled first if that was not done yet.
    pub(crate) fn find_or_set_up() -> Result<Self> {
        let folder = Folder::chosen()?;
        if !folder.is_ready() {
            bail!("there is no tool chain in {}; `SLIDE_CROSS_DIR` names the folder of one", folder.path().display());
        }
        Ok(Self::unpacked(&folder))
    }

    fn unpacked(folder: &Folder) -> Self {
        Self {
            rust: Some(Rust { compiler: folder.rust_tool("rustc"), documentation: folder.rust_tool("rustdoc") }),
            linker: folder.tool("aarch64-linux-gnu-gcc"),
            archiver: folder.tool("aarch64-linux-gnu-ar"),
            system_root: folder.root().join("usr/aarch64-linux-gnu"),
            qemu: folder.root().join("usr/bin/qemu-aarch64"),
            llvm_objdump: folder.tool("llvm-objdump"),
            llvm_mca: folder.tool("llvm-mca"),
        }
    }

    /// Until the result is dropped, `cargo ... --target` [`TARGET`] on this shell builds with these tools into a target
    /// folder of their own, and `cargo test`, `cargo run` and [`qemu`](Self::qemu) emulate `cpu`, a processor by
    /// qemu's name (LLVM's is the same).
    pub(crate) fn enter<'a>(&self, shell: &'a Shell, cpu: &str) -> Vec<PushEnv<'a>> {
        let mut pushed = vec![
            shell.push_env("CARGO_TARGET_DIR", workspace::target().join("cross")),
            shell.push_env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", &self.linker),
            shell.push_env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", &self.qemu),
            shell.push_env("CC_aarch64_unknown_linux_gnu", &self.linker),
            shell.push_env("AR_aarch64_unknown_linux_gnu", &self.archiver),
            shell.push_env("QEMU_LD_PREFIX", &self.system_root),
            shell.push_env("QEMU_CPU", cpu),
        ];
        if let Some(rust) = &self.rust {
            pushed.push(shell.push_env("RUSTC", &rust.compiler));
            pushed.push(shell.push_env("RUSTDOC", &rust.documentation));
        }
        pushed
    }
}

/// The processor to emulate: `$SLIDE_QEMU_CPU`, or Graviton3's.
pub(crate) fn chosen_cpu() -> String {
    env::var("SLIDE_QEMU_CPU").ok().filter(|cpu| !cpu.is_empty()).unwrap_or_else(|| DEFAULT_CPU.to_owned())
}
