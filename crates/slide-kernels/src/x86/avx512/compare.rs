//! [`crate::generic::Compare`] and its companions on AVX-512.

use core::arch::x86_64::*;

use pulp::x86::V4;

use super::lanes::by_intrinsic;
use super::{F32x16, U32x16};
use crate::generic::codes::BitCount;
use crate::generic::random::Counters;
use crate::generic::{Compare, Compress, Gather, SimdF32x16, SimdU32x16, Swap, Transpose};

impl Compare for F32x16 {
    #[inline(always)]
    fn greater(self, other: Self) -> __mmask16 {
        self.1.avx512f._mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0)
    }
    #[inline(always)]
    fn at_most(self, other: Self) -> __mmask16 {
        self.1.avx512f._mm512_cmp_ps_mask::<_CMP_LE_OQ>(self.0, other.0)
    }
    by_intrinsic! {
        // The instruction returns its second operand where the two are equal or one is NaN.
        fn larger(self, old) -> F32x16 = avx512f._mm512_max_ps;
    }
    #[inline(always)]
    fn mask_to_bits(_: V4, mask: __mmask16) -> u32 {
        u32::from(mask)
    }
    #[inline(always)]
    fn mask_from_bits(_: V4, bits: u32) -> __mmask16 {
        bits as __mmask16
    }
}

impl Gather for F32x16 {
    type Table128 = [__m512; 8];

    #[inline(always)]
    unsafe fn gather(from: *const f32, ids: U32x16) -> Self {
        // SAFETY: `ids` proves AVX-512; the caller has that many elements.
        unsafe { F32x16(_mm512_i32gather_ps::<4>(ids.0, from), ids.1) }
    }
    #[inline(always)]
    unsafe fn table_128(from: *const f32) -> [__m512; 8] {
        // SAFETY: the caller has AVX-512 and 128 elements to read: eight registers.
        unsafe {
            let mut table = [_mm512_setzero_ps(); 8];
            for (i, part) in table.iter_mut().enumerate() {
                *part = _mm512_loadu_ps(from.add(16 * i));
            }
            table
        }
    }
    #[inline(always)]
    unsafe fn look_up_128(table: [__m512; 8], ids: U32x16) -> Self {
        // A permutation takes one of 32 elements by bits 0 to 4; bits 5 and 6 say which of four permutations is meant.
        let simd = ids.1.avx512f;
        let bit_5 = simd._mm512_test_epi32_mask(ids.0, simd._mm512_set1_epi32(32));
        let bit_6 = simd._mm512_test_epi32_mask(ids.0, simd._mm512_set1_epi32(64));
        let quarter_0 = simd._mm512_permutex2var_ps(table[0], ids.0, table[1]);
        let quarter_1 = simd._mm512_permutex2var_ps(table[2], ids.0, table[3]);
        let quarter_2 = simd._mm512_permutex2var_ps(table[4], ids.0, table[5]);
        let quarter_3 = simd._mm512_permutex2var_ps(table[6], ids.0, table[7]);
        let low = simd._mm512_mask_blend_ps(bit_5, quarter_0, quarter_1);
        let high = simd._mm512_mask_blend_ps(bit_5, quarter_2, quarter_3);
        F32x16(simd._mm512_mask_blend_ps(bit_6, low, high), ids.1)
    }
}

impl Swap for F32x16 {
    const BLOCK: usize = 128;

    by_intrinsic! {
        fn swap_1(self) -> F32x16 = avx512f._mm512_permute_ps::<0b10_11_00_01>;
        fn swap_2(self) -> F32x16 = avx512f._mm512_permute_ps::<0b01_00_11_10>;
    }
    #[inline(always)]
    fn swap_4(self) -> Self {
        F32x16(self.1.avx512f._mm512_shuffle_f32x4::<0b10_11_00_01>(self.0, self.0), self.1)
    }
    #[inline(always)]
    fn swap_8(self) -> Self {
        F32x16(self.1.avx512f._mm512_shuffle_f32x4::<0b01_00_11_10>(self.0, self.0), self.1)
    }
}

impl Transpose for F32x16 {
    #[inline(always)]
    unsafe fn transpose_16(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // Four columns at a time. The parts of four rows are loaded into one register, so that the quarters of a
        // register are transposed by themselves.
        // SAFETY: the caller has AVX-512 and the elements.
        unsafe {
            for c in (0..16).step_by(4) {
                let part = |r: usize| _mm_loadu_ps(from.add(r * from_stride + c));
                let rows = |r: usize| {
                    let rows = _mm512_broadcast_f32x4(part(r));
                    let rows = _mm512_mask_broadcast_f32x4(rows, 0x00F0, part(r + 4));
                    let rows = _mm512_mask_broadcast_f32x4(rows, 0x0F00, part(r + 8));
                    _mm512_mask_broadcast_f32x4(rows, 0xF000, part(r + 12))
                };
                let (first, second, third, fourth) = (rows(0), rows(1), rows(2), rows(3));
                let (ab_low, ab_high) = (_mm512_unpacklo_ps(first, second), _mm512_unpackhi_ps(first, second));
                let (cd_low, cd_high) = (_mm512_unpacklo_ps(third, fourth), _mm512_unpackhi_ps(third, fourth));
                let columns = [
                    _mm512_shuffle_ps::<0x44>(ab_low, cd_low),
                    _mm512_shuffle_ps::<0xEE>(ab_low, cd_low),
                    _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
                    _mm512_shuffle_ps::<0xEE>(ab_high, cd_high),
                ];
                for (j, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(to.add((c + j) * to_stride), column);
                }
            }
        }
    }
}

