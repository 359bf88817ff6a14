//! [`crate::api::sparse_dot`] on AVX2.

use core::arch::x86_64::*;

use super::super::collect::collect_8;
use super::{F32x16, U32x16};
use crate::api::sparse_dot::Table;
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
        proven! {
            let (low, high) = (_mm256_loadu_si256(ids.cast()), _mm256_loadu_si256(ids.add(8).cast()));
            U32x16(_mm256_i32gather_epi32::<SCALE>(from.cast(), low), _mm256_i32gather_epi32::<SCALE>(from.cast(), high))
        }
    }
    #[inline(always)]
    unsafe fn collect<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        proven!(U32x16(collect_8::<SCALE>(from, ids), collect_8::<SCALE>(from, ids.add(8))))
    }
}

impl Merge for F32x16 {
    type Eight = __m256;

    #[inline(always)]
    unsafe fn zeros() -> __m256 {
        proven!(_mm256_setzero_ps())
    }
    #[inline(always)]
    unsafe fn meet(sum: __m256, a: Block, b: Block) -> __m256 {
        proven! {
            let ids = _mm256_loadu_si256(a.ids.cast());
            // Two chains; a comparison that holds is -1.
            let mut smaller = [_mm256_setzero_si256(); 2];
            for k in 0..8 {
                let other = _mm256_set1_epi32(*b.ids.add(k) as i32);
                smaller[k / 4] = _mm256_sub_epi32(smaller[k / 4], _mm256_cmpgt_epi32(ids, other));
            }
            // A place of 8 is taken as 0, where there is a smaller number.
            let places = _mm256_add_epi32(smaller[0], smaller[1]);
            let found = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(b.ids.cast()), places);
            let values = _mm256_permutevar8x32_ps(_mm256_loadu_ps(b.values), places);
            let added = _mm256_fmadd_ps(_mm256_loadu_ps(a.values), values, sum);
            _mm256_blendv_ps(sum, added, _mm256_castsi256_ps(_mm256_cmpeq_epi32(found, ids)))
        }
    }
    #[inline(always)]
    unsafe fn to_array(eight: __m256) -> [f32; 8] {
        let mut array = [0.0; 8];
        proven!(_mm256_storeu_ps(array.as_mut_ptr(), eight));
        array
    }
}
