//! Dot products of a sparse vector with a dense or another sparse one.

use crate::{Kernels, SparseVector, Values};

table! {
    /// Safety: the level is available; `a.ids().bound() <= dense.len()`.
    dot: unsafe fn(SparseVector<'_>, Values<'_>) -> f32,
    /// The same without gather instructions. Safety: that of `dot`.
    dot_without_gather: unsafe fn(SparseVector<'_>, Values<'_>) -> f32,
    /// Safety: the level is available; the indices of `a` and of `b` ascend strictly.
    sparse_sparse_dot: unsafe fn(SparseVector<'_>, SparseVector<'_>) -> f32,
}

impl Kernels {
    /// `sum_i values[i] * dense[ids[i]]` of a sparse vector: its dot product with a dense one.
    ///
    /// The indices may be in any order; one that is listed twice counts twice. Elements stored as `bf16` are widened
    /// exactly.
    ///
    /// Order: 16 virtual lanes, as in [`rows_dot`](Kernels::rows_dot). Lane `j` starts from `+0.0` and takes the terms
    /// `i = j (mod 16)` in ascending order, each by one fused multiply-add; then lane `j` += lane `j + 8`, then `+ 4`,
    /// `+ 2`, `+ 1`. So for `n` terms the error is at most `(n / 16 + 4) u / (1 - (n / 16 + 4) u)` times the sum of their
    /// absolute values, with `u = 2^-24` (Higham, "Accuracy and Stability of Numerical Algorithms", 3.1).
    ///
    /// Where gather instructions are slow ([`Quirks`](crate::Quirks)), elements are loaded one by one.
    ///
    /// # Panics
    /// Unless `a.ids().bound() <= dense.len()`.
    #[inline]
    pub fn sparse_dot(&self, a: SparseVector<'_>, dense: Values<'_>) -> f32 {
        assert!(a.ids().bound() <= dense.len(), "sparse_dot: ids were checked against a longer vector");
        let dot = if self.quirks.slow_gather { self.sparse_dot.dot_without_gather } else { self.sparse_dot.dot };
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { dot(a, dense) }
    }

    /// The dot product of two sparse vectors: the sum of `a.values()[i] * b.values()[j]` over all pairs with
    /// `a.ids()[i] == b.ids()[j]`.
    ///
    /// Order: 16 virtual lanes. Lane `k` starts from `+0.0` and takes the pairs with `i = k (mod 16)` in ascending order,
    /// each by one fused multiply-add; then lane `k` += lane `k + 8`, then `+ 4`, `+ 2`, `+ 1`. The lane is given by the
    /// position in `a`, so exchanging `a` and `b` may round differently. The error is bounded as in
    /// [`sparse_dot`](Kernels::sparse_dot), with the number of pairs for `n` and the largest number per lane for `n / 16`.
    ///
    /// Lists of similar length are merged; if one is much shorter, its indices are searched in the other. So the time is
    /// proportional to the sum of the lengths, or to the shorter length times the logarithm of the longer.
    ///
    /// # Panics
    /// Unless the indices of `a` and of `b` ascend strictly.
    #[inline]
    pub fn sparse_sparse_dot(&self, a: SparseVector<'_>, b: SparseVector<'_>) -> f32 {
        assert!(
            a.ids().is_ascending() && b.ids().is_ascending(),
            "sparse_sparse_dot: the indices of a sparse vector must ascend strictly"
        );
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.sparse_dot.sparse_sparse_dot)(a, b) }
    }
}
