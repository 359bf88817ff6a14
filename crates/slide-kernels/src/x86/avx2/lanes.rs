//! Sixteen lanes in two registers.

use core::arch::x86_64::*;

use half::bf16;
use pulp::x86::V3;

use crate::generic::{LANES, SimdF32x16, SimdU32x16};

/// Sixteen `f32`, lanes 0..8 and 8..16, and the proof of AVX2.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(pub(super) __m256, pub(super) __m256, pub(super) V3);

/// Sixteen `u32`, lanes 0..8 and 8..16, and the proof of AVX2.
#[derive(Clone, Copy)]
pub(crate) struct U32x16(pub(super) __m256i, pub(super) __m256i, pub(super) V3);

/// A set of lanes: all bits of a selected lane are set.
#[derive(Clone, Copy)]
pub(crate) struct Mask16(pub(super) __m256i, pub(super) __m256i);

/// Implements operations by the intrinsic for one register: a field of the token, which holds the method.
macro_rules! lane_wise {
    ($(fn $name:ident(self $(, $other:ident)*) -> $type:ident = $feature:ident.$intrinsic:ident$(::<$constant:tt>)?;)*) => { $(
        #[inline(always)]
        fn $name(self $(, $other: Self)*) -> $type {
            let simd = self.2.$feature;
            let low = simd.$intrinsic$(::<$constant>)?(self.0 $(, $other.0)*);
            $type(low, simd.$intrinsic$(::<$constant>)?(self.1 $(, $other.1)*), self.2)
        }
    )* };
}
pub(super) use lane_wise;

/// Sixteen lanes of ones, then sixteen of zeros: a window of it is the mask of the first few lanes.
static MASK_WINDOW: [i32; 2 * LANES] = {
    let mut window = [0; 2 * LANES];
    let mut i = 0;
    while i < LANES {
        window[i] = -1;
        i += 1;
    }
    window
};

/// Which bytes of eight `bf16` come to the upper halves of eight words; the lower halves become zero.
static WIDENING_SHUFFLE: [[i8; 4]; 8] = [
    [-1, -1, 0, 1],
    [-1, -1, 2, 3],
    [-1, -1, 4, 5],
    [-1, -1, 6, 7],
    [-1, -1, 8, 9],
    [-1, -1, 10, 11],
    [-1, -1, 12, 13],
    [-1, -1, 14, 15],
];

impl SimdF32x16 for F32x16 {
    type Token = V3;
    type Mask = Mask16;
    type U32 = U32x16;
    type HalfReduced = Self;
    const REGISTERS: usize = 2;

