//! Output paths, checked before the work begins: a mistyped path is an error immediately, not after hours of training.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use slide_core::Trainer;

use crate::usage::Usage;

/// Checks that no output is an input or another output.
pub(crate) fn check_different(outputs: &[&Path], inputs: &[&Path]) -> Result<()> {
    for (number, output) in outputs.iter().enumerate() {
        let same = |other: &&Path| is_same(other, output);
        if inputs.iter().any(same) {
            return Err(Usage(format!("{} is an input: it would be overwritten", output.display())).into());
        }
        if outputs[..number].iter().any(same) {
            return Err(Usage(format!("{}: two outputs cannot go to the same file", output.display())).into());
        }
    }
    Ok(())
}

/// Checks that a file can be written at `path` atomically.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("cannot write {}: it is a folder", path.display());
    }
    if path.exists() && !path.is_file() {
        // The file is renamed to this path, which would replace a device.
        bail!("cannot write {}: it is not a regular file", path.display());
    }
    let folder = folder(path);
    if !folder.is_dir() {
        bail!("cannot write {}: there is no folder {}", path.display(), folder.display());
    }
    let probe = folder.join(format!(".slide-probe-{}", std::process::id()));
    let made = std::fs::File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe));
    made.with_context(|| format!("cannot write {}: its folder is not writable", path.display()))
}

/// Space on a disk, reserved until this is dropped.
pub(crate) struct Reservation {
    /// Without a name, so that nothing is left on the disk if the process is killed.
    _file: Option<File>,
}

/// Reserves the disk space of the trained model at `path`: a full disk is an error before the training, not after.
pub(crate) fn reserve(path: &Path, trainer: &Trainer) -> Result<Reservation> {
    let bytes = trainer.file_bytes();
    let file = tempfile::tempfile_in(folder(path)).and_then(|file| Ok(allocate(&file, bytes)?.then_some(file)));
    let cannot =
        || format!("cannot write {}: its folder has no space for {} MiB", path.display(), bytes.div_ceil(1 << 20));
    Ok(Reservation { _file: file.with_context(cannot)? })
}

/// Reserves `bytes` bytes of the disk for the file; false if the file system does not support it.
fn allocate(file: &File, bytes: u64) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Err(full @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(full.into()),
            other => Ok(other.is_ok()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, bytes);
        Ok(false)
    }
}

/// Whether two paths lead to the same file.
pub(crate) fn is_same(left: &Path, right: &Path) -> bool {
    identity(left) == identity(right)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The same for every path that leads to the file, whether it exists or not.
fn identity(path: &Path) -> PathBuf {
    let place = || Some(folder(path).canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(place).unwrap_or_else(|| path.to_owned())
}

/// `path` with another ending behind its name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
