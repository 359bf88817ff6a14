//! [`crate::api::csr_to_csc`] on NEON.

use crate::api::csr_to_csc::Table;
use crate::generic;

wrappers!("neon", Table {
    fn scan(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize
        = generic::csr_to_csc::scan;
});
