//! [`crate::api::counting_sort`] on NEON.

use crate::api::counting_sort::Table;
use crate::generic;

wrappers!("neon", Table {
    fn scan(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize
        = generic::counting_sort::scan;
});
