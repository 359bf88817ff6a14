//! Exponential, logarithm and related functions of one value, with a stated order of operations.
//!
//! These functions are the specification of the vector kernels ([`Kernels::exp`](crate::Kernels::exp) and
//! the softmax and loss families): every back end gives the same bits. Each fused step is one IEEE
//! `fusedMultiplyAdd`, each other step one IEEE operation, rounded to nearest even; neither the compiler
//! nor the C library has a choice.
//!
//! | function | largest error, ULP | at | rounded correctly | where the result is special |
//! |---|---|---|---|---|
//! | [`exp`] | 0.892 | -5.848642 | 99.53 % | `+inf` above 88.72284; `0` below -87.33654 (no subnormal results) |
//! | [`ln`] | 0.853 | 1.399021 | 99.37 % | `-inf` at 0; NaN below 0; subnormal arguments are exact |
//! | [`ln_1p`] | 1.436 | 0.4145852 | 99.65 % | only defined on `[0, 1]` |
//! | [`sigmoid`], `x >= 0` | 1.499 | 7.859211 | 97.80 % | 1 from about 17 on |
//! | [`sigmoid`], `x < 0` | 2.402 | -4.157294 | 93.00 % | `0` below -87.33654 |
//! | [`softplus`], `x >= 0` | 1.539 | 0.3816560 | 97.47 % | `x` from about 17 on |
//! | [`softplus`], `x < 0` | 1.811 | -0.8802385 | 95.35 % | `0` below -87.33654 |
//!
//! The errors are against `f64`, over every `f32` whose result is normal (of [`ln_1p`], every normal one):
//! `cargo run --release -p xtask -- ulp`.

use crate::scalar::fma;

/// The largest argument whose [`exp`] is finite.
pub const EXP_MAX: f32 = f32::from_bits(0x42b1_7217);
/// The smallest argument whose [`exp`] is not flushed to zero: `exp(EXP_MIN)` is a normal number.
pub const EXP_MIN: f32 = f32::from_bits(0xc2ae_ac4f);

/// `1.5 * 2^23`: adding it rounds a small number to an integer, which then stands in the low mantissa bits.
pub(crate) const ROUND_TO_INTEGER: f32 = 12_582_912.0;
/// `ln 2` in two parts. `LN2_HIGH` is a multiple of `2^-21`, so `x - n * LN2_HIGH` is exact in [`exp`].
pub(crate) const LN2_HIGH: f32 = f32::from_bits(0x3f31_7218);
pub(crate) const LN2_LOW: f32 = -1.904_654_2e-9;
/// Minimax coefficients of `(e^r - 1 - r) / r^2` on `|r| <= ln(2) / 2`, lowest first.
pub(crate) const EXP_POLYNOMIAL: [f32; 5] = [
    f32::from_bits(0x3eff_fffe),
    f32::from_bits(0x3e2a_aa49),
    f32::from_bits(0x3d2a_ac57),
    f32::from_bits(0x3c09_1cc0),
    f32::from_bits(0x3ab5_27b7),
];
/// Minimax coefficients of `(ln(1 + f) - f + f^2 / 2) / f^3` on `sqrt(1/2) - 1 <= f <= sqrt(2) - 1`, lowest first.
pub(crate) const LN_POLYNOMIAL: [f32; 8] = [
    f32::from_bits(0x3eaa_aaaa),
    f32::from_bits(0xbe80_0113),
    f32::from_bits(0x3e4c_d00f),
    f32::from_bits(0xbe2a_3947),
    f32::from_bits(0x3e11_6c80),
    f32::from_bits(0xbe06_c0f1),
    f32::from_bits(0x3e02_afe4),
    f32::from_bits(0xbd9c_6724),
];
/// The bits of `sqrt(1/2)`: [`ln`] takes the mantissa from `sqrt(1/2)` up to `sqrt(2)`.
pub(crate) const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
/// `2^23`: brings a subnormal into the normal range.
pub(crate) const SUBNORMAL_SCALE: f32 = 8_388_608.0;
/// Below this, `ln(1 + e) = e` to the last bit; skipping the polynomial keeps subnormals out of it.
pub(crate) const LN_1P_IDENTITY: f32 = 1.0 / (1u32 << 30) as f32;
/// Above this, [`ln_1p`] takes a factor of two out of `1 + e`. It is `sqrt(2) - 1`.
pub(crate) const LN_1P_HALVE: f32 = f32::from_bits(0x3ed4_13cd);

