//! Sixteen lanes in one register.

use core::arch::x86_64::*;

use half::bf16;

use crate::generic::{LANES, SimdF32x16, SimdU32x16};

/// Sixteen `f32`; exists only where AVX-512 is available.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(pub(in crate::x86) __m512);

/// Sixteen `u32`; exists only where AVX-512 is available.
#[derive(Clone, Copy)]
pub(crate) struct U32x16(pub(in crate::x86) __m512i);

impl SimdF32x16 for F32x16 {
    type Mask = __mmask16;
    type U32 = U32x16;
    type HalfReduced = Self;
    const REGISTERS: usize = 1;

    #[inline(always)]
    unsafe fn first(count: usize) -> __mmask16 {
        ((1_u32 << count.min(LANES)) - 1) as __mmask16
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        proven!(F32x16(_mm512_set1_ps(value)))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        proven!(F32x16(_mm512_loadu_ps(from)))
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: __mmask16) -> Self {
        proven!(F32x16(_mm512_maskz_loadu_ps(mask, from)))
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        proven!(widen(_mm256_loadu_si256(from.cast())))
    }
    #[inline(always)]
    unsafe fn load_masked_bf16(from: *const bf16, count: usize) -> Self {
        proven!(widen(_mm256_maskz_loadu_epi16(Self::first(count), from.cast())))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        proven!(_mm512_storeu_ps(to, self.0))
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: __mmask16) {
        proven!(_mm512_mask_storeu_ps(to, mask, self.0))
    }
    #[inline(always)]
    fn fma(self, factor: Self, addend: Self) -> Self {
        proven!(F32x16(_mm512_fmadd_ps(self.0, factor.0, addend.0)))
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        proven!(F32x16(_mm512_add_ps(self.0, other.0)))
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        proven!(F32x16(_mm512_sub_ps(self.0, other.0)))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        proven!(F32x16(_mm512_mul_ps(self.0, other.0)))
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        proven!(F32x16(_mm512_div_ps(self.0, other.0)))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        proven!(F32x16(_mm512_sqrt_ps(self.0)))
    }
    #[inline(always)]
    fn select(self, mask: __mmask16, other: Self) -> Self {
        proven!(F32x16(_mm512_mask_blend_ps(mask, other.0, self.0)))
    }
    #[inline(always)]
    fn bitcast_u32(self) -> U32x16 {
        proven!(U32x16(_mm512_castps_si512(self.0)))
    }
    #[inline(always)]
    fn reduce_sum(self) -> f32 {
        proven! {
            let low = _mm512_castps512_ps256(self.0);
            let eight = _mm256_add_ps(low, _mm512_extractf32x8_ps::<1>(self.0));
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }
    #[inline(always)]
    fn reduce_sum4(four: [Self; 4]) -> [f32; 4] {
        proven! {
            let quarters = Self::half_reduce(four).0;
            let pairs = _mm512_add_ps(quarters, _mm512_permute_ps::<0b01_00_11_10>(quarters));
            let sums = _mm512_add_ps(pairs, _mm512_movehdup_ps(pairs));
            let first = _mm512_castps512_ps128(sums);
            [
                _mm_cvtss_f32(first),
                _mm_cvtss_f32(_mm512_extractf32x4_ps::<1>(sums)),
                _mm_cvtss_f32(_mm512_extractf32x4_ps::<2>(sums)),
                _mm_cvtss_f32(_mm512_extractf32x4_ps::<3>(sums)),
            ]
        }
    }
    /// Each step puts the halves to be added side by side, for twice as many vectors as the step before.
    #[inline(always)]
    fn half_reduce([a, b, c, d]: [Self; 4]) -> Self {
        proven! {
            let ab = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a.0, b.0), _mm512_shuffle_f32x4::<0xEE>(a.0, b.0));
            let cd = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(c.0, d.0), _mm512_shuffle_f32x4::<0xEE>(c.0, d.0));
            F32x16(_mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(ab, cd), _mm512_shuffle_f32x4::<0xDD>(ab, cd)))
        }
    }
    #[inline(always)]
    fn reduce_sum16([a, b, c, d]: [Self; 4]) -> Self {
        proven! {
            let ab = _mm512_add_ps(_mm512_shuffle_ps::<0x44>(a.0, b.0), _mm512_shuffle_ps::<0xEE>(a.0, b.0));
            let cd = _mm512_add_ps(_mm512_shuffle_ps::<0x44>(c.0, d.0), _mm512_shuffle_ps::<0xEE>(c.0, d.0));
            // The first of each four, then the second of each, and so on.
            let sums = _mm512_add_ps(_mm512_shuffle_ps::<0x88>(ab, cd), _mm512_shuffle_ps::<0xDD>(ab, cd));
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            F32x16(_mm512_permutexvar_ps(order, sums))
        }
    }
}

