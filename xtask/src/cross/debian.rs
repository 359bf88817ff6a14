//! The tool chain from Debian's packages: fetched and unpacked into a folder, never installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use super::folder::Folder;
use super::packages::{
    available_bytes, dependencies, downloads, installations, llvm_of, major_minor, mirror, os_release, versions,
};
use super::self_test;
use super::toolchain::Toolchain;
use crate::apt::{Apt, Settings};
use crate::workspace;

/// The packages that the tools are taken from, and all that they need on top of this system.
struct Plan {
    /// As `apt-get download` takes them.
    packages: Vec<String>,
    compiler: String,
    llvm: u32,
}

/// Why the tool chain cannot come from packages here.
pub(crate) fn obstacle() -> Option<String> {
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let programs = ["apt-get", "apt-cache", "dpkg-deb"];
    if os_release(&os, "ID") != Some("debian") || !cfg!(target_arch = "x86_64") {
        let name = os_release(&os, "PRETTY_NAME").unwrap_or(std::env::consts::OS);
        return Some(format!("this system is {name} on {}, not Debian on x86-64", std::env::consts::ARCH));
    }
    let missing = programs.into_iter().find(|program| super::installed::on_path(&[program]).is_none())?;
    Some(format!("this Debian has no {missing}"))
}

/// Makes the tool chain in `folder`. Says what it downloads before it does so.
pub(crate) fn set_up(folder: &Folder) -> Result<()> {
    let (new, _lock) = folder.begin()?;
    if folder.is_ready() {
        return Ok(()); // Another set-up held the lock until now.
    }
    let made = make(&new, folder).and_then(|()| new.finish(folder));
    if made.is_err() {
        // What failed is the news, not whether its remains could be removed.
        let _ = fs::remove_dir_all(new.path());
    }
    made.with_context(|| format!("cannot set up the tool chain in {}", folder.path().display()))
}

fn make(new: &Folder, destination: &Folder) -> Result<()> {
    let shell = workspace::shell()?;
    println!("setup-cross: fetching Debian's package lists, about 20 MB");
    let apt = private_apt(&shell, &new.path().join("apt"))?;
    apt.update()?;
    let plan = plan(&apt)?;
    announce(&shell, &apt, &plan, new.path(), destination.path())?;
    let files = download(&shell, &apt, &plan, &new.path().join("debs"))?;
    println!("setup-cross: unpacking");
    unpack(&shell, &files, &new.root())?;
    for finished in ["debs", "apt"] {
        fs::remove_dir_all(new.path().join(finished))?;
    }
    prune(&new.root())?;
    new.write_wrappers(plan.llvm)?;
    self_test::run(&shell, &Toolchain::unpacked(new))?;
    let environment = Toolchain::unpacked(destination).shell_script();
    Ok(fs::write(new.path().join("env"), environment)?)
}

/// An apt for this machine's mirror, both architectures, and the suite of backports: Debian 12's own emulator knows no
/// Neoverse V1.
fn private_apt<'a>(shell: &'a Shell, state: &Path) -> Result<Apt<'a>> {
    let list = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].into_iter().find_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        mirror(&text)?;
        Some((Path::new(path), text))
    });
    let (list, sources) =
        list.context("neither /etc/apt/sources.list.d/debian.sources nor /etc/apt/sources.list names a mirror")?;
    let (mirror, key) = mirror(&sources).context("the mirror has just been there")?;
    let os = fs::read_to_string("/etc/os-release")?;
    let release = os_release(&os, "VERSION_CODENAME").context("/etc/os-release has no VERSION_CODENAME")?;
    let key = key.map(|key| format!("Signed-By: {key}\n")).unwrap_or_default();

    let status = Path::new("/var/lib/dpkg/status");
    let apt = Apt::new(shell, state, &Settings { architectures: &["amd64", "arm64"], status, language: "none" })?;
    let extension = list.extension().unwrap_or_default().to_string_lossy();
    apt.add_source(&format!("main.{extension}"), &sources)?;
    apt.add_source(
        "backports.sources",
        &format!("Types: deb\nURIs: {mirror}\nSuites: {release}-backports\nComponents: main\n{key}"),
    )?;
    Ok(apt)
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
    let llvm = llvm_of(&show).with_context(|| format!("{library} depends on no LLVM that is known here:\n{show}"))?;
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
    packages.push("qemu-user".to_owned() + newest_qemu(apt)?.as_str());
    Ok(Plan { packages, compiler, llvm })
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
    let names = installations(&simulated).into_iter().chain(dependencies(&recursive).filter(is_own));
    // With the version that was asked for, where one was.
    let pinned =
        |name: &str| tools.iter().find(|tool| tool.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
    Ok(names.map(|name| pinned(name).cloned().unwrap_or_else(|| name.to_owned())).collect())
}

/// `=VERSION` of the newest emulator, of any suite: a plain name would take that of the release.
fn newest_qemu(apt: &Apt<'_>) -> Result<String> {
    let madison = apt.command("apt-cache").args(["madison", "qemu-user"]).read()?;
    let newest = versions(&madison).first().map(|version| format!("={version}"));
    newest.context("apt knows no package qemu-user")
}

/// Says what will be downloaded and how much, and fails early if there is no room for it.
fn announce(shell: &Shell, apt: &Apt<'_>, plan: &Plan, new: &Path, destination: &Path) -> Result<()> {
    let uris = apt.command("apt-get").args(["-qq", "--print-uris", "download"]).args(&plan.packages).read()?;
    let files = downloads(&uris)?;
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    // Unpacked, packages of programs are about four times as large; both lie there for a while.
    let needed = 5 * bytes;
    println!(
        "setup-cross: downloading {} packages, {} MB, to {} (about {} MB in the end; nothing is installed)",
        files.len(),
        bytes / 1_000_000,
        destination.display(),
        4 * bytes / 1_000_000
    );
    println!(
        "setup-cross: {}, LLVM {}, gcc-aarch64-linux-gnu, {}",
        plan.compiler,
        plan.llvm,
        plan.packages[plan.packages.len() - 1]
    );
    let df = cmd!(shell, "df -Pk {new}").quiet().read()?;
    let available = available_bytes(&df).with_context(|| format!("df prints:\n{df}"))?;
    ensure!(
        available >= needed,
        "{} has {} MB left and {} MB are needed; SLIDE_CROSS_DIR names another place",
        new.display(),
        available / 1_000_000,
        needed / 1_000_000
    );
    Ok(())
}

fn download(shell: &Shell, apt: &Apt<'_>, plan: &Plan, folder: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir(folder)?;
    let _inside = shell.push_dir(folder);
    let get = apt.command("apt-get").args(["-qq", "download"]).args(&plan.packages);
    get.run().context("apt cannot download the packages; what it says above names the reason")?;
    let files: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    ensure!(files.len() >= plan.packages.len(), "apt has left {} files of {}", files.len(), plan.packages.len());
    Ok(files)
}

fn unpack(shell: &Shell, packages: &[PathBuf], root: &Path) -> Result<()> {
    fs::create_dir(root)?;
    for package in packages {
        cmd!(shell, "dpkg-deb --extract {package} {root}").quiet().run()?;
    }
    Ok(())
}

/// Removes what is large and not needed: documentation, and the emulators of other processors.
fn prune(root: &Path) -> Result<()> {
    for folder in ["doc", "man", "locale"] {
        let folder = root.join("usr/share").join(folder);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    for entry in fs::read_dir(root.join("usr/bin"))? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("qemu-") && name != "qemu-aarch64") {
            fs::remove_file(root.join("usr/bin").join(name))?;
        }
    }
    Ok(())
}
