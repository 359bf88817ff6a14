//! Virtual environments of Python.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// How packages are installed.
pub(crate) const PIP: [&str; 5] = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

/// The Python of a virtual environment in `folder`, which is made if need be.
pub(crate) fn environment(shell: &Shell, folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if cmd!(shell, "{python} -m pip --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        cmd!(shell, "python3 -m venv --clear {folder}")
            .quiet()
            .run()
            .context("cannot make a virtual environment (Debian: python3-venv)")?;
    }
    Ok(python)
}

pub(crate) fn install(shell: &Shell, python: &Path, arguments: &[&str]) -> Result<()> {
    Ok(cmd!(shell, "{python} {PIP...} --prefer-binary {arguments...}").run()?)
}
