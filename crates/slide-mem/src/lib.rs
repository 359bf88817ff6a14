//! Memory and threads for tables that are large, read at random, and owned row by row.
//!
//! Tables of hundreds of megabytes live or die by the TLB and by which socket holds the page.
//! This crate gives a table the pages and the nodes it asks for ([`Placement`]), falls back step
//! by step where the machine has none, never fails because of it, and tells what was really
//! obtained ([`Report`]). [`Workers`] bind work to the threads that own it. It knows nothing of
//! networks.
//!
//! ```
//! use slide_mem::{Pinning, Placement, RowTable, Topology, Workers};
//!
//! # fn main() -> Result<(), slide_mem::MemError> {
//! let workers = Workers::new(None, Pinning::default(), &Topology::detect())?;
//! let mut table = RowTable::<f32>::zeroed(1000, 128, Placement::default())?;
//! // Four shards of whole rows, each written by its owner only.
//! let mut shards = table.shards_mut(&[0, 250, 500, 750, 1000]);
//! workers.each(&mut shards, |shard, rows| rows.fill(shard as f32));
//! assert_eq!(table.row(600), [2.0; 128]);
//! println!("{}", table.report());
//! # Ok(())
//! # }
//! ```

mod arena;
mod error;
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
pub use mapped_file::MappedFile;
pub use placement::{NumaPolicy, PagePolicy, ParsePolicyError, Placement};
pub use report::{Fallback, Remedy, Report};
pub use shard::RowTable;
pub use topology::{Cache, CacheKind, Cpu, HugePages, Node, PageSizes, Synthetic, Topology, TransparentMode};
pub use workers::{Pinning, Workers};
