//! [`crate::api::transpose`] on NEON.

use core::arch::aarch64::*;

use crate::api::transpose::Table;
use crate::{Matrix, MatrixMut, generic};

wrappers!("neon", Table {
    fn transpose(source: Matrix<'_>, destination: MatrixMut<'_>)
        = |source, destination| generic::transpose::transpose::<8>(source, destination, block);
});

/// Transposes 8 x 8 elements: four blocks of 4 x 4, in each of which pairs, then pairs of pairs change places.
///
/// # Safety
/// NEON is available; `from` and `to` are valid for reading and writing 8 rows of 8 elements.
#[target_feature(enable = "neon")]
unsafe fn block(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    for column in [0, 4] {
        // SAFETY: the caller has NEON and 8 rows of 8 elements on both sides: `column` and `column + 4` are at most 4
        // and 8.
        unsafe {
            let upper = quarter(from.add(column), from_stride);
            let lower = quarter(from.add(4 * from_stride + column), from_stride);
            for j in 0..4 {
                let to = to.add((column + j) * to_stride);
                vst1q_f32(to, upper[j]);
                vst1q_f32(to.add(4), lower[j]);
            }
        }
    }
}

/// The columns of 4 x 4 elements.
///
/// # Safety
/// NEON is available; `from` is valid for reading 4 rows of 4 elements.
#[inline(always)]
pub(super) unsafe fn quarter(from: *const f32, stride: usize) -> [float32x4_t; 4] {
    // SAFETY: the caller has NEON and 4 rows of 4 elements to read.
    unsafe {
        let row = |i: usize| vld1q_f32(from.add(i * stride));
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        // Lanes 0 and 1, then 2 and 3, of two rows at a time.
        let (ac_low, ac_high) = (vzip1q_f32(a, c), vzip2q_f32(a, c));
        let (bd_low, bd_high) = (vzip1q_f32(b, d), vzip2q_f32(b, d));
        [
            vzip1q_f32(ac_low, bd_low),
            vzip2q_f32(ac_low, bd_low),
            vzip1q_f32(ac_high, bd_high),
            vzip2q_f32(ac_high, bd_high),
        ]
    }
}
