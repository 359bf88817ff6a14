//! Files that are read through the page cache, without a copy.

use std::fmt;
use std::fs::{File, FileType};
use std::io;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytemuck::Pod;
use memmap2::Mmap;

use crate::sys::Watch;
use crate::{MemError, Slab};

/// What happens when a page of a [`MappedFile`] cannot be read because another process has shortened the file, or the disk has
/// failed. The operating system then sends `SIGBUS`. Linux only; elsewhere the system decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BusErrors {
    /// The page and all pages of the file behind it read as zeros, and [`MappedFile::check`] fails. For this, the first file that
    /// is opened installs a handler of `SIGBUS` for the process. The handler passes on each `SIGBUS` that does not concern a
    /// mapped file of this crate to the handler that was installed before. A handler that is installed later must do the same.
    /// The handler needs 1 KiB of the thread's alternate signal stack.
    #[default]
    Handled,
    /// Nothing is installed: `SIGBUS` ends the process, unless it has a handler of its own. [`MappedFile::check`] compares lengths
    /// only.
    Unhandled,
}

/// Whether files are opened under [`BusErrors::Handled`].
static HANDLE_BUS_ERRORS: AtomicBool = AtomicBool::new(true);

/// Sets what [`MappedFile::open`] does about `SIGBUS` from now on, in the whole process; [`BusErrors::Handled`] if this is never
/// called. Call it before the first file is opened: a handler that is installed stays, and files that are open keep theirs.
///
/// ```
/// use slide_mem::{BusErrors, set_bus_error_handling};
/// set_bus_error_handling(BusErrors::Unhandled);
/// ```
pub fn set_bus_error_handling(handling: BusErrors) {
    HANDLE_BUS_ERRORS.store(handling == BusErrors::Handled, Ordering::Relaxed);
}

/// A regular file as a read-only slice of bytes. Call [`check`](Self::check) after reading; until it succeeds, what was read may
/// be wrong.
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
/// The operating system does not keep other processes from writing to the file. A file that is replaced by renaming a new one
/// over it is safe: the mapping keeps the old content. Otherwise:
///
/// - If another process *shortens* the file, or the disk fails, some pages cannot be read. On Linux they read as zeros and
///   [`check`](Self::check) fails; system calls that are given the slice fail with `EFAULT`. **For this, the first file that is
///   opened installs a handler of `SIGBUS` for the process**: see [`BusErrors`], and [`set_bus_error_handling`] to switch it off.
///   On other Unix systems reading such a page ends the process. On Windows a mapped file cannot be shortened.
/// - If another process *changes* bytes, they change under a shared slice, which Rust does not allow. `check` does not detect
///   it. Do not map files that other processes write to.
pub struct MappedFile {
    path: PathBuf,
    file: File,
    mapping: Option<Mapping>,
}

/// Of a file that is not empty: there are no mappings of zero bytes. Dropped in this order.
struct Mapping {
    watch: Option<Watch>,
    bytes: Mmap,
}

