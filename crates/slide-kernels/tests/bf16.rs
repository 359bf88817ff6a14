//! Products of `bf16` with `bf16`, and their reproducible and native paths.

mod support;

use half::bf16;
use proptest::prelude::*;
use slide_kernels::{Kernels, Matrix, Precision, RowIds};
use support::{Random, assert_same, others, scalar};

fn widened(halves: &[bf16]) -> Vec<f32> {
    halves.iter().map(|half| half.to_f32()).collect()
}

fn dots(kernels: &Kernels, length: usize, random: &mut Random) {
    let (a, b, activations) = (random.halves(length), random.halves(length), random.values(length));
    assert_same("dot_bf16", kernels, &[scalar().dot_bf16(&a, &b)], &[kernels.dot_bf16(&a, &b)]);
    let expected = scalar().dot_bf16_f32(&a, &activations);
    assert_same("dot_bf16_f32", kernels, &[expected], &[kernels.dot_bf16_f32(&a, &activations)]);
    assert_same("dot of the same, widened", kernels, &[expected], &[kernels.dot(&widened(&a), &activations)]);
}

/// Rows, chosen at random, of a table with gaps.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    padding: usize,
    rows: usize,
    chosen: usize,
    special: u32,
    seed: u64,
}

fn rows_dot(kernels: &Kernels, shape: Shape) {
    let mut random = Random::new(shape.seed);
    random.special = shape.special;
    let stride = (shape.width + shape.padding).max(1);
    let table = random.halves(shape.rows * stride);
    let table = Matrix::new(&table, stride, shape.width).unwrap();
    let (vector, ids) = (random.halves(shape.width), random.ids(shape.chosen, shape.rows));
    let rows = RowIds::new(&ids, shape.rows).unwrap();
    let (mut expected, mut found) = (random.values(shape.chosen), random.values(shape.chosen));
    scalar().rows_dot_bf16(table, rows, &vector, &mut expected);
    kernels.rows_dot_bf16(table, rows, &vector, &mut found);
    assert_same("rows_dot_bf16", kernels, &expected, &found);
}

#[test]
fn every_length_has_the_bits_of_the_scalar_level() {
    for kernels in others() {
        let mut random = Random::new(1);
        for length in 0..=4 * 128 + 3 {
            for special in [0, 30] {
                random.special = special;
                dots(kernels, length, &mut random);
            }
        }
        for width in 0..=4 * 32 + 3 {
            for special in [0, 20] {
                let (rows, chosen, seed) = (9, 1 + 2 * (width % 19), width as u64);
                rows_dot(kernels, Shape { width, padding: width % 4, rows, chosen, special, seed });
            }
        }
    }
}

/// Rows of whole steps are taken in blocks of sixteen.
#[test]
fn rows_in_blocks_and_beside_them() {
    for kernels in others() {
        for (width, chosen) in [(32, 16), (64, 35), (96, 32), (128, 33), (160, 17), (320, 16)] {
            for special in [0, 20] {
                rows_dot(kernels, Shape { width, padding: 5, rows: 40, chosen, special, seed: width as u64 });
            }
        }
    }
}

/// Pairs share a lane, the even element first: the specification, with numbers that tell the orders apart.
#[test]
fn lanes_take_pairs_and_the_even_element_first() {
    let big = f32::powi(2.0, 24);
    let case = |elements: &[(usize, f32)]| {
        let mut values = [bf16::ZERO; 300];
        elements.iter().for_each(|&(i, value)| values[i] = bf16::from_f32(value));
        scalar().dot_bf16(&values, &[bf16::ONE; 300])
    };
    // In one lane 1 is lost in 2^24, then 2^24 leaves; in the other order 1 stays.
    assert_eq!(case(&[(6, big), (7, 1.0), (134, -big)]), 0.0);
    assert_eq!(case(&[(6, 1.0), (7, big), (134, -big)]), 0.0);
    assert_eq!(case(&[(6, big), (7, -big), (134, 1.0)]), 1.0);
    assert_eq!(case(&[(6, big), (8, 1.0), (134, -big)]), 1.0);
    assert_eq!(case(&[(6, big), (134, 1.0), (135, -big)]), 0.0);
}

