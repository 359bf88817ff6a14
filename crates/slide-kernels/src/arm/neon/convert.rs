//! [`crate::api::convert`] on NEON.

use core::arch::aarch64::*;

use half::{bf16, f16};

use super::lanes::low_halves;
use super::masked::store_masked_halves;
use super::{F32x16, NEON};
use crate::api::convert::Table;
use crate::generic::convert::Halves;
use crate::generic::{SimdF32x16, SimdU32x16};
use crate::{Rounding, generic};

wrappers!("neon", Table {
    fn f32_to_bf16(from: &[f32], rounding: Rounding, to: &mut [bf16]) = generic::convert::f32_to_bf16::<F32x16>;
    fn bf16_to_f32(from: &[bf16], to: &mut [f32]) = generic::convert::bf16_to_f32::<F32x16>;
    fn f32_to_f16(from: &[f32], to: &mut [f16]) = generic::convert::f32_to_f16::<F32x16>;
    fn f16_to_f32(from: &[f16], to: &mut [f32]) = generic::convert::f16_to_f32::<F32x16>;
});

#[inline(always)]
fn widen([low, high]: [uint16x8_t; 2]) -> F32x16 {
    // SAFETY: NEON, which is available, has these conversions; pulp knows none of `f16`.
    let four = |halves| unsafe { vcvt_f32_f16(vreinterpret_f16_u16(halves)) };
    let (a, b) = (NEON.vget_low_u16(low), NEON.vget_high_u16(low));
    F32x16([four(a), four(b), four(NEON.vget_low_u16(high)), four(NEON.vget_high_u16(high))])
}

#[inline(always)]
fn round(F32x16([a, b, c, d]): F32x16) -> [uint16x8_t; 2] {
    // SAFETY: as in `widen`.
    let four = |lanes| unsafe { vreinterpret_u16_f16(vcvt_f16_f32(lanes)) };
    [NEON.vcombine_u16(four(a), four(b)), NEON.vcombine_u16(four(c), four(d))]
}

impl Halves for F32x16 {
    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> Self {
        // SAFETY: the caller has 16 elements to read.
        unsafe { widen([vld1q_u16(from.cast()), vld1q_u16(from.cast::<u16>().add(8))]) }
    }
    #[inline(always)]
    unsafe fn load_masked_f16(from: *const f16, count: usize) -> Self {
        // SAFETY: the caller has `count` elements to read.
        unsafe { widen(low_halves(Self::load_masked_bf16(from.cast(), count).bitcast_u32().shift_right::<16>())) }
    }
    #[inline(always)]
    unsafe fn store_f16(self, to: *mut f16) {
        // SAFETY: the caller has 16 elements to write.
        unsafe {
            let [low, high] = round(self);
            vst1q_u16(to.cast(), low);
            vst1q_u16(to.cast::<u16>().add(8), high)
        }
    }
    #[inline(always)]
    unsafe fn store_masked_f16(self, to: *mut f16, count: usize) {
        // SAFETY: the caller has `count` elements to write.
        unsafe { store_masked_halves(to.cast(), round(self), count) }
    }
}
