//! Activations and other elementwise functions, in place.

use crate::Kernels;

table! {
    /// Safety: the level is available.
    relu: unsafe fn(&mut [f32]),
    /// Safety: the level is available; the slices have one length.
    relu_backward: unsafe fn(&mut [f32], &[f32]),
    /// Safety: the level is available; the slices have one length.
    dropout: unsafe fn(&mut [f32], &[u32], u32, f32),
    /// Safety: the level is available.
    exp: unsafe fn(&mut [f32]),
    /// Safety: the level is available.
    ln: unsafe fn(&mut [f32]),
    /// Safety: the level is available.
    sigmoid: unsafe fn(&mut [f32]),
    /// Safety: the level is available.
    softplus: unsafe fn(&mut [f32]),
}

impl Kernels {
    /// `x = max(x, 0)`: `+0` where `x <= 0`, so also for `-0`; NaN stays.
    pub fn relu(&self, x: &mut [f32]) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.elementwise.relu)(x) }
    }

    /// The gradient of [`relu`](Kernels::relu): `delta = +0` where `activation <= 0`, unchanged elsewhere.
    ///
    /// `activation` may be the input or the output of the function.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn relu_backward(&self, delta: &mut [f32], activation: &[f32]) {
        assert_eq!(delta.len(), activation.len(), "relu_backward: delta and activation differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.elementwise.relu_backward)(delta, activation) }
    }

    /// `x = +0` where `random < threshold`, else `x * scale`.
    ///
    /// For a probability `p` of dropping, `threshold = p * 2^32` and `scale = 1 / (1 - p)`. The same words give the
    /// same mask, so the backward pass is this function again.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dropout(&self, x: &mut [f32], random: &[u32], threshold: u32, scale: f32) {
        assert_eq!(x.len(), random.len(), "dropout: x and random differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.elementwise.dropout)(x, random, threshold, scale) }
    }

    /// `x = e^x`, each as by [`numerics::exp`](crate::numerics::exp).
    pub fn exp(&self, x: &mut [f32]) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.elementwise.exp)(x) }
    }

    /// `x = ln x`, each as by [`numerics::ln`](crate::numerics::ln).
    pub fn ln(&self, x: &mut [f32]) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.elementwise.ln)(x) }
    }

    /// `x = 1 / (1 + e^-x)`, each as by [`numerics::sigmoid`](crate::numerics::sigmoid).
    pub fn sigmoid(&self, x: &mut [f32]) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.elementwise.sigmoid)(x) }
    }

    /// `x = ln(1 + e^x)`, each as by [`numerics::softplus`](crate::numerics::softplus).
    pub fn softplus(&self, x: &mut [f32]) {
        // SAFETY: a `Kernels` value proves its level.
        unsafe { (self.elementwise.softplus)(x) }
    }
}
