//! [`crate::api::codes`] with `vpopcntq`, which counts the ones of eight words at once.

use core::arch::x86_64::*;

use crate::RowIds;
use crate::api::codes::Table;
use crate::generic::prefetch;
use crate::tuning::ROWS_AHEAD;
use crate::x86::avx512vnni;

/// Words of a vector.
const WORDS: usize = 8;

wrappers! {
    "avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512vpopcntdq", Table {
        fn hamming(a: &[u64], b: &[u64]) -> u64 = hamming_of;
        fn hamming_rows(codes: &[u64], code: &[u64], out: &mut [u32]) = hamming_rows_of;
        fn hamming_scattered(codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32]) = hamming_scattered_of;
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
    // SAFETY: passed on to the caller; the loads are of words `i..i + 8`, or of those that are left.
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
            // SAFETY: the features are the caller's word; the words of the mask are those of the two chunks.
            unsafe {
                let codes = _mm512_maskz_loadu_epi64(part, codes.as_ptr().cast());
                let counts = _mm512_popcnt_epi64(_mm512_xor_si512(codes, _mm512_set1_epi64(code as i64)));
                _mm512_mask_cvtepi64_storeu_epi32(out.as_mut_ptr().cast(), part, counts);
            }
        }
        return;
    }
    // SAFETY: passed on to the caller: each row number is less than `out.len()`.
    unsafe { distances(codes, |i| i, |_| {}, code, out) }
}

/// # Safety
/// The contract of [`Table::hamming_scattered`].
#[inline(always)]
unsafe fn hamming_scattered_of(codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32]) {
    let ids = rows.ids();
    let ask = |i: usize| {
        if let Some(&row) = ids.get(i + ROWS_AHEAD) {
            let row = codes.as_ptr().wrapping_add(row as usize * code.len());
            for line in (0..code.len()).step_by(WORDS) {
                prefetch(row.wrapping_add(line));
            }
        }
    };
    // SAFETY: passed on to the caller: the numbers are below the bound.
    unsafe { distances(codes, |i| *ids.get_unchecked(i) as usize, ask, code, out) }
}

/// Four rows at a time; `ask` may ask for memory that a later row will need.
///
/// # Safety
/// The features of the level are available; for every `i` below `out.len()`, `row(i)` is the number of one of the codes.
#[inline(always)]
unsafe fn distances(codes: &[u64], row: impl Fn(usize) -> usize, ask: impl Fn(usize), code: &[u64], out: &mut [u32]) {
    let words = code.len();
    for (group, out) in out.chunks_mut(4).enumerate() {
        // The rows that a last group lacks are those that it has.
        let last = out.len() - 1;
        let rows: [*const u64; 4] = core::array::from_fn(|j| {
            ask(4 * group + j);
            codes.as_ptr().wrapping_add(row(4 * group + j.min(last)) * words)
        });
        // SAFETY: as above; the loads are of words `i..i + 8` of a row and of the code, or of those that are left, and
        // `sums` has four elements.
        unsafe {
            let mut counts = [_mm512_setzero_si512(); 4];
            for i in (0..words).step_by(WORDS) {
                for (count, row) in counts.iter_mut().zip(rows) {
                    *count = _mm512_add_epi64(*count, differing(row.add(i), code.as_ptr().add(i), words - i));
                }
            }
            let mut sums = [0; 4];
            _mm_storeu_si128(sums.as_mut_ptr().cast(), sum_each(counts));
            // Not a copy of a slice, which would be a call.
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = sum;
            }
        }
    }
}

/// The sum of the eight words of each vector.
///
/// # Safety
/// The features of the level are available.
#[inline(always)]
unsafe fn sum_each([a, b, c, d]: [__m512i; 4]) -> __m128i {
    // SAFETY: as above.
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
