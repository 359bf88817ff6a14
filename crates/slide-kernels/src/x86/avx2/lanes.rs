//! Sixteen lanes in two registers.

use core::arch::x86_64::*;

use half::bf16;

use crate::generic::{LANES, SimdF32x16, SimdU32x16};

/// Sixteen `f32`, lanes 0..8 and 8..16; exists only where AVX2 is available.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(pub(super) __m256, pub(super) __m256);

/// Sixteen `u32`, lanes 0..8 and 8..16; exists only where AVX2 is available.
#[derive(Clone, Copy)]
pub(crate) struct U32x16(pub(super) __m256i, pub(super) __m256i);

/// A set of lanes: all bits of a selected lane are set.
#[derive(Clone, Copy)]
pub(crate) struct Mask16(pub(super) __m256i, pub(super) __m256i);

/// Implements a lane-wise operation of two vectors by the intrinsic for one register.
macro_rules! lane_wise {
    ($name:ident, $type:ident, $intrinsic:ident) => {
        #[inline(always)]
        fn $name(self, other: Self) -> Self {
            proven!($type($intrinsic(self.0, other.0), $intrinsic(self.1, other.1)))
        }
    };
}

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
    type Mask = Mask16;
    type U32 = U32x16;
    type HalfReduced = Self;
    const REGISTERS: usize = 2;

    #[inline(always)]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written")]
    fn before<T>(self, mut address: *const T) -> *const T {
        proven! {
            let (low, high) = (_mm256_castps256_ps128(self.0), _mm256_castps256_ps128(self.1));
            core::arch::asm!(
                "/* {0} {1} {2} */", inout(reg) address, in(xmm_reg) low, in(xmm_reg) high,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        address
    }
    #[inline(always)]
    unsafe fn first(count: usize) -> Mask16 {
        let start = LANES - count.min(LANES);
        // SAFETY: AVX2 is guaranteed by the caller; the window has 32 elements and `start + 16 <= 32`.
        unsafe {
            let window = MASK_WINDOW.as_ptr().add(start);
            Mask16(_mm256_loadu_si256(window.cast()), _mm256_loadu_si256(window.add(8).cast()))
        }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        proven!(F32x16(_mm256_set1_ps(value), _mm256_set1_ps(value)))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        proven!(F32x16(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))))
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: Mask16) -> Self {
        // `wrapping_add`: the upper half may lie past the end of the allocation when no lane of it is asked for.
        proven!(F32x16(_mm256_maskload_ps(from, mask.0), _mm256_maskload_ps(from.wrapping_add(8), mask.1)))
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        proven! {
            // Eight elements in both halves of a register, of which each half takes four: half the operations of `widen`.
            let take = _mm256_loadu_si256(WIDENING_SHUFFLE.as_ptr().cast());
            let eight = |from: *const bf16| {
                let both = _mm256_broadcastsi128_si256(_mm_loadu_si128(from.cast()));
                _mm256_castsi256_ps(_mm256_shuffle_epi8(both, take))
            };
            F32x16(eight(from), eight(from.add(8)))
        }
    }
    #[inline(always)]
    unsafe fn load_masked_bf16(from: *const bf16, count: usize) -> Self {
        proven!(widen(load_masked_halves(from, count)))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        proven! {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1)
        }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: Mask16) {
        proven! {
            _mm256_maskstore_ps(to, mask.0, self.0);
            _mm256_maskstore_ps(to.wrapping_add(8), mask.1, self.1)
        }
    }
    #[inline(always)]
    fn fma(self, factor: Self, addend: Self) -> Self {
        proven!(F32x16(_mm256_fmadd_ps(self.0, factor.0, addend.0), _mm256_fmadd_ps(self.1, factor.1, addend.1)))
    }
    lane_wise!(add, F32x16, _mm256_add_ps);
    lane_wise!(sub, F32x16, _mm256_sub_ps);
    lane_wise!(mul, F32x16, _mm256_mul_ps);
    lane_wise!(div, F32x16, _mm256_div_ps);
    #[inline(always)]
    fn sqrt(self) -> Self {
        proven!(F32x16(_mm256_sqrt_ps(self.0), _mm256_sqrt_ps(self.1)))
    }
    #[inline(always)]
    fn select(self, mask: Mask16, other: Self) -> Self {
        proven!(F32x16(
            _mm256_blendv_ps(other.0, self.0, _mm256_castsi256_ps(mask.0)),
            _mm256_blendv_ps(other.1, self.1, _mm256_castsi256_ps(mask.1))
        ))
    }
    #[inline(always)]
    fn bitcast_u32(self) -> U32x16 {
        proven!(U32x16(_mm256_castps_si256(self.0), _mm256_castps_si256(self.1)))
    }
    #[inline(always)]
    fn reduce_sum(self) -> f32 {
        proven! {
            let eight = _mm256_add_ps(self.0, self.1);
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }
    #[inline(always)]
    fn reduce_sum4(four: [Self; 4]) -> [f32; 4] {
        proven! {
            let F32x16(ab, cd) = Self::half_reduce(four);
            let pairs = _mm256_add_ps(_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0xEE>(ab, cd));
            // Lanes: a a c c | b b d d.
            let sums = _mm256_add_ps(pairs, _mm256_movehdup_ps(pairs));
            let (ac, bd) = (_mm256_castps256_ps128(sums), _mm256_extractf128_ps::<1>(sums));
            [
                _mm_cvtss_f32(ac),
                _mm_cvtss_f32(bd),
                _mm_cvtss_f32(_mm_movehl_ps(ac, ac)),
                _mm_cvtss_f32(_mm_movehl_ps(bd, bd)),
            ]
        }
    }
    /// Each step puts the halves to be added side by side, for twice as many vectors as the step before.
    #[inline(always)]
    fn half_reduce([a, b, c, d]: [Self; 4]) -> Self {
        proven! {
            let (a, b) = (_mm256_add_ps(a.0, a.1), _mm256_add_ps(b.0, b.1));
            let (c, d) = (_mm256_add_ps(c.0, c.1), _mm256_add_ps(d.0, d.1));
            F32x16(
                _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b)),
                _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(c, d), _mm256_permute2f128_ps::<0x31>(c, d)),
            )
        }
    }
    #[inline(always)]
    fn reduce_sum16([a, b, c, d]: [Self; 4]) -> Self {
        F32x16(reduce_eight(a, b), reduce_eight(c, d))
    }
}

