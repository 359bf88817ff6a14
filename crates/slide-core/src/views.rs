//! Buffers as the kernels take them.

use slide_kernels::{Matrix, MatrixMut, RowIds};

/// `data` as rows of `stride` columns, all of them used.
pub(crate) fn matrix(data: &[f32], stride: usize) -> Matrix<'_> {
    Matrix::new(data, stride, stride).expect("buffers are a whole number of rows")
}

/// `data` as rows of `stride` columns, to be written.
pub(crate) fn matrix_mut(data: &mut [f32], stride: usize) -> MatrixMut<'_> {
    MatrixMut::new(data, stride, stride).expect("buffers are a whole number of rows")
}

/// Row numbers below `bound`.
pub(crate) fn row_ids(rows: &[u32], bound: usize) -> RowIds<'_> {
    RowIds::new(rows, bound).expect("row lists are made from the layer's own rows")
}

/// The elements of list `index` of lists that lie one after another and end at `ends`.
pub(crate) fn list_range(ends: &[usize], index: usize) -> std::ops::Range<usize> {
    let start = if index == 0 { 0 } else { ends[index - 1] };
    start..ends[index]
}

/// `buffer` with `length` elements of `value`.
pub(crate) fn refill<T: Copy>(buffer: &mut Vec<T>, length: usize, value: T) {
    buffer.clear();
    buffer.resize(length, value);
}
