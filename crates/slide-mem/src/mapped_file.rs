//! Files read through the page cache, without a copy.

use std::fmt;
use std::fs::{File, FileType};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::MemError;
use crate::sys::Watch;

/// A regular file as a slice of bytes, read-only. Ask [`check`](Self::check) when done with reading, and do not trust
/// what was read before that has agreed.
///
/// ```
/// # fn main() -> Result<(), slide_mem::MemError> {
/// # let path = std::env::current_exe().unwrap();
/// let file = slide_mem::MappedFile::open(path)?;
/// let lines = file.iter().filter(|&&byte| byte == b'\n').count();
/// file.check()?;
/// println!("{lines} lines");
/// # Ok(())
/// # }
/// ```
///
/// # Files that change while they are mapped
/// The operating system does not keep others from writing to the file. Files that are replaced by renaming a new one over
/// them, as this project writes its own, are safe. Otherwise:
///
/// - If another process *shortens* the file, or the disk fails, there are pages that the system cannot give. On Linux
///   zeros are read in their place, and [`check`](Self::check) fails. **For that the first file that is opened installs a
///   handler of `SIGBUS`** for the process. It passes on each `SIGBUS` that is not about these mappings to the handler that
///   was there before; a handler that is installed later must do the same. System calls that are handed the
///   slice fail with `EFAULT`. On other Unix systems reading such a page ends the process; on Windows a mapped
///   file cannot be shortened.
/// - If another process *changes* bytes, they change under a shared slice, which Rust does not allow for; `check` cannot tell.
pub struct MappedFile {
    path: PathBuf,
    file: File,
    mapping: Option<Mapping>,
}

/// None for an empty file: a mapping of no bytes does not exist. Dropped in this order.
struct Mapping {
    watch: Watch,
    bytes: Mmap,
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
        let mapping = match metadata.len() {
            0 => None,
            _ => {
                // SAFETY: a new read-only mapping of a file opened above. That nobody changes its bytes cannot be
                // established here; it is the caller's part, stated above. That nobody shortens it need not be: the watch
                // sees to it where the system allows.
                let bytes = unsafe { Mmap::map(&file) }.map_err(failed("map"))?;
                let start = bytes.as_ptr().addr();
                // SAFETY: the addresses are that mapping, which nobody else has; it is dropped after the watch. Whoever reads is told
                // above that bytes may turn to zeros, and is told when by `check`.
                let watch = unsafe { Watch::new(start..start + bytes.len()) }.map_err(failed("watch"))?;
                Some(Mapping { watch, bytes })
            }
        };
        Ok(Self { path: path.to_owned(), file, mapping })
    }

    /// Tells the kernel that the file will be read from front to back, once: it reads further
    /// ahead. A hint; systems without it succeed.
    ///
    /// # Errors
    /// If the kernel refuses the advice.
    pub fn advise_sequential(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(mapping) = &self.mapping {
            mapping.bytes.advise(memmap2::Advice::Sequential)?;
        }
        Ok(())
    }

    /// Whether all that was read of the slice up to now stood in the file, as far as can be told: it still has the length that was
    /// mapped, and no page was lost.
    ///
    /// # Errors
    /// [`MemError::Resized`], [`MemError::Lost`]; [`MemError::File`] if the file cannot be examined.
    pub fn check(&self) -> Result<(), MemError> {
        let path = || self.path.clone();
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|source| MemError::File { path: path(), action: "examine", source })?;
        let (expected, found) = (self.len() as u64, metadata.len());
        if found != expected {
            return Err(MemError::Resized { path: path(), expected, found });
        }
        match self.mapping.as_ref().and_then(|mapping| mapping.watch.lost_from()) {
            None => Ok(()),
            Some(offset) => Err(MemError::Lost { path: path(), offset: offset as u64 }),
        }
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
        self.mapping.as_ref().map_or(&[], |mapping| &mapping.bytes)
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
