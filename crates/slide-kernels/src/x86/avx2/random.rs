//! [`crate::api::random`] on AVX2.

use super::compare::U64x4;
use crate::api::random::Table;
use crate::generic;
use crate::rng::RngKey;

wrappers!("avx,avx2,fma,f16c", Table {
    fn random_words(key: RngKey, first: u64, out: &mut [u32]) = generic::random::random_words::<U64x4, 4>;
});
