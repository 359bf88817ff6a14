//! Top-k selection, and selection by a threshold.

use crate::Kernels;

table! {
    /// Safety: the level is available; `indices` and `values` have one length, at most that of the scores, which
    /// is at most `u32::MAX`.
    top_k: unsafe fn(&[f32], &mut [u32], &mut [f32]),
    /// Safety: the level is available; `indices` and `values` have one length; there are at most `u32::MAX` scores.
    select_above: unsafe fn(&[f32], f32, &mut [u32], &mut [f32]) -> usize,
}

impl Kernels {
    /// The `k = indices.len()` largest scores, best first, and their indices. Returns how many there are: `k`, or
    /// the number of scores if that is less; later elements are not written.
    ///
    /// Equal scores (`-0` equals `+0`) are ranked by index, the lower one first; NaN ranks below `-inf`.
    /// One pass that buffers every score above the current `k`-th best, a few times `k` of them before it selects again. For `k`
    /// above 512 the buffer has 2048 scores, which are sorted and merged into the list: about `k / 2048` moves per score on top
    /// of the sort. Ascending scores are the worst case.
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

    /// The scores above `threshold`, by ascending index. Returns how many there are; if that is more
    /// than `indices.len()`, only the first that many are written. Comparisons with NaN are false.
    ///
    /// Elements of `indices` and `values` beyond the count are unspecified afterwards and differ between levels, some of which
    /// write whole vectors.
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
