//! Specification of [`crate::api::counting_sort`].

use crate::api::counting_sort::Table;

pub(crate) const TABLE: Table = Table { scan };

pub(crate) fn scan(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize {
    let (mut active, mut sum) = (0, start);
    for (row, counter) in (first..).zip(counters) {
        if *counter > 0 {
            rows[active] = row;
            starts[active] = sum;
            active += 1;
            sum += core::mem::replace(counter, sum);
        }
    }
    active
}
