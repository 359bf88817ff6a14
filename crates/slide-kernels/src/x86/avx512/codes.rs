//! [`crate::api::codes`] on AVX-512.

use super::F32x16;
use crate::api::codes::Table;
use crate::{RowIds, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn pack_codes(values: &[u32], bits: u32, out: &mut [u32]) = generic::codes::pack_codes::<F32x16>;
    fn hamming(a: &[u64], b: &[u64]) -> u64 = generic::codes::hamming::<F32x16>;
    fn hamming_rows(codes: &[u64], code: &[u64], out: &mut [u32]) = generic::codes::hamming_rows::<F32x16>;
    fn hamming_scattered(codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32])
        = generic::codes::hamming_scattered::<F32x16>;
});
