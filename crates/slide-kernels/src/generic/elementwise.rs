//! Bodies of [`crate::api::elementwise`].
//!
//! Safety of each: the instruction set of `L` is available; the slices have one length. The kernels over pulp's `Simd` have a token
//! instead of the former.

use core::hint::assert_unchecked;

use pulp::{Simd, as_arrays, as_arrays_mut};

use super::{Compare, LANES, numerics};

/// A function of one vector. (A closure would be compiled without the target features of the wrapper.)
trait Map<L> {
    fn of(&self, x: L) -> L;
}

/// Replaces each element by the function of it.
#[inline(always)]
unsafe fn map<L: Compare>(x: &mut [f32], function: impl Map<L>) {
    let (n, x) = (x.len(), x.as_mut_ptr());
    // SAFETY: the instruction set is guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or to the
    // `n - i` that are left.
    unsafe {
        let mut i = 0;
        while i + LANES <= n {
            function.of(L::load(x.add(i))).store(x.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            function.of(L::load_masked(x.add(i), mask)).store_masked(x.add(i), mask);
        }
    }
}

macro_rules! maps {
    ($($(#[$attribute:meta])* $function:ident, $name:ident: |$x:ident| $image:expr;)*) => { $(
        struct $function;

        impl<L: Compare> Map<L> for $function {
            #[inline(always)]
            fn of(&self, $x: L) -> L {
                $image
            }
        }

        #[inline(always)]
        pub(crate) unsafe fn $name<L: Compare>(x: &mut [f32]) {
            // SAFETY: the instruction set is guaranteed by the caller.
            unsafe { map::<L>(x, $function) }
        }
    )* };
}

maps! {
    Exp, exp: |x| numerics::exp(x);
    Ln, ln: |x| numerics::ln(x);
    Sigmoid, sigmoid: |x| numerics::sigmoid(x, numerics::exp_minus_abs(x));
    Softplus, softplus: |x| numerics::softplus(x, numerics::exp_minus_abs(x));
}

/// Registers that are worked on at once.
const TOGETHER: usize = 8;

/// Replaces each element of `x` by the image of it and of that of `y`, which is as long.
#[inline(always)]
fn zip<X: Copy, Y: Copy>(x: &mut [X], y: &[Y], image: impl Fn(X, Y) -> X) {
    let ((groups, x), (y_groups, y)) = (as_arrays_mut::<TOGETHER, _>(x), as_arrays::<TOGETHER, _>(y));
    for (x, y) in groups.iter_mut().zip(y_groups) {
        for j in 0..TOGETHER {
            x[j] = image(x[j], y[j]);
        }
    }
    for (x, &y) in x.iter_mut().zip(y) {
        *x = image(*x, y);
    }
}

#[inline(always)]
pub(crate) fn relu<S: Simd>(simd: S, x: &mut [f32]) {
    let zero = simd.splat_f32s(0.0);
    let of = |x| simd.select_f32s(simd.less_than_or_equal_f32s(x, zero), zero, x);
    let (vectors, rest) = S::as_mut_simd_f32s(x);
    let (groups, others) = as_arrays_mut::<TOGETHER, _>(vectors);
    for group in groups {
        for x in group {
            *x = of(*x);
        }
    }
    for x in others {
        *x = of(*x);
    }
    if !rest.is_empty() {
        simd.partial_store_f32s(rest, of(simd.partial_load_f32s(rest)));
    }
}

#[inline(always)]
pub(crate) unsafe fn relu_backward<S: Simd>(simd: S, delta: &mut [f32], activation: &[f32]) {
    // SAFETY: `Kernels::relu_backward` asserted it.
    unsafe { assert_unchecked(delta.len() == activation.len()) };
    let zero = simd.splat_f32s(0.0);
    let of = |delta, x| simd.select_f32s(simd.less_than_or_equal_f32s(x, zero), zero, delta);
    let ((vectors, rest), (xs, x_rest)) = (S::as_mut_simd_f32s(delta), S::as_simd_f32s(activation));
    zip(vectors, xs, of);
    if !rest.is_empty() {
        simd.partial_store_f32s(rest, of(simd.partial_load_f32s(rest), simd.partial_load_f32s(x_rest)));
    }
}

#[inline(always)]
pub(crate) unsafe fn dropout<S: Simd>(simd: S, x: &mut [f32], random: &[u32], threshold: u32, scale: f32) {
    // SAFETY: `Kernels::dropout` asserted it.
    unsafe { assert_unchecked(x.len() == random.len()) };
    let (zero, threshold, scale) = (simd.splat_f32s(0.0), simd.splat_u32s(threshold), simd.splat_f32s(scale));
    let of = |x, word| simd.select_f32s(simd.less_than_u32s(word, threshold), zero, simd.mul_f32s(x, scale));
    let ((vectors, rest), (words, words_rest)) = (S::as_mut_simd_f32s(x), S::as_simd_u32s(random));
    zip(vectors, words, of);
    if !rest.is_empty() {
        simd.partial_store_f32s(rest, of(simd.partial_load_f32s(rest), simd.partial_load_u32s(words_rest)));
    }
}
