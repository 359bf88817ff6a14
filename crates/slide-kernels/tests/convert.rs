//! Conversions: every half, and a dense sample of `f32`, against the `half` crate and the specification.

mod support;

use half::{bf16, f16};
use slide_kernels::{Kernels, Rounding};
use support::{Guarded, Random, others, scalar};

fn all() -> Vec<&'static Kernels> {
    std::iter::once(scalar()).chain(others()).collect()
}

fn halves() -> impl Iterator<Item = u16> {
    0..=u16::MAX
}

/// `bits` made quiet if they are a NaN's.
fn quiet(x: f32) -> u32 {
    if x.is_nan() { x.to_bits() | 0x0040_0000 } else { x.to_bits() }
}

#[test]
fn every_half_is_widened_exactly() {
    for kernels in all() {
        let from: Vec<_> = halves().map(bf16::from_bits).collect();
        let mut to = vec![0.0; from.len()];
        kernels.bf16_to_f32(&from, &mut to);
        for (from, to) in from.iter().zip(&to) {
            assert_eq!(u32::from(from.to_bits()) << 16, to.to_bits(), "bf16 {from:?} on {}", kernels.isa());
        }

        let from: Vec<_> = halves().map(f16::from_bits).collect();
        kernels.f16_to_f32(&from, &mut to);
        for (from, to) in from.iter().zip(&to) {
            assert_eq!(quiet(from.to_f32()), to.to_bits(), "f16 {from:?} on {}", kernels.isa());
        }
    }
}

#[test]
fn every_half_survives_the_way_there_and_back() {
    for kernels in all() {
        for bits in halves() {
            // One at a time for the tails; the whole is done above and below.
            if bits % 97 == 0 || f16::from_bits(bits).to_f32().abs() < 1e-7 {
                let (mut wide, mut narrow) = ([0.0], [f16::ZERO]);
                kernels.f16_to_f32(&[f16::from_bits(bits)], &mut wide);
                kernels.f32_to_f16(&wide, &mut narrow);
                let quiet = if wide[0].is_nan() { bits | 0x0200 } else { bits };
                assert_eq!(narrow[0].to_bits(), quiet, "on {}", kernels.isa());
            }
        }
    }
}

/// Every upper half of an `f32` with lower halves at and around ties, and random ones.
fn sample() -> Vec<f32> {
    let mut random = Random::new(1);
    let mut values = Vec::new();
    for upper in halves() {
        let lower =
            [0, 1, 0x0FFF, 0x1000, 0x1001, 0x3000, 0x7FFF, 0x8000, 0x8001, 0xFFFF, random.word() as u32 & 0xFFFF];
        values.extend(lower.map(|lower| f32::from_bits(u32::from(upper) << 16 | lower)));
    }
    // What is near the largest and the smallest of f16, and its ties among subnormals.
    for k in 0..2048_u32 {
        let tie = (k as f32 + 0.5) * 2.0_f32.powi(-24);
        values.extend([tie, f32::from_bits(tie.to_bits() + 1), f32::from_bits(tie.to_bits() - 1)]);
    }
    values.extend([65504.0, 65519.996, 65520.0, 65536.0, -65520.0, 2.0_f32.powi(-25), -(2.0_f32.powi(-25))]);
    values
}

#[test]
fn rounding_to_the_nearest_agrees_with_another_library() {
    let from = sample();
    for kernels in all() {
        let mut to = vec![f16::ZERO; from.len()];
        kernels.f32_to_f16(&from, &mut to);
        for (from, to) in from.iter().zip(&to) {
            let expected = f16::from_f32(*from).to_bits() | if from.is_nan() { 0x0200 } else { 0 };
            assert_eq!(to.to_bits(), expected, "f16 of {from:e} ({:#x}) on {}", from.to_bits(), kernels.isa());
        }
        let mut to = vec![bf16::ZERO; from.len()];
        kernels.f32_to_bf16(&from, Rounding::Nearest, &mut to);
        for (from, to) in from.iter().zip(&to) {
            let expected = bf16::from_f32(*from).to_bits();
            assert_eq!(to.to_bits(), expected, "bf16 of {from:e} ({:#x}) on {}", from.to_bits(), kernels.isa());
        }
    }
}

#[test]
fn stochastic_rounding_is_the_same_everywhere_and_right_on_average() {
    let from = sample();
    let rounding = Rounding::Stochastic { key: 7, first_row: 3 };
    let mut expected = vec![bf16::ZERO; from.len()];
    scalar().f32_to_bf16(&from, rounding, &mut expected);
    for (from, to) in from.iter().zip(&expected).filter(|(from, _)| !from.is_nan()) {
        let (cut, bits) = ((from.to_bits() >> 16) as u16, to.to_bits());
        let exact = from.to_bits() & 0xFFFF == 0;
        assert!(bits == cut || (!exact && bits == cut + 1), "{from:e} became {to:e}");
    }
    for kernels in others() {
        let mut found = vec![bf16::ZERO; from.len()];
        kernels.f32_to_bf16(&from, rounding, &mut found);
        assert!(expected.iter().zip(&found).all(|(e, f)| e.to_bits() == f.to_bits()), "on {}", kernels.isa());
    }
    // A quarter of the way from 1 to its neighbour 1 + 2^-7.
    let quarter = vec![1.0 + 2.0_f32.powi(-9); 1 << 16];
    let mut to = vec![bf16::ZERO; quarter.len()];
    scalar().f32_to_bf16(&quarter, rounding, &mut to);
    let up = to.iter().filter(|to| to.to_f32() > 1.0).count() as f64 / to.len() as f64;
    assert!((up - 0.25).abs() < 0.01, "{up} of them were rounded up");
}

#[test]
fn every_tail_touches_only_its_elements() {
    let mut random = Random::new(2);
    random.special = 9;
    for kernels in others() {
        for length in 0..=4 * 64 + 3 {
            let from = random.values(length);
            let (mut bf16s, mut f16s) = (Guarded::<bf16>::new(length, true), Guarded::<f16>::new(length, true));
            let (mut expected_bf16s, mut expected_f16s) = (bf16s.clone(), f16s.clone());
            scalar().f32_to_bf16(&from, Rounding::Nearest, &mut expected_bf16s);
            scalar().f32_to_f16(&from, &mut expected_f16s);
            kernels.f32_to_bf16(&from, Rounding::Nearest, &mut bf16s);
            kernels.f32_to_f16(&from, &mut f16s);
            assert!(bf16s.iter().zip(expected_bf16s.iter()).all(|(a, b)| a.to_bits() == b.to_bits()), "{length}");
            assert!(f16s.iter().zip(expected_f16s.iter()).all(|(a, b)| a.to_bits() == b.to_bits()), "{length}");

            let (mut expected, mut found) = (random.values(length), random.values(length));
            scalar().bf16_to_f32(&bf16s, &mut expected);
            kernels.bf16_to_f32(&bf16s, &mut found);
            support::assert_same("bf16_to_f32", kernels, &expected, &found);
            scalar().f16_to_f32(&f16s, &mut expected);
            kernels.f16_to_f32(&f16s, &mut found);
            support::assert_same("f16_to_f32", kernels, &expected, &found);
        }
    }
}

#[test]
#[should_panic(expected = "f32_to_f16: the slices differ in length")]
fn other_lengths_are_refused() {
    Kernels::best().f32_to_f16(&[1.0], &mut []);
}
