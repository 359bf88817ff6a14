//! [`crate::api::byte_gemm`] on NEON, one vector after the other: a register holds only four sums, so that adding them up costs
//! little, and that is all there would be to gain.

use super::quant::{Signed, Unsigned};
use crate::api::byte_gemm::Table;
use crate::generic::byte_dot::{self, Products};
use crate::generic::gemm::Rows;
use crate::{Matrix, MatrixI8, RowIds};

wrappers!("neon", Table {
    fn gemm_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: MatrixI8<'_>, out: &mut [i32])
        = |values, rows, vectors: MatrixI8<'_>, out| by_vectors::<Signed>(values, rows, vectors.into(), out);
    fn gemm_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: Matrix<'_, u8>, out: &mut [i32])
        = |values, rows, vectors: Matrix<'_, u8>, out| by_vectors::<Unsigned>(values, rows, vectors.into(), out);
});

/// # Safety
/// NEON is available; `P` multiplies bytes of the vectors and `i8`; the contract of [`Table::gemm_i8`].
#[inline(always)]
unsafe fn by_vectors<P: Products>(values: MatrixI8<'_>, rows: RowIds<'_>, vectors: Rows<'_, u8>, out: &mut [i32]) {
    /// So many that they stay in the first-level cache.
    const ROWS: usize = 64;
    let mut sums = [0; ROWS];
    let count = out.len() / rows.len().max(1);
    for first in (0..rows.len()).step_by(ROWS) {
        let rows = rows.slice(first..(first + ROWS).min(rows.len()));
        let sums = &mut sums[..rows.len()];
        for s in 0..count {
            // SAFETY: NEON and a product for these bytes are the caller's; the public method checked ids and widths.
            unsafe { tile::<P>(values, rows, vectors.row(s), sums) };
            for (r, &sum) in sums.iter().enumerate() {
                out[(first + r) * count + s] = sum;
            }
        }
    }
}

/// One vector and some rows.
///
/// # Safety
/// NEON is available; the contract of [`byte_dot::rows`].
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn tile<P: Products>(values: MatrixI8<'_>, rows: RowIds<'_>, vector: *const u8, out: &mut [i32]) {
    // SAFETY: `by_vectors`, the only caller, passes on rows that were checked, and sums for each of them.
    unsafe { byte_dot::rows::<P, _, 4>(values, rows, vector, out, |_, sum| sum) }
}
