//! Files without a name, on Linux.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::linkat;

use super::{Name, folder};

/// A file without a name in `folder`; none if the file system has no such files, or they could not be given a name.
pub(super) fn create(folder: &Path, mode: u32) -> Option<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let file: File = open(folder, flags, Mode::from_bits_truncate(mode)).ok()?.into();
    Path::new(&name_of(&file)).exists().then_some(file)
}

/// Gives the file a name, in place of the file that has it.
pub(super) fn publish(file: &File, path: &Path) -> io::Result<()> {
    let link = |path: &Path| -> io::Result<()> {
        Ok(linkat(AT_FDCWD, &*name_of(file), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
    };
    match link(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let _ = file.lock();
            let ((), name) = Name::make(folder(path), link)?;
            name.publish(path)
        }
        other => other,
    }
}

/// By which the system knows an open file.
fn name_of(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