/// `e^x`.
///
/// `exp(0) = 1`, `exp(-inf) = 0`, `exp(+inf) = +inf`, NaN stays NaN. Where `e^x` would be subnormal
/// (`x < EXP_MIN`) the result is `+0`: subnormal numbers are slow on many CPUs and no caller can use them.
///
/// At most 0.892 ULP off. Cody and Waite's reduction `x = n ln 2 + r`, then a polynomial of degree six in `r`.
#[inline]
pub fn exp(x: f32) -> f32 {
    if x < EXP_MIN {
        return 0.0;
    }
    if x > EXP_MAX || x.is_nan() {
        return x + f32::INFINITY;
    }
    let shifted = fma(x, core::f32::consts::LOG2_E, ROUND_TO_INTEGER);
    let n = shifted - ROUND_TO_INTEGER;
    let r = fma(n, -LN2_HIGH, x);
    let r = fma(n, -LN2_LOW, r);
    let [c2, c3, c4, c5, c6] = EXP_POLYNOMIAL;
    let p = fma(c6, r, c5);
    let p = fma(p, r, c4);
    let p = fma(p, r, c3);
    let p = fma(p, r, c2);
    let p = fma(p, r, 1.0);
    let p = fma(p, r, 1.0);
    // The low bits of `shifted` are n; the rest is shifted out. Adding n to the exponent multiplies by 2^n.
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `f - f^2/2 + f^3 P(f) + n ln 2`, the common end of [`ln`] and [`ln_1p`].
#[inline]
fn ln_core(f: f32, n: f32) -> f32 {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = LN_POLYNOMIAL;
    let p = fma(c7, f, c6);
    let p = fma(p, f, c5);
    let p = fma(p, f, c4);
    let p = fma(p, f, c3);
    let p = fma(p, f, c2);
    let p = fma(p, f, c1);
    let p = fma(p, f, c0);
    let square = f * f;
    let cube = square * f;
    let tail = fma(n, LN2_LOW, cube * p);
    let tail = fma(square, -0.5, tail);
    fma(n, LN2_HIGH, f + tail)
}

/// The natural logarithm.
///
/// `ln(+-0) = -inf`, `ln(x < 0)` is NaN, `ln(+inf) = +inf`, NaN stays NaN; subnormal arguments are exact. At most 0.853 ULP
/// off.
#[inline]
pub fn ln(x: f32) -> f32 {
    if x.is_nan() || x < 0.0 {
        return f32::NAN;
    }
    if x == 0.0 {
        return f32::NEG_INFINITY;
    }
    if x == f32::INFINITY {
        return x;
    }
    let (x, scale) = if x < f32::MIN_POSITIVE { (x * SUBNORMAL_SCALE, -23) } else { (x, 0) };
    // x = m * 2^n with m in [sqrt(1/2), sqrt(2)).
    let offset = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let n = ((offset as i32) >> 23) + scale;
    let m = f32::from_bits((offset & 0x007f_ffff) + SQRT_HALF_BITS);
    ln_core(m - 1.0, n as f32)
}

/// `ln(1 + e)` for `0 <= e <= 1`; NaN stays NaN. Other arguments give unspecified values.
/// At most 1.436 ULP off.
#[inline]
pub fn ln_1p(e: f32) -> f32 {
    if e < LN_1P_IDENTITY {
        return e;
    }
    // 1 + e = 2 (1 + f) where e is large, so that f stays in the range of the polynomial.
    if e > LN_1P_HALVE { ln_core((e - 1.0) * 0.5, 1.0) } else { ln_core(e, 0.0) }
}

/// `1 / (1 + e^-x)`.
///
/// Computed as `e / (1 + e)` for negative `x` with `e = exp(-|x|)`, so that neither end overflows or loses
/// its digits. `sigmoid(0) = 1/2`, `sigmoid(+inf) = 1`, `sigmoid(x < EXP_MIN) = 0`, NaN stays NaN.
/// At most 1.499 ULP off, 2.402 below 0.
#[inline]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// `ln(1 + e^x)`, as `max(x, 0) + ln_1p(exp(-|x|))`.
///
/// `softplus(x < EXP_MIN) = 0`, `softplus(+inf) = +inf`, NaN stays NaN. At most 1.539 ULP off, 1.811 below 0.
#[inline]
pub fn softplus(x: f32) -> f32 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + ln_1p(exp(-x.abs()))
}
