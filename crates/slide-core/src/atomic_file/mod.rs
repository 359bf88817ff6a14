//! Files that appear, or are replaced, as a whole.
//!
//! On Linux the new file has no name until it is complete (`O_TMPFILE`), so that nothing is left of it however the program ends. A
//! name cannot be given to it in place of another file: where there is one, it gets a temporary name and is renamed. On other
//! systems, and on file systems without such files (NFS, FUSE), it has a temporary name from the beginning.
//!
//! A temporary name is `.slide-PID-XXXXXX.partial`, and the process that writes the file holds a lock on it. The system releases
//! the lock when the process ends, for whatever reason: a file whose lock is free is stale, and the next check of an
//! output in the folder removes it, or the next write that needs a temporary name. This is also right for processes of other containers and, over NFS, other machines.

#[cfg(all(target_os = "linux", not(slide_portable)))]
mod unnamed;

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempPath;

/// Writes a file through `write` aside, syncs it, and puts it at `path`: a reader never sees a part of it, and a failure leaves what was
/// at `path` before. A symbolic link stays, and the file that it leads to is written ([`Destination`]).
///
/// # Errors
/// Those of [`Destination::of`], and what `write` or the system says.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    Destination::of(path)?.write(write)
}

/// Removes the files that have a temporary name: for a program that ends because of a signal.
///
/// Files are neither begun nor completed by other threads after that; they wait for the end.
pub fn abandon_unfinished_files() {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        let _ = fs::remove_file(path);
    }
    std::mem::forget(unfinished);
}

/// A regular file that is to be written, which may exist, by its name without symbolic links at the end.
///
/// A file that replaces another gets its mode and, as far as the user may, its owner and group.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    replaced: Option<Metadata>,
}

impl Destination {
    /// The file that `path` names or, if it is a symbolic link, leads to.
    ///
    /// # Errors
    /// If that is not a regular file, nor a name for one.
    pub fn of(path: &Path) -> io::Result<Self> {
        let path = target(path)?;
        let bytes = path.as_os_str().as_encoded_bytes();
        if path.file_name().is_none() || bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
            return Err(refused("it is a folder"));
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => Err(refused("it is a folder")),
            Ok(found) if !found.is_file() => Err(refused("it is not a regular file")),
            Ok(found) => Ok(Self { path, replaced: Some(found) }),
            // Whether there can be one is for `check` to say.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Self { path, replaced: None })
            }
            Err(error) => Err(error),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the file.
    pub fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// Checks that the file can be written, as far as the system can say so in advance.
    ///
    /// # Errors
    /// If there is no such folder, or the user may not make or replace a file in it.
    pub fn check(&self) -> io::Result<()> {
        let folder = self.folder();
        if !folder.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display())));
        }
        remove_stale(folder);
        let not_writable =
            |error: io::Error| io::Error::new(error.kind(), format!("its folder is not writable: {error}"));
        let probe = tempfile::tempfile_in(folder).map_err(not_writable)?;
        #[cfg(unix)]
        if let Some(replaced) = &self.replaced {
            use std::os::unix::fs::MetadataExt as _;
            const STICKY: u32 = 0o1000;
            let (user, folder) = (probe.metadata()?.uid(), fs::metadata(folder)?);
            if folder.mode() & STICKY != 0 && ![0, folder.uid(), replaced.uid()].contains(&user) {
                return Err(refused("it is another user's"));
            }
        }
        drop(probe);
        Ok(())
    }

    /// Writes the file as [`write_atomically`] does.
    ///
    /// # Errors
    /// What `write` or the system says.
    pub fn write(&self, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let mut new = match unnamed::create(self.folder(), self.mode()) {
            Some(file) => Unfinished::Unnamed(file),
            None => {
                let (file, name) = Name::make(self.folder(), |path| create_locked(path, self.mode()))?;
                Unfinished::Named(file, name)
            }
        };
        write(new.file())?;
        let file = new.file();
        self.take_over_attributes(file);
        file.sync_all()?;
        match new {
            Unfinished::Unnamed(file) => unnamed::publish(&file, &self.path)?,
            Unfinished::Named(_file, name) => name.publish(&self.path)?,
        }
        // The new name itself is on disk only once the folder is; not every system can sync one.
        if let Ok(folder) = File::open(self.folder()) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// The mode of the new file, before the umask: never more than the old one has.
    fn mode(&self) -> u32 {
        #[cfg(unix)]
        if let Some(replaced) = &self.replaced {
            use std::os::unix::fs::PermissionsExt as _;
            return replaced.permissions().mode() & 0o777;
        }
        0o666
    }

    /// Gives the new file the owner, group and mode of the one that it replaces, where the system lets it.
    fn take_over_attributes(&self, new: &File) {
        #[cfg(unix)]
        if let (Some(old), Ok(own)) = (&self.replaced, new.metadata()) {
            use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
            if (old.uid(), old.gid()) != (own.uid(), own.gid())
                && fchown(new, Some(old.uid()), Some(old.gid())).is_err()
            {
                let _ = fchown(new, None, Some(old.gid()));
            }
            let _ = new.set_permissions(fs::Permissions::from_mode(self.mode()));
        }
        #[cfg(not(unix))]
        let _ = new;
    }
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where the symbolic links at the end of `path` lead; the last one may lead to what does not exist.
fn target(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..=MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        let folder = folder(&path);
        // Such a link is not the name that it reads as: `/dev/stdout` leads there.
        if folder.canonicalize()?.starts_with("/proc") {
            return Err(refused("it is an open file of a process, which cannot be replaced"));
        }
        path = folder.join(next);
    }
    Err(refused("too many symbolic links"))
}

