//! Locality-sensitive hashing: which neurons are likely to answer strongly to an input.
//!
//! A hash family ([`HashKind`]) turns a vector into one code a table, such that similar vectors often share codes.
//! The rows of a layer are stored in [`HashTables`] by their codes; the buckets that an input's codes name hold the
//! candidates from which [`sampling`](crate::sampling) takes the active set. As the weights move, codes and tables are
//! made anew on a schedule ([`Rebuild`]).

mod functions;
mod names;
mod schedule;
mod tables;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use functions::HashFunctions;
pub use names::UnknownName;
pub use schedule::{Rebuild, RebuildError};
pub use tables::{BucketPolicy, HashTables};

pub(crate) use names::parse;

/// The widest code: a table of 2^24 buckets takes 64 MiB even when empty.
pub const MAX_BITS: u32 = 24;

/// The largest number of tables.
pub const MAX_TABLES: usize = 4096;

/// Streams of random numbers, named by two letters so that none is used twice.
mod stream {
    pub(super) const RESERVOIR: u32 = u16::from_be_bytes(*b"rv") as u32;
}

/// A family of locality-sensitive hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashKind {
    /// Signs of random projections: angles.
    SimHash,
    /// Winner takes all: the order of values.
    Wta,
    /// Winner takes all with densification: the order of values of sparse vectors.
    Dwta,
    /// Densified one-permutation minwise hashing: the overlap of sets.
    MinHash,
}

impl HashKind {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::SimHash, Self::Wta, Self::Dwta, Self::MinHash];

    /// Bits that one elementary hash adds to a code.
    #[must_use]
    pub fn bits_per_hash(self) -> u32 {
        match self {
            Self::SimHash => 1,
            Self::Wta | Self::Dwta | Self::MinHash => 3,
        }
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SimHash => "simhash",
            Self::Wta => "wta",
            Self::Dwta => "dwta",
            Self::MinHash => "minhash",
        })
    }
}

impl FromStr for HashKind {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        parse("hash family", &Self::ALL, word)
    }
}

/// The settings of hash functions and tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashSettings {
    /// The family.
    pub kind: HashKind,
    /// Bits of a code; a table has `2^bits` buckets. The literature counts elementary hashes instead, K in all; this is
    /// K times [`HashKind::bits_per_hash`], so that the same number means tables of the same size for every family.
    pub bits: u32,
    /// The number of tables, L.
    pub tables: usize,
    /// The most rows that a bucket holds.
    pub bucket_size: u32,
    /// Which rows stay when more fall into a bucket.
    pub policy: BucketPolicy,
}

impl HashSettings {
    /// Checks what does not depend on the layer.
    ///
    /// # Errors
    /// A number out of its range, or bits that are no multiple of the family's bits per hash.
    pub fn validate(&self) -> Result<(), HashError> {
        let per_hash = self.kind.bits_per_hash();
        if !(1..=MAX_BITS).contains(&self.bits) || !self.bits.is_multiple_of(per_hash) {
            return Err(HashError::Bits { kind: self.kind, per_hash, found: self.bits });
        }
        if !(1..=MAX_TABLES).contains(&self.tables) {
            return Err(HashError::Tables { found: self.tables });
        }
        if self.bucket_size == 0 {
            return Err(HashError::BucketSize);
        }
        Ok(())
    }

    /// Elementary hashes in a code, K.
    #[must_use]
    pub fn values(&self) -> usize {
        (self.bits / self.kind.bits_per_hash()) as usize
    }

    /// The number of buckets of a table.
    #[must_use]
    pub fn buckets(&self) -> usize {
        1 << self.bits
    }
}

/// Hash settings, or stored codes, that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The code is empty, too long, or holds a part of an elementary hash.
    #[error("{found} bits a code, expected 1 to {MAX_BITS}, for {kind} a multiple of {per_hash}")]
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
    /// Buckets that hold nothing.
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
    /// More than the kernels can hash.
    #[error(transparent)]
    Kernels(#[from] slide_kernels::hash::HashError),
    /// The tables found no memory, for this reason.
    #[error("hash tables: {0}")]
    Memory(String),
    /// Rows are numbered by 32 bits.
    #[error("hash tables over {rows} rows, expected less than 2^32")]
    TooManyRows {
        /// The number found.
        rows: usize,
    },
    /// The stored codes are not one a row and table.
    #[error("{found} stored hash codes, expected {rows} rows x {tables} tables")]
    CodeCount {
        /// Rows of the layer.
        rows: usize,
        /// Tables of the settings.
        tables: usize,
        /// Codes found.
        found: usize,
    },
    /// A stored code has no bucket.
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
