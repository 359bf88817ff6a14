//! Bodies of [`crate::api::dot`].

use half::bf16;

use super::pairs::{PAIRED, PairProduct};
use super::{LANES, SimdF32x16, SimdU32x16, Storage, in_register};

/// # Safety
/// The instruction set of `L` is available; the slices have one length.
#[inline(always)]
pub(crate) unsafe fn dot<L: SimdF32x16, S: Storage>(a: &[S], b: &[f32]) -> f32 {
    let (mut left, mut a, mut b) = (a.len(), a.as_ptr(), b.as_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; `left` elements from `a` and `b` on are left, of which every
    // load takes no more.
    unsafe {
        let mut lanes = [L::zero(L::token()); 4];
        while left >= 4 * LANES {
            for (j, lane) in lanes.iter_mut().enumerate() {
                *lane = S::load::<L>(a.add(j * LANES)).fma(L::load(b.add(j * LANES)), *lane);
            }
            (a, b) = (in_register(a.add(4 * LANES)), in_register(b.add(4 * LANES)));
            left -= 4 * LANES;
        }
        for (j, lane) in lanes.iter_mut().enumerate() {
            let (a, b) = (a.wrapping_add(j * LANES), b.wrapping_add(j * LANES));
            match left.saturating_sub(j * LANES) {
                0 => break,
                LANES.. => *lane = S::load::<L>(a).fma(L::load(b), *lane),
                rest => {
                    let mask = L::first(rest);
                    *lane = S::load_masked::<L>(a, rest).fma(L::load_masked(b, mask), *lane).select(mask, *lane);
                }
            }
        }
        reduce_sum(lanes)
    }
}

/// # Safety
/// The instruction sets of `L` and `P` are available; the slices have one length.
#[inline(always)]
pub(crate) unsafe fn dot_of_pairs<L: SimdF32x16, P: PairProduct<L>>(a: &[bf16], b: &[bf16]) -> f32 {
    let (mut left, mut a, mut b) = (a.len(), a.as_ptr(), b.as_ptr());
    // SAFETY: the instruction sets are guaranteed by the caller; `left` elements from `a` and `b` on are left, of which every
    // load takes no more.
    unsafe {
        let mut lanes = [L::zero(L::token()); 4];
        while left >= 4 * PAIRED {
            for (j, lane) in lanes.iter_mut().enumerate() {
                let (a, b) = (a.add(j * PAIRED), b.add(j * PAIRED));
                *lane = P::add(L::U32::load_pairs(a), L::U32::load_pairs(b), *lane);
            }
            (a, b) = (in_register(a.add(4 * PAIRED)), in_register(b.add(4 * PAIRED)));
            left -= 4 * PAIRED;
        }
        for (j, lane) in lanes.iter_mut().enumerate() {
            let (a, b) = (a.wrapping_add(j * PAIRED), b.wrapping_add(j * PAIRED));
            *lane = match left.saturating_sub(j * PAIRED) {
                0 => break,
                PAIRED.. => P::add(L::U32::load_pairs(a), L::U32::load_pairs(b), *lane),
                rest => {
                    let (a, b) = (L::U32::load_masked_pairs(a, rest), L::U32::load_masked_pairs(b, rest));
                    P::add_masked(a, b, *lane, rest)
                }
            };
        }
        reduce_sum(lanes)
    }
}

/// 64 lanes.
#[inline(always)]
fn reduce_sum<L: SimdF32x16>([l0, l1, l2, l3]: [L; 4]) -> f32 {
    l0.add(l2).add(l1.add(l3)).reduce_sum()
}