/// Which of sixteen halves, followed by sixteen of zero, comes to each half of sixteen words: to the upper ones, in order.
static UPPER_HALVES: [u16; 2 * LANES] = {
    let mut take = [LANES as u16; 2 * LANES];
    let mut i = 0;
    while i < LANES {
        take[2 * i + 1] = i as u16;
        i += 1;
    }
    take
};

/// The upper halves of `f32`, which a `bf16` is.
///
/// # Safety
/// AVX-512 is available.
#[inline(always)]
unsafe fn widen(halves: __m256i) -> F32x16 {
    proven! {
        // One shuffle, where a conversion of integers and a shift would be two operations.
        let take = _mm512_loadu_si512(UPPER_HALVES.as_ptr().cast());
        F32x16(_mm512_castsi512_ps(_mm512_permutexvar_epi16(take, _mm512_zextsi256_si512(halves))))
    }
}

impl SimdU32x16 for U32x16 {
    type Mask = __mmask16;
    type F32 = F32x16;

    #[inline(always)]
    unsafe fn splat(value: u32) -> Self {
        proven!(U32x16(_mm512_set1_epi32(value as i32)))
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        proven!(U32x16(_mm512_loadu_si512(from.cast())))
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> Self {
        proven!(U32x16(_mm512_loadu_si512(from.cast())))
    }
    #[inline(always)]
    unsafe fn load_masked_pairs(from: *const bf16, count: usize) -> Self {
        proven!(U32x16(_mm512_maskz_loadu_epi16((1_u32 << count) - 1, from.cast())))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        proven!(_mm512_storeu_si512(to.cast(), self.0))
    }
    #[inline(always)]
    unsafe fn store_low_halves(self, to: *mut u16) {
        proven!(_mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(self.0)))
    }
    #[inline(always)]
    unsafe fn store_masked_low_halves(self, to: *mut u16, count: usize) {
        proven!(_mm256_mask_storeu_epi16(to.cast(), F32x16::first(count), _mm512_cvtepi32_epi16(self.0)))
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        proven!(U32x16(_mm512_add_epi32(self.0, other.0)))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        proven!(U32x16(_mm512_mullo_epi32(self.0, other.0)))
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        proven!(U32x16(_mm512_and_si512(self.0, other.0)))
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        proven!(U32x16(_mm512_or_si512(self.0, other.0)))
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        proven!(U32x16(_mm512_xor_si512(self.0, other.0)))
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self) -> Self {
        proven!(U32x16(_mm512_slli_epi32::<N>(self.0)))
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self) -> Self {
        proven!(U32x16(_mm512_srli_epi32::<N>(self.0)))
    }
    #[inline(always)]
    fn shift_left_each(self, counts: Self) -> Self {
        proven!(U32x16(_mm512_sllv_epi32(self.0, counts.0)))
    }
    #[inline(always)]
    fn select(self, mask: __mmask16, other: Self) -> Self {
        proven!(U32x16(_mm512_mask_blend_epi32(mask, other.0, self.0)))
    }
    #[inline(always)]
    fn greater_signed(self, other: Self) -> __mmask16 {
        proven!(_mm512_cmpgt_epi32_mask(self.0, other.0))
    }
    #[inline(always)]
    fn signed_to_f32(self) -> F32x16 {
        proven!(F32x16(_mm512_cvtepi32_ps(self.0)))
    }
    #[inline(always)]
    fn bitcast_f32(self) -> F32x16 {
        proven!(F32x16(_mm512_castsi512_ps(self.0)))
    }
}
