//! Dot products of two vectors.

use half::bf16;

use crate::Kernels;

table! {
    /// Safety: the level is available; the slices have one length.
    dot: unsafe fn(&[f32], &[f32]) -> f32,
    /// Safety: the level is available; the slices have one length.
    dot_bf16: unsafe fn(&[bf16], &[bf16]) -> f32,
    /// Safety: the level is available; the slices have one length.
    dot_bf16_f32: unsafe fn(&[bf16], &[f32]) -> f32,
}

impl Kernels {
    /// The dot product `sum_i a[i] * b[i]`.
    ///
    /// Order: 64 virtual lanes. Lane `j` starts from `+0.0` and takes the elements `i = j (mod 64)` in ascending
    /// order, each by one fused multiply-add; then the lanes are reduced: lane `j` += lane `j + 32`, then `+ 16`,
    /// `+ 8`, `+ 4`, `+ 2`, `+ 1`.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub fn dot(&self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "dot: a and b differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.dot.dot)(a, b) }
    }

    /// The dot product `sum_i a[i] * b[i]` of `bf16`, each widened exactly, in `f32`.
    ///
    /// Order: 64 virtual lanes that take pairs. Lane `j` starts from `+0.0` and takes the elements
    /// `i` with `i / 2 = j (mod 64)` in ascending order, each by one fused multiply-add; then the lanes are reduced as in
    /// [`dot`](Kernels::dot). (Adjacent elements share a 32-bit word, so widening is a shift or a mask, or is
    /// done by Arm's `bfmlalb` and `bfmlalt`.)
    ///
    /// With [`Precision::Native`](crate::Precision::Native) (`vdpbf16ps`, `bfdot`) a lane takes the same pairs, but the two
    /// products of a pair are added in an order that the instruction defines, which treats subnormal inputs as zero, flushes
    /// subnormal sums to zero and (on Arm) rounds to odd. Where nothing overflows, the error is at most
    ///
    /// ```text
    /// g(2 ceil(n / 128) + 6) sum_i |a_i b_i| + sum_{a_i or b_i subnormal} |a_i b_i| + 4 n 2^-126
    /// ```
    ///
    /// with `g(k) = k u / (1 - k u)` and `u = 2^-24` (2^-23 on Arm): each of the `ceil(n / 128)` pairs of a lane is rounded
    /// at most twice, the reduction rounds six times, and a term passes each of them at most once (Higham, *Accuracy and
    /// Stability of Numerical Algorithms*, section 3.1); the products themselves are exact. A flushed value is less
    /// than 2^-126; that happens at most three times per pair, and the error hardly grows in later additions.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub fn dot_bf16(&self, a: &[bf16], b: &[bf16]) -> f32 {
        assert_eq!(a.len(), b.len(), "dot_bf16: a and b differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.dot.dot_bf16)(a, b) }
    }

    /// The dot product `sum_i a[i] * b[i]` of stored weights and activations: `a` is widened exactly, and the rest is
    /// [`dot`](Kernels::dot), bit for bit.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub fn dot_bf16_f32(&self, a: &[bf16], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "dot_bf16_f32: a and b differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.dot.dot_bf16_f32)(a, b) }
    }
}
