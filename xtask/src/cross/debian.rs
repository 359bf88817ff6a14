//! The tool chain from Debian's packages: fetched and unpacked into a folder, never installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::self_test;
use super::toolchain::Toolchain;
use super::wrappers;
use crate::debian_packages::output::{dependencies, first_dependency, installations, major_minor, versions};
use crate::debian_packages::{self, Apt, Folder};
use crate::workspace;

/// The packages that the tools are taken from, and all that they need on top of this system.
struct Plan {
    /// As `apt-get download` takes them.
    packages: Vec<String>,
    compiler: String,
    emulator: String,
    llvm: u32,
}

/// Makes the tool chain in `folder`. Says what it downloads before it does so.
pub(super) fn set_up(folder: &Folder) -> Result<()> {
    let shell = workspace::shell()?;
    let choose = |apt: &Apt<'_>| {
        let Plan { packages, compiler, emulator, llvm } = plan(apt)?;
        println!("setup-cross: {compiler}, LLVM {llvm}, {emulator}");
        Ok((packages, llvm))
    };
    folder.provide(&shell, &["amd64", "arm64"], choose, |new, llvm| {
        prune(&new.root())?;
        wrappers::write(new, llvm)?;
        self_test::run(&shell, &Toolchain::unpacked(new))?;
        let environment = Toolchain::unpacked(folder).shell_script();
        Ok(fs::write(new.path().join("env"), environment)?)
    })
}

/// Chooses versions: the compiler and the standard library of the target must be of the very same one.
fn plan(apt: &Apt<'_>) -> Result<Plan> {
    let needed = major_minor(env!("CARGO_PKG_RUST_VERSION")).context("the workspace states its rust-version")?;
    let madison = |package: &str| apt.command("apt-cache").args(["madison", package]).read();
    let mut found = Vec::new();
    // Debian has the compiler twice; the one for browsers is kept new in a stable release.
    for kind in ["-web", ""] {
        let (compilers, libraries) =
            (madison(&format!("rustc{kind}:amd64"))?, madison(&format!("libstd-rust{kind}-dev:arm64"))?);
        let libraries = versions(&libraries);
        for version in versions(&compilers).into_iter().filter(|version| libraries.contains(version)) {
            match major_minor(version) {
                Some(release) if release >= needed => return plan_with(apt, kind, version, release),
                _ => found.push(version.to_owned()),
            }
        }
    }
    bail!(
        "the workspace needs Rust {}.{} for arm64, and this Debian has {}; a newer Debian, or `rustup target add {}` with \
         a cross compiler and qemu, will do",
        needed.0,
        needed.1,
        if found.is_empty() { "none".to_owned() } else { found.join(", ") },
        super::TARGET
    )
}

fn plan_with(apt: &Apt<'_>, kind: &str, version: &str, (major, minor): (u32, u32)) -> Result<Plan> {
    let library = format!("libstd-rust{kind}-{major}.{minor}={version}");
    let show = apt.command("apt-cache").args(["show", &library]).read()?;
    let llvm = first_dependency(&show, "libllvm").and_then(|name| name["libllvm".len()..].parse().ok());
    let llvm = llvm.with_context(|| format!("{library} depends on no LLVM that is known here:\n{show}"))?;
    let compiler = format!("rustc{kind}={version}");
    let tools = [
        compiler.clone(),
        library,
        format!("libstd-rust{kind}-dev={version}"),
        format!("llvm-{llvm}"),
        "gcc-aarch64-linux-gnu".to_owned(),
        "libc6-dev-arm64-cross".to_owned(),
    ];
    let mut packages: Vec<String> = closure(apt, &tools, llvm)?.into_iter().collect();
    packages.push(format!("libstd-rust{kind}-dev:arm64={version}"));
    packages.push(format!("rust{kind}-clippy={version}"));
    // A plain name would take the release's own, and that of Debian 12 knows no Neoverse V1.
    let emulator = debian_packages::newest(apt, "qemu-user")?;
    packages.push(emulator.clone());
    Ok(Plan { packages, compiler, emulator, llvm })
}

/// The packages of `tools` and of what they need: all that the system lacks, and what belongs to the tools themselves even
/// where the system has it, since they are started from the folder.
fn closure(apt: &Apt<'_>, tools: &[String], llvm: u32) -> Result<BTreeSet<String>> {
    let simulate = apt.command("apt-get").args(["-qq", "--simulate", "install"]).args(tools);
    let simulated = simulate.read().context("apt cannot work out what the tools need; its own words are above")?;
    let kinds =
        ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map(|kind| format!("--no-{kind}"));
    let recursive = apt.command("apt-cache").args(["depends", "--recurse"]).args(kinds).args(tools).read()?;
    let llvm = [format!("llvm-{llvm}"), format!("libllvm{llvm}")];
    let is_own = |name: &&str| {
        let parts = ["aarch64-linux-gnu", "arm64-cross", "cross-base", "rustc", "libstd-rust"];
        parts.iter().any(|part| name.contains(part)) || llvm.iter().any(|part| name.starts_with(part))
    };
    let names = installations(&simulated).into_iter().map(|(name, _)| name);
    let names = names.chain(dependencies(&recursive).filter(is_own));
    // With the version that was asked for, where one was.
    let pinned =
        |name: &str| tools.iter().find(|tool| tool.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
    Ok(names.map(|name| pinned(name).cloned().unwrap_or_else(|| name.to_owned())).collect())
}

/// Removes the emulators of other processors.
fn prune(root: &Path) -> Result<()> {
    for entry in fs::read_dir(root.join("usr/bin"))? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("qemu-") && name != "qemu-aarch64") {
            fs::remove_file(root.join("usr/bin").join(name))?;
        }
    }
    Ok(())
}
