//! [`crate::api::convert`] on AVX2, and halves by F16C.

use core::arch::x86_64::*;

use half::{bf16, f16};

use super::lanes::low_halves;
use super::{F32x16, U32x16};
use crate::api::convert::Table;
use crate::generic::convert::Halves;
use crate::generic::{SimdF32x16, SimdU32x16};
use crate::{Rounding, generic};

wrappers!("avx,avx2,fma,f16c", Table {
    fn f32_to_bf16(from: &[f32], rounding: Rounding, to: &mut [bf16]) = generic::convert::f32_to_bf16::<F32x16>;
    fn bf16_to_f32(from: &[bf16], to: &mut [f32]) = generic::convert::bf16_to_f32::<F32x16>;
    fn f32_to_f16(from: &[f32], to: &mut [f16]) = generic::convert::f32_to_f16::<F32x16>;
    fn f16_to_f32(from: &[f16], to: &mut [f32]) = generic::convert::f16_to_f32::<F32x16>;
});

/// # Safety
/// AVX2 and F16C are available.
#[inline(always)]
unsafe fn widen(halves: __m256i) -> F32x16 {
    // SAFETY: the caller has both; pulp knows no F16C.
    unsafe {
        let (low, high) = (_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
        F32x16(_mm256_cvtph_ps(low), _mm256_cvtph_ps(high), F32x16::token())
    }
}

impl Halves for F32x16 {
    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> Self {
        // SAFETY: the caller has AVX2, F16C, and 16 elements to read.
        unsafe { widen(_mm256_loadu_si256(from.cast())) }
    }
    #[inline(always)]
    unsafe fn load_masked_f16(from: *const f16, count: usize) -> Self {
        // SAFETY: the caller has AVX2, F16C, and `count` elements to read.
        unsafe { widen(low_halves(Self::load_masked_bf16(from.cast(), count).bitcast_u32().shift_right::<16>())) }
    }
    #[inline(always)]
    unsafe fn store_f16(self, to: *mut f16) {
        // SAFETY: the caller has F16C and 16 elements to write.
        unsafe {
            _mm_storeu_si128(to.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0));
            _mm_storeu_si128(to.add(8).cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.1))
        }
    }
    #[inline(always)]
    unsafe fn store_masked_f16(self, to: *mut f16, count: usize) {
        // SAFETY: the caller has F16C and `count` elements to write.
        unsafe {
            let low = _mm256_cvtepu16_epi32(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0));
            let high = _mm256_cvtepu16_epi32(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.1));
            U32x16(low, high, self.2).store_masked_low_halves(to.cast(), count)
        }
    }
}
