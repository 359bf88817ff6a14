//! AXPY: a multiple of a vector added to another.

use crate::{Kernels, Values};

table! {
    /// Safety: the level is available; `x` and `y` have one length.
    axpy: unsafe fn(f32, Values<'_>, &mut [f32]),
}

impl Kernels {
    /// `y[i] = fma(a, x[i], y[i])`: the update of BLAS level 1, rounded once.
    ///
    /// `x` may be stored as `bf16`, which is widened exactly. The error of an element is at most half a unit in the last place;
    /// NaN and infinities follow IEEE 754.
    ///
    /// # Panics
    /// Unless `x.len() == y.len()`.
    #[inline]
    pub fn axpy(&self, a: f32, x: Values<'_>, y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "axpy: x and y differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths were asserted.
        unsafe { (self.axpy.axpy)(a, x, y) }
    }
}
