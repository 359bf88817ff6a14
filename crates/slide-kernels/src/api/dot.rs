//! Dot product of two vectors.

use crate::Kernels;

table! {
    /// Safety: the level is available; the slices have one length.
    dot: unsafe fn(&[f32], &[f32]) -> f32,
}

impl Kernels {
    /// The dot product `sum_i a[i] * b[i]`.
    ///
    /// Order: 64 virtual lanes. Lane `j` starts from `+0.0` and takes the elements `i = j (mod 64)` in ascending
    /// order, each by one fused multiply-add; then the lanes are folded: lane `j` += lane `j + 32`, then `+ 16`,
    /// `+ 8`, `+ 4`, `+ 2`, `+ 1`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dot(&self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "dot: a and b differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.dot.dot)(a, b) }
    }
}
