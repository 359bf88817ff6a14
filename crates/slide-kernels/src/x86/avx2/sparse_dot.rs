//! [`crate::api::sparse_dot`] on AVX2.

use core::arch::x86_64::*;

use super::super::collect::collect_8;
use super::{F32x16, U32x16};
use crate::api::sparse_dot::Table;
use crate::generic::SimdF32x16;
use crate::generic::sparse_dot::Scattered;
use crate::generic::sparse_merge::{Block, Merge};
use crate::{SparseVector, Values, generic};

wrappers!("avx,avx2,fma,f16c", Table {
    fn dot(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, true>;
    fn dot_without_gather(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, false>;
    fn sparse_sparse_dot(a: SparseVector<'_>, b: SparseVector<'_>) -> f32
        = generic::sparse_merge::sparse_sparse_dot::<F32x16>;
});

impl Scattered for F32x16 {
    #[inline(always)]
    unsafe fn gather<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        // SAFETY: the caller has AVX2, 16 ids, and their words.
        unsafe {
            let (low, high) = (_mm256_loadu_si256(ids.cast()), _mm256_loadu_si256(ids.add(8).cast()));
            let low = _mm256_i32gather_epi32::<SCALE>(from.cast(), low);
            U32x16(low, _mm256_i32gather_epi32::<SCALE>(from.cast(), high), Self::token())
        }
    }
    #[inline(always)]
    unsafe fn collect<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        // SAFETY: the caller has AVX2, 16 ids, and their words.
        unsafe { U32x16(collect_8::<SCALE>(from, ids), collect_8::<SCALE>(from, ids.add(8)), Self::token()) }
    }
}

impl Merge for F32x16 {
    const OTHERS: usize = 8;

    #[inline(always)]
    unsafe fn meet(sum: Self, a: Block, b: Block) -> Self {
        // SAFETY: `sum` proves AVX2; by the contract a block of the first vector has 16 elements, one of the second eight.
        unsafe {
            let others = _mm256_loadu_si256(b.ids.cast());
            // What stands one place further: the middle of a half at the half's place.
            let middles = _mm256_permutevar8x32_epi32(others, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0));
            F32x16(
                meet_half(sum.0, a.ids, a.values, b, others, middles),
                meet_half(sum.1, a.ids.add(8), a.values.add(8), b, others, middles),
                sum.2,
            )
        }
    }
}

/// [`Merge::meet`] for eight of the sixteen lanes.
///
/// # Safety
/// Its contract.
#[inline(always)]
unsafe fn meet_half(
    sum: __m256,
    ids: *const u32,
    values: *const f32,
    b: Block,
    others: __m256i,
    middles: __m256i,
) -> __m256 {
    // SAFETY: the caller has AVX2, and eight elements of each vector.
    unsafe {
        let ids = _mm256_loadu_si256(ids.cast());
        // A binary search in three steps. A comparison that holds is -1.
        let greater = _mm256_cmpgt_epi32(ids, _mm256_set1_epi32(*b.ids.add(3) as i32));
        let place = _mm256_and_si256(greater, _mm256_set1_epi32(4));
        let greater = _mm256_cmpgt_epi32(ids, _mm256_permutevar8x32_epi32(middles, place));
        let place = _mm256_or_si256(place, _mm256_and_si256(greater, _mm256_set1_epi32(2)));
        let greater = _mm256_cmpgt_epi32(ids, _mm256_permutevar8x32_epi32(others, place));
        let place = _mm256_sub_epi32(place, greater);
        let found = _mm256_castsi256_ps(_mm256_cmpeq_epi32(ids, _mm256_permutevar8x32_epi32(others, place)));
        let other_values = _mm256_permutevar8x32_ps(_mm256_loadu_ps(b.values), place);
        // Less the product of the negative: where there is none, less +0, which leaves -0 unchanged too.
        let negative = _mm256_xor_ps(_mm256_loadu_ps(values), _mm256_set1_ps(-0.0));
        _mm256_fnmadd_ps(_mm256_and_ps(found, negative), _mm256_and_ps(found, other_values), sum)
    }
}
