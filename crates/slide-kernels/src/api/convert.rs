//! Conversions between `f32`, `bf16` and `f16`.

use half::{bf16, f16};

use super::row_update::Rounding;
use crate::Kernels;

table! {
    /// Safety: the level is available; both slices have one length.
    f32_to_bf16: unsafe fn(&[f32], Rounding, &mut [bf16]),
    /// Safety: the level is available; both slices have one length.
    bf16_to_f32: unsafe fn(&[bf16], &mut [f32]),
    /// Safety: the level is available; both slices have one length.
    f32_to_f16: unsafe fn(&[f32], &mut [f16]),
    /// Safety: the level is available; both slices have one length.
    f16_to_f32: unsafe fn(&[f16], &mut [f32]),
}

impl Kernels {
    /// Rounds to `bf16`, to the nearest or stochastically: see [`Rounding`], for which element `i` of the slice is element
    /// `i` of row 0.
    ///
    /// Values too large for a `bf16` become infinite; subnormal results are kept. A NaN becomes a quiet NaN with its
    /// sign and the upper bits of its payload. To the nearest, the error of a normal result is at most 2^-9 of its
    /// value; stochastically 2^-8, and its expected value is exact.
    ///
    /// # Panics
    /// Unless `from.len() == to.len()`.
    pub fn f32_to_bf16(&self, from: &[f32], rounding: Rounding, to: &mut [bf16]) {
        assert_eq!(from.len(), to.len(), "f32_to_bf16: the slices differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths were asserted.
        unsafe { (self.convert.f32_to_bf16)(from, rounding, to) }
    }

    /// Widens exactly: the bits of a `bf16` are the upper half of those of the result, NaN included.
    ///
    /// # Panics
    /// Unless `from.len() == to.len()`.
    pub fn bf16_to_f32(&self, from: &[bf16], to: &mut [f32]) {
        assert_eq!(from.len(), to.len(), "bf16_to_f32: the slices differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths were asserted.
        unsafe { (self.convert.bf16_to_f32)(from, to) }
    }

    /// Rounds to IEEE 754 binary16: to the nearest, ties to even.
    ///
    /// From 65,520 on the result is infinite; below 2^-14 it is a subnormal, exact to 2^-25. A NaN becomes a quiet NaN with
    /// its sign and the upper ten bits of its payload. The error of a normal result is at most 2^-11 of its value.
    ///
    /// # Panics
    /// Unless `from.len() == to.len()`.
    pub fn f32_to_f16(&self, from: &[f32], to: &mut [f16]) {
        assert_eq!(from.len(), to.len(), "f32_to_f16: the slices differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths were asserted.
        unsafe { (self.convert.f32_to_f16)(from, to) }
    }

    /// Widens exactly, subnormals included. A NaN becomes a quiet NaN with its sign and payload.
    ///
    /// # Panics
    /// Unless `from.len() == to.len()`.
    pub fn f16_to_f32(&self, from: &[f16], to: &mut [f32]) {
        assert_eq!(from.len(), to.len(), "f16_to_f32: the slices differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths were asserted.
        unsafe { (self.convert.f16_to_f32)(from, to) }
    }
}
