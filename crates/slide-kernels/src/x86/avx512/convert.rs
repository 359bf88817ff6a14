//! [`crate::api::convert`] on AVX-512.

use core::arch::x86_64::*;

use half::{bf16, f16};

use super::F32x16;
use crate::api::convert::Table;
use crate::generic::SimdF32x16;
use crate::generic::convert::Halves;
use crate::{Rounding, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn f32_to_bf16(from: &[f32], rounding: Rounding, to: &mut [bf16]) = generic::convert::f32_to_bf16::<F32x16>;
    fn bf16_to_f32(from: &[bf16], to: &mut [f32]) = generic::convert::bf16_to_f32::<F32x16>;
    fn f32_to_f16(from: &[f32], to: &mut [f16]) = generic::convert::f32_to_f16::<F32x16>;
    fn f16_to_f32(from: &[f16], to: &mut [f32]) = generic::convert::f16_to_f32::<F32x16>;
});

impl Halves for F32x16 {
    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> Self {
        // SAFETY: the caller has AVX-512 and 16 elements to read.
        unsafe { F32x16(_mm512_cvtph_ps(_mm256_loadu_si256(from.cast())), Self::token()) }
    }
    #[inline(always)]
    unsafe fn load_masked_f16(from: *const f16, count: usize) -> Self {
        // SAFETY: the caller has AVX-512 and `count` elements to read; no others are touched.
        unsafe { F32x16(_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(Self::first(count), from.cast())), Self::token()) }
    }
    #[inline(always)]
    unsafe fn store_f16(self, to: *mut f16) {
        // SAFETY: `self` proves AVX-512; the caller has 16 elements to write.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0)) }
    }
    #[inline(always)]
    unsafe fn store_masked_f16(self, to: *mut f16, count: usize) {
        let halves = self.1.avx512f._mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0);
        // SAFETY: `self` proves AVX-512; the caller has `count` elements to write; no others are touched.
        unsafe { _mm256_mask_storeu_epi16(to.cast(), Self::first(count), halves) }
    }
}
