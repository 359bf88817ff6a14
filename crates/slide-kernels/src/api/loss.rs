//! Losses and their gradients: cross-entropy of a softmax, and of one sigmoid per label.
//!
//! The loss of a logit `z` with target `y` under a sigmoid is `softplus(z) - y z`, its gradient `sigmoid(z) - y`. The
//! kernels of entries and columns compute the terms common to all logits; the caller subtracts the few targets that are not 0.

use super::softmax::check_columns;
use crate::numerics::ln;
use crate::scalar::fma;
use crate::{Kernels, MatrixMut};

table! {
    /// Safety: the level is available; the width is a multiple of 16; the slice has that length.
    sigmoid_columns: unsafe fn(MatrixMut, &mut [f32]),
    /// Safety: the level is available.
    sigmoid_entries: unsafe fn(&mut [f32]) -> f32,
    /// Safety: the level is available; the slices have one length.
    binary_cross_entropy: unsafe fn(&mut [f32], &[f32]) -> f32,
}

/// Panics unless there is one target per label, and all labels are less than `count`.
fn check_labels(kernel: &str, labels: &[u32], targets: &[f32], count: usize) {
    assert_eq!(labels.len(), targets.len(), "{kernel}: labels and targets differ in length");
    if let Some(&last) = labels.iter().max() {
        assert!((last as usize) < count, "{kernel}: label {last} of {count}");
    }
}

fn subtract_targets(z: &mut [f32], labels: &[u32], targets: &[f32]) {
    for (&label, target) in labels.iter().zip(targets) {
        z[label as usize] -= target;
    }
}

impl Kernels {
    /// Cross-entropy of a softmax with sparse targets: returns the loss `-sum_e y_e ln p_{l_e}` of `p = softmax(z)`, with
    /// `l = labels` and `y = targets`, and leaves its gradient, `sum(y) p - y`, in `z`.
    ///
    /// The targets need not sum to 1; a label that occurs twice counts twice. In this order, with the maximum `m` and
    /// the sum `s` of [`max_sum`](Kernels::max_sum):
    ///
    /// ```text
    /// total = ((0 + y_0) + y_1) + ...
    /// inner = fma(y_e, z_{l_e} - m, inner), e ascending, from +0
    /// loss  = fma(total, ln s, -inner)             0 without logits
    /// z     = exp(z - m) * (total / s), then z_{l_e} = z_{l_e} - y_e, e ascending
    /// ```
    ///
    /// ```
    /// let mut z = [1.0, 3.0, 1.0];
    /// let loss = slide_kernels::Kernels::best().softmax_cross_entropy(&mut z, &[1], &[1.0]);
    /// assert!((loss - 0.2395).abs() < 1e-4);
    /// assert!((z[1] - (0.7870 - 1.0)).abs() < 1e-4);
    /// ```
    ///
    /// For targets that are not negative no two terms of the loss cancel. A label whose logit is `-inf` has a loss of
    /// `+inf`. Everything is NaN where a logit is NaN or `+inf`, or every one is `-inf`.
    ///
    /// # Panics
    /// If `labels` and `targets` differ in length, or a label is not less than the length of `z`.
    pub fn softmax_cross_entropy(&self, z: &mut [f32], labels: &[u32], targets: &[f32]) -> f32 {
        check_labels("softmax_cross_entropy", labels, targets, z.len());
        if z.is_empty() {
            return 0.0;
        }
        let total = targets.iter().fold(0.0, |total, target| total + target);
        // SAFETY: a `Kernels` value proves its level; the labels were checked.
        let (sum, inner) = unsafe { (self.softmax.softmax)(z, total, labels, targets) };
        subtract_targets(z, labels, targets);
        fma(total, ln(sum), -inner)
    }

    /// Binary cross-entropy of a sigmoid for each logit: returns the sum of the losses
    /// `-y ln sigmoid(z) - (1 - y) ln(1 - sigmoid(z))`, and leaves their gradients, `sigmoid(z) - y`, in `z`.
    ///
    /// With `e = exp(-|z|)` the loss of a logit is `fma(-y, z, max(z, 0)) + ln_1p(e)`, in which nothing cancels for targets
    /// of 0 and 1; the gradient is [`numerics::sigmoid`](crate::numerics::sigmoid) less the target. Order of the sum: 16
    /// virtual lanes from `+0`, lane `j` takes the entries `i = j (mod 16)`, ascending; reduced by lane `j` + lane `j + 8`,
    /// then `+ 4`, `+ 2`, `+ 1`. The loss is NaN where a logit is NaN or infinite, the gradient only where it is NaN.
    ///
    /// # Panics
    /// If `z` and `targets` differ in length.
    pub fn binary_cross_entropy(&self, z: &mut [f32], targets: &[f32]) -> f32 {
        assert_eq!(z.len(), targets.len(), "binary_cross_entropy: z and targets differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.loss.binary_cross_entropy)(z, targets) }
    }

    /// [`binary_cross_entropy`](Kernels::binary_cross_entropy) with targets of 0 except at `labels`, where they are
    /// `targets` (at a label that occurs twice their sum).
    ///
    /// The loss is the sum of [`sigmoid_entries`](Kernels::sigmoid_entries) less `inner = fma(y_e, z_{l_e}, inner)`, `e`
    /// ascending, from `+0`; then `z_{l_e} = z_{l_e} - y_e`, `e` ascending. Where labels have large logits the difference
    /// has the error of the sum, not of the loss. It is NaN where a logit is NaN, or that of a label infinite and its
    /// target not negative.
    ///
    /// # Panics
    /// If `labels` and `targets` differ in length, or a label is not less than the length of `z`.
    pub fn binary_cross_entropy_sparse(&self, z: &mut [f32], labels: &[u32], targets: &[f32]) -> f32 {
        check_labels("binary_cross_entropy_sparse", labels, targets, z.len());
        let terms = labels.iter().zip(targets);
        let inner = terms.fold(0.0, |inner, (&label, &target)| fma(target, z[label as usize], inner));
        let sum = self.sigmoid_entries(z);
        subtract_targets(z, labels, targets);
        sum - inner
    }

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
    /// Order: 16 virtual lanes from `+0`, lane `j` takes the entries `i = j (mod 16)`, ascending; reduced by lane `j` +
    /// lane `j + 8`, then `+ 4`, `+ 2`, `+ 1`.
    pub fn sigmoid_entries(&self, z: &mut [f32]) -> f32 {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.loss.sigmoid_entries)(z) }
    }
}