/// A file that is being written.
enum Unfinished {
    Unnamed(File),
    Named(File, Name),
}

impl Unfinished {
    fn file(&mut self) -> &mut File {
        match self {
            Self::Unnamed(file) | Self::Named(file, _) => file,
        }
    }
}

/// The temporary names of this process. Held while one is made, renamed or removed.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary name of a file, removed when dropped.
struct Name(Option<TempPath>);

impl Name {
    /// Makes one with `make`, which fails if it exists; and removes stale ones.
    fn make<T>(folder: &Path, make: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(T, Self)> {
        remove_stale(folder);
        let mut unfinished = unfinished();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let made = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).make_in(folder, make)?;
        let (made, path) = made.into_parts();
        unfinished.push(path.to_path_buf());
        Ok((made, Self(Some(path))))
    }

    fn publish(mut self, path: &Path) -> io::Result<()> {
        let mut unfinished = unfinished();
        let Some(name) = self.0.take() else { return Ok(()) };
        unfinished.retain(|other| *other != *name);
        // A name that could not be persisted is removed.
        name.persist(path).map_err(|error| error.error)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if let Some(name) = self.0.take() {
            let mut unfinished = unfinished();
            unfinished.retain(|other| *other != *name);
            drop(name);
        }
    }
}

const PREFIX: &str = ".slide-";
const SUFFIX: &str = ".partial";

/// Whether a name is one of those that [`Name::make`] makes.
fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-'));
    let all = |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(is);
    name.is_some_and(|(pid, rest)| all(pid, u8::is_ascii_digit) && all(rest, u8::is_ascii_alphanumeric))
}

