//! Specification of [`crate::api::random`].

use crate::api::random::Table;
use crate::rng::{RngKey, words4};

pub(crate) const TABLE: Table = Table { random_words };

pub(crate) fn random_words(key: RngKey, first: u64, out: &mut [u32]) {
    for (index, out) in (first..).zip(out) {
        *out = words4(key, (index / 4) as u32)[index as usize % 4];
    }
}
