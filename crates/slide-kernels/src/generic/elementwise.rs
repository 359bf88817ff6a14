//! Bodies of [`crate::api::elementwise`].
//!
//! Safety of each: the instruction set of `L` is available; the slices have one length.

use super::{Compare, LANES, SimdU32x16, numerics};

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
    Relu, relu: |x| {
        let zero = L::zero(x.proof());
        zero.select(x.at_most(zero), x)
    };
    Exp, exp: |x| numerics::exp(x);
    Ln, ln: |x| numerics::ln(x);
    Sigmoid, sigmoid: |x| numerics::sigmoid(x, numerics::exp_minus_abs(x));
    Softplus, softplus: |x| numerics::softplus(x, numerics::exp_minus_abs(x));
}

#[inline(always)]
pub(crate) unsafe fn relu_backward<L: Compare>(delta: &mut [f32], activation: &[f32]) {
    let (n, delta, activation) = (delta.len(), delta.as_mut_ptr(), activation.as_ptr());
    // SAFETY: the instruction set and the lengths are guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or
    // to the `n - i` that are left.
    unsafe {
        let zero = L::zero(L::token());
        let mut i = 0;
        while i + LANES <= n {
            let off = L::load(activation.add(i)).at_most(zero);
            zero.select(off, L::load(delta.add(i))).store(delta.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            let off = L::load_masked(activation.add(i), mask).at_most(zero);
            zero.select(off, L::load_masked(delta.add(i), mask)).store_masked(delta.add(i), mask);
        }
    }
}

#[inline(always)]
pub(crate) unsafe fn dropout<L: Compare>(x: &mut [f32], random: &[u32], threshold: u32, scale: f32) {
    let (n, x, words) = (x.len(), x.as_mut_ptr(), random.as_ptr());
    // SAFETY: the instruction set and the lengths are guaranteed by the caller; each access is to elements `i..i + 16 <= n`, or
    // to the `n - i` that are left.
    unsafe {
        let simd = L::token();
        // Unsigned numbers compare like signed ones once the highest bit is flipped.
        let flip = L::U32::splat(simd, 0x8000_0000);
        let threshold = L::U32::splat(simd, threshold).xor(flip);
        let (zero, scale) = (L::zero(simd), L::splat(simd, scale));
        let mut i = 0;
        while i + LANES <= n {
            let dropped = threshold.greater_signed(L::U32::load(words.add(i)).xor(flip));
            zero.select(dropped, L::load(x.add(i)).mul(scale)).store(x.add(i));
            i += LANES;
        }
        if i < n {
            let mask = L::first(n - i);
            let words = L::load_masked(words.add(i).cast(), mask).bitcast_u32();
            let dropped = threshold.greater_signed(words.xor(flip));
            zero.select(dropped, L::load_masked(x.add(i), mask).mul(scale)).store_masked(x.add(i), mask);
        }
    }
}