    #[inline(always)]
    unsafe fn token() -> V3 {
        // SAFETY: `Isa::Avx2`, which the caller has, includes all features of the token.
        unsafe { V3::new_unchecked() }
    }
    #[inline(always)]
    fn proof(self) -> V3 {
        self.2
    }
    #[inline(always)]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written")]
    fn before<T>(self, mut address: *const T) -> *const T {
        let (low, high) = (self.2.avx._mm256_castps256_ps128(self.0), self.2.avx._mm256_castps256_ps128(self.1));
        // SAFETY: no instruction at all; the token proves that there are such registers.
        unsafe {
            core::arch::asm!(
                "/* {0} {1} {2} */", inout(reg) address, in(xmm_reg) low, in(xmm_reg) high,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        address
    }
    #[inline(always)]
    fn first(count: usize) -> Mask16 {
        let start = LANES - count.min(LANES);
        // SAFETY: the window has 32 elements and `start + 16 <= 32`.
        unsafe {
            let window: *const __m256i = MASK_WINDOW.as_ptr().add(start).cast();
            Mask16(window.read_unaligned(), window.add(1).read_unaligned())
        }
    }
    #[inline(always)]
    fn splat(simd: V3, value: f32) -> Self {
        F32x16(simd.avx._mm256_set1_ps(value), simd.avx._mm256_set1_ps(value), simd)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has AVX2 and 16 elements to read.
        unsafe { F32x16(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8)), Self::token()) }
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: Mask16) -> Self {
        // `wrapping_add`: the upper half may lie past the end of the allocation when no lane of it is asked for.
        // SAFETY: the caller has AVX2 and the elements of `mask` to read; no others are touched.
        unsafe {
            let high = _mm256_maskload_ps(from.wrapping_add(8), mask.1);
            F32x16(_mm256_maskload_ps(from, mask.0), high, Self::token())
        }
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        // SAFETY: the caller has AVX2 and 16 elements to read; the shuffle's 32 bytes are a static.
        unsafe {
            // Eight elements in both halves of a register, of which each half takes four: half the operations of `widen`.
            let take = _mm256_loadu_si256(WIDENING_SHUFFLE.as_ptr().cast());
            let eight = |from: *const bf16| {
                let both = _mm256_broadcastsi128_si256(_mm_loadu_si128(from.cast()));
                _mm256_castsi256_ps(_mm256_shuffle_epi8(both, take))
            };
            F32x16(eight(from), eight(from.add(8)), Self::token())
        }
    }
    #[inline(always)]
    unsafe fn load_masked_bf16(from: *const bf16, count: usize) -> Self {
        // SAFETY: the caller has AVX2 and `count` elements to read.
        unsafe { widen(Self::token(), load_masked_halves(from, count)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: `self` proves AVX2; the caller has 16 elements to write.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1)
        }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: Mask16) {
        // SAFETY: `self` proves AVX2; the caller has the elements of `mask` to write; no others are touched.
        unsafe {
            _mm256_maskstore_ps(to, mask.0, self.0);
            _mm256_maskstore_ps(to.wrapping_add(8), mask.1, self.1)
        }
    }
    lane_wise! {
        fn fma(self, factor, addend) -> F32x16 = fma._mm256_fmadd_ps;
        fn add(self, other) -> F32x16 = avx._mm256_add_ps;
        fn sub(self, other) -> F32x16 = avx._mm256_sub_ps;
        fn mul(self, other) -> F32x16 = avx._mm256_mul_ps;
        fn div(self, other) -> F32x16 = avx._mm256_div_ps;
        fn sqrt(self) -> F32x16 = avx._mm256_sqrt_ps;
        fn bitcast_u32(self) -> U32x16 = avx._mm256_castps_si256;
    }
    #[inline(always)]
    fn select(self, mask: Mask16, other: Self) -> Self {
        let simd = self.2.avx;
        F32x16(
            simd._mm256_blendv_ps(other.0, self.0, simd._mm256_castsi256_ps(mask.0)),
            simd._mm256_blendv_ps(other.1, self.1, simd._mm256_castsi256_ps(mask.1)),
            self.2,
        )
    }
    #[inline(always)]
    fn reduce_sum(self) -> f32 {
        let V3 { sse, sse3, avx, .. } = self.2;
        let eight = avx._mm256_add_ps(self.0, self.1);
        let four = sse._mm_add_ps(avx._mm256_castps256_ps128(eight), avx._mm256_extractf128_ps::<1>(eight));
        let two = sse._mm_add_ps(four, sse._mm_movehl_ps(four, four));
        sse._mm_cvtss_f32(sse._mm_add_ss(two, sse3._mm_movehdup_ps(two)))
    }
    #[inline(always)]
    fn reduce_sum4(four: [Self; 4]) -> [f32; 4] {
        let F32x16(ab, cd, V3 { sse, avx, .. }) = Self::half_reduce(four);
        let pairs = avx._mm256_add_ps(avx._mm256_shuffle_ps::<0x44>(ab, cd), avx._mm256_shuffle_ps::<0xEE>(ab, cd));
        // Lanes: a a c c | b b d d.
        let sums = avx._mm256_add_ps(pairs, avx._mm256_movehdup_ps(pairs));
        let (ac, bd) = (avx._mm256_castps256_ps128(sums), avx._mm256_extractf128_ps::<1>(sums));
        let first = |sums| sse._mm_cvtss_f32(sums);
        [first(ac), first(bd), first(sse._mm_movehl_ps(ac, ac)), first(sse._mm_movehl_ps(bd, bd))]
    }
    /// Each step puts the halves to be added side by side, for twice as many vectors as the step before.
    #[inline(always)]
    fn half_reduce([a, b, c, d]: [Self; 4]) -> Self {
        let avx = a.2.avx;
        let halves = |a, b| {
            avx._mm256_add_ps(avx._mm256_permute2f128_ps::<0x20>(a, b), avx._mm256_permute2f128_ps::<0x31>(a, b))
        };
        let eight = |x: F32x16| avx._mm256_add_ps(x.0, x.1);
        F32x16(halves(eight(a), eight(b)), halves(eight(c), eight(d)), a.2)
    }
    #[inline(always)]
    fn reduce_sum16([a, b, c, d]: [Self; 4]) -> Self {
        F32x16(reduce_eight(a, b), reduce_eight(c, d), a.2)
    }
}

