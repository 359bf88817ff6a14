//! Where the workspace lies, and a shell that stands in it.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use xshell::Shell;

/// The root folder of the workspace.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable at run time too; the compiled-in path would be wrong after the checkout has moved.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(manifest);
    root.pop();
    root
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(target)
}

/// A folder of that name for a task's intermediate files, inside cargo's target folder.
pub(crate) fn scratch(task: &str) -> PathBuf {
    target().join("xtask").join(task)
}

/// A shell whose current folder is the workspace's root.
pub(crate) fn shell() -> Result<Shell> {
    let shell = Shell::new().context("cannot start a shell")?;
    shell.change_dir(root());
    Ok(shell)
}
