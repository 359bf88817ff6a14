//! Output paths, checked before the work begins: a mistyped path is an error immediately, not after hours of training.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use slide_core::{Destination, Trainer};

use crate::usage::Usage;

/// Whether an output is standard output: `-`, or the name that the system has for it.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-") || path == Path::new("/dev/stdout")
}

/// Checks that no output is an input or another output.
pub(crate) fn check_different(outputs: &[&Path], inputs: &[&Path]) -> Result<()> {
    for (number, output) in outputs.iter().enumerate() {
        let same = |other: &&Path| is_same(other, output);
        if !is_stdout(output) && inputs.iter().any(same) {
            return Err(Usage(format!("{} is an input: it would be overwritten", output.display())).into());
        }
        if outputs[..number].iter().any(same) {
            return Err(Usage(format!("{}: two outputs cannot go to the same file", output.display())).into());
        }
    }
    Ok(())
}

/// Checks that a file can be written at `path` as a whole, or where it leads to if it is a symbolic link.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    if is_stdout(path) {
        let path = path.display();
        return Err(Usage(format!("{path} is standard output, which this is not written to: give it a file")).into());
    }
    let check = Destination::of(path).and_then(|destination| destination.check());
    check.map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
}

/// Space on a disk, reserved until this is dropped.
pub(crate) struct Reservation {
    /// Without a name, so that nothing is left on the disk if the process is killed.
    _file: Option<File>,
}

/// Reserves the disk space of the trained model at `path`: a full disk is an error before the training, not after.
pub(crate) fn reserve(path: &Path, trainer: &Trainer) -> Result<Reservation> {
    let bytes = trainer.file_bytes();
    let reserve = |destination: Destination| {
        let file = tempfile::tempfile_in(destination.folder())?;
        Ok(allocate(&file, bytes)?.then_some(file))
    };
    let cannot =
        || format!("cannot write {}: its folder has no space for {} MiB", path.display(), bytes.div_ceil(1 << 20));
    Ok(Reservation { _file: Destination::of(path).and_then(reserve).with_context(cannot)? })
}

/// Reserves `bytes` bytes of the disk for the file; false if the file system does not support it.
fn allocate(file: &File, bytes: u64) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        use nix::errno::Errno;
        use nix::fcntl::{FallocateFlags, fallocate};
        match fallocate(file, FallocateFlags::empty(), 0, bytes as i64) {
            Err(full @ (Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG)) => Err(full.into()),
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

/// The same for every path that leads to the file, whether it exists or not.
fn identity(path: &Path) -> PathBuf {
    if is_stdout(path) {
        return "-".into();
    }
    let place = |destination: Destination| {
        Some(destination.folder().canonicalize().ok()?.join(destination.path().file_name()?))
    };
    let new = || Destination::of(path).ok().and_then(place);
    path.canonicalize().ok().or_else(new).unwrap_or_else(|| path.to_owned())
}

/// `path` with another ending behind its name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
