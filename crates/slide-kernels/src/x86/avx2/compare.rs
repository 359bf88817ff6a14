//! [`crate::generic::Compare`] and its companions on AVX2.

use core::arch::x86_64::*;

use pulp::x86::V3;

use super::lanes::{Mask16, lane_wise};
use super::{F32x16, U32x16};
use crate::generic::codes::BitCount;
use crate::generic::random::Counters;
use crate::generic::{Compare, Compress, Gather, ONES, SimdF32x16, SimdU32x16, Swap, Transpose};

impl Compare for F32x16 {
    #[inline(always)]
    fn greater(self, other: Self) -> Mask16 {
        self.compare::<_CMP_GT_OQ>(other)
    }
    #[inline(always)]
    fn at_most(self, other: Self) -> Mask16 {
        self.compare::<_CMP_LE_OQ>(other)
    }
    lane_wise! {
        // The instruction returns its second operand where the two are equal or one is NaN.
        fn larger(self, old) -> F32x16 = avx._mm256_max_ps;
    }
    #[inline(always)]
    fn mask_to_bits(V3 { avx, .. }: V3, mask: Mask16) -> u32 {
        let low = avx._mm256_movemask_ps(avx._mm256_castsi256_ps(mask.0));
        let high = avx._mm256_movemask_ps(avx._mm256_castsi256_ps(mask.1));
        (low | high << 8) as u32
    }
    #[inline(always)]
    fn mask_from_bits(V3 { avx, avx2, .. }: V3, bits: u32) -> Mask16 {
        let bits = avx._mm256_set1_epi32(bits as i32);
        let low = avx._mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        let high = avx2._mm256_slli_epi32::<8>(low);
        let low = avx2._mm256_cmpeq_epi32(avx2._mm256_and_si256(bits, low), low);
        Mask16(low, avx2._mm256_cmpeq_epi32(avx2._mm256_and_si256(bits, high), high))
    }
}

impl F32x16 {
    #[inline(always)]
    fn compare<const KIND: i32>(self, other: Self) -> Mask16 {
        let simd = self.2.avx;
        let low = simd._mm256_castps_si256(simd._mm256_cmp_ps::<KIND>(self.0, other.0));
        Mask16(low, simd._mm256_castps_si256(simd._mm256_cmp_ps::<KIND>(self.1, other.1)))
    }
}

impl Gather for F32x16 {
    /// A table in registers would leave too few free: it stays in memory.
    type Table128 = *const f32;

    #[inline(always)]
    unsafe fn gather(from: *const f32, ids: U32x16) -> Self {
        // SAFETY: `ids` proves AVX2; the caller has that many elements.
        unsafe { F32x16(_mm256_i32gather_ps::<4>(from, ids.0), _mm256_i32gather_ps::<4>(from, ids.1), ids.2) }
    }
    #[inline(always)]
    unsafe fn table_128(from: *const f32) -> *const f32 {
        from
    }
    #[inline(always)]
    unsafe fn look_up_128(table: *const f32, ids: U32x16) -> Self {
        // SAFETY: the caller has the 128 elements of the table.
        unsafe { Self::gather(table, ids.and(U32x16::splat(ids.2, 127))) }
    }
}

impl Swap for F32x16 {
    const BLOCK: usize = 128;

    lane_wise! {
        fn swap_1(self) -> F32x16 = avx._mm256_permute_ps::<0b10_11_00_01>;
        fn swap_2(self) -> F32x16 = avx._mm256_permute_ps::<0b01_00_11_10>;
    }
    #[inline(always)]
    fn swap_4(self) -> Self {
        let swap = |half| self.2.avx._mm256_permute2f128_ps::<0x01>(half, half);
        F32x16(swap(self.0), swap(self.1), self.2)
    }
    #[inline(always)]
    fn swap_8(self) -> Self {
        F32x16(self.1, self.0, self.2)
    }
}

impl Transpose for F32x16 {
    #[inline(always)]
    unsafe fn transpose_16(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // Four columns of eight rows at a time. The parts of two rows are loaded into one register, so that its
        // halves are transposed by themselves.
        // SAFETY: the caller has AVX2 and the elements.
        unsafe {
            for (top, c) in (0..2).flat_map(|half| (0..4).map(move |quarter| (8 * half, 4 * quarter))) {
                let part = |r: usize| from.add((top + r) * from_stride + c);
                let rows = |r: usize| _mm256_loadu2_m128(part(r + 4), part(r));
                let (first, second, third, fourth) = (rows(0), rows(1), rows(2), rows(3));
                let (ab_low, ab_high) = (_mm256_unpacklo_ps(first, second), _mm256_unpackhi_ps(first, second));
                let (cd_low, cd_high) = (_mm256_unpacklo_ps(third, fourth), _mm256_unpackhi_ps(third, fourth));
                let columns = [
                    _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
                    _mm256_shuffle_ps::<0xEE>(ab_low, cd_low),
                    _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                    _mm256_shuffle_ps::<0xEE>(ab_high, cd_high),
                ];
                for (j, column) in columns.into_iter().enumerate() {
                    _mm256_storeu_ps(to.add((c + j) * to_stride + top), column);
                }
            }
        }
    }
}

