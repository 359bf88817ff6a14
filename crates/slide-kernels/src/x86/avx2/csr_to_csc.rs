//! [`crate::api::csr_to_csc`] on AVX2.

use crate::api::csr_to_csc::Table;
use crate::generic;

wrappers!("avx,avx2,fma,f16c", Table {
    fn scan(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize
        = generic::csr_to_csc::scan;
});