/// Products that vanish leave -0.0 in a lane; adding the +0.0 of a missing element would make it +0.0.
#[test]
fn lanes_without_an_element_are_untouched() {
    for kernels in std::iter::once(scalar()).chain(others()) {
        for width in 1..=2 * 128 {
            let (tiny, minus_tiny) = (vec![bf16::from_f32(1e-30); width], vec![bf16::from_f32(-1e-30); width]);
            // A lane that never had an element is +0.0, and so is a sum that it is part of.
            let expected = |lanes: usize| if width.div_ceil(2) < lanes { 0.0 } else { -0.0 };
            assert_same("dot_bf16", kernels, &[expected(64)], &[kernels.dot_bf16(&tiny, &minus_tiny)]);
            let table = Matrix::new(&tiny, width, width).unwrap();
            let mut out = [1.0];
            kernels.rows_dot_bf16(table, RowIds::new(&[0], 1).unwrap(), &minus_tiny, &mut out);
            assert_same("rows_dot_bf16", kernels, &[expected(16)], &out);
        }
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let width = prop_oneof![0..=67_usize, Just(128), 100..=300_usize];
    (width, 0..=17_usize, 1..=40_usize, 0..=40_usize, prop_oneof![Just(0), Just(20_u32)], any::<u64>())
        .prop_map(|(width, padding, rows, chosen, special, seed)| Shape { width, padding, rows, chosen, special, seed })
}

proptest! {
    #![proptest_config(support::cases(300))]

    #[test]
    fn rows_at_random_shapes(shape in shapes()) {
        others().into_iter().for_each(|kernels| rows_dot(kernels, shape));
    }
}

/// Round-off unit of the instructions of the native kernels: Arm's round to odd.
const NATIVE_UNIT: f64 = if cfg!(target_arch = "aarch64") { 1.0 / 8_388_608.0 } else { 1.0 / 16_777_216.0 };

/// The bound that [`Kernels::dot_bf16`] states, for chains that are rounded `2 * pairs + folds` times:
/// `g(2 pairs + folds) sum |a b| + sum_{subnormal} |a b| + 4 n 2^-126`.
fn bound(a: &[bf16], b: &[bf16], pairs: usize, folds: usize) -> f64 {
    let k = (2 * pairs + folds) as f64 * NATIVE_UNIT;
    let (mut all, mut subnormal) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let product = (a.to_f64() * b.to_f64()).abs();
        all += product;
        if [a, b].iter().any(|x| x.classify() == std::num::FpCategory::Subnormal) {
            subnormal += product;
        }
    }
    k / (1.0 - k) * all + subnormal + 4.0 * a.len() as f64 * 2.0_f64.powi(-126)
}

#[track_caller]
fn assert_within(what: &str, kernels: &Kernels, found: f32, a: &[bf16], b: &[bf16], pairs: usize, folds: usize) {
    // Products are exact in `f64`, and the round-off of their sum is far below the bound.
    let exact: f64 = a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
    let (error, bound) = ((f64::from(found) - exact).abs(), bound(a, b, pairs, folds));
    assert!(error <= bound, "{what} on {}, {} elements: error {error:e}, bound {bound:e}", kernels.isa(), a.len());
}

/// Numbers that make sums hard: of many magnitudes, that cancel, and now and then subnormal.
fn hard_values(random: &mut Random, count: usize) -> Vec<bf16> {
    let exponents = [0, 10, 40, 60][random.below(4)];
    let value = |random: &mut Random| {
        let scale = random.below(2 * exponents + 1) as i32 - exponents as i32;
        bf16::from_f32(random.value() * f32::powi(2.0, scale))
    };
    (0..count).map(|_| if random.below(40) == 0 { bf16::from_f32(1e-39) } else { value(random) }).collect()
}

#[test]
fn native_products_keep_their_bound() {
    for kernels in others().into_iter().map(|kernels| kernels.with_precision(Precision::Native)) {
        for length in (0..300).chain([1000, 4096]) {
            for seed in 0..4 {
                let mut random = Random::new((length * 10 + seed) as u64);
                let (a, b) = (hard_values(&mut random, length), hard_values(&mut random, length));
                assert_within("dot_bf16", kernels, kernels.dot_bf16(&a, &b), &a, &b, length.div_ceil(128), 6);
                if length == 0 {
                    continue;
                }
                let table = Matrix::new(&a, length, length).unwrap();
                let mut out = [f32::NAN; 3];
                kernels.rows_dot_bf16(table, RowIds::new(&[0, 0, 0], 1).unwrap(), &b, &mut out);
                for found in out {
                    assert_within("rows_dot_bf16", kernels, found, &a, &b, length.div_ceil(32), 4);
                }
            }
        }
    }
}

/// The bound is tight enough to notice one element that is left out, or one operation that rounds to `bf16`.
#[test]
fn the_bound_of_native_products_is_not_loose() {
    let a: Vec<bf16> = (0..128).map(|i| bf16::from_f32(1.0 + (i % 7) as f32 / 8.0)).collect();
    let sum: f64 = a.iter().map(|a| a.to_f64() * a.to_f64()).sum();
    let bound = bound(&a, &a, 1, 6);
    assert!(bound < 1.0, "the least product is 1, the bound {bound}");
    assert!(bound < sum / 512.0 / 64.0, "half a unit of a `bf16` sum of a lane, bound {bound}");
}
