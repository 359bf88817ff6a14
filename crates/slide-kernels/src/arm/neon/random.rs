//! [`crate::api::random`] on NEON.

use super::compare::U64x4;
use crate::api::random::Table;
use crate::generic;
use crate::rng::RngKey;

wrappers!("neon", Table {
    fn random_words(key: RngKey, first: u64, out: &mut [u32]) = generic::random::random_words::<U64x4, 3>;
});
