//! Body of [`crate::api::topk`].

use super::{Compare, LANES};
use crate::scalar::topk::offer;

/// Vectors compared with the worst listed score before anything branches; their lanes fill a `u64`.
const STEP: usize = 4;

/// # Safety
/// The instruction set of `L` is available; the list has at least one place and at most as many as there are scores.
#[inline(always)]
pub(crate) unsafe fn top_k<L: Compare>(scores: &[f32], indices: &mut [u32], values: &mut [f32]) {
    let k = values.len();
    for (index, &score) in scores[..k].iter().enumerate() {
        offer(score, index, indices, values);
    }
    let (n, start) = (scores.len(), scores.as_ptr());
    let mut i = k;
    // SAFETY: the instruction set is the caller's word; each load is of elements `i..i + 64 <= n`, or of the `n - i`
    // that are left.
    unsafe {
        while i < n {
            let worst = values[k - 1];
            let threshold = L::splat(worst);
            let left = (n - i).min(STEP * LANES);
            let mut found = 0;
            if left == STEP * LANES {
                for j in 0..STEP {
                    let greater = L::load(start.add(i + j * LANES)).greater(threshold);
                    found |= u64::from(L::mask_to_bits(greater)) << (j * LANES);
                }
            } else {
                for j in (0..left).step_by(LANES) {
                    let greater = L::load_part(start.add(i + j), L::first(left - j)).greater(threshold);
                    found |= u64::from(L::mask_to_bits(greater)) << j;
                }
            }
            if worst.is_nan() {
                // Everything else ranks before NaN, though nothing compares greater.
                found = u64::MAX;
            }
            found &= u64::MAX >> (STEP * LANES - left);
            while found != 0 {
                let index = i + found.trailing_zeros() as usize;
                offer(scores[index], index, indices, values);
                found &= found - 1;
            }
            i += STEP * LANES;
        }
    }
}
