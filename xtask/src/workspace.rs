//! Where the workspace lies, a shell that stands in it, and the programs that the system has.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, process};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use xshell::{Shell, cmd};

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

/// The target that the compiler builds for if none is named.
pub(crate) fn host(shell: &Shell) -> Result<String> {
    let verbose = cmd!(shell, "rustc --version --verbose").quiet().read()?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc tells no host")?.to_owned())
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

/// What a file holds as JSON.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no record", path.display()))
}

/// The same, or nothing where there is no such file.
pub(crate) fn read_json_or_default<T: DeserializeOwned + Default>(path: &Path) -> Result<T> {
    if path.exists() { read_json(path) } else { Ok(T::default()) }
}

/// Writes a file as [`write_whole`] does.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write_whole(path, &format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Writes a file such that whatever interrupts it leaves the old content or the new one. Its folder is made if need be.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { bail!("{} is no file", path.display()) };
    let unfinished = folder.join(format!(".{}.{}", name.to_string_lossy(), process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| File::create(&unfinished))
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // What failed is the news.
        let _ = fs::remove_file(&unfinished);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Lets everybody read and execute a file.
#[cfg(unix)]
pub(crate) fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
pub(crate) fn make_executable(_path: &Path) -> Result<()> {
    anyhow::bail!("files have no such permission here")
}

/// The SHA-256 of `bytes`, hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first of these programs that `PATH` has.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}
