//! The C library hwloc, of the system or unpacked from Debian's packages, and the check of what is built with it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{PushEnv, Shell, cmd};

use crate::debian_packages::{Folder, Purpose};
use crate::workspace::{self, on_path};

/// The first version that the feature can do with.
const VERSION: &str = "2.8";

static PURPOSE: Purpose = Purpose {
    task: "hwloc",
    content: "the library hwloc",
    name: "slide-hwloc",
    variable: "SLIDE_HWLOC_DIR",
    revision: "1",
};

/// Lints and tests of slide-mem with the feature `hwloc`; the program builds with it and shows the machine.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    let root = find_or_unpack(shell)?;
    let _environment = root.map(|root| enter(shell, &root));
    let feature = ["--package=slide-mem", "--features=hwloc"];
    cmd!(shell, "cargo clippy {feature...} --all-targets -- -D warnings").run()?;
    cmd!(shell, "cargo test {feature...}").run()?;
    // Of the whole workspace: what the feature does not change is not built for it.
    cmd!(shell, "cargo build --workspace --bin slide --features slide-cli/hwloc").run()?;
    let slide = workspace::target().join("debug/slide");
    Ok(cmd!(shell, "{slide} info").run()?)
}

/// The root of unpacked packages; none where the system has all that is needed.
fn find_or_unpack(shell: &Shell) -> Result<Option<PathBuf>> {
    let has = |arguments: &[&str]| cmd!(shell, "pkg-config {arguments...}").quiet().ignore_stderr().run().is_ok();
    let has_program = on_path(&["pkg-config"]).is_some();
    if has_program && has(&["--atleast-version", VERSION, "hwloc"]) && has(&["--exists", "libudev"]) {
        return Ok(None);
    }
    let folder = Folder::chosen(&PURPOSE)?;
    let mut packages = vec!["libhwloc-dev", "libhwloc15", "libudev-dev", "libudev1"];
    if !has_program {
        packages.extend(["pkgconf-bin", "libpkgconf3"]);
    }
    folder.provide_packages(shell, &packages).with_context(|| {
        format!(
            "pkg-config finds no hwloc {VERSION} or newer with libudev: install libhwloc-dev, libudev-dev and pkg-config, by \
             these names or those of your distribution"
        )
    })?;
    Ok(Some(folder.root()))
}

/// Until the result is dropped, what is built on this shell finds the unpacked library, and so does what is run.
fn enter<'a>(shell: &'a Shell, root: &Path) -> Vec<PushEnv<'a>> {
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    let mut pushed = vec![
        shell.push_env("PKG_CONFIG_PATH", libraries.join("pkgconfig")),
        shell.push_env("PKG_CONFIG_SYSROOT_DIR", root),
        shell.push_env("LD_LIBRARY_PATH", &libraries),
    ];
    let program = root.join("usr/bin/pkgconf");
    if program.exists() {
        pushed.push(shell.push_env("PKG_CONFIG", program));
    }
    pushed
}
