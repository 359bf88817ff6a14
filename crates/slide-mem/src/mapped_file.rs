//! Files read through the page cache, without a copy.

use std::fmt;
use std::fs::{File, FileType};
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::MemError;

/// A regular file as a slice of bytes, read-only.
///
/// # Hazard
/// The operating system does not keep others from writing to the file. If another process
/// *shortens* it while it is mapped, reading past the new end kills this process (`SIGBUS` on
/// Unix); if another process *changes* it, bytes change under a shared slice, which Rust does not
/// allow for. Map only files that nobody writes in place: files replaced by renaming a
/// new one over them, as this project writes its own, are safe.
/// [`MappedFile::is_intact`] tells whether the length is still the same.
pub struct MappedFile {
    file: File,
    /// `None` for an empty file: a mapping of no bytes does not exist.
    bytes: Option<Mmap>,
}

impl MappedFile {
    /// Maps a whole file. An empty file is an empty slice.
    ///
    /// # Errors
    /// [`MemError::File`] if it cannot be opened or mapped; [`MemError::NotRegular`] if the path names a
    /// directory, a pipe or a device.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, MemError> {
        let path = path.as_ref();
        let failed = |action| move |source| MemError::File { path: path.to_owned(), action, source };
        let regular = |kind: FileType| match kind.is_file() {
            true => Ok(()),
            false => Err(MemError::NotRegular { path: path.to_owned(), found: kind_name(kind) }),
        };
        // Asked before opening, because opening a pipe waits for a writer.
        regular(path.metadata().map_err(failed("open"))?.file_type())?;
        let file = File::open(path).map_err(failed("open"))?;
        let metadata = file.metadata().map_err(failed("examine"))?;
        regular(metadata.file_type())?;
        let bytes = match metadata.len() {
            0 => None,
            // SAFETY: a new read-only mapping of a file opened above. That nobody shortens or
            // changes the file while it is mapped cannot be established here; it is the caller's
            // part, stated under "Hazard" above.
            _ => Some(unsafe { Mmap::map(&file) }.map_err(failed("map"))?),
        };
        Ok(Self { file, bytes })
    }

    /// Tells the kernel that the file will be read from front to back, once: it reads further
    /// ahead. A hint; systems without it succeed.
    ///
    /// # Errors
    /// If the kernel refuses the advice.
    pub fn advise_sequential(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(bytes) = &self.bytes {
            bytes.advise(memmap2::Advice::Sequential)?;
        }
        Ok(())
    }

    /// Whether the file still has the length that was mapped. A check before a long read, not a
    /// guarantee during it.
    ///
    /// # Errors
    /// If the file cannot be examined.
    pub fn is_intact(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() == self.len() as u64)
    }
}

fn kind_name(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "pipe";
        } else if kind.is_socket() {
            return "socket";
        } else if kind.is_block_device() || kind.is_char_device() {
            return "device";
        }
    }
    if kind.is_dir() { "directory" } else { "special file" }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for MappedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappedFile({} bytes)", self.len())
    }
}
