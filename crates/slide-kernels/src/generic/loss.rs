//! Bodies of [`crate::api::loss`].
//!
//! Safety of each: the instruction set of `L` is available; lengths are as the table of functions says.

use super::numerics::{exp_minus_abs, sigmoid, softplus};
use super::{Compare, LANES};
use crate::MatrixMut;

#[inline(always)]
pub(crate) unsafe fn sigmoid_columns<L: Compare>(mut z: MatrixMut, loss: &mut [f32]) {
    let (columns, loss) = (z.width(), loss.as_mut_ptr());
    // SAFETY: the instruction set is the caller's word; a row and `loss` have `columns` elements, a multiple of 16.
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
    // SAFETY: the instruction set is the caller's word; each access is to elements `i..i + 16 <= n`, or to the
    // `n - i` that are left.
    unsafe {
        let mut sum = L::zero();
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
            let x = L::load_part(z.add(i), mask);
            let e = exp_minus_abs(x);
            sum = sum.add(softplus(x, e)).select(mask, sum);
            sigmoid(x, e).store_part(z.add(i), mask);
        }
        sum.fold()
    }
}
