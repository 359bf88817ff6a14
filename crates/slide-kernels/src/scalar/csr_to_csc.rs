//! Specification of [`crate::api::csr_to_csc`].

use crate::api::csr_to_csc::Table;

pub(crate) const TABLE: Table = Table { scan };

pub(crate) fn scan(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize {
    let (mut listed_rows, mut sum) = (0, start);
    for (row, counter) in (first..).zip(counters) {
        if *counter > 0 {
            rows[listed_rows] = row;
            starts[listed_rows] = sum;
            listed_rows += 1;
            sum += core::mem::replace(counter, sum);
        }
    }
    listed_rows
}
