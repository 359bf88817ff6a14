//! The best few of many scores.

use crate::Kernels;

table! {
    /// Safety: the level is available; `indices` and `values` have one length, at most that of the scores, which
    /// is at most `u32::MAX`.
    top_k: unsafe fn(&[f32], &mut [u32], &mut [f32]),
    /// Safety: the level is available; `indices` and `values` have one length; there are at most `u32::MAX` scores.
    select_above: unsafe fn(&[f32], f32, &mut [u32], &mut [f32]) -> usize,
}

impl Kernels {
    /// The `k = indices.len()` largest scores, best first, and where they stand. Returns how many there are: `k`, or
    /// the number of scores if that is less; what lies beyond is not written.
    ///
    /// Equal scores (`-0` equals `+0`) are ranked by index, the lower one first; NaN ranks below `-inf`.
    /// One pass that keeps what beats the worst of the best so far, a few times `k` of them before it chooses again. For `k`
    /// above 512 those are 2048, which are sorted and merged into the list: about `k / 2048` moves for each, on top of the
    /// sort; all `k` are sorted in that way. Scores in ascending order, all of which beat those before, are the worst case.
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

    /// The scores above `threshold`, by ascending index, and where they stand. Returns how many there are; if that is more
    /// than `indices.len()`, only the first that many are written. NaN is above nothing, and nothing above NaN.
    ///
    /// What elements of `indices` and `values` beyond the count hold afterwards is unspecified, and differs from level to level:
    /// some write whole vectors.
    ///
    /// # Panics
    /// If `indices` and `values` differ in length, or there are more than `u32::MAX` scores.
    pub fn select_above(&self, scores: &[f32], threshold: f32, indices: &mut [u32], values: &mut [f32]) -> usize {
        assert_eq!(indices.len(), values.len(), "select_above: indices and values differ in length");
        assert!(u32::try_from(scores.len()).is_ok(), "select_above: more than u32::MAX scores");
        // SAFETY: a `Kernels` value proves its level; the lengths were checked.
        unsafe { (self.topk.select_above)(scores, threshold, indices, values) }
    }
}
