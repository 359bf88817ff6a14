//! Bodies of [`crate::api::loss`].
//!
//! Safety of each: the instruction set of `L` is available; lengths are as specified in the table of functions.

use super::numerics::{exp_minus_abs, ln_1p, sigmoid, softplus};
use super::{Compare, LANES};
use crate::MatrixMut;

#[inline(always)]
pub(crate) unsafe fn sigmoid_columns<L: Compare>(mut z: MatrixMut, loss: &mut [f32]) {
    let (columns, loss) = (z.width(), loss.as_mut_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; a row and `loss` have `columns` elements, a multiple of 16.
    unsafe {
        for u in 0..z.rows() {
            let row = z.row_mut(u).as_mut_ptr();
            for s in (0..columns).step_by(LANES) {
                let x = L::load(row.add(s));
                let e = exp_minus_abs(x);
                L::load(loss.add(s)).add(softplus(x, e)).store(loss.add(s));
                sigmoid(x, e).store(row.add(s));
            }
        }
    }
}

#[inline(always)]
pub(crate) unsafe fn sigmoid_entries<L: Compare>(z: &mut [f32]) -> f32 {
    let (n, z) = (z.len(), z.as_mut_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or to the
    // `n - i` that are left.
    unsafe {
        let mut sum = L::zero(L::token());
        let mut i = 0;
        while i + LANES <= n {
            let x = L::load(z.add(i));
            let e = exp_minus_abs(x);
            sum = sum.add(softplus(x, e));
            sigmoid(x, e).store(z.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            let x = L::load_masked(z.add(i), mask);
            let e = exp_minus_abs(x);
            sum = sum.add(softplus(x, e)).select(mask, sum);
            sigmoid(x, e).store_masked(z.add(i), mask);
        }
        sum.reduce_sum()
    }
}

/// The loss of one vector, and its gradient.
#[inline(always)]
fn binary_cross_entropy_of<L: Compare>(x: L, target: L) -> (L, L) {
    let (e, zero) = (exp_minus_abs(x), L::zero(x.proof()));
    let positive = zero.select(zero.greater(x), x);
    let loss = target.mul(L::splat(x.proof(), -1.0)).fma(x, positive).add(ln_1p(e));
    (loss, sigmoid(x, e).sub(target))
}

#[inline(always)]
pub(crate) unsafe fn binary_cross_entropy<L: Compare>(z: &mut [f32], targets: &[f32]) -> f32 {
    let (n, z, targets) = (z.len(), z.as_mut_ptr(), targets.as_ptr());
    // SAFETY: the instruction set and the lengths are guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or
    // to the `n - i` that are left.
    unsafe {
        let mut sum = L::zero(L::token());
        let mut i = 0;
        while i + LANES <= n {
            let (loss, gradient) = binary_cross_entropy_of(L::load(z.add(i)), L::load(targets.add(i)));
            sum = sum.add(loss);
            gradient.store(z.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            let (x, target) = (L::load_masked(z.add(i), mask), L::load_masked(targets.add(i), mask));
            let (loss, gradient) = binary_cross_entropy_of(x, target);
            sum = sum.add(loss).select(mask, sum);
            gradient.store_masked(z.add(i), mask);
        }
        sum.reduce_sum()
    }
}
