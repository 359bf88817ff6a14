//! The Walsh-Hadamard transform.

use crate::{Kernels, MatrixMut};

table! {
    /// Safety: the level is available; the width is a power of two.
    hadamard: unsafe fn(MatrixMut<'_>),
}

impl Kernels {
    /// Replaces each row `x` by its Walsh-Hadamard transform `H x`, in place: `H[i][j] = (-1)^(number of ones of i & j)`, in the
    /// order of Hadamard, without a factor: twice the transform is `x` times the width.
    ///
    /// Order: for `h = 1, 2, 4, ..., width / 2`, all pairs `i`, `i + h` with bit `h` of `i` clear become their sum and their
    /// difference, each rounded once. Error of an element: at most `log2(width) * 2^-24 * sum_j |x_j|`, to first order
    /// (every intermediate sum is over a subset of the `x_j`). NaN propagates; so does the NaN of a difference of infinities.
    ///
    /// Source: Fino and Algazi, Unified Matrix Treatment of the Fast Walsh-Hadamard Transform, IEEE Trans. Computers 1976.
    ///
    /// # Panics
    /// Unless the width is a power of two.
    pub fn hadamard(&self, vectors: MatrixMut<'_>) {
        assert!(vectors.width().is_power_of_two(), "hadamard: the width is not a power of two");
        // SAFETY: a `Kernels` value proves its level; the width was checked.
        unsafe { (self.hadamard.hadamard)(vectors) }
    }
}