/// The sums of twice four vectors.
#[inline(always)]
fn reduce_eight(a: F32x16, b: F32x16) -> __m256 {
    proven! {
        let two = |x: __m256, y: __m256| _mm256_add_ps(_mm256_shuffle_ps::<0x44>(x, y), _mm256_shuffle_ps::<0xEE>(x, y));
        let (x, y) = (two(a.0, a.1), two(b.0, b.1));
        // The first and third of each four, then the second and fourth of each.
        let sums = _mm256_add_ps(_mm256_shuffle_ps::<0x88>(x, y), _mm256_shuffle_ps::<0xDD>(x, y));
        _mm256_permutevar8x32_ps(sums, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
    }
}

/// The first `count < 16` elements; the others are zero and their memory is not touched.
///
/// # Safety
/// AVX2 is available; `from` is valid for reading `count` elements.
#[inline(always)]
unsafe fn load_masked_halves(from: *const bf16, count: usize) -> __m256i {
    // AVX2 masks 32-bit elements only: pairs first, then the odd one by itself.
    proven! {
        let pairs = _mm256_maskload_epi32(from.cast(), F32x16::first(count / 2).0);
        if count.is_multiple_of(2) {
            return pairs;
        }
        let last = _mm256_set1_epi32(i32::from((*from.add(count - 1)).to_bits()));
        let at = _mm256_andnot_si256(F32x16::first(count / 2).0, F32x16::first(count / 2 + 1).0);
        _mm256_blendv_epi8(pairs, last, at)
    }
}

/// The upper halves of `f32`, which a `bf16` is.
///
/// # Safety
/// AVX2 is available.
#[inline(always)]
unsafe fn widen(halves: __m256i) -> F32x16 {
    proven! {
        let low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(halves));
        let high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256::<1>(halves));
        F32x16(
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(low)),
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high)),
        )
    }
}

