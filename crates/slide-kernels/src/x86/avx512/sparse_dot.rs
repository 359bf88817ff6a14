//! [`crate::api::sparse_dot`] on AVX-512.

use core::arch::x86_64::*;

use super::super::collect::collect_8;
use super::{F32x16, U32x16};
use crate::api::sparse_dot::Table;
use crate::generic::SimdF32x16;
use crate::generic::sparse_dot::Scattered;
use crate::generic::sparse_merge::{Block, Merge};
use crate::{SparseVector, Values, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn dot(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, true>;
    fn dot_without_gather(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, false>;
    fn sparse_sparse_dot(a: SparseVector<'_>, b: SparseVector<'_>) -> f32
        = generic::sparse_merge::sparse_sparse_dot::<F32x16>;
});

impl Scattered for F32x16 {
    #[inline(always)]
    unsafe fn gather<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        // SAFETY: the caller has AVX-512, 16 ids, and their words.
        unsafe {
            let words = _mm512_i32gather_epi32::<SCALE>(_mm512_loadu_si512(ids.cast()), from.cast());
            U32x16(words, Self::token())
        }
    }
    #[inline(always)]
    unsafe fn collect<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        // SAFETY: the caller has AVX-512, 16 ids, and their words.
        unsafe {
            let (low, high) = (collect_8::<SCALE>(from, ids), collect_8::<SCALE>(from, ids.add(8)));
            U32x16(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high), Self::token())
        }
    }
}

impl Merge for F32x16 {
    const OTHERS: usize = 16;

    #[inline(always)]
    unsafe fn meet(sum: Self, a: Block, b: Block) -> Self {
        // SAFETY: `sum` proves AVX-512; by the contract both blocks have 16 elements.
        unsafe {
            let (ids, others) = (_mm512_loadu_si512(a.ids.cast()), _mm512_loadu_si512(b.ids.cast()));
            let (values, other_values) = (_mm512_loadu_ps(a.values), _mm512_loadu_ps(b.values));
            // A binary search in four steps.
            let greater = _mm512_cmpgt_epi32_mask(ids, _mm512_set1_epi32(*b.ids.add(7) as i32));
            let place = _mm512_mask_blend_epi32(greater, _mm512_set1_epi32(3), _mm512_set1_epi32(11));
            let greater = _mm512_cmpgt_epi32_mask(ids, _mm512_permutexvar_epi32(place, others));
            let less = _mm512_sub_epi32(place, _mm512_set1_epi32(2));
            let place = _mm512_mask_add_epi32(less, greater, less, _mm512_set1_epi32(4));
            let greater = _mm512_cmpgt_epi32_mask(ids, _mm512_permutexvar_epi32(place, others));
            let less = _mm512_sub_epi32(place, _mm512_set1_epi32(1));
            let place = _mm512_mask_add_epi32(less, greater, less, _mm512_set1_epi32(2));
            let greater = _mm512_cmpgt_epi32_mask(ids, _mm512_permutexvar_epi32(place, others));
            let place = _mm512_mask_add_epi32(place, greater, place, _mm512_set1_epi32(1));
            let found = _mm512_cmpeq_epi32_mask(ids, _mm512_permutexvar_epi32(place, others));
            F32x16(_mm512_mask3_fmadd_ps(values, _mm512_permutexvar_ps(place, other_values), sum.0, found), sum.1)
        }
    }
}
