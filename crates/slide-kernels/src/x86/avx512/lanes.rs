//! Sixteen lanes in one register.

use core::arch::x86_64::*;

use half::bf16;
use pulp::x86::V4;

use crate::generic::{LANES, SimdF32x16, SimdU32x16};

/// Sixteen `f32`, and the proof of AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(pub(in crate::x86) __m512, pub(in crate::x86) V4);

/// Sixteen `u32`, and the proof of AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct U32x16(pub(in crate::x86) __m512i, pub(in crate::x86) V4);

/// Implements operations by their intrinsic: a field of the token, which holds the method.
macro_rules! by_intrinsic {
    ($(fn $name:ident(self $(, $other:ident)*) -> $type:ident = $feature:ident.$intrinsic:ident$(::<$constant:tt>)?;)*) => { $(
        #[inline(always)]
        fn $name(self $(, $other: Self)*) -> $type {
            $type(self.1.$feature.$intrinsic$(::<$constant>)?(self.0 $(, $other.0)*), self.1)
        }
    )* };
}
pub(super) use by_intrinsic;

impl SimdF32x16 for F32x16 {
    type Token = V4;
    type Mask = __mmask16;
    type U32 = U32x16;
    type HalfReduced = Self;
    const REGISTERS: usize = 1;

    #[inline(always)]
    unsafe fn token() -> V4 {
        // SAFETY: `Isa::Avx512`, which the caller has, includes all features of the token.
        unsafe { V4::new_unchecked() }
    }
    #[inline(always)]
    fn proof(self) -> V4 {
        self.1
    }
    #[inline(always)]
    fn first(count: usize) -> __mmask16 {
        ((1_u32 << count.min(LANES)) - 1) as __mmask16
    }
    #[inline(always)]
    fn splat(simd: V4, value: f32) -> Self {
        F32x16(simd.avx512f._mm512_set1_ps(value), simd)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has AVX-512 and 16 elements to read.
        unsafe { F32x16(_mm512_loadu_ps(from), Self::token()) }
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: __mmask16) -> Self {
        // SAFETY: the caller has AVX-512 and the elements of `mask` to read; no others are touched.
        unsafe { F32x16(_mm512_maskz_loadu_ps(mask, from), Self::token()) }
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        // SAFETY: the caller has AVX-512 and 16 elements to read.
        unsafe { widen(_mm256_loadu_si256(from.cast()), Self::token()) }
    }
    #[inline(always)]
    unsafe fn load_masked_bf16(from: *const bf16, count: usize) -> Self {
        // SAFETY: the caller has AVX-512 and `count` elements to read; no others are touched.
        unsafe { widen(_mm256_maskz_loadu_epi16(Self::first(count), from.cast()), Self::token()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: `self` proves AVX-512; the caller has 16 elements to write.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: __mmask16) {
        // SAFETY: `self` proves AVX-512; the caller has the elements of `mask` to write; no others are touched.
        unsafe { _mm512_mask_storeu_ps(to, mask, self.0) }
    }
    by_intrinsic! {
        fn fma(self, factor, addend) -> F32x16 = avx512f._mm512_fmadd_ps;
        fn add(self, other) -> F32x16 = avx512f._mm512_add_ps;
        fn sub(self, other) -> F32x16 = avx512f._mm512_sub_ps;
        fn mul(self, other) -> F32x16 = avx512f._mm512_mul_ps;
        fn div(self, other) -> F32x16 = avx512f._mm512_div_ps;
        fn sqrt(self) -> F32x16 = avx512f._mm512_sqrt_ps;
        fn bitcast_u32(self) -> U32x16 = avx512f._mm512_castps_si512;
    }
    #[inline(always)]
    fn select(self, mask: __mmask16, other: Self) -> Self {
        F32x16(self.1.avx512f._mm512_mask_blend_ps(mask, other.0, self.0), self.1)
    }
    #[inline(always)]
    fn reduce_sum(self) -> f32 {
        let V4 { sse, sse3, avx, avx512f, avx512dq, .. } = self.1;
        let low = avx512f._mm512_castps512_ps256(self.0);
        let eight = avx._mm256_add_ps(low, avx512dq._mm512_extractf32x8_ps::<1>(self.0));
        let four = sse._mm_add_ps(avx._mm256_castps256_ps128(eight), avx._mm256_extractf128_ps::<1>(eight));
        let two = sse._mm_add_ps(four, sse._mm_movehl_ps(four, four));
        sse._mm_cvtss_f32(sse._mm_add_ss(two, sse3._mm_movehdup_ps(two)))
    }
    #[inline(always)]
    fn reduce_sum4(four: [Self; 4]) -> [f32; 4] {
        let F32x16(quarters, V4 { sse, avx512f: simd, .. }) = Self::half_reduce(four);
        let pairs = simd._mm512_add_ps(quarters, simd._mm512_permute_ps::<0b01_00_11_10>(quarters));
        let sums = simd._mm512_add_ps(pairs, simd._mm512_movehdup_ps(pairs));
        [
            sse._mm_cvtss_f32(simd._mm512_castps512_ps128(sums)),
            sse._mm_cvtss_f32(simd._mm512_extractf32x4_ps::<1>(sums)),
            sse._mm_cvtss_f32(simd._mm512_extractf32x4_ps::<2>(sums)),
            sse._mm_cvtss_f32(simd._mm512_extractf32x4_ps::<3>(sums)),
        ]
    }
    /// Each step puts the halves to be added side by side, for twice as many vectors as the step before.
    #[inline(always)]
    fn half_reduce([a, b, c, d]: [Self; 4]) -> Self {
        let simd = a.1.avx512f;
        let halves =
            |a, b| simd._mm512_add_ps(simd._mm512_shuffle_f32x4::<0x44>(a, b), simd._mm512_shuffle_f32x4::<0xEE>(a, b));
        let (ab, cd) = (halves(a.0, b.0), halves(c.0, d.0));
        let (even, odd) = (simd._mm512_shuffle_f32x4::<0x88>(ab, cd), simd._mm512_shuffle_f32x4::<0xDD>(ab, cd));
        F32x16(simd._mm512_add_ps(even, odd), a.1)
    }
    #[inline(always)]
    fn reduce_sum16([a, b, c, d]: [Self; 4]) -> Self {
        let simd = a.1.avx512f;
        let halves =
            |a, b| simd._mm512_add_ps(simd._mm512_shuffle_ps::<0x44>(a, b), simd._mm512_shuffle_ps::<0xEE>(a, b));
        let (ab, cd) = (halves(a.0, b.0), halves(c.0, d.0));
        // The first of each four, then the second of each, and so on.
        let sums = simd._mm512_add_ps(simd._mm512_shuffle_ps::<0x88>(ab, cd), simd._mm512_shuffle_ps::<0xDD>(ab, cd));
        let order = simd._mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        F32x16(simd._mm512_permutexvar_ps(order, sums), a.1)
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
#[inline(always)]
fn widen(halves: __m256i, simd: V4) -> F32x16 {
    // One shuffle, where a conversion of integers and a shift would be two operations.
    // SAFETY: `simd` proves AVX-512; the static has the elements of a register.
    let take = unsafe { _mm512_loadu_si512(UPPER_HALVES.as_ptr().cast()) };
    U32x16(simd.avx512bw._mm512_permutexvar_epi16(take, simd.avx512f._mm512_zextsi256_si512(halves)), simd)
        .bitcast_f32()
}

impl SimdU32x16 for U32x16 {
    type Token = V4;
    type Mask = __mmask16;
    type F32 = F32x16;

    #[inline(always)]
    fn proof(self) -> V4 {
        self.1
    }
    #[inline(always)]
    fn splat(simd: V4, value: u32) -> Self {
        U32x16(simd.avx512f._mm512_set1_epi32(value as i32), simd)
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller has AVX-512 and 16 elements to read.
        unsafe { U32x16(_mm512_loadu_si512(from.cast()), F32x16::token()) }
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> Self {
        // SAFETY: the caller has AVX-512 and 32 elements to read: 16 words, of any alignment.
        unsafe { Self::load(from.cast()) }
    }
    #[inline(always)]
    unsafe fn load_masked_pairs(from: *const bf16, count: usize) -> Self {
        // SAFETY: the caller has AVX-512 and `count` elements to read; no others are touched.
        unsafe { U32x16(_mm512_maskz_loadu_epi16((1_u32 << count) - 1, from.cast()), F32x16::token()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: `self` proves AVX-512; the caller has 16 elements to write.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn store_low_halves(self, to: *mut u16) {
        // SAFETY: `self` proves AVX-512; the caller has 16 elements to write.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(self.0)) }
    }
    #[inline(always)]
    unsafe fn store_masked_low_halves(self, to: *mut u16, count: usize) {
        let mask = F32x16::first(count);
        // SAFETY: `self` proves AVX-512; the caller has `count` elements to write; no others are touched.
        unsafe { _mm256_mask_storeu_epi16(to.cast(), mask, _mm512_cvtepi32_epi16(self.0)) }
    }
    by_intrinsic! {
        fn add(self, other) -> U32x16 = avx512f._mm512_add_epi32;
        fn mul(self, other) -> U32x16 = avx512f._mm512_mullo_epi32;
        fn and(self, other) -> U32x16 = avx512f._mm512_and_si512;
        fn or(self, other) -> U32x16 = avx512f._mm512_or_si512;
        fn xor(self, other) -> U32x16 = avx512f._mm512_xor_si512;
        fn shift_left_each(self, counts) -> U32x16 = avx512f._mm512_sllv_epi32;
        fn signed_to_f32(self) -> F32x16 = avx512f._mm512_cvtepi32_ps;
        fn bitcast_f32(self) -> F32x16 = avx512f._mm512_castsi512_ps;
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self) -> Self {
        U32x16(self.1.avx512f._mm512_slli_epi32::<N>(self.0), self.1)
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self) -> Self {
        U32x16(self.1.avx512f._mm512_srli_epi32::<N>(self.0), self.1)
    }
    #[inline(always)]
    fn select(self, mask: __mmask16, other: Self) -> Self {
        U32x16(self.1.avx512f._mm512_mask_blend_epi32(mask, other.0, self.0), self.1)
    }
    #[inline(always)]
    fn greater_signed(self, other: Self) -> __mmask16 {
        self.1.avx512f._mm512_cmpgt_epi32_mask(self.0, other.0)
    }
}