impl Compress for F32x16 {
    #[inline(always)]
    unsafe fn compress(self, set: u32, to: *mut f32) {
        // Into a register first: some processors are very slow when it goes to memory.
        // SAFETY: `self` proves AVX-512; the caller has 16 elements to write.
        unsafe { _mm512_storeu_ps(to, _mm512_maskz_compress_ps(set as __mmask16, self.0)) }
    }
    #[inline(always)]
    fn flip(self, set: u32) -> Self {
        let words = self.bitcast_u32();
        let sign = self.1.avx512f._mm512_set1_epi32(i32::MIN);
        U32x16(self.1.avx512f._mm512_mask_xor_epi32(words.0, set as __mmask16, words.0, sign), self.1).bitcast_f32()
    }
}

impl BitCount for U32x16 {
    #[inline(always)]
    fn ones_of_bytes(self) -> Self {
        let V4 { sse2, avx512f, avx512bw, .. } = self.1;
        let ones = sse2._mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        let (ones, low) = (avx512f._mm512_broadcast_i32x4(ones), avx512f._mm512_set1_epi8(0x0F));
        let upper = avx512f._mm512_and_si512(avx512bw._mm512_srli_epi16::<4>(self.0), low);
        let lower = avx512f._mm512_and_si512(self.0, low);
        let (upper, lower) = (avx512bw._mm512_shuffle_epi8(ones, upper), avx512bw._mm512_shuffle_epi8(ones, lower));
        U32x16(avx512bw._mm512_add_epi8(lower, upper), self.1)
    }
    #[inline(always)]
    fn sums_of_bytes([a, b, c, d]: [Self; 4]) -> [u32; 4] {
        let V4 { sse2, avx, avx2, avx512f: simd, avx512bw, .. } = a.1;
        // Sums of eight bytes; those of b and d move to the upper halves of those of a and c.
        let sums = |bytes: U32x16| avx512bw._mm512_sad_epu8(bytes.0, simd._mm512_setzero_si512());
        let ab = simd._mm512_or_si512(sums(a), simd._mm512_slli_epi64::<32>(sums(b)));
        let cd = simd._mm512_or_si512(sums(c), simd._mm512_slli_epi64::<32>(sums(d)));
        let abcd = simd._mm512_add_epi32(simd._mm512_unpacklo_epi64(ab, cd), simd._mm512_unpackhi_epi64(ab, cd));
        let (low, high) = (simd._mm512_castsi512_si256(abcd), simd._mm512_extracti64x4_epi64::<1>(abcd));
        let half = avx2._mm256_add_epi32(low, high);
        let sums = sse2._mm_add_epi32(avx._mm256_castsi256_si128(half), avx2._mm256_extracti128_si256::<1>(half));
        // SAFETY: both are 16 bytes of plain numbers.
        unsafe { core::mem::transmute::<__m128i, [u32; 4]>(sums) }
    }
}

/// Eight counters, and the proof of AVX-512.
#[derive(Clone, Copy)]
pub(super) struct U64x8(__m512i, V4);

impl Counters for U64x8 {
    type Token = V4;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn token() -> V4 {
        // SAFETY: the caller has AVX-512.
        unsafe { F32x16::token() }
    }
    #[inline(always)]
    fn ascending(simd: V4, first: u32) -> Self {
        let places = simd.avx512f._mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
        U64x8(simd.avx512f._mm512_add_epi64(Self::splat(simd, first).0, places), simd)
    }
    #[inline(always)]
    fn splat(simd: V4, word: u32) -> Self {
        U64x8(simd.avx512f._mm512_set1_epi64(i64::from(word)), simd)
    }
    by_intrinsic! {
        fn product(self, other) -> U64x8 = avx512f._mm512_mul_epu32;
        fn upper(self) -> U64x8 = avx512f._mm512_srli_epi64::<32>;
        fn xor(self, other) -> U64x8 = avx512f._mm512_xor_si512;
    }
    #[inline(always)]
    unsafe fn store([a, b, c, d]: [Self; 4], to: *mut u32) {
        // SAFETY: `a` proves AVX-512; the caller has 32 words to write.
        unsafe {
            // Two words of each counter side by side, then the two pairs; the last step puts the counters in order.
            let odd = 0b1010_1010_1010_1010;
            let ab = _mm512_mask_shuffle_epi32::<0b10_10_00_00>(a.0, odd, b.0);
            let cd = _mm512_mask_shuffle_epi32::<0b10_10_00_00>(c.0, odd, d.0);
            let first = _mm512_permutex2var_epi64(ab, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), cd);
            let last = _mm512_permutex2var_epi64(ab, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), cd);
            _mm512_storeu_si512(to.cast(), first);
            _mm512_storeu_si512(to.add(16).cast(), last)
        }
    }
}
