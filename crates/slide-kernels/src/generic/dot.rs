//! Bodies of [`crate::api::dot`].

use half::bf16;

use super::pairs::{PAIRED, PairProduct};
use super::{LANES, Lanes, Storage, Words};

/// # Safety
/// The instruction set of `L` is available; the slices have one length.
#[inline(always)]
pub(crate) unsafe fn dot<L: Lanes, S: Storage>(a: &[S], b: &[f32]) -> f32 {
    let (n, a, b) = (a.len(), a.as_ptr(), b.as_ptr());
    // SAFETY: the instruction set is the caller's word; every load is of elements `i..i + 16 <= n`, or of the
    // `n - i` that are left.
    unsafe {
        let mut lanes = [L::zero(); 4];
        let mut i = 0;
        while i + 4 * LANES <= n {
            for (j, lane) in lanes.iter_mut().enumerate() {
                *lane = S::load::<L>(a.add(i + j * LANES)).fma(L::load(b.add(i + j * LANES)), *lane);
            }
            i += 4 * LANES;
        }
        for lane in &mut lanes {
            if i >= n {
                break;
            }
            if i + LANES <= n {
                *lane = S::load::<L>(a.add(i)).fma(L::load(b.add(i)), *lane);
            } else {
                let mask = L::first(n - i);
                let sum = S::load_part::<L>(a.add(i), n - i).fma(L::load_part(b.add(i), mask), *lane);
                *lane = sum.select(mask, *lane);
            }
            i += LANES;
        }
        fold(lanes)
    }
}

/// # Safety
/// The instruction sets of `L` and `P` are available; the slices have one length.
#[inline(always)]
pub(crate) unsafe fn dot_of_pairs<L: Lanes, P: PairProduct<L>>(a: &[bf16], b: &[bf16]) -> f32 {
    let (n, a, b) = (a.len(), a.as_ptr(), b.as_ptr());
    // SAFETY: the instruction set is the caller's word; every load is of elements `i..i + 32 <= n`, or of the
    // `n - i` that are left.
    unsafe {
        let mut lanes = [L::zero(); 4];
        let mut i = 0;
        while i + 4 * PAIRED <= n {
            for (j, lane) in lanes.iter_mut().enumerate() {
                let (a, b) = (a.add(i + j * PAIRED), b.add(i + j * PAIRED));
                *lane = P::add(L::Words::load_pairs(a), L::Words::load_pairs(b), *lane);
            }
            i += 4 * PAIRED;
        }
        for lane in &mut lanes {
            if i >= n {
                break;
            }
            let (a, b) = (a.add(i), b.add(i));
            *lane = if i + PAIRED <= n {
                P::add(L::Words::load_pairs(a), L::Words::load_pairs(b), *lane)
            } else {
                let (a, b) = (L::Words::load_part_pairs(a, n - i), L::Words::load_part_pairs(b, n - i));
                P::add_part(a, b, *lane, n - i)
            };
            i += PAIRED;
        }
        fold(lanes)
    }
}

/// 64 lanes.
#[inline(always)]
fn fold<L: Lanes>([l0, l1, l2, l3]: [L; 4]) -> f32 {
    l0.add(l2).add(l1.add(l3)).fold()
}
