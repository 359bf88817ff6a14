//! Body of [`crate::api::transpose`]: blocks that a back end transposes in registers.

use crate::{Matrix, MatrixMut};

/// Transposes blocks of `N x N` with `block(from, stride, to, stride)`, and the borders element by element.
///
/// # Safety
/// The contract of [`crate::api::transpose::Table::transpose`]; `block` may be called, for pointers that are valid for
/// reading or writing `N` rows of `N` elements.
#[inline(always)]
pub(crate) unsafe fn transpose<const N: usize>(
    source: Matrix<'_>,
    mut destination: MatrixMut<'_>,
    block: unsafe fn(*const f32, usize, *mut f32, usize),
) {
    let (rows, columns) = (source.rows(), source.width());
    let (from_stride, to_stride) = (source.stride(), destination.stride());
    let (from, to) = (source.data().as_ptr(), destination.data_mut().as_mut_ptr());
    let (whole_rows, whole_columns) = (rows - rows % N, columns - columns % N);
    // SAFETY: elements `[r][c]` of the source and `[c][r]` of the destination with `r < rows` and `c < columns`.
    unsafe {
        for r in (0..whole_rows).step_by(N) {
            for c in (0..whole_columns).step_by(N) {
                block(from.add(r * from_stride + c), from_stride, to.add(c * to_stride + r), to_stride);
            }
        }
        for r in 0..rows {
            let first = if r < whole_rows { whole_columns } else { 0 };
            for c in first..columns {
                *to.add(c * to_stride + r) = *from.add(r * from_stride + c);
            }
        }
    }
}
