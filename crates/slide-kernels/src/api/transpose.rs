//! Transposition.

use crate::{Kernels, Matrix, MatrixMut};

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    transpose: unsafe fn(Matrix<'_>, MatrixMut<'_>),
}

impl Kernels {
    /// `destination[c][r] = source[r][c]`.
    ///
    /// # Panics
    /// Unless `destination.rows() == source.width()` and `destination.width() == source.rows()`.
    pub fn transpose(&self, source: Matrix<'_>, destination: MatrixMut<'_>) {
        assert_eq!(destination.rows(), source.width(), "transpose: one row of destination per column of source");
        assert_eq!(destination.width(), source.rows(), "transpose: one column of destination per row of source");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.transpose.transpose)(source, destination) }
    }
}
