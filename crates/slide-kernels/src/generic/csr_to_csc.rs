//! Body of [`crate::api::csr_to_csc`] for levels without a compress-store instruction.

use super::LANES;

/// # Safety
/// The contract of [`crate::api::csr_to_csc::Table::scan`]. (Scalar code; the compiler
/// vectorises only the search for counters that are not zero.)
#[inline(always)]
pub(crate) unsafe fn scan(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize {
    let (mut listed_rows, mut sum) = (0, start);
    for (block, counters) in counters.chunks_mut(LANES).enumerate() {
        if counters.iter().fold(0, |all, &counter| all | counter) == 0 {
            continue;
        }
        let numbered = counters.iter_mut().zip(first + (block * LANES) as u32..).map(|(counter, row)| (row, counter));
        if let (Some(rows), Some(starts)) = (room(rows, listed_rows), room(starts, listed_rows)) {
            // Branchless: a row is written first and kept only if its counter is not zero.
            let mut listed = 0;
            for (row, counter) in numbered {
                rows[listed % LANES] = row;
                starts[listed % LANES] = sum;
                listed += usize::from(*counter > 0);
                sum += core::mem::replace(counter, sum);
            }
            listed_rows += listed;
        } else {
            for (row, counter) in numbered.filter(|(_, counter)| **counter > 0) {
                rows[listed_rows] = row;
                starts[listed_rows] = sum;
                listed_rows += 1;
                sum += core::mem::replace(counter, sum);
            }
        }
    }
    listed_rows
}

#[inline(always)]
fn room(list: &mut [u32], from: usize) -> Option<&mut [u32; LANES]> {
    list.get_mut(from..from + LANES)?.try_into().ok()
}
