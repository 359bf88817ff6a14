//! [`crate::api::random`] on AVX-512.

use super::compare::U64x8;
use crate::api::random::Table;
use crate::generic;
use crate::rng::RngKey;

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn random_words(key: RngKey, first: u64, out: &mut [u32]) = generic::random::random_words::<U64x8, 4>;
});
