//! Softmax of one example (a slice) and of a batch (a matrix whose columns are the examples).
//!
//! [`Kernels::softmax`] computes it for a slice. For a batch, or a slice in parts, it is two calls: first the maximum
//! `m` and `s = sum exp(z - m)`; then `exp(z - m) * (1 / s)`, for which the caller forms `1 / s`. The loss of the labels
//! needs only `m`, `s` and their own logits: `ln s - (z - m)`.
//!
//! The maximum ignores NaN; the sum is NaN if any logit is NaN or `+inf`, or every one is `-inf`.

use crate::{Kernels, Matrix, MatrixMut};

type SoftmaxEntries = unsafe fn(z: &mut [f32], examples: &[u32], max: &[f32], inverse_sum: &[f32]);

table! {
    /// Safety: the level is available.
    max_sum: unsafe fn(&[f32]) -> (f32, f32),
    /// Leaves `exp(z - max) * (total / sum)`; returns `sum`, and of the unmodified logits the sum of
    /// `targets (z - max)`. Safety: the level is available; each label is less than the length of `z`, and there are as many
    /// targets.
    softmax: unsafe fn(z: &mut [f32], total: f32, labels: &[u32], targets: &[f32]) -> (f32, f32),
    /// Safety: the level is available; the width is a multiple of 16; the slices have that length.
    column_max_sum: unsafe fn(Matrix, &mut [f32], &mut [f32]),
    /// Safety: the level is available; the width is a multiple of 16; the slices have that length.
    softmax_columns: unsafe fn(MatrixMut, &[f32], &[f32]),
    /// Safety: the level is available; `examples` has the length of `z`; its elements are less than the lengths of
    /// `max` and `inverse_sum`.
    softmax_entries: SoftmaxEntries,
}

/// Panics unless a matrix of `width` columns has whole vectors of columns, and one element for each in a slice.
pub(super) fn check_columns(kernel: &str, width: usize, lengths: &[usize]) {
    assert!(width.is_multiple_of(16), "{kernel}: the number of columns is {width}; expected a multiple of 16");
    for &length in lengths {
        assert_eq!(length, width, "{kernel}: a slice does not have one element per column");
    }
}

impl Kernels {
    /// The maximum `m` of the values, and the sum of `exp(value - m)`; `(-inf, 0)` of none.
    ///
    /// The logarithm of the sum of the exponentials is `m + ln(sum)`.
    ///
    /// A maximum of zero is `+0`. Order of the sum: 16 virtual lanes from `+0`, lane `j` takes the values
    /// `i = j (mod 16)`, ascending; reduced by lane `j` + lane `j + 8`, then `+ 4`, `+ 2`, `+ 1`.
    pub fn max_sum(&self, values: &[f32]) -> (f32, f32) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.softmax.max_sum)(values) }
    }

    /// The logarithm of the sum of `e^value`: `m + ln(s)` with `m` and `s` of [`max_sum`](Kernels::max_sum) and
    /// [`numerics::ln`](crate::numerics::ln).
    ///
    /// `-inf` of none and where every value is `-inf`; `+inf` where one is; NaN where one is NaN.
    pub fn log_sum_exp(&self, values: &[f32]) -> f32 {
        let (max, sum) = self.max_sum(values);
        if max.is_finite() {
            return max + crate::numerics::ln(sum);
        }
        if values.iter().any(|value| value.is_nan()) { f32::NAN } else { max }
    }

    /// `z = exp(z - m) * (1 / s)`, with the maximum `m` and the sum `s` of [`max_sum`](Kernels::max_sum).
    ///
    /// A logit of `-inf` becomes 0. All become NaN where one is NaN or `+inf`, or every one is `-inf`.
    pub fn softmax(&self, z: &mut [f32]) {
        // SAFETY: a `Kernels` value proves its level; there is no label.
        unsafe { (self.softmax.softmax)(z, 1.0, &[], &[]) };
    }

    /// For each column of the matrix `z` its maximum `m` (the first of equal ones, so a zero may be `-0`), and the sum of
    /// `exp(z - m)` over the rows in ascending order, starting from `+0`. Overwrites `max` and `sum`; without rows they are `-inf` and 0.
    ///
    /// # Panics
    /// If the width is not a multiple of 16, or `max` or `sum` does not have one element per column.
    pub fn column_max_sum(&self, z: Matrix, max: &mut [f32], sum: &mut [f32]) {
        check_columns("column_max_sum", z.width(), &[max.len(), sum.len()]);
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.softmax.column_max_sum)(z, max, sum) }
    }

    /// `z = exp(z - max) * inverse_sum`, with `max` and `inverse_sum` of the column.
    ///
    /// # Panics
    /// If the width is not a multiple of 16, or `max` or `inverse_sum` does not have one element per column.
    pub fn softmax_columns(&self, z: MatrixMut, max: &[f32], inverse_sum: &[f32]) {
        check_columns("softmax_columns", z.width(), &[max.len(), inverse_sum.len()]);
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.softmax.softmax_columns)(z, max, inverse_sum) }
    }

    /// `z[e] = exp(z[e] - max[s]) * inverse_sum[s]` for each entry `e`, with `s = examples[e]`.
    ///
    /// # Panics
    /// If `examples` does not have the length of `z`, `max` and `inverse_sum` differ in length, an example is not less than that
    /// length, or that is 2^31 or more (gathers take signed indices).
    pub fn softmax_entries(&self, z: &mut [f32], examples: &[u32], max: &[f32], inverse_sum: &[f32]) {
        assert_eq!(z.len(), examples.len(), "softmax_entries: z and examples differ in length");
        assert_eq!(max.len(), inverse_sum.len(), "softmax_entries: max and inverse_sum differ in length");
        assert!(max.len() <= i32::MAX as usize, "softmax_entries: {} examples; expected less than 2^31", max.len());
        if let Some(&last) = examples.iter().max() {
            assert!((last as usize) < max.len(), "softmax_entries: example {last} of {}", max.len());
        }
        // SAFETY: a `Kernels` value proves its level; the lengths and `examples` were checked.
        unsafe { (self.softmax.softmax_entries)(z, examples, max, inverse_sum) }
    }
}
