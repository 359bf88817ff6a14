//! The errors of this crate.

use std::io;
use std::path::PathBuf;

/// An error of this crate. A placement that is not granted is *not* an error: it is a [`Fallback`](crate::Fallback) in the
/// [`Report`](crate::Report).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemError {
    /// A size in bytes does not fit the address space.
    #[error("{what} is too large for the address space of this machine")]
    TooLarge {
        /// What was asked for, with its sizes.
        what: String,
    },
    /// The operating system does not grant the memory.
    #[error("cannot map {bytes} bytes of memory: {source}")]
    OutOfMemory {
        /// Bytes asked of the operating system.
        bytes: usize,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A slab does not fit in the rest of its arena.
    #[error("a slab of {asked} bytes does not fit in the arena: {left} of its {capacity} bytes are left")]
    ArenaFull {
        /// Bytes needed by the slab, alignment included.
        asked: usize,
        /// Bytes left in the arena.
        left: usize,
        /// Bytes of the whole arena.
        capacity: usize,
    },
    /// A file could not be opened, examined or mapped.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What failed: "open", "examine", "map", "watch".
        action: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Only regular files can be mapped.
    #[error("cannot map {}: expected a regular file, found a {found}", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What it is: "directory", "pipe", "socket", "device", "special file".
        found: &'static str,
    },
    /// The length of a mapped file has changed: what was read of it may be wrong.
    #[error(
        "{}: expected {expected} bytes, as when it was opened, found {found}: the file was written to while it was read",
        path.display()
    )]
    Resized {
        /// The file.
        path: PathBuf,
        /// Its length in bytes when it was mapped.
        expected: u64,
        /// Its length now.
        found: u64,
    },
    /// Pages of a mapped file could not be read, although its length is the same: what was read of it may be wrong.
    #[error(
        "{}: the bytes from {offset} on could not be read: the disk failed, or the file was shortened and written again \
         while it was read",
        path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// Offset of the first byte that could not be read.
        offset: u64,
    },
    /// A synthetic description of a machine that hwloc does not accept.
    #[cfg(feature = "hwloc")]
    #[error(
        "expected a synthetic description of hwloc, like \"NUMANode:2 Core:4 PU:2\", found {description:?}: {reason}"
    )]
    Description {
        /// The description.
        description: String,
        /// The error of hwloc.
        reason: String,
    },
    /// A worker thread could not be started.
    #[error("cannot start worker {worker} of {count}: {source}")]
    Thread {
        /// Number of the worker.
        worker: usize,
        /// Number of workers that were asked for.
        count: usize,
        /// The error of the operating system.
        source: io::Error,
    },
}