/// The lower halves of the 16 words.
#[inline(always)]
pub(super) fn low_halves(words: U32x16) -> __m256i {
    proven! {
        let low = _mm256_set1_epi32(0xFFFF);
        let mixed = _mm256_packus_epi32(_mm256_and_si256(words.0, low), _mm256_and_si256(words.1, low));
        _mm256_permute4x64_epi64::<0b11_01_10_00>(mixed)
    }
}

impl SimdU32x16 for U32x16 {
    type Mask = Mask16;
    type F32 = F32x16;

    #[inline(always)]
    unsafe fn splat(value: u32) -> Self {
        proven!(U32x16(_mm256_set1_epi32(value as i32), _mm256_set1_epi32(value as i32)))
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        proven!(U32x16(_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())))
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> Self {
        proven!(U32x16(_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(LANES).cast())))
    }
    #[inline(always)]
    unsafe fn load_masked_pairs(from: *const bf16, count: usize) -> Self {
        proven! {
            if count < LANES {
                U32x16(load_masked_halves(from, count), _mm256_setzero_si256())
            } else {
                U32x16(_mm256_loadu_si256(from.cast()), load_masked_halves(from.add(LANES), count - LANES))
            }
        }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        proven! {
            _mm256_storeu_si256(to.cast(), self.0);
            _mm256_storeu_si256(to.add(8).cast(), self.1)
        }
    }
    #[inline(always)]
    unsafe fn store_low_halves(self, to: *mut u16) {
        proven!(_mm256_storeu_si256(to.cast(), low_halves(self)))
    }
    #[inline(always)]
    unsafe fn store_masked_low_halves(self, to: *mut u16, count: usize) {
        // AVX2 masks 32-bit elements only: pairs first, then the odd one by itself.
        proven! {
            _mm256_maskstore_epi32(to.cast(), F32x16::first(count / 2).0, low_halves(self));
            if !count.is_multiple_of(2) {
                let mut words = [0_u32; LANES];
                self.store(words.as_mut_ptr());
                *to.add(count - 1) = words[(count - 1) % LANES] as u16;
            }
        }
    }
    lane_wise!(add, U32x16, _mm256_add_epi32);
    lane_wise!(mul, U32x16, _mm256_mullo_epi32);
    lane_wise!(and, U32x16, _mm256_and_si256);
    lane_wise!(or, U32x16, _mm256_or_si256);
    lane_wise!(xor, U32x16, _mm256_xor_si256);
    #[inline(always)]
    fn shift_left<const N: u32>(self) -> Self {
        proven! {
            let count = _mm_cvtsi32_si128(N as i32);
            U32x16(_mm256_sll_epi32(self.0, count), _mm256_sll_epi32(self.1, count))
        }
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self) -> Self {
        proven! {
            let count = _mm_cvtsi32_si128(N as i32);
            U32x16(_mm256_srl_epi32(self.0, count), _mm256_srl_epi32(self.1, count))
        }
    }
    lane_wise!(shift_left_each, U32x16, _mm256_sllv_epi32);
    #[inline(always)]
    fn select(self, mask: Mask16, other: Self) -> Self {
        proven!(U32x16(_mm256_blendv_epi8(other.0, self.0, mask.0), _mm256_blendv_epi8(other.1, self.1, mask.1)))
    }
    #[inline(always)]
    fn greater_signed(self, other: Self) -> Mask16 {
        proven!(Mask16(_mm256_cmpgt_epi32(self.0, other.0), _mm256_cmpgt_epi32(self.1, other.1)))
    }
    #[inline(always)]
    fn signed_to_f32(self) -> F32x16 {
        proven!(F32x16(_mm256_cvtepi32_ps(self.0), _mm256_cvtepi32_ps(self.1)))
    }
    #[inline(always)]
    fn bitcast_f32(self) -> F32x16 {
        proven!(F32x16(_mm256_castsi256_ps(self.0), _mm256_castsi256_ps(self.1)))
    }
}
