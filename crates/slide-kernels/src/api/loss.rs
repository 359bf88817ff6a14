//! Binary cross-entropy: one sigmoid per label.
//!
//! The loss of a logit `z` with target `y` is `softplus(z) - y z`, its gradient `sigmoid(z) - y`. These kernels do
//! the part that every logit has; the few targets that are not 0 are the caller's.

use super::softmax::check_columns;
use crate::{Kernels, MatrixMut};

table! {
    /// Safety: the level is available; the width is a multiple of 16; the slice has that length.
    sigmoid_columns: unsafe fn(MatrixMut, &mut [f32]),
    /// Safety: the level is available.
    sigmoid_entries: unsafe fn(&mut [f32]) -> f32,
}

impl Kernels {
    /// For each column: `loss += softplus(z)` over the rows in ascending order, starting from the present content;
    /// then `z = sigmoid(z)`.
    ///
    /// # Panics
    /// If the width is not a multiple of 16, or `loss` does not have one element per column.
    pub fn sigmoid_columns(&self, z: MatrixMut, loss: &mut [f32]) {
        check_columns("sigmoid_columns", z.width(), &[loss.len()]);
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.loss.sigmoid_columns)(z, loss) }
    }

    /// The sum of `softplus(z)`; then `z = sigmoid(z)`.
    ///
    /// Order: 16 virtual lanes from `+0`, lane `j` takes the entries `i = j (mod 16)`, ascending; folded by lane `j` +
    /// lane `j + 8`, then `+ 4`, `+ 2`, `+ 1`.
    pub fn sigmoid_entries(&self, z: &mut [f32]) -> f32 {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.loss.sigmoid_entries)(z) }
    }
}
