//! [`crate::api::sparse_dot`] on AVX-512. (Merging is faster in the vectors of AVX2: their comparisons need no mask register, and
//! more units can do them.)

use core::arch::x86_64::*;

use super::super::collect::collect_8;
use super::{F32x16, U32x16, avx2};
use crate::api::sparse_dot::Table;
use crate::generic::sparse_dot::Scattered;
use crate::{SparseVector, Values, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn dot(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, true>;
    fn dot_without_gather(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, false>;
}
    const TABLE: Table = Table { dot, dot_without_gather, ..avx2::KERNELS.sparse_dot };
);

impl Scattered for F32x16 {
    #[inline(always)]
    unsafe fn gather<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        proven!(U32x16(_mm512_i32gather_epi32::<SCALE>(_mm512_loadu_si512(ids.cast()), from.cast())))
    }
    #[inline(always)]
    unsafe fn collect<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        proven! {
            let (low, high) = (collect_8::<SCALE>(from, ids), collect_8::<SCALE>(from, ids.add(8)));
            U32x16(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high))
        }
    }
}