/// Removes the files with temporary names of processes that have ended.
fn remove_stale(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| is_temporary(&entry.file_name())) {
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // For writing, since NFS locks no other files in this way.
        let is_stale = |file: File| file.try_lock().is_ok();
        if File::options().read(true).write(true).open(entry.path()).is_ok_and(is_stale) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A new file, locked.
fn create_locked(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let file = options.open(path)?;
    // Where files cannot be locked, nobody takes this one for stale.
    let _ = file.lock();
    // Between the two calls another process may have taken it for stale. The caller tries another name then.
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0 {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    Ok(file)
}

/// No other system has files without a name.
#[cfg(not(all(target_os = "linux", not(slide_portable))))]
mod unnamed {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn create(_folder: &Path, _mode: u32) -> Option<File> {
        None
    }

    pub(super) fn publish(_file: &File, _path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write_atomically(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_atomically(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "disk full");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["model"]);
        write_atomically(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["model"]);
    }

    #[test]
    #[cfg(all(target_os = "linux", not(slide_portable)))]
    fn an_unfinished_file_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        if unnamed::create(folder.path(), 0o666).is_none() {
            eprintln!("skipped: no unnamed files here");
            return;
        }
        let path = folder.path().join("model");
        for before in [&[][..], &["model"]] {
            write_atomically(&path, |out| {
                assert_eq!(names(folder.path()), before);
                out.write_all(b"text")
            })
            .unwrap();
        }
    }

    /// As on file systems without unnamed files.
    #[test]
    fn a_temporary_name_is_removed_once_it_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let make = || Name::make(folder.path(), |path| create_locked(path, 0o600)).unwrap();
        let (mut file, name) = make();
        file.write_all(b"text").unwrap();
        let living = names(folder.path());
        assert!(living.len() == 1 && is_temporary(living[0].as_ref()), "{living:?}");
        // One of a process that was killed, and files of others.
        fs::write(folder.path().join(".slide-1-abcDEF.partial"), "stale").unwrap();
        let others = [".slide-1-.partial", ".slide-notes", ".slide-x-abcDEF.partial"];
        for other in others {
            fs::write(folder.path().join(other), "mine").unwrap();
        }
        let (_second_file, second) = make();
        assert_eq!(names(folder.path()).len(), 2 + others.len(), "{:?}", names(folder.path()));
        drop(second);
        name.publish(&folder.path().join("model")).unwrap();
        assert_eq!(fs::read(folder.path().join("model")).unwrap(), b"text");
        assert_eq!(names(folder.path()).len(), 1 + others.len(), "{:?}", names(folder.path()));
        let unfinished = unfinished();
        assert!(!unfinished.iter().any(|path| path.starts_with(folder.path())), "{unfinished:?}");
    }

    #[test]
    #[cfg(unix)]
    fn links_stay_and_modes_are_kept() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("far")).unwrap();
        fs::write(at("far/real"), "old").unwrap();
        fs::set_permissions(at("far/real"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("far/second", at("first")).unwrap();
        symlink("../far/real", at("far/second")).unwrap();
        symlink("far/new", at("dangling")).unwrap();
        symlink("round", at("round")).unwrap();
        for (link, file) in [("first", "far/real"), ("dangling", "far/new")] {
            write_atomically(&at(link), |out| out.write_all(b"new")).unwrap();
            assert!(at(link).is_symlink() && !at(file).is_symlink(), "{link}");
            assert_eq!(fs::read(at(file)).unwrap(), b"new", "{link}");
        }
        let kept = fs::metadata(at("far/real")).unwrap();
        assert_eq!(kept.mode() & 0o7777, 0o640);
        // The owner too, where the user may give files away.
        if std::os::unix::fs::chown(at("far/real"), Some(1234), Some(4321)).is_ok() {
            write_atomically(&at("first"), |out| out.write_all(b"newer")).unwrap();
            let kept = fs::metadata(at("far/real")).unwrap();
            assert_eq!((kept.uid(), kept.gid(), kept.mode() & 0o7777), (1234, 4321, 0o640));
        }
        assert!(Destination::of(&at("round")).is_err());
        for folder in ["none/", "none/.", "..", "/", ""] {
            assert!(Destination::of(Path::new(folder)).is_err(), "{folder}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_not_a_regular_file_is_refused() {
        let said = |path: &str| Destination::of(Path::new(path)).unwrap_err().to_string();
        assert_eq!(said("/dev/null"), "it is not a regular file");
        // Also where they are regular files.
        let file = tempfile::NamedTempFile::new().unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(file.as_file());
        for path in [format!("/dev/fd/{number}"), format!("/proc/self/fd/{number}")] {
            assert_eq!(said(&path), "it is an open file of a process, which cannot be replaced");
        }
        assert_eq!(said("/"), "it is a folder");
        let long = "x".repeat(300);
        assert!(Destination::of(Path::new(&long)).is_err(), "known before the work begins");
    }
}
