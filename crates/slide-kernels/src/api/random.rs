//! Random words in bulk.

use crate::Kernels;
use crate::rng::RngKey;

table! {
    /// Safety: the level is available.
    random_words: unsafe fn(RngKey, u64, &mut [u32]),
}

impl Kernels {
    /// Words `first..` of `key`: `out[i]` is [`rng::word`](crate::rng::word)`(key, first + i)`.
    ///
    /// Indices are modulo `2^34`, the number of words of a key.
    pub fn random_words(&self, key: RngKey, first: u64, out: &mut [u32]) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.random.random_words)(key, first, out) }
    }
}
