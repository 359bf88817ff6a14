//! All output rows.

pub(super) fn collect(rows: usize, out: &mut Vec<u32>) {
    out.clear();
    out.extend(0..rows as u32);
}
