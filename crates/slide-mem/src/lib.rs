//! Tables on huge pages and chosen NUMA nodes, thread pools with fixed work per thread, mapped files, and the machine's topology.
//!
//! For tables of hundreds of megabytes that are read at random, TLB misses and accesses to remote nodes cost more than the
//! arithmetic. A table asks for pages and nodes ([`Placement`]). If the machine does not grant them, the next best is used;
//! that is never an error, and [`Report`] shows what was granted and why not more. [`Workers`] is a thread pool in which each
//! item always belongs to the same thread, so the rows of a table are written by the thread on whose node they are.
//!
//! ```
//! use slide_mem::{Pinning, Placement, RowTable, Topology, Workers};
//!
//! # fn main() -> Result<(), slide_mem::MemError> {
//! // One worker for each core; this thread is the first of them, and no thread is pinned.
//! let workers = Workers::new(None, Pinning::None, &Topology::detect())?;
//! // 1000 rows of 128 numbers, zeros at first.
//! let mut table = RowTable::<f32>::zeroed(1000, 128, Placement::default())?;
//! // Four shards of whole rows. A shard is written by the worker that owns it.
//! let mut shards = table.shards_mut(&[0, 250, 500, 750, 1000]);
//! workers.each(&mut shards, |shard, rows| rows.fill(shard as f32));
//! assert_eq!(table.row(600), [2.0; 128]);
//! println!("{}", table.report());
//! # Ok(())
//! # }
//! ```
//!
//! # What changes in the process
//! - **A handler of `SIGBUS`** is installed on Linux by the first [`MappedFile`] that is opened: if another process shortens the
//!   file, that is an error and not the end of the process. `SIGBUS` of any other cause is passed on to the handler that was
//!   installed before. [`set_bus_error_handling`] switches it off.
//! - **The CPUs that threads may use** are changed only by a pool that is asked to pin them ([`Pinning`]).
//!
//! # Systems
//! On Linux everything here is available; topology comes from `/sys` and `/proc`, or from the C library hwloc with the feature
//! `hwloc`. On other systems tables are plain memory, threads are not pinned, and reports say so.

mod arena;
mod error;
mod lent;
mod mapped_file;
mod pages;
mod placement;
mod report;
mod shard;
mod sys;
mod topology;
mod workers;

pub use arena::{Arena, Slab};
pub use error::MemError;
pub use lent::{Lent, lend};
pub use mapped_file::{BusErrors, Elements, FileSlice, MappedFile, set_bus_error_handling};
pub use placement::{NumaPolicy, PagePolicy, ParsePolicyError, Placement};
pub use report::{Fallback, Remedy, Report};
pub use shard::RowTable;
pub use topology::{Cache, CacheKind, Cpu, HugePages, Node, PageSizes, Synthetic, Topology, TransparentMode};
pub use workers::{Pinning, Workers};

/// The examples of the README are tested with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
