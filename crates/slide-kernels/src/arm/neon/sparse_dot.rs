//! [`crate::api::sparse_dot`] on NEON, which has no gather.

use core::arch::aarch64::*;

use super::{F32x16, U32x16};
use crate::api::sparse_dot::Table;
use crate::generic::sparse_dot::Scattered;
use crate::generic::sparse_merge::{Block, Merge};
use crate::{SparseVector, Values, generic};

wrappers!("neon", Table {
    fn dot(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, true>;
    fn dot_without_gather(a: SparseVector<'_>, dense: Values<'_>) -> f32 = generic::sparse_dot::dot::<F32x16, false>;
    fn sparse_sparse_dot(a: SparseVector<'_>, b: SparseVector<'_>) -> f32
        = generic::sparse_merge::sparse_sparse_dot::<F32x16>;
});

impl Scattered for F32x16 {
    #[inline(always)]
    unsafe fn gather<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        // SAFETY: the caller has 16 ids, and their words.
        unsafe { Self::collect::<SCALE>(from, ids) }
    }
    #[inline(always)]
    unsafe fn collect<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        // SAFETY: the caller has 16 ids, and their words.
        unsafe {
            let word = |j: usize| from.add(SCALE as usize * *ids.add(j) as usize).cast::<u32>();
            let four = |j: usize| {
                let first = vsetq_lane_u32::<0>(word(j).read_unaligned(), vdupq_n_u32(0));
                let second = vld1q_lane_u32::<1>(word(j + 1), first);
                vld1q_lane_u32::<3>(word(j + 3), vld1q_lane_u32::<2>(word(j + 2), second))
            };
            U32x16([four(0), four(4), four(8), four(12)])
        }
    }
}

impl Merge for F32x16 {
    const OTHERS: usize = 8;

    #[inline(always)]
    unsafe fn meet(sum: Self, a: Block, b: Block) -> Self {
        // SAFETY: by the contract a block of the first vector has 16 elements, one of the second eight.
        unsafe {
            let bytes = |words: *const u32| uint8x16x2_t(vld1q_u8(words.cast()), vld1q_u8(words.add(4).cast()));
            let (others, other_values) = (bytes(b.ids), bytes(b.values.cast()));
            // What stands one place further: the middle of a half at the half's place.
            let middles = uint8x16x2_t(vextq_u8::<4>(others.0, others.1), vextq_u8::<4>(others.1, others.0));
            let fourth = vld1q_dup_u32(b.ids.add(3));
            // Places are the four bytes of a word.
            let step = |by: u32| vdupq_n_u32(by * 0x0404_0404);
            let at = |table, place| vreinterpretq_u32_u8(vqtbl2q_u8(table, vreinterpretq_u8_u32(place)));
            let quarter = |q: usize| {
                let ids = vld1q_u32(a.ids.add(4 * q));
                // A binary search in three steps. A comparison that holds is -1.
                let place = vaddq_u32(vandq_u32(vcgtq_u32(ids, fourth), step(4)), vdupq_n_u32(0x0302_0100));
                let place = vaddq_u32(vandq_u32(vcgtq_u32(ids, at(middles, place)), step(2)), place);
                let place = vaddq_u32(vandq_u32(vcgtq_u32(ids, at(others, place)), step(1)), place);
                let values = vreinterpretq_f32_u32(at(other_values, place));
                let added = vfmaq_f32(sum.0[q], vld1q_f32(a.values.add(4 * q)), values);
                vbslq_f32(vceqq_u32(at(others, place), ids), added, sum.0[q])
            };
            F32x16([quarter(0), quarter(1), quarter(2), quarter(3)])
        }
    }
}
