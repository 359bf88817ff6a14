//! Bodies of [`crate::api::softmax`].
//!
//! Safety of each: the instruction set of `L` is available; lengths and indices are as specified in the table of functions.

use super::numerics::exp;
use super::{Compare, Gather, LANES, SimdU32x16};
use crate::scalar::fma;
use crate::{Matrix, MatrixMut};

#[inline(always)]
unsafe fn max<L: Compare>(values: &[f32]) -> f32 {
    let (n, values) = (values.len(), values.as_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or to the
    // `n - i` that are left.
    unsafe {
        let none = L::splat(L::token(), f32::NEG_INFINITY);
        // The order of a maximum does not matter, so four at once.
        let mut largest = [none; 4];
        let mut i = 0;
        while i + 4 * LANES <= n {
            for (j, largest) in largest.iter_mut().enumerate() {
                *largest = L::load(values.add(i + j * LANES)).larger(*largest);
            }
            i += 4 * LANES;
        }
        while i < n {
            let mask = L::first(n - i);
            largest[0] = L::load_masked(values.add(i), mask).select(mask, none).larger(largest[0]);
            i += LANES;
        }
        let [a, b, c, d] = largest;
        let mut lanes = [0.0; LANES];
        a.larger(b).larger(c.larger(d)).store(lanes.as_mut_ptr());
        lanes.into_iter().fold(f32::NEG_INFINITY, f32::max) + 0.0
    }
}

#[inline(always)]
pub(crate) unsafe fn max_sum<L: Compare>(values: &[f32]) -> (f32, f32) {
    // SAFETY: the instruction set is guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or to the
    // `n - i` that are left.
    unsafe {
        let simd = L::token();
        let max = max::<L>(values);
        let (n, values) = (values.len(), values.as_ptr());
        let max_lanes = L::splat(simd, max);
        let mut sum = L::zero(simd);
        let mut i = 0;
        while i + LANES <= n {
            sum = sum.add(exp(L::load(values.add(i)).sub(max_lanes)));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            sum = sum.add(exp(L::load_masked(values.add(i), mask).sub(max_lanes))).select(mask, sum);
        }
        (max, sum.reduce_sum())
    }
}

#[inline(always)]
unsafe fn exp_sum<L: Compare>(z: &mut [f32], max: f32) -> f32 {
    let (n, z) = (z.len(), z.as_mut_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or to the
    // `n - i` that are left.
    unsafe {
        let simd = L::token();
        let max = L::splat(simd, max);
        let mut sum = L::zero(simd);
        let mut i = 0;
        while i + LANES <= n {
            let e = exp(L::load(z.add(i)).sub(max));
            sum = sum.add(e);
            e.store(z.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            let e = exp(L::load_masked(z.add(i), mask).sub(max));
            sum = sum.add(e).select(mask, sum);
            e.store_masked(z.add(i), mask);
        }
        sum.reduce_sum()
    }
}

#[inline(always)]
unsafe fn scale<L: Compare>(z: &mut [f32], factor: f32) {
    let (n, z) = (z.len(), z.as_mut_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or to the
    // `n - i` that are left.
    unsafe {
        let factor = L::splat(L::token(), factor);
        let mut i = 0;
        while i + LANES <= n {
            L::load(z.add(i)).mul(factor).store(z.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            L::load_masked(z.add(i), mask).mul(factor).store_masked(z.add(i), mask);
        }
    }
}

#[inline(always)]
pub(crate) unsafe fn softmax<L: Compare>(z: &mut [f32], total: f32, labels: &[u32], targets: &[f32]) -> (f32, f32) {
    // SAFETY: upheld by the caller: the labels are less than the length of `z`.
    unsafe {
        let (max, mut inner) = (max::<L>(z), 0.0);
        for (&label, &target) in labels.iter().zip(targets) {
            inner = fma(target, *z.get_unchecked(label as usize) - max, inner);
        }
        let sum = exp_sum::<L>(z, max);
        scale::<L>(z, total / sum);
        (sum, inner)
    }
}

#[inline(always)]
pub(crate) unsafe fn column_max_sum<L: Compare>(z: Matrix, max: &mut [f32], sum: &mut [f32]) {
    max.fill(f32::NEG_INFINITY);
    sum.fill(0.0);
    let (columns, max, sum) = (z.width(), max.as_mut_ptr(), sum.as_mut_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; a row, `max` and `sum` have `columns` elements, a multiple of 16.
    unsafe {
        for u in 0..z.rows() {
            let row = z.row(u).as_ptr();
            for s in (0..columns).step_by(LANES) {
                L::load(row.add(s)).larger(L::load(max.add(s))).store(max.add(s));
            }
        }
        for u in 0..z.rows() {
            let row = z.row(u).as_ptr();
            for s in (0..columns).step_by(LANES) {
                let term = exp(L::load(row.add(s)).sub(L::load(max.add(s))));
                L::load(sum.add(s)).add(term).store(sum.add(s));
            }
        }
    }
}

#[inline(always)]
pub(crate) unsafe fn softmax_columns<L: Compare>(mut z: MatrixMut, max: &[f32], inverse_sum: &[f32]) {
    let (columns, max, inverse_sum) = (z.width(), max.as_ptr(), inverse_sum.as_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; a row and both slices have `columns` elements, a multiple of 16.
    unsafe {
        for u in 0..z.rows() {
            let row = z.row_mut(u).as_mut_ptr();
            for s in (0..columns).step_by(LANES) {
                let e = exp(L::load(row.add(s)).sub(L::load(max.add(s))));
                e.mul(L::load(inverse_sum.add(s))).store(row.add(s));
            }
        }
    }
}

#[inline(always)]
pub(crate) unsafe fn softmax_entries<L: Compare + Gather>(
    z: &mut [f32],
    examples: &[u32],
    max: &[f32],
    inverse_sum: &[f32],
) {
    let (n, z, examples) = (z.len(), z.as_mut_ptr(), examples.as_ptr());
    // SAFETY: the instruction set, the lengths and the bound of the examples are guaranteed by the caller; each access is to
    // elements `i..i + 16 <= n`, or to the `n - i` that are left, where the other lanes are example 0, which there is.
    unsafe {
        let mut i = 0;
        while i + LANES <= n {
            let examples = L::U32::load(examples.add(i));
            let e = exp(L::load(z.add(i)).sub(L::gather(max.as_ptr(), examples)));
            e.mul(L::gather(inverse_sum.as_ptr(), examples)).store(z.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            let examples = L::load_masked(examples.add(i).cast(), mask).bitcast_u32();
            let e = exp(L::load_masked(z.add(i), mask).sub(L::gather(max.as_ptr(), examples)));
            e.mul(L::gather(inverse_sum.as_ptr(), examples)).store_masked(z.add(i), mask);
        }
    }
}
