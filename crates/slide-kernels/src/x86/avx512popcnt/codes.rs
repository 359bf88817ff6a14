//! [`crate::api::codes`] with `vpopcntq`, which counts the ones of eight words at once.

use core::arch::x86_64::*;

use crate::api::codes::Table;
use crate::generic::codes::Distances;
use crate::x86::avx512vnni;
use crate::{RowIds, generic};

/// Words of a vector.
const WORDS: usize = 8;

wrappers! {
    "avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512vpopcntdq", Table {
        fn hamming(a: &[u64], b: &[u64]) -> u64 = hamming_of;
        fn hamming_rows(codes: &[u64], code: &[u64], out: &mut [u32]) = hamming_rows_of;
        fn hamming_scattered(codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32])
            = generic::codes::hamming_scattered::<ByWords>;
    }
    const TABLE: Table = Table { hamming, hamming_rows, hamming_scattered, ..avx512vnni::KERNELS.codes };
}

/// The number of ones of `a ^ b` in each of the first `count` words, at most eight; 0 in the others.
///
/// # Safety
/// The features of the level are available; `a` and `b` are valid for reading `count` words, or eight.
#[inline(always)]
unsafe fn differing(a: *const u64, b: *const u64, count: usize) -> __m512i {
    // SAFETY: as above; a masked load touches the words of its mask only.
    unsafe {
        if count >= WORDS {
            return _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(a.cast()), _mm512_loadu_si512(b.cast())));
        }
        let part = (1_u8 << count) - 1;
        let (a, b) = (_mm512_maskz_loadu_epi64(part, a.cast()), _mm512_maskz_loadu_epi64(part, b.cast()));
        _mm512_popcnt_epi64(_mm512_xor_si512(a, b))
    }
}

/// # Safety
/// The contract of [`Table::hamming`].
#[inline(always)]
unsafe fn hamming_of(a: &[u64], b: &[u64]) -> u64 {
    let (n, a, b) = (a.len(), a.as_ptr(), b.as_ptr());
    // SAFETY: upheld by the caller; the loads are of words `i..i + 8`, or of those that are left.
    unsafe {
        let mut counts = [_mm512_setzero_si512(); 4];
        let mut i = 0;
        while i + 4 * WORDS <= n {
            for (j, count) in counts.iter_mut().enumerate() {
                *count = _mm512_add_epi64(*count, differing(a.add(i + j * WORDS), b.add(i + j * WORDS), WORDS));
            }
            i += 4 * WORDS;
        }
        for count in &mut counts {
            if i < n {
                *count = _mm512_add_epi64(*count, differing(a.add(i), b.add(i), n - i));
                i += WORDS;
            }
        }
        let [c0, c1, c2, c3] = counts;
        _mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_add_epi64(c0, c1), _mm512_add_epi64(c2, c3))) as u64
    }
}

/// # Safety
/// The contract of [`Table::hamming_rows`].
#[inline(always)]
unsafe fn hamming_rows_of(codes: &[u64], code: &[u64], out: &mut [u32]) {
    if let [code] = *code {
        // Codes of one word: eight of them a vector.
        for (codes, out) in codes.chunks(WORDS).zip(out.chunks_mut(WORDS)) {
            let part = ((1_u32 << codes.len()) - 1) as u8;
            // SAFETY: the features are guaranteed by the caller; the words of the mask are those of the two blocks.
            unsafe {
                let codes = _mm512_maskz_loadu_epi64(part, codes.as_ptr().cast());
                let counts = _mm512_popcnt_epi64(_mm512_xor_si512(codes, _mm512_set1_epi64(code as i64)));
                _mm512_mask_cvtepi64_storeu_epi32(out.as_mut_ptr().cast(), part, counts);
            }
        }
        return;
    }
    // SAFETY: a `Kernels` value proves the level; the public method checked that there is a code for each element of
    // `out`.
    unsafe { generic::codes::hamming_rows::<ByWords>(codes, code, out) }
}

/// Ones counted word by word.
struct ByWords;

impl Distances for ByWords {
    #[inline(always)]
    unsafe fn of_four(rows: [*const u64; 4], code: *const u64, words: usize) -> [u32; 4] {
        // SAFETY: the features and the pointers are guaranteed by the caller; the loads are of words `i..i + 8` of a row and of the
        // code, or of those that are left; `sums` has four elements.
        unsafe {
            let mut counts = [_mm512_setzero_si512(); 4];
            for i in (0..words).step_by(WORDS) {
                for (count, row) in counts.iter_mut().zip(rows) {
                    *count = _mm512_add_epi64(*count, differing(row.add(i), code.add(i), words - i));
                }
            }
            let mut sums = [0; 4];
            _mm_storeu_si128(sums.as_mut_ptr().cast(), sum_each(counts));
            sums
        }
    }
}

/// The sum of the eight words of each vector.
///
/// # Safety
/// The features of the level are available.
#[inline(always)]
unsafe fn sum_each([a, b, c, d]: [__m512i; 4]) -> __m128i {
    // SAFETY: the caller has the features; no memory is touched.
    unsafe {
        // Two sums side by side in each quarter, then all four in each half, of which the halves are added.
        let ab = _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
        let cd = _mm512_add_epi64(_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
        let low = _mm512_shuffle_i64x2::<0b10_00_10_00>(ab, cd);
        let high = _mm512_shuffle_i64x2::<0b11_01_11_01>(ab, cd);
        // Quarters: ab, ab, cd, cd.
        let sums = _mm512_add_epi64(low, high);
        let first = _mm512_shuffle_i64x2::<0b10_00_10_00>(sums, sums);
        let second = _mm512_shuffle_i64x2::<0b11_01_11_01>(sums, sums);
        _mm256_cvtepi64_epi32(_mm512_castsi512_si256(_mm512_add_epi64(first, second)))
    }
}
