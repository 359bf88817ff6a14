//! What can go wrong in this crate.

use std::io;
use std::path::PathBuf;

/// An error of this crate. A placement that could not be had is *not* an error: it is a
/// [`Fallback`](crate::Fallback) in the [`Report`](crate::Report).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemError {
    /// A size in bytes does not fit the address space.
    #[error("{what} is too large for the address space of this machine")]
    TooLarge {
        /// The thing asked for, with its counts.
        what: String,
    },
    /// The operating system has no room for a mapping.
    #[error("cannot map {bytes} bytes of memory: {source}")]
    OutOfMemory {
        /// Bytes asked of the operating system.
        bytes: usize,
        /// Its answer.
        source: io::Error,
    },
    /// A slab does not fit in what is left of its arena.
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
        /// What was tried: "open", "examine", "map", "watch".
        action: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A path that names something else than a regular file cannot be mapped.
    #[error("cannot map {}: expected a regular file, found a {found}", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What it names.
        found: &'static str,
    },
    /// The length of a mapped file has changed: what was read of it is not to be trusted.
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
    /// Pages of a mapped file could not be read, though it has its length: what was read of it is not to be trusted.
    #[error(
        "{}: the bytes from {offset} on could not be read: the disk has failed, or the file was cut and written anew while \
         it was read",
        path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// The first byte of the first page that was lost.
        offset: u64,
    },
    /// A description of a machine that hwloc does not understand.
    #[cfg(feature = "hwloc")]
    #[error(
        "expected a machine as hwloc describes it, like \"NUMANode:2 Core:4 PU:2\", found {description:?}: {reason}"
    )]
    Description {
        /// What was given.
        description: String,
        /// What hwloc says.
        reason: String,
    },
    /// A worker thread could not be started.
    #[error("cannot start worker {worker} of {count}: {source}")]
    Thread {
        /// Number of the worker.
        worker: usize,
        /// Size of the pool asked for.
        count: usize,
        /// The operating system's answer.
        source: io::Error,
    },
}