impl MappedFile {
    /// Maps a whole file. An empty file is an empty slice. Installs a handler of `SIGBUS`: see [`BusErrors`].
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
        // Checked before opening, because opening a pipe waits for a writer.
        regular(path.metadata().map_err(failed("open"))?.file_type())?;
        let file = File::open(path).map_err(failed("open"))?;
        let metadata = file.metadata().map_err(failed("examine"))?;
        regular(metadata.file_type())?;
        let mapping = match metadata.len() {
            0 => None,
            _ => {
                // SAFETY: a new read-only mapping of the file opened above. That no other process changes its bytes cannot be
                // checked here: the documentation of the type leaves it to the caller. Shortening it is handled by the watch.
                let bytes = unsafe { Mmap::map(&file) }.map_err(failed("map"))?;
                let start = bytes.as_ptr().addr();
                // SAFETY: the addresses are that mapping, which only this value owns; it is dropped after the watch. The
                // documentation of the type says that bytes may become zeros, and `check` reports it.
                let watch = || unsafe { Watch::new(start..start + bytes.len()) }.map_err(failed("watch"));
                let watch = HANDLE_BUS_ERRORS.load(Ordering::Relaxed).then(watch).transpose()?;
                Some(Mapping { watch, bytes })
            }
        };
        Ok(Self { path: path.to_owned(), file, mapping })
    }

    /// The path that it was opened at.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells the system that the file will be read once, from start to end, so that it reads further ahead. Does nothing on
    /// systems without such a hint.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn advise_sequential(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(mapping) = &self.mapping {
            mapping.bytes.advise(memmap2::Advice::Sequential)?;
        }
        Ok(())
    }

    /// Asks for large pages, as files that are read at random need them: Linux maps the large pages that the file has in the page
    /// cache in any case, and reads what is not there yet by large pages then, if the file system has such (ext4, XFS, Btrfs). A hint:
    /// where it is not known, nothing happens.
    pub fn advise_large_pages(&self) {
        #[cfg(target_os = "linux")]
        if let Some(mapping) = &self.mapping {
            // Refused by a kernel without large pages.
            let _ = mapping.bytes.advise(memmap2::Advice::HugePage);
        }
    }

    /// Checks that what was read up to now is what the file holds: its length has not changed since it was opened, and all pages
    /// that were read could be read. Bytes that another process has changed are not detected.
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
        match self.mapping.as_ref().and_then(|mapping| mapping.watch.as_ref()?.lost_from()) {
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

/// Elements of a [`MappedFile`], which stays mapped as long as they are there: a read-only slice whose pages all processes share.
/// What the documentation of [`MappedFile`] says of files that change holds here too: [`MappedFile::check`] says whether what was
/// read is what the file holds.
///
/// ```
/// # use std::sync::Arc;
/// # use slide_mem::{FileSlice, MappedFile};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = tempfile::NamedTempFile::new()?.into_temp_path();
/// std::fs::write(&path, [1_u32, 2, 3].map(u32::to_le_bytes).as_flattened())?;
/// let file = Arc::new(MappedFile::open(&path)?);
/// let numbers = FileSlice::<u32>::new(&file, 4..12).ok_or("not aligned")?;
/// assert_eq!(numbers.iter().map(|&x| u32::from_le(x)).sum::<u32>(), 5);
/// assert!(FileSlice::<u32>::new(&file, 2..10).is_none());
/// # Ok(())
/// # }
/// ```
pub struct FileSlice<T> {
    start: NonNull<T>,
    len: usize,
    file: Arc<MappedFile>,
}

// SAFETY: as for `Arc<[T]>`: the elements are only read.
unsafe impl<T: Send + Sync> Send for FileSlice<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for FileSlice<T> {}

impl<T: Pod> FileSlice<T> {
    /// The elements that lie at `bytes` of the file; none if these are not in the file, no whole number of elements, or not aligned for
    /// them.
    pub fn new(file: &Arc<MappedFile>, bytes: Range<usize>) -> Option<Self> {
        let elements: &[T] = bytemuck::try_cast_slice(file.get(bytes)?).ok()?;
        let (start, len) = (NonNull::from(elements).cast(), elements.len());
        Some(Self { start, len, file: Arc::clone(file) })
    }
}

impl<T> FileSlice<T> {
    /// The file.
    pub fn file(&self) -> &Arc<MappedFile> {
        &self.file
    }
}

impl<T> Deref for FileSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: a slice of these elements was made in `new`, whose `Pod` allows any bits. It lies in the mapping of the file, which
        // neither moves nor ends before the file is dropped.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> fmt::Debug for FileSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileSlice({} x {})", self.len, std::any::type_name::<T>())
    }
}

/// Elements in memory of the process, or in a file.
#[derive(Debug)]
pub enum Elements<T> {
    /// In memory.
    Slab(Slab<T>),
    /// In a file, read-only.
    File(FileSlice<T>),
}

impl<T> Deref for Elements<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Slab(slab) => slab,
            Self::File(slice) => slice,
        }
    }
}
