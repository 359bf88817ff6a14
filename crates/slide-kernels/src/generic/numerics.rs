//! The functions of [`crate::numerics`] for sixteen values at once: the same operations, with selects instead of branches.

use super::{Compare, SimdF32x16, SimdU32x16};
use crate::numerics::{
    EXP_MAX, EXP_MIN, EXP_POLYNOMIAL, LN_1P_HALVE, LN_1P_IDENTITY, LN_POLYNOMIAL, LN2_HIGH, LN2_LOW, ROUND_TO_INTEGER,
    SQRT_HALF_BITS, SUBNORMAL_SCALE,
};

/// Horner's rule; the last coefficient is that of the highest power.
#[inline(always)]
fn polynomial<L: SimdF32x16, const N: usize>(x: L, coefficients: [f32; N]) -> L {
    let simd = x.proof();
    let mut sum = L::splat(simd, coefficients[N - 1]);
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = sum.fma(x, L::splat(simd, coefficients[i]));
    }
    sum
}

/// [`crate::numerics::exp`].
#[inline(always)]
pub(crate) fn exp<L: Compare>(x: L) -> L {
    let simd = x.proof();
    let round = L::splat(simd, ROUND_TO_INTEGER);
    let shifted = x.fma(L::splat(simd, core::f32::consts::LOG2_E), round);
    let n = shifted.sub(round);
    let r = n.fma(L::splat(simd, -LN2_HIGH), x);
    let r = n.fma(L::splat(simd, -LN2_LOW), r);
    let [c2, c3, c4, c5, c6] = EXP_POLYNOMIAL;
    let p = polynomial(r, [1.0, 1.0, c2, c3, c4, c5, c6]);
    let scaled = p.bitcast_u32().add(shifted.bitcast_u32().shift_left::<23>()).bitcast_f32();
    let finite = scaled.select(x.at_most(L::splat(simd, EXP_MAX)), x.add(L::splat(simd, f32::INFINITY)));
    L::zero(simd).select(L::splat(simd, EXP_MIN).greater(x), finite)
}

#[inline(always)]
fn ln_core<L: SimdF32x16>(f: L, n: L) -> L {
    let simd = f.proof();
    let p = polynomial(f, LN_POLYNOMIAL);
    let square = f.mul(f);
    let cube = square.mul(f);
    let tail = n.fma(L::splat(simd, LN2_LOW), cube.mul(p));
    let tail = square.fma(L::splat(simd, -0.5), tail);
    n.fma(L::splat(simd, LN2_HIGH), f.add(tail))
}

/// [`crate::numerics::ln`].
#[inline(always)]
pub(crate) fn ln<L: Compare>(x: L) -> L {
    let simd = x.proof();
    let subnormal = L::splat(simd, f32::MIN_POSITIVE).greater(x);
    let scaled = x.mul(L::splat(simd, SUBNORMAL_SCALE)).select(subnormal, x);
    let offset = scaled.bitcast_u32().add(L::U32::splat(simd, SQRT_HALF_BITS.wrapping_neg()));
    let mantissa = offset.and(L::U32::splat(simd, 0x007f_ffff));
    let m = mantissa.add(L::U32::splat(simd, SQRT_HALF_BITS)).bitcast_f32();
    // n + 127 is not negative, so a logical shift finds it; placed in the low bits of ROUND_TO_INTEGER it is a
    // float, without a conversion.
    let biased = offset.add(L::U32::splat(simd, 127 << 23)).shift_right::<23>();
    let biased = biased.add(L::U32::splat(simd, ROUND_TO_INTEGER.to_bits())).bitcast_f32();
    let bias = ROUND_TO_INTEGER + 127.0;
    let n = biased.sub(L::splat(simd, bias + 23.0).select(subnormal, L::splat(simd, bias)));
    let value = ln_core(m.sub(L::splat(simd, 1.0)), n);
    let value = x.select(x.greater(L::splat(simd, f32::MAX)), value);
    let other = L::splat(simd, f32::NEG_INFINITY).select(L::zero(simd).at_most(x), L::splat(simd, f32::NAN));
    value.select(x.greater(L::zero(simd)), other)
}

/// `exp(-|x|)`, which [`sigmoid`] and [`softplus`] share.
#[inline(always)]
pub(crate) fn exp_minus_abs<L: Compare>(x: L) -> L {
    exp(x.bitcast_u32().or(L::U32::splat(x.proof(), 0x8000_0000)).bitcast_f32())
}

/// [`crate::numerics::sigmoid`], given `e = exp_minus_abs(x)`.
#[inline(always)]
pub(crate) fn sigmoid<L: Compare>(x: L, e: L) -> L {
    let simd = x.proof();
    let one = L::splat(simd, 1.0);
    e.select(L::zero(simd).greater(x), one).div(one.add(e))
}

/// [`crate::numerics::softplus`], given `e = exp_minus_abs(x)`.
#[inline(always)]
pub(crate) fn softplus<L: Compare>(x: L, e: L) -> L {
    let zero = L::zero(x.proof());
    zero.select(zero.greater(x), x).add(ln_1p(e))
}

/// [`crate::numerics::ln_1p`] of `0 <= e <= 1`.
#[inline(always)]
pub(crate) fn ln_1p<L: Compare>(e: L) -> L {
    let simd = e.proof();
    let (zero, one) = (L::zero(simd), L::splat(simd, 1.0));
    let identity = L::splat(simd, LN_1P_IDENTITY).greater(e);
    let halve = e.greater(L::splat(simd, LN_1P_HALVE));
    let f = e.sub(one).mul(L::splat(simd, 0.5)).select(halve, e);
    // Where the result is e itself, 0 goes through the polynomial: no subnormal arises.
    let f = zero.select(identity, f);
    e.select(identity, ln_core(f, one.select(halve, zero)))
}
