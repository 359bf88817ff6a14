//! Peak rates of the machine: bare loops that the benchmarks compare the kernels with.

use crate::{Kernels, RowIds};

table! {
    /// Safety: the level is available.
    multiply_adds: unsafe fn(usize) -> (f32, u64),
    /// Safety: the level is available.
    divisions: unsafe fn(usize) -> (f32, u64),
    /// Safety: the level is available.
    read: unsafe fn(&[u32]) -> u32,
    /// Safety: the level is available; each row of `rows` has its first `width` words in `words`.
    read_rows: unsafe fn(&[u32], usize, usize, RowIds<'_>) -> u32,
    /// Safety: the level is available; the slices have one length.
    update: unsafe fn(&mut [f32], &mut [f32], &mut [f32], f32),
}

impl Kernels {
    /// Only fused multiply-adds, in enough independent chains to fill the pipelines: the arithmetic peak of a core.
    ///
    /// Each chain does `x = fma(-0.5, 0.25, x)` `rounds` times, from `x = 1`. Returns `x`, the same on every level, and the
    /// number of operations (a multiply-add is two).
    pub fn probe_multiply_adds(&self, rounds: usize) -> (f32, u64) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.probe.multiply_adds)(rounds) }
    }

    /// Only divisions and square roots, one of each per round: the throughput of the divider, which bounds Adam on data in the
    /// caches.
    ///
    /// Each chain does `x = sqrt(2 / x)` `rounds` times, from `x = 1`. Returns `x`, the same on every level, and the
    /// number of pairs of operations.
    pub fn probe_divisions(&self, rounds: usize) -> (f32, u64) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.probe.divisions)(rounds) }
    }

    /// Reads `words` once, in order, and combines them by exclusive or: the bandwidth of the load ports, of a cache or of
    /// memory, depending on the length.
    pub fn probe_read(&self, words: &[u32]) -> u32 {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.probe.read)(words) }
    }

    /// Reads the first `width` words of chosen rows, `stride` words apart, with prefetching: the bandwidth of
    /// random access in blocks of that size.
    ///
    /// # Panics
    /// Unless `width <= stride` and `words` has `rows.bound()` rows.
    pub fn probe_read_rows(&self, words: &[u32], stride: usize, width: usize, rows: RowIds<'_>) -> u32 {
        assert!(width <= stride, "probe_read_rows: the width is more than the stride");
        let enough = rows.bound().checked_mul(stride).is_some_and(|needed| needed <= words.len());
        assert!(
            enough || rows.is_empty(),
            "probe_read_rows: row indices were checked against more rows than there are"
        );
        // SAFETY: a `Kernels` value proves its level; all rows lie in `words` by the assertions.
        unsafe { (self.probe.read_rows)(words, stride, width, rows) }
    }

    /// `x = factor * x` for three slices side by side: the bandwidth of the mix of reads and writes that an optimiser with
    /// two moments has.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn probe_update(&self, a: &mut [f32], b: &mut [f32], c: &mut [f32], factor: f32) {
        assert!(a.len() == b.len() && a.len() == c.len(), "probe_update: the slices differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.probe.update)(a, b, c, factor) }
    }
}
