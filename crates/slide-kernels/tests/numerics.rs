//! Errors and special values of the functions of `numerics`, against `f64`.

use slide_kernels::numerics::{EXP_MAX, EXP_MIN, exp, ln, ln_1p, sigmoid, softplus};

/// The distance in units of the last place of the nearest `f32` to `expected`, which is normal.
fn ulp_error(found: f32, expected: f64) -> f64 {
    let nearest = expected as f32;
    let unit = f32::from_bits(nearest.abs().to_bits() + 1) - nearest.abs();
    (f64::from(found) - expected).abs() / f64::from(unit)
}

/// The largest error over every `step`-th `f32` from `low` to `high` (in order of bits; one sign).
fn largest_error(function: fn(f32) -> f32, exact: fn(f64) -> f64, low: f32, high: f32, step: usize) -> (f64, f32) {
    assert!(low.is_sign_negative() == high.is_sign_negative());
    let (a, b) = (low.to_bits().min(high.to_bits()), low.to_bits().max(high.to_bits()));
    let mut worst = (0.0, low);
    for x in (a..=b).step_by(step).map(f32::from_bits) {
        let expected = exact(f64::from(x));
        if expected.abs() < f64::from(f32::MIN_POSITIVE) || expected.abs() > f64::from(f32::MAX) {
            continue;
        }
        let error = ulp_error(function(x), expected);
        if error > worst.0 {
            worst = (error, x);
        }
    }
    worst
}

/// `cargo xtask ulp` does every number.
#[test]
fn errors_of_a_sample() {
    let step = 4999;
    let softplus_exact = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let sigmoid_exact = |x: f64| {
        let e = (-x.abs()).exp();
        if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
    };
    // Nearer to 0 than this, the results are 1, x, 1/2 and ln 2 to the last bit.
    let tiny = 2.0_f32.powi(-30);
    type Case = (&'static str, fn(f32) -> f32, fn(f64) -> f64, f32, f32, f64);
    let cases: [Case; 9] = [
        ("exp", exp, f64::exp, tiny, EXP_MAX, 1.0),
        ("exp", exp, f64::exp, -tiny, EXP_MIN, 1.0),
        ("ln", ln, f64::ln, 0.0625, 16.0, 1.0),
        ("ln, thinned", ln, f64::ln, 1e-45, f32::MAX, 1.0),
        ("ln_1p", ln_1p, f64::ln_1p, tiny, 1.0, 1.5),
        ("sigmoid", sigmoid, sigmoid_exact, tiny, 128.0, 2.0),
        ("sigmoid", sigmoid, sigmoid_exact, -tiny, EXP_MIN, 2.5),
        ("softplus", softplus, softplus_exact, tiny, 128.0, 2.0),
        ("softplus", softplus, softplus_exact, -tiny, EXP_MIN, 2.5),
    ];
    for (name, function, exact, low, high, bound) in cases {
        // Away from 1 the error of ln is that of one addition.
        let step = if name == "ln, thinned" { 97 * step } else { step };
        let (error, x) = largest_error(function, exact, low, high, step);
        println!("{name} on {low:e}..={high:e}: {error:.3} ULP at {x:e}");
        assert!(error <= bound, "{name}({x:e}) is off by {error} ULP");
    }
}

#[test]
fn exp_is_special_where_it_says() {
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(-0.0), 1.0);
    assert_eq!(exp(f32::INFINITY), f32::INFINITY);
    assert_eq!(exp(f32::NEG_INFINITY).to_bits(), 0);
    assert!(exp(f32::NAN).is_nan());
    assert!(exp(EXP_MAX).is_finite());
    assert_eq!(exp(EXP_MAX.next_up()), f32::INFINITY);
    assert!(exp(EXP_MIN).is_normal());
    assert_eq!(exp(EXP_MIN.next_down()).to_bits(), 0);
    for i in 0..100_000 {
        let x = f32::from_bits(EXP_MIN.to_bits() - i);
        assert!(exp(x).is_normal(), "exp({x:e}) is subnormal");
    }
}

#[test]
fn ln_is_special_where_it_says() {
    assert_eq!(ln(1.0).to_bits(), 0);
    assert_eq!(ln(0.0), f32::NEG_INFINITY);
    assert_eq!(ln(-0.0), f32::NEG_INFINITY);
    assert_eq!(ln(f32::INFINITY), f32::INFINITY);
    for x in [-1.0, -1e-45, f32::NEG_INFINITY, f32::NAN] {
        assert!(ln(x).is_nan(), "ln({x:e})");
    }
}

#[test]
fn sigmoid_and_softplus_are_special_where_they_say() {
    assert_eq!(sigmoid(0.0), 0.5);
    assert_eq!(sigmoid(f32::INFINITY), 1.0);
    assert_eq!(sigmoid(f32::NEG_INFINITY), 0.0);
    assert_eq!(sigmoid(EXP_MIN.next_down()), 0.0);
    assert!(sigmoid(f32::NAN).is_nan());
    assert_eq!(softplus(f32::INFINITY), f32::INFINITY);
    assert_eq!(softplus(f32::NEG_INFINITY), 0.0);
    assert_eq!(softplus(100.0), 100.0);
    assert!(softplus(f32::NAN).is_nan());
    assert_eq!(ln_1p(0.0), 0.0);
    assert!(ln_1p(f32::NAN).is_nan());
}
