//! The best few of many scores.

use crate::Kernels;

table! {
    /// Safety: the level is available; `indices` and `values` have one length, at most that of the scores, which
    /// is at most `u32::MAX`.
    top_k: unsafe fn(&[f32], &mut [u32], &mut [f32]),
}

impl Kernels {
    /// The `k = indices.len()` largest scores, best first, and where they stand. Returns how many there are: `k`, or
    /// the number of scores if that is less; what lies beyond is not written.
    ///
    /// Equal scores (`-0` equals `+0`) are ranked by index, the lower one first; NaN ranks below `-inf`.
    /// One pass with a list sorted by insertion: made for `k` up to some hundred.
    ///
    /// # Panics
    /// If `indices` and `values` differ in length, or there are more than `u32::MAX` scores.
    pub fn top_k(&self, scores: &[f32], indices: &mut [u32], values: &mut [f32]) -> usize {
        assert_eq!(indices.len(), values.len(), "top_k: indices and values differ in length");
        assert!(u32::try_from(scores.len()).is_ok(), "top_k: more than u32::MAX scores");
        let k = indices.len().min(scores.len());
        if k > 0 {
            // SAFETY: a `Kernels` value proves its level; the lengths were checked, or cut.
            unsafe { (self.topk.top_k)(scores, &mut indices[..k], &mut values[..k]) }
        }
        k
    }
}
