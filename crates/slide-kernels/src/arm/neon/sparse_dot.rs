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
        proven!(Self::collect::<SCALE>(from, ids))
    }
    #[inline(always)]
    unsafe fn collect<const SCALE: i32>(from: *const u8, ids: *const u32) -> U32x16 {
        proven! {
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
    type Eight = [float32x4_t; 2];

    #[inline(always)]
    unsafe fn zeros() -> [float32x4_t; 2] {
        proven!([vdupq_n_f32(0.0); 2])
    }
    #[inline(always)]
    unsafe fn meet(sum: [float32x4_t; 2], a: Block, b: Block) -> [float32x4_t; 2] {
        proven! {
            let ids = [vld1q_u32(a.ids), vld1q_u32(a.ids.add(4))];
            // A comparison that holds is -1.
            let mut smaller = [vdupq_n_u32(0); 2];
            for k in 0..8 {
                let other = vld1q_dup_u32(b.ids.add(k));
                smaller[0] = vsubq_u32(smaller[0], vcgtq_u32(ids[0], other));
                smaller[1] = vsubq_u32(smaller[1], vcgtq_u32(ids[1], other));
            }
            let bytes = |words: *const u32| uint8x16x2_t(vld1q_u8(words.cast()), vld1q_u8(words.add(4).cast()));
            let (b_ids, b_values) = (bytes(b.ids), bytes(b.values.cast()));
            let half = |h: usize| {
                // The four bytes of each place: beyond the table, and so zero, if the place is 8. A number of 0 is not
                // greater than any other, so its place is never 8.
                let places = vmlaq_u32(vdupq_n_u32(0x0302_0100), smaller[h], vdupq_n_u32(0x0404_0404));
                let places = vreinterpretq_u8_u32(places);
                let found = vreinterpretq_u32_u8(vqtbl2q_u8(b_ids, places));
                let values = vreinterpretq_f32_u8(vqtbl2q_u8(b_values, places));
                let added = vfmaq_f32(sum[h], vld1q_f32(a.values.add(4 * h)), values);
                vbslq_f32(vceqq_u32(found, ids[h]), added, sum[h])
            };
            [half(0), half(1)]
        }
    }
    #[inline(always)]
    unsafe fn to_array(eight: [float32x4_t; 2]) -> [f32; 8] {
        let mut array = [0.0; 8];
        proven! {
            vst1q_f32(array.as_mut_ptr(), eight[0]);
            vst1q_f32(array.as_mut_ptr().add(4), eight[1])
        }
        array
    }
}
