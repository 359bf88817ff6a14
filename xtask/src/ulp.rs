//! The largest errors of [`slide_kernels::numerics`], over every `f32` of each range.
//!
//! The level is the best of the machine (or that of `SLIDE_ISA`); all have the same bits. An error is the distance to the
//! value in `f64`, in units of the last place of the `f32` nearest to that. The functions of the standard library err by
//! less than a unit of `f64`, and the few operations on them by a few more: less than `2^-26` of the units counted here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Result, bail};
use rayon::prelude::*;
use slide_kernels::{Kernels, numerics};

use crate::cli::UlpArguments;

/// A function on all numbers of one sign between two.
struct Case {
    name: &'static str,
    function: fn(&Kernels, &mut [f32]),
    exact: fn(f64) -> f64,
    /// The number nearest to zero, and the one farthest from it.
    range: [f32; 2],
}

const fn case(name: &'static str, function: fn(&Kernels, &mut [f32]), exact: fn(f64) -> f64, range: [f32; 2]) -> Case {
    Case { name, function, exact, range }
}

/// Results that are subnormal in `f32` are flushed to zero and not counted; the ranges end where they begin.
#[rustfmt::skip]
const CASES: &[Case] = &[
    case("exp", Kernels::exp, f64::exp, [-0.0, numerics::EXP_MIN]),
    case("exp", Kernels::exp, f64::exp, [0.0, numerics::EXP_MAX]),
    case("ln", Kernels::ln, f64::ln, [f32::from_bits(1), f32::MAX]),
    case("ln_1p", |_, x| x.iter_mut().for_each(|x| *x = numerics::ln_1p(*x)), f64::ln_1p, [f32::MIN_POSITIVE, 1.0]),
    case("sigmoid", Kernels::sigmoid, sigmoid, [-0.0, numerics::EXP_MIN]),
    case("sigmoid", Kernels::sigmoid, sigmoid, [0.0, f32::MAX]),
    case("softplus", Kernels::softplus, softplus, [-0.0, numerics::EXP_MIN]),
    case("softplus", Kernels::softplus, softplus, [0.0, f32::MAX]),
];

fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[derive(Clone, Copy, Default)]
struct Errors {
    numbers: u64,
    /// Results that are the `f32` nearest to the exact value.
    nearest: u64,
    largest: f64,
    at: f32,
}

impl Errors {
    fn count(&mut self, x: f32, found: f32, exact: f64) {
        let nearest = exact as f32;
        let unit = f64::from(f32::from_bits(nearest.abs().to_bits() + 1)) - f64::from(nearest.abs());
        let error = (f64::from(found) - exact).abs() / unit;
        self.numbers += 1;
        self.nearest += u64::from(found == nearest);
        // A NaN is an infinite error.
        let error = if error.is_nan() { f64::INFINITY } else { error };
        if error > self.largest {
            (self.largest, self.at) = (error, x);
        }
    }

    fn merge(self, other: Self) -> Self {
        let worse = if other.largest > self.largest { other } else { self };
        Self { numbers: self.numbers + other.numbers, nearest: self.nearest + other.nearest, ..worse }
    }
}

pub(crate) fn run(arguments: &UlpArguments) -> Result<()> {
    for name in &arguments.functions {
        if !CASES.iter().any(|case| case.name == name) {
            bail!("no function {name}; there are exp, ln, ln_1p, sigmoid, softplus");
        }
    }
    let kernels = Kernels::from_env()?;
    println!(
        "level {}, every {}",
        kernels.isa(),
        if arguments.every == 1 { "number".into() } else { format!("{}th number", arguments.every) }
    );
    println!("| function | from | to | numbers | largest error, ULP | at | nearest |");
    println!("|---|---|---|---|---|---|---|");
    let chosen =
        |case: &&Case| arguments.functions.is_empty() || arguments.functions.iter().any(|name| name == case.name);
    for case in CASES.iter().filter(chosen) {
        let Errors { numbers, nearest, largest, at } = measure(kernels, case, arguments.every);
        let [from, to] = case.range;
        let share = 100.0 * nearest as f64 / numbers as f64;
        println!("| {} | {from:e} | {to:e} | {numbers} | {largest:.4} | {at:e} | {share:.2} % |", case.name);
    }
    Ok(())
}

fn measure(kernels: &Kernels, case: &Case, every: u32) -> Errors {
    const BLOCK: u64 = 1 << 14;
    let [first, last] = case.range.map(|x| u64::from(x.to_bits()));
    let every = u64::from(every);
    let blocks = ((last - first) / every + 1).div_ceil(BLOCK);
    let (done, reported, started) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    let work = |block: u64| {
        let start = first + block * BLOCK * every;
        let end = last.min(start + (BLOCK - 1) * every);
        let numbers: Vec<f32> = (start..=end).step_by(every as usize).map(|bits| f32::from_bits(bits as u32)).collect();
        let (mut errors, mut results) = (Errors::default(), numbers.clone());
        (case.function)(kernels, &mut results);
        for (x, found) in numbers.into_iter().zip(results) {
            errors.count(x, found, (case.exact)(f64::from(x)));
        }
        let (done, elapsed) = (done.fetch_add(1, Ordering::Relaxed), started.elapsed().as_secs());
        if reported.fetch_max(elapsed / 10, Ordering::Relaxed) < elapsed / 10 {
            eprintln!("{} from {:e}: {} % in {elapsed} s", case.name, case.range[0], 100 * done / blocks);
        }
        errors
    };
    (0..blocks).into_par_iter().map(work).reduce(Errors::default, Errors::merge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_sample_are_those_that_are_documented() {
        for case in CASES {
            let errors = measure(Kernels::best(), case, 9973);
            assert!(errors.numbers > 1000 && errors.largest < 2.5, "{}: {}", case.name, errors.largest);
        }
    }
}
