//! Locality-sensitive hashing: which output rows are likely to have large logits for an input.
//!
//! A hash family ([`HashKind`]) maps a vector to one code per table, such that similar vectors often have equal codes.
//! The rows of a layer are stored in [`HashTables`] by their codes; the buckets that an input's codes name hold the
//! candidates from which [`sampling`](crate::sampling) takes the active set. As the weights change, codes and tables are
//! rebuilt on a schedule ([`Rebuild`]).

mod config;
mod functions;
mod output_tables;
mod schedule;
mod tables;
#[cfg(test)]
mod tests;

use slide_mem::MemError;

pub use config::{BucketPolicy, HashKind, HashingConfig};
pub(crate) use functions::HashFunctions;
pub(crate) use output_tables::{OutputTables, TableState};
pub use schedule::{Rebuild, RebuildError};
pub(crate) use tables::HashTables;

/// The widest code: a table of 2^24 buckets takes 64 MiB even when empty.
pub(crate) const MAX_BITS: u32 = 24;

/// The largest number of tables.
pub(crate) const MAX_TABLES: usize = 4096;

/// Invalid hash settings or stored codes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The code is empty, too long, or not a whole number of elementary hashes.
    #[error("{found} bits per code, expected 1 to {MAX_BITS}, for {kind} a multiple of {per_hash}")]
    Bits {
        /// The family.
        kind: HashKind,
        /// Its bits per elementary hash.
        per_hash: u32,
        /// The bits found.
        found: u32,
    },
    /// The number of tables is out of range.
    #[error("{found} hash tables, expected 1 to {MAX_TABLES}")]
    Tables {
        /// The number found.
        found: usize,
    },
    /// Buckets of size 0.
    #[error("a bucket size of 0, expected at least 1")]
    BucketSize,
    /// Vectors narrower than a bin.
    #[error("vectors of {found} coordinates, expected at least {expected} for {kind}")]
    Width {
        /// The family.
        kind: HashKind,
        /// The width found.
        found: usize,
        /// The smallest width.
        expected: usize,
    },
    /// Beyond the limits of the kernels.
    #[error(transparent)]
    Kernels(#[from] slide_kernels::hash::HashError),
    /// No memory for the tables.
    #[error("no memory for hash tables: {0}")]
    Memory(#[from] MemError),
    /// Rows are numbered by 32 bits.
    #[error("hash tables over {rows} rows, expected less than 2^32")]
    TooManyRows {
        /// The number found.
        rows: usize,
    },
    /// The number of stored codes is not rows x tables.
    #[error("{found} stored hash codes, expected {rows} rows x {tables} tables")]
    CodeCount {
        /// Rows of the layer.
        rows: usize,
        /// Tables of the settings.
        tables: usize,
        /// Codes found.
        found: usize,
    },
    /// A stored code is out of range.
    #[error("stored hash code {code} of row {row}, expected less than {buckets}")]
    CodeRange {
        /// The first row with such a code.
        row: usize,
        /// The code.
        code: u32,
        /// Buckets of a table.
        buckets: usize,
    },
}

impl HashError {
    /// The same with another number of the row that is to blame.
    fn of_row(mut self, number: impl Fn(usize) -> usize) -> Self {
        if let Self::CodeRange { row, .. } = &mut self {
            *row = number(*row);
        }
        self
    }
}
