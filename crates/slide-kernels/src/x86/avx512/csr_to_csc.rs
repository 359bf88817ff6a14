//! [`crate::api::csr_to_csc`] on AVX-512, by compress-stores.

use core::arch::x86_64::*;

use crate::api::csr_to_csc::Table;

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn scan(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize = vectors;
});

/// # Safety
/// AVX-512 is available, and the contract of [`crate::api::csr_to_csc::Table::scan`].
#[inline(always)]
unsafe fn vectors(counters: &mut [u32], first: u32, start: u32, rows: &mut [u32], starts: &mut [u32]) -> usize {
    let (rows, starts) = (rows.as_mut_ptr(), starts.as_mut_ptr());
    let mut listed_rows = 0;
    // SAFETY: AVX-512 is guaranteed by the caller; accesses to the counters are to those that a block has; both lists have room for
    // the counters that are not zero, and no other lanes are written.
    unsafe {
        let zero = _mm512_setzero_si512();
        let mut sum = _mm512_set1_epi32(start as i32);
        let mut numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(first as i32));
        for block in counters.chunks_mut(16) {
            let there = ((1_u32 << block.len()) - 1) as __mmask16;
            let counts = _mm512_maskz_loadu_epi32(there, block.as_ptr().cast());
            let listed = _mm512_test_epi32_mask(counts, counts);
            if listed != 0 {
                let mut sums = counts;
                sums = _mm512_add_epi32(sums, _mm512_alignr_epi32::<15>(sums, zero));
                sums = _mm512_add_epi32(sums, _mm512_alignr_epi32::<14>(sums, zero));
                sums = _mm512_add_epi32(sums, _mm512_alignr_epi32::<12>(sums, zero));
                sums = _mm512_add_epi32(sums, _mm512_alignr_epi32::<8>(sums, zero));
                let before = _mm512_add_epi32(_mm512_sub_epi32(sums, counts), sum);
                _mm512_mask_storeu_epi32(block.as_mut_ptr().cast(), there, before);
                let packed = ((1_u32 << listed.count_ones()) - 1) as __mmask16;
                let place = rows.wrapping_add(listed_rows).cast();
                _mm512_mask_storeu_epi32(place, packed, _mm512_maskz_compress_epi32(listed, numbers));
                let place = starts.wrapping_add(listed_rows).cast();
                _mm512_mask_storeu_epi32(place, packed, _mm512_maskz_compress_epi32(listed, before));
                listed_rows += listed.count_ones() as usize;
                sum = _mm512_add_epi32(sum, _mm512_permutexvar_epi32(_mm512_set1_epi32(15), sums));
            }
            numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(16));
        }
    }
    listed_rows
}