/// The sums of twice four vectors.
#[inline(always)]
fn reduce_eight(a: F32x16, b: F32x16) -> __m256 {
    let V3 { avx, avx2, .. } = a.2;
    let two = |x, y| avx._mm256_add_ps(avx._mm256_shuffle_ps::<0x44>(x, y), avx._mm256_shuffle_ps::<0xEE>(x, y));
    let (x, y) = (two(a.0, a.1), two(b.0, b.1));
    // The first and third of each four, then the second and fourth of each.
    let sums = avx._mm256_add_ps(avx._mm256_shuffle_ps::<0x88>(x, y), avx._mm256_shuffle_ps::<0xDD>(x, y));
    avx2._mm256_permutevar8x32_ps(sums, avx._mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
}

/// The first `count < 16` elements; the others are zero and their memory is not touched.
///
/// # Safety
/// AVX2 is available; `from` is valid for reading `count` elements.
#[inline(always)]
unsafe fn load_masked_halves(from: *const bf16, count: usize) -> __m256i {
    // AVX2 masks 32-bit elements only: pairs first, then the odd one by itself.
    // SAFETY: the caller has AVX2 and `count` elements to read: `count / 2` pairs, and the last one.
    unsafe {
        let first = |count: usize| F32x16::first(count).0;
        let pairs = _mm256_maskload_epi32(from.cast(), first(count / 2));
        if count.is_multiple_of(2) {
            return pairs;
        }
        let last = _mm256_set1_epi32(i32::from((*from.add(count - 1)).to_bits()));
        _mm256_blendv_epi8(pairs, last, _mm256_andnot_si256(first(count / 2), first(count / 2 + 1)))
    }
}

/// The upper halves of `f32`, which a `bf16` is.
#[inline(always)]
fn widen(simd: V3, halves: __m256i) -> F32x16 {
    let V3 { avx, avx2, .. } = simd;
    let low = avx2._mm256_cvtepu16_epi32(avx._mm256_castsi256_si128(halves));
    let high = avx2._mm256_cvtepu16_epi32(avx2._mm256_extracti128_si256::<1>(halves));
    U32x16(avx2._mm256_slli_epi32::<16>(low), avx2._mm256_slli_epi32::<16>(high), simd).bitcast_f32()
}

/// The lower halves of the 16 words.
#[inline(always)]
pub(super) fn low_halves(words: U32x16) -> __m256i {
    let V3 { avx, avx2, .. } = words.2;
    let low = avx._mm256_set1_epi32(0xFFFF);
    let mixed = avx2._mm256_packus_epi32(avx2._mm256_and_si256(words.0, low), avx2._mm256_and_si256(words.1, low));
    avx2._mm256_permute4x64_epi64::<0b11_01_10_00>(mixed)
}

impl SimdU32x16 for U32x16 {
    type Token = V3;
    type Mask = Mask16;
    type F32 = F32x16;

    #[inline(always)]
    fn proof(self) -> V3 {
        self.2
    }
    #[inline(always)]
    fn splat(simd: V3, value: u32) -> Self {
        U32x16(simd.avx._mm256_set1_epi32(value as i32), simd.avx._mm256_set1_epi32(value as i32), simd)
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller has AVX2 and 16 elements to read.
        unsafe { U32x16(_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast()), F32x16::token()) }
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> Self {
        // SAFETY: the caller has AVX2 and 32 elements to read: 16 words, of any alignment.
        unsafe { Self::load(from.cast()) }
    }
    #[inline(always)]
    unsafe fn load_masked_pairs(from: *const bf16, count: usize) -> Self {
        // SAFETY: the caller has AVX2 and `count` elements to read.
        unsafe {
            let simd = F32x16::token();
            if count < LANES {
                U32x16(load_masked_halves(from, count), _mm256_setzero_si256(), simd)
            } else {
                U32x16(_mm256_loadu_si256(from.cast()), load_masked_halves(from.add(LANES), count - LANES), simd)
            }
        }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: `self` proves AVX2; the caller has 16 elements to write.
        unsafe {
            _mm256_storeu_si256(to.cast(), self.0);
            _mm256_storeu_si256(to.add(8).cast(), self.1)
        }
    }
    #[inline(always)]
    unsafe fn store_low_halves(self, to: *mut u16) {
        // SAFETY: `self` proves AVX2; the caller has 16 elements to write.
        unsafe { _mm256_storeu_si256(to.cast(), low_halves(self)) }
    }
    #[inline(always)]
    unsafe fn store_masked_low_halves(self, to: *mut u16, count: usize) {
        // AVX2 masks 32-bit elements only: pairs first, then the odd one by itself.
        // SAFETY: `self` proves AVX2; the caller has `count` elements to write: `count / 2` pairs, and the last one.
        unsafe {
            _mm256_maskstore_epi32(to.cast(), F32x16::first(count / 2).0, low_halves(self));
            if !count.is_multiple_of(2) {
                let mut words = [0_u32; LANES];
                self.store(words.as_mut_ptr());
                *to.add(count - 1) = words[(count - 1) % LANES] as u16;
            }
        }
    }
    lane_wise! {
        fn add(self, other) -> U32x16 = avx2._mm256_add_epi32;
        fn mul(self, other) -> U32x16 = avx2._mm256_mullo_epi32;
        fn and(self, other) -> U32x16 = avx2._mm256_and_si256;
        fn or(self, other) -> U32x16 = avx2._mm256_or_si256;
        fn xor(self, other) -> U32x16 = avx2._mm256_xor_si256;
        fn shift_left_each(self, counts) -> U32x16 = avx2._mm256_sllv_epi32;
        fn signed_to_f32(self) -> F32x16 = avx._mm256_cvtepi32_ps;
        fn bitcast_f32(self) -> F32x16 = avx._mm256_castsi256_ps;
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self) -> Self {
        let count = self.2.sse2._mm_cvtsi32_si128(N as i32);
        U32x16(self.2.avx2._mm256_sll_epi32(self.0, count), self.2.avx2._mm256_sll_epi32(self.1, count), self.2)
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self) -> Self {
        let count = self.2.sse2._mm_cvtsi32_si128(N as i32);
        U32x16(self.2.avx2._mm256_srl_epi32(self.0, count), self.2.avx2._mm256_srl_epi32(self.1, count), self.2)
    }
    #[inline(always)]
    fn select(self, mask: Mask16, other: Self) -> Self {
        let simd = self.2.avx2;
        let low = simd._mm256_blendv_epi8(other.0, self.0, mask.0);
        U32x16(low, simd._mm256_blendv_epi8(other.1, self.1, mask.1), self.2)
    }
    #[inline(always)]
    fn greater_signed(self, other: Self) -> Mask16 {
        let simd = self.2.avx2;
        Mask16(simd._mm256_cmpgt_epi32(self.0, other.0), simd._mm256_cmpgt_epi32(self.1, other.1))
    }
}
