//! [`crate::api::convert`] on NEON.

use core::arch::aarch64::*;

use half::{bf16, f16};

use super::F32x16;
use super::lanes::low_halves;
use super::masked::store_masked_halves;
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

/// # Safety
/// NEON is available.
#[inline(always)]
unsafe fn widen(halves: [uint16x8_t; 2]) -> F32x16 {
    proven! {
        let four = |halves| vcvt_f32_f16(vreinterpret_f16_u16(halves));
        let [low, high] = halves;
        F32x16([four(vget_low_u16(low)), four(vget_high_u16(low)), four(vget_low_u16(high)), four(vget_high_u16(high))])
    }
}

#[inline(always)]
fn round(F32x16([a, b, c, d]): F32x16) -> [uint16x8_t; 2] {
    proven! {
        let four = |lanes| vreinterpret_u16_f16(vcvt_f16_f32(lanes));
        [vcombine_u16(four(a), four(b)), vcombine_u16(four(c), four(d))]
    }
}

impl Halves for F32x16 {
    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> Self {
        proven!(widen([vld1q_u16(from.cast()), vld1q_u16(from.cast::<u16>().add(8))]))
    }
    #[inline(always)]
    unsafe fn load_masked_f16(from: *const f16, count: usize) -> Self {
        proven!(widen(low_halves(Self::load_masked_bf16(from.cast(), count).bitcast_u32().shift_right::<16>())))
    }
    #[inline(always)]
    unsafe fn store_f16(self, to: *mut f16) {
        proven! {
            let [low, high] = round(self);
            vst1q_u16(to.cast(), low);
            vst1q_u16(to.cast::<u16>().add(8), high)
        }
    }
    #[inline(always)]
    unsafe fn store_masked_f16(self, to: *mut f16, count: usize) {
        proven!(store_masked_halves(to.cast(), round(self), count))
    }
}
