//! A tool chain that is ready for use, and the environment in which cargo uses it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use xshell::{PushEnv, Shell};

use super::wrappers::{rust_tool, tool};
use super::{FOLDER, debian, installed};
use crate::debian_packages::Folder;
use crate::workspace;

/// The target of all cross builds.
pub(crate) const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The processor that is emulated where nobody asks for another: that of Graviton3.
pub(crate) const DEFAULT_CPU: &str = "neoverse-v1";

/// Tools that build for [`TARGET`], run it and look into it. All paths are absolute.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// None where cargo's own compiler knows the target.
    pub(super) rust: Option<Rust>,
    pub(super) linker: PathBuf,
    pub(super) archiver: PathBuf,
    /// What the emulated program takes for `/`: the target's loader and libraries lie there.
    pub(super) system_root: PathBuf,
    /// Runs programs of the target, in the environment of [`Toolchain::enter`].
    pub(crate) qemu: PathBuf,
    pub(crate) llvm_objdump: PathBuf,
    pub(crate) llvm_mca: PathBuf,
}

#[derive(Clone, Debug)]
pub(super) struct Rust {
    compiler: PathBuf,
    documentation: PathBuf,
    lints: PathBuf,
}

impl Toolchain {
    /// The tool chain of the cache folder, or that of the system if it is complete; otherwise the cache folder is filled
    /// first, where that can be done.
    pub(crate) fn find_or_set_up() -> Result<Self> {
        let folder = Folder::chosen(&FOLDER)?;
        if folder.is_ready() {
            return Ok(Self::unpacked(&folder));
        }
        let missing = match installed::find(&workspace::shell()?) {
            Ok(toolchain) => return Ok(toolchain),
            Err(missing) => missing,
        };
        debian::set_up(&folder).with_context(|| {
            let missing = missing.join("\n  ");
            format!("there is no tool chain for {TARGET} here; to use the system's own, this is missing:\n  {missing}")
        })?;
        Ok(Self::unpacked(&folder))
    }

    /// What [`debian::set_up`] has left in `folder`.
    pub(super) fn unpacked(folder: &Folder) -> Self {
        Self {
            rust: Some(Rust {
                compiler: rust_tool(folder, "rustc"),
                documentation: rust_tool(folder, "rustdoc"),
                lints: rust_tool(folder, "clippy-driver"),
            }),
            linker: tool(folder, "aarch64-linux-gnu-gcc"),
            archiver: tool(folder, "aarch64-linux-gnu-ar"),
            system_root: folder.root().join("usr/aarch64-linux-gnu"),
            qemu: folder.root().join("usr/bin/qemu-aarch64"),
            llvm_objdump: tool(folder, "llvm-objdump"),
            llvm_mca: tool(folder, "llvm-mca"),
        }
    }

    /// The compiler, as a program to start.
    pub(crate) fn rustc(&self) -> &Path {
        self.rust.as_ref().map_or(Path::new("rustc"), |rust| &rust.compiler)
    }

    pub(crate) fn linker(&self) -> &Path {
        &self.linker
    }

    /// Until the result is dropped, `cargo ... --target` [`TARGET`] on this shell builds with these tools into a target
    /// folder of their own, and `cargo test`, `cargo run` and [`qemu`](Self::qemu) emulate `cpu`, a processor by
    /// qemu's name (LLVM's is the same).
    pub(crate) fn enter<'a>(&self, shell: &'a Shell, cpu: &str) -> Vec<PushEnv<'a>> {
        let place = [("CARGO_TARGET_DIR", workspace::target().join("cross").into()), ("QEMU_CPU", cpu.into())];
        self.variables().into_iter().chain(place).map(|(name, value)| shell.push_env(name, value)).collect()
    }

    /// The same, but `cargo check` does what `cargo clippy -- -D warnings` would, which takes no other compiler than its own.
    pub(crate) fn enter_clippy<'a>(&self, shell: &'a Shell) -> Vec<PushEnv<'a>> {
        let mut pushed = self.enter(shell, DEFAULT_CPU);
        let driver = self.rust.as_ref().map_or(Path::new("clippy-driver"), |rust| &rust.lints);
        pushed.push(shell.push_env("RUSTC_WORKSPACE_WRAPPER", driver));
        // As `cargo clippy` hands them to the driver.
        pushed.push(shell.push_env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__"));
        pushed
    }

    /// What cargo, the `cc` crate and the emulator read.
    fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut all: Vec<(&str, OsString)> = vec![
            ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", self.linker.clone().into()),
            ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", self.qemu.clone().into()),
            ("CC_aarch64_unknown_linux_gnu", self.linker.clone().into()),
            ("AR_aarch64_unknown_linux_gnu", self.archiver.clone().into()),
            ("QEMU_LD_PREFIX", self.system_root.clone().into()),
        ];
        if let Some(rust) = &self.rust {
            all.push(("RUSTC", rust.compiler.clone().into()));
            all.push(("RUSTDOC", rust.documentation.clone().into()));
        }
        all
    }

    /// [`enter`](Self::enter) for people: a file to read into a shell.
    pub(super) fn shell_script(&self) -> String {
        let cpu = ("QEMU_CPU", format!("${{SLIDE_QEMU_CPU:-{DEFAULT_CPU}}}").into());
        let lines = self.variables().into_iter().chain([cpu]);
        lines.map(|(name, value)| format!("export {name}=\"{}\"\n", value.to_string_lossy())).collect()
    }

    /// The emulator, ready for its own options, a program of the target, and that program's arguments.
    pub(crate) fn emulate(&self, cpu: &str) -> Command {
        let mut command = Command::new(&self.qemu);
        command.env("QEMU_LD_PREFIX", &self.system_root).env("QEMU_CPU", cpu);
        command
    }
}

/// The processor to emulate: `$SLIDE_QEMU_CPU`, or Graviton3's.
pub(crate) fn chosen_cpu() -> String {
    env::var("SLIDE_QEMU_CPU").ok().filter(|cpu| !cpu.is_empty()).unwrap_or_else(|| DEFAULT_CPU.to_owned())
}