/// For each set of eight lanes the lanes that are in it, ascending, a byte each.
static MEMBERS: [[u8; 8]; 256] = {
    let mut members = [[0; 8]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < 8 {
            if (set >> lane) & 1 == 1 {
                members[set][count] = lane as u8;
                count += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    members
};

impl Compress for F32x16 {
    #[inline(always)]
    unsafe fn compress(self, set: u32, to: *mut f32) {
        let (low, high) = (set as u8 as usize, (set >> 8) as u8 as usize);
        // SAFETY: `self` proves AVX2; a list of members has eight bytes; the caller has 16 elements to write.
        unsafe {
            let members = |set: usize| _mm256_cvtepu8_epi32(_mm_loadl_epi64(MEMBERS[set].as_ptr().cast()));
            _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(self.0, members(low)));
            // At most eight elements on, so that all of it lies within the sixteen.
            _mm256_storeu_ps(to.add(usize::from(ONES[low])), _mm256_permutevar8x32_ps(self.1, members(high)))
        }
    }
    #[inline(always)]
    fn flip(self, set: u32) -> Self {
        let V3 { avx, avx2, .. } = self.2;
        let (set, sign) = (avx._mm256_set1_epi32(set as i32), avx._mm256_set1_epi32(i32::MIN));
        // Bit `j` to the top of lane `j`.
        let low = avx2._mm256_sllv_epi32(set, avx._mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24));
        let high = avx2._mm256_sllv_epi32(set, avx._mm256_setr_epi32(23, 22, 21, 20, 19, 18, 17, 16));
        let low = avx._mm256_xor_ps(self.0, avx._mm256_castsi256_ps(avx2._mm256_and_si256(low, sign)));
        F32x16(low, avx._mm256_xor_ps(self.1, avx._mm256_castsi256_ps(avx2._mm256_and_si256(high, sign))), self.2)
    }
}

impl BitCount for U32x16 {
    #[inline(always)]
    fn ones_of_bytes(self) -> Self {
        U32x16(ones_of_bytes(self.2, self.0), ones_of_bytes(self.2, self.1), self.2)
    }
    #[inline(always)]
    fn sums_of_bytes([a, b, c, d]: [Self; 4]) -> [u32; 4] {
        let V3 { sse2, avx, avx2, .. } = a.2;
        // Sums of eight bytes; those of b and d move to the upper halves of those of a and c.
        let sum = |bytes: __m256i| avx2._mm256_sad_epu8(bytes, avx._mm256_setzero_si256());
        let sums = |bytes: U32x16| avx2._mm256_add_epi64(sum(bytes.0), sum(bytes.1));
        let ab = avx2._mm256_or_si256(sums(a), avx2._mm256_slli_epi64::<32>(sums(b)));
        let cd = avx2._mm256_or_si256(sums(c), avx2._mm256_slli_epi64::<32>(sums(d)));
        let abcd = avx2._mm256_add_epi32(avx2._mm256_unpacklo_epi64(ab, cd), avx2._mm256_unpackhi_epi64(ab, cd));
        let sums = sse2._mm_add_epi32(avx._mm256_castsi256_si128(abcd), avx2._mm256_extracti128_si256::<1>(abcd));
        // SAFETY: both are 16 bytes of plain numbers.
        unsafe { core::mem::transmute::<__m128i, [u32; 4]>(sums) }
    }
}

/// The number of ones of each byte.
#[inline(always)]
fn ones_of_bytes(V3 { sse2, avx, avx2, .. }: V3, bytes: __m256i) -> __m256i {
    let ones = sse2._mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    let ones = avx2._mm256_broadcastsi128_si256(ones);
    let low = avx._mm256_set1_epi8(0x0F);
    let upper = avx2._mm256_and_si256(avx2._mm256_srli_epi16::<4>(bytes), low);
    let lower = avx2._mm256_and_si256(bytes, low);
    avx2._mm256_add_epi8(avx2._mm256_shuffle_epi8(ones, lower), avx2._mm256_shuffle_epi8(ones, upper))
}

/// Four counters, and the proof of AVX2.
#[derive(Clone, Copy)]
pub(super) struct U64x4(__m256i, V3);

impl Counters for U64x4 {
    type Token = V3;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn token() -> V3 {
        // SAFETY: the caller has AVX2.
        unsafe { F32x16::token() }
    }
    #[inline(always)]
    fn ascending(simd: V3, first: u32) -> Self {
        let places = simd.avx._mm256_set_epi64x(3, 2, 1, 0);
        U64x4(simd.avx2._mm256_add_epi64(Self::splat(simd, first).0, places), simd)
    }
    #[inline(always)]
    fn splat(simd: V3, word: u32) -> Self {
        U64x4(simd.avx._mm256_set1_epi64x(i64::from(word)), simd)
    }
    #[inline(always)]
    fn product(self, other: Self) -> Self {
        U64x4(self.1.avx2._mm256_mul_epu32(self.0, other.0), self.1)
    }
    #[inline(always)]
    fn upper(self) -> Self {
        U64x4(self.1.avx2._mm256_srli_epi64::<32>(self.0), self.1)
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        U64x4(self.1.avx2._mm256_xor_si256(self.0, other.0), self.1)
    }
    #[inline(always)]
    unsafe fn store([a, b, c, d]: [Self; 4], to: *mut u32) {
        // SAFETY: `a` proves AVX2; the caller has 16 words to write.
        unsafe {
            // Two words of each counter side by side, then the two pairs; the last step puts the counters in order.
            let ab = _mm256_blend_epi32::<0b1010_1010>(a.0, _mm256_slli_epi64::<32>(b.0));
            let cd = _mm256_blend_epi32::<0b1010_1010>(c.0, _mm256_slli_epi64::<32>(d.0));
            let even = _mm256_unpacklo_epi64(ab, cd);
            let odd = _mm256_unpackhi_epi64(ab, cd);
            _mm256_storeu_si256(to.cast(), _mm256_permute2x128_si256::<0x20>(even, odd));
            _mm256_storeu_si256(to.add(8).cast(), _mm256_permute2x128_si256::<0x31>(even, odd))
        }
    }
}
