//! Body of [`crate::api::dot`].

use super::{LANES, Lanes};

/// # Safety
/// The instruction set of `L` is available; the slices have one length.
#[inline(always)]
pub(crate) unsafe fn dot<L: Lanes>(a: &[f32], b: &[f32]) -> f32 {
    let (n, a, b) = (a.len(), a.as_ptr(), b.as_ptr());
    // SAFETY: the instruction set is the caller's word; every load is of elements `i..i + 16 <= n`, or of the
    // `n - i` that are left.
    unsafe {
        let mut lanes = [L::zero(); 4];
        let mut i = 0;
        while i + 4 * LANES <= n {
            for (j, lane) in lanes.iter_mut().enumerate() {
                *lane = L::load(a.add(i + j * LANES)).fma(L::load(b.add(i + j * LANES)), *lane);
            }
            i += 4 * LANES;
        }
        for lane in &mut lanes {
            if i >= n {
                break;
            }
            let mask = L::first(n - i);
            let sum = L::load_part(a.add(i), mask).fma(L::load_part(b.add(i), mask), *lane);
            *lane = sum.select(mask, *lane);
            i += LANES;
        }
        let [l0, l1, l2, l3] = lanes;
        l0.add(l2).add(l1.add(l3)).fold()
    }
}
