//! The settings of hash functions and tables.

use super::{HashError, MAX_BITS, MAX_TABLES};
use crate::choice::choices;
use crate::setting::settings;

choices! {
    /// A family of locality-sensitive hash functions.
    pub enum HashKind ("hash family") {
        /// Signs of random projections: angles.
        SimHash = "simhash",
        /// Winner takes all: the order of values.
        Wta = "wta",
        /// Winner takes all with densification: the order of values of sparse vectors.
        Dwta = "dwta",
        /// Densified one-permutation minwise hashing: the overlap of sets.
        MinHash = "minhash",
    }
}

impl HashKind {
    /// Bits that one elementary hash adds to a code.
    #[must_use]
    pub(crate) fn bits_per_hash(self) -> u32 {
        match self {
            Self::SimHash => 1,
            Self::Wta | Self::Dwta | Self::MinHash => 3,
        }
    }
}

choices! {
    /// Which rows a bucket keeps when more rows hash into it than its size.
    pub enum BucketPolicy ("bucket policy") {
        /// The rows inserted last, that is the highest ones: rows are inserted in ascending order.
        Fifo = "fifo",
        /// A uniformly random choice, independent in every table and at every rebuild.
        Reservoir = "reservoir",
    }
}

settings! {
    /// Hash functions and tables over the output rows.
    pub struct HashingConfig in "hashing" {
        /// Hash family
        hash: HashKind = HashKind::SimHash, "FAMILY";
        /// Bits of a hash code: a table has 2^BITS buckets. The literature counts elementary hashes, K; this is K times the
        /// family's bits a hash: 1 for simhash, 3 for the others
        hash_bits: u32 = 9, "BITS";
        /// Hash tables (L)
        tables: usize = 50, "N";
        /// Maximum number of rows in a bucket
        bucket_size: u32 = 128, "ROWS";
        /// Which rows an overfull bucket keeps
        bucket_policy: BucketPolicy = BucketPolicy::Fifo, "POLICY";
        /// Whether rows are hashed minus their mean row, which changes no ranking of rows: an example's logits all change by the same
        center_rows: bool = false, "BOOL";
    }
}

impl HashingConfig {
    /// Checks the settings, as far as they do not depend on the layer.
    ///
    /// # Errors
    /// A number out of its range, or bits that are no multiple of the family's bits per hash.
    pub(crate) fn validate(&self) -> Result<(), HashError> {
        let per_hash = self.hash.bits_per_hash();
        if !(1..=MAX_BITS).contains(&self.hash_bits) || !self.hash_bits.is_multiple_of(per_hash) {
            return Err(HashError::Bits { kind: self.hash, per_hash, found: self.hash_bits });
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
    pub(crate) fn hashes_per_code(&self) -> usize {
        (self.hash_bits / self.hash.bits_per_hash()) as usize
    }

    /// The number of buckets of a table.
    #[must_use]
    pub(crate) fn buckets(&self) -> usize {
        1 << self.hash_bits
    }
}
