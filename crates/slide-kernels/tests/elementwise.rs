//! Elementwise, softmax, loss and top-k kernels, bit for bit against the specification, and the specification against
//! plain arithmetic.

mod support;

use proptest::prelude::*;
use slide_kernels::{Kernels, Matrix, MatrixMut, numerics};
use support::{Guarded, Random, assert_same, others, scalar};

/// A generator whose values are special now and then, or never.
fn random(seed: u64) -> Random {
    let mut random = Random::new(seed);
    random.special = [0, 6, 40][seed as usize % 3];
    random
}

/// Values in (-100, 100), where exp does everything it can do, or in (-1, 1).
fn logits(random: &mut Random, count: usize) -> Guarded<f32> {
    let mut values = random.values(count);
    let scale = [1.0, 100.0][random.below(2)];
    values.iter_mut().for_each(|value| *value *= scale);
    values
}

type InPlace = fn(&Kernels, &mut [f32]);
/// A function of one number.
type Scalar = fn(f32) -> f32;

proptest! {
    #![proptest_config(support::cases(256))]

    #[test]
    fn functions_in_place(length in 0_usize..150, seed: u64) {
        let functions: [(&str, InPlace); 5] = [
            ("relu", Kernels::relu),
            ("exp", Kernels::exp),
            ("ln", Kernels::ln),
            ("sigmoid", Kernels::sigmoid),
            ("softplus", Kernels::softplus),
        ];
        for (name, function) in functions {
            let x = logits(&mut random(seed), length);
            let mut expected = x.clone();
            function(scalar(), &mut expected);
            for kernels in others() {
                let mut found = x.clone();
                function(kernels, &mut found);
                assert_same(name, kernels, &expected, &found);
            }
        }
    }

    #[test]
    fn relu_backward_and_dropout(length in 0_usize..150, seed: u64, threshold: u32) {
        let mut random = random(seed);
        let (x, activation) = (random.values(length), random.values(length));
        let mut words = Guarded::<u32>::new(length, true);
        words.fill_with(|| random.word() as u32);
        if length > 2 {
            (words[0], words[1]) = (threshold, threshold.wrapping_sub(1));
        }
        let (mut backward, mut dropped) = (x.clone(), x.clone());
        scalar().relu_backward(&mut backward, &activation);
        scalar().dropout(&mut dropped, &words, threshold, 1.25);
        for kernels in others() {
            let mut found = x.clone();
            kernels.relu_backward(&mut found, &activation);
            assert_same("relu_backward", kernels, &backward, &found);
            let mut found = x.clone();
            kernels.dropout(&mut found, &words, threshold, 1.25);
            assert_same("dropout", kernels, &dropped, &found);
        }
    }

    #[test]
    fn softmax_of_a_slice(length in 0_usize..300, seed: u64) {
        let values = logits(&mut random(seed), length);
        let (max, sum) = scalar().max_sum(&values);
        let mut softmax = values.clone();
        scalar().softmax(&mut softmax);
        let expected: Vec<f32> = values.iter().map(|&z| numerics::exp(z - max) * (1.0 / sum)).collect();
        assert_same("softmax", scalar(), &expected, &softmax);
        for kernels in others() {
            let found = kernels.max_sum(&values);
            assert_same("max_sum", kernels, &[max, sum], &[found.0, found.1]);
            assert_same("log_sum_exp", kernels, &[scalar().log_sum_exp(&values)], &[kernels.log_sum_exp(&values)]);
            let mut found = values.clone();
            kernels.softmax(&mut found);
            assert_same("softmax", kernels, &softmax, &found);
        }
    }

    #[test]
    fn cross_entropies(length in 0_usize..300, count in 0_usize..9, seed: u64) {
        let mut random = random(seed);
        let (z, targets) = (logits(&mut random, length), random.values(length));
        let labels = random.ids(if length == 0 { 0 } else { count }, length.max(1));
        let some = &targets[..labels.len().min(length)];
        let labels = &labels[..some.len()];
        type Loss<'a> = &'a dyn Fn(&Kernels, &mut [f32]) -> f32;
        let losses: [(&str, Loss<'_>); 3] = [
            ("softmax_cross_entropy", &|kernels, z| kernels.softmax_cross_entropy(z, labels, some)),
            ("binary_cross_entropy", &|kernels, z| kernels.binary_cross_entropy(z, &targets)),
            ("binary_cross_entropy_sparse", &|kernels, z| kernels.binary_cross_entropy_sparse(z, labels, some)),
        ];
        for (name, loss) in losses {
            let mut expected = z.clone();
            let expected_loss = loss(scalar(), &mut expected);
            for kernels in others() {
                let mut found = z.clone();
                assert_same(name, kernels, &[expected_loss], &[loss(kernels, &mut found)]);
                assert_same(name, kernels, &expected, &found);
            }
        }
    }

    #[test]
    fn columns(rows in 0_usize..20, vectors in 0_usize..6, padding in 0_usize..17, seed: u64) {
        let mut random = random(seed);
        let width = 16 * vectors;
        let stride = (width + padding).max(1);
        let z = logits(&mut random, rows * stride);
        let matrix = Matrix::new(&z, stride, width).unwrap();
        let (start, inverse_sum) = (random.values(width), random.values(width));
        let (mut max, mut sum) = (start.clone(), start.clone());
        scalar().column_max_sum(matrix, &mut max, &mut sum);
        let (mut softmax, mut sigmoid, mut loss) = (z.clone(), z.clone(), start.clone());
        scalar().softmax_columns(MatrixMut::new(&mut softmax, stride, width).unwrap(), &max, &inverse_sum);
        scalar().sigmoid_columns(MatrixMut::new(&mut sigmoid, stride, width).unwrap(), &mut loss);
        for kernels in others() {
            let (mut found_max, mut found_sum) = (start.clone(), start.clone());
            kernels.column_max_sum(matrix, &mut found_max, &mut found_sum);
            assert_same("column_max_sum: max", kernels, &max, &found_max);
            assert_same("column_max_sum: sum", kernels, &sum, &found_sum);
            let mut found = z.clone();
            kernels.softmax_columns(MatrixMut::new(&mut found, stride, width).unwrap(), &max, &inverse_sum);
            assert_same("softmax_columns", kernels, &softmax, &found);
            let (mut found, mut found_loss) = (z.clone(), start.clone());
            kernels.sigmoid_columns(MatrixMut::new(&mut found, stride, width).unwrap(), &mut found_loss);
            assert_same("sigmoid_columns", kernels, &sigmoid, &found);
            assert_same("sigmoid_columns: loss", kernels, &loss, &found_loss);
        }
    }

    #[test]
    fn entries(length in 0_usize..150, count in 1_usize..40, seed: u64) {
        let mut random = random(seed);
        let z = logits(&mut random, length);
        let (max, inverse_sum) = (random.values(count), random.values(count));
        let examples = random.ids(length, count);
        let (mut softmax, mut sigmoid) = (z.clone(), z.clone());
        scalar().softmax_entries(&mut softmax, &examples, &max, &inverse_sum);
        let loss = scalar().sigmoid_entries(&mut sigmoid);
        for kernels in others() {
            let mut found = z.clone();
            kernels.softmax_entries(&mut found, &examples, &max, &inverse_sum);
            assert_same("softmax_entries", kernels, &softmax, &found);
            let mut found = z.clone();
            let found_loss = kernels.sigmoid_entries(&mut found);
            assert_same("sigmoid_entries", kernels, &sigmoid, &found);
            assert_same("sigmoid_entries: loss", kernels, &[loss], &[found_loss]);
        }
    }
}

/// All exponents and signs with a few mantissas: every branch of every function.
#[test]
fn functions_at_all_scales() {
    let x: Vec<f32> =
        (0..1 << 16).flat_map(|high: u32| [0, 1, 0x7fff, 0xffff].map(|low| f32::from_bits(high << 16 | low))).collect();
    let functions: [(&str, InPlace, Scalar); 4] = [
        ("exp", Kernels::exp, numerics::exp),
        ("ln", Kernels::ln, numerics::ln),
        ("sigmoid", Kernels::sigmoid, numerics::sigmoid),
        ("softplus", Kernels::softplus, numerics::softplus),
    ];
    for (name, function, single) in functions {
        let expected: Vec<f32> = x.iter().map(|&x| single(x)).collect();
        for kernels in others() {
            let mut found = x.clone();
            function(kernels, &mut found);
            assert_same(name, kernels, &expected, &found);
        }
    }
    for kernels in others() {
        for &x in &x {
            assert_same("softplus", kernels, &[numerics::softplus(x) + 0.0], &[kernels.sigmoid_entries(&mut [x])]);
        }
    }
}

#[test]
fn relu_at_the_edges() {
    for kernels in others().into_iter().chain([scalar()]) {
        let mut x = [-1.0, -0.0, 0.0, 1e-45, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        kernels.relu(&mut x);
        assert_same("relu", kernels, &[0.0, 0.0, 0.0, 1e-45, f32::INFINITY, 0.0, f32::NAN], &x);
    }
}

#[test]
fn softmax_is_a_softmax() {
    let mut random = Random::new(5);
    let z: Vec<f32> = random.values(1000).iter().map(|z| z * 20.0).collect();
    for kernels in others().into_iter().chain([scalar()]) {
        let (max, sum) = kernels.max_sum(&z);
        let exact: f64 = z.iter().map(|&z| f64::from(z).exp()).sum();
        let found = f64::from(max) + f64::from(sum).ln();
        assert!((found - exact.ln()).abs() < 1e-6, "{found} {}", exact.ln());
        assert!((f64::from(kernels.log_sum_exp(&z)) - exact.ln()).abs() < 4e-6);
        let mut p = z.clone();
        kernels.softmax_entries(&mut p, &vec![0; z.len()], &[max], &[1.0 / sum]);
        let total: f64 = p.iter().map(|&p| f64::from(p)).sum();
        assert!((total - 1.0).abs() < 1e-6, "{total}");
    }
}

/// Losses against their definitions in `f64`, and gradients against differences of them.
#[test]
fn cross_entropies_are_cross_entropies() {
    let mut random = Random::new(6);
    let z: Vec<f32> = random.values(40).iter().map(|z| z * 5.0).collect();
    let (labels, targets) = ([3_u32, 17, 3], [0.5_f32, 0.75, 0.25]);
    let mut dense = vec![0.0_f32; 40];
    labels.iter().zip(targets).for_each(|(&label, target)| dense[label as usize] += target);
    let softmax_loss = |z: &[f64]| {
        let all: f64 = z.iter().map(|z| z.exp()).sum();
        z.iter().zip(&dense).map(|(z, &y)| f64::from(y) * (all.ln() - z)).sum::<f64>()
    };
    let binary_loss = |z: &[f64]| z.iter().zip(&dense).map(|(z, &y)| z.exp().ln_1p() - f64::from(y) * z).sum::<f64>();
    type Exact<'a> = &'a dyn Fn(&[f64]) -> f64;
    type Loss<'a> = &'a dyn Fn(&Kernels, &mut [f32]) -> f32;
    let losses: [(Loss<'_>, Exact<'_>); 3] = [
        (&|kernels, z| kernels.softmax_cross_entropy(z, &labels, &targets), &softmax_loss),
        (&|kernels, z| kernels.binary_cross_entropy(z, &dense), &binary_loss),
        (&|kernels, z| kernels.binary_cross_entropy_sparse(z, &labels, &targets), &binary_loss),
    ];
    let wide: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
    for kernels in others().into_iter().chain([scalar()]) {
        for (loss, exact) in losses {
            let mut gradient = z.clone();
            let found = f64::from(loss(kernels, &mut gradient));
            assert!((found - exact(&wide)).abs() < 1e-5 * found, "{found} is not {}", exact(&wide));
            for (i, &gradient) in gradient.iter().enumerate() {
                let moved = |by: f64| {
                    let mut moved = wide.clone();
                    moved[i] += by;
                    exact(&moved)
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((f64::from(gradient) - slope).abs() < 1e-5, "{gradient} is not {slope}");
            }
        }
    }
}

#[test]
fn empty_and_hopeless_sums() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for kernels in others().into_iter().chain([scalar()]) {
        assert_eq!(kernels.max_sum(&[]), (-inf, 0.0));
        assert_eq!(kernels.max_sum(&[-0.0]).0.to_bits(), 0);
        let (max, sum) = kernels.max_sum(&[-inf; 20]);
        assert!(max == -inf && sum.is_nan());
        let (max, sum) = kernels.max_sum(&[1.0, nan, 2.0]);
        assert!(max == 2.0 && sum.is_nan());
        assert_eq!(kernels.sigmoid_entries(&mut []), 0.0);

        let sums: [(&[f32], f32); 7] = [
            (&[], -inf),
            (&[-inf, -inf], -inf),
            (&[1.0, inf], inf),
            (&[inf, nan], nan),
            (&[-inf, nan], nan),
            (&[0.0, nan], nan),
            (&[3.0, -inf], 3.0),
        ];
        for (values, expected) in sums {
            assert_same("log_sum_exp", kernels, &[expected], &[kernels.log_sum_exp(values)]);
        }
        let softmaxes: [([f32; 2], [f32; 2]); 5] = [
            ([-inf, 1.0], [0.0, 1.0]),
            ([-inf, -inf], [nan, nan]),
            ([inf, 1.0], [nan, nan]),
            ([nan, 1.0], [nan, nan]),
            ([f32::MAX, f32::MIN], [1.0, 0.0]),
        ];
        for (z, expected) in softmaxes {
            let mut found = z;
            kernels.softmax(&mut found);
            assert_same("softmax", kernels, &expected, &found);
        }
        kernels.softmax(&mut []);
        let loss = |mut z: [f32; 2], label| kernels.softmax_cross_entropy(&mut z, &[label], &[1.0]);
        assert_eq!(loss([-inf, 0.0], 0), inf);
        assert_eq!(loss([-inf, 0.0], 1), 0.0);
        assert!(loss([inf, 0.0], 0).is_nan() && loss([nan, 0.0], 1).is_nan() && loss([-inf, -inf], 0).is_nan());
        assert_eq!(kernels.softmax_cross_entropy(&mut [], &[], &[]), 0.0);
        assert_eq!(kernels.softmax_cross_entropy(&mut [1.0, 2.0], &[], &[]), 0.0);
        let mut z = [inf, -inf, nan, 200.0, -200.0];
        assert!(kernels.binary_cross_entropy(&mut z, &[1.0, 0.0, 1.0, 1.0, 0.0]).is_nan());
        assert_same("gradients", kernels, &[0.0, 0.0, nan, 0.0, 0.0], &z);
        assert_eq!(kernels.binary_cross_entropy(&mut [200.0, -200.0], &[1.0, 0.0]), 0.0);
        assert_eq!(kernels.binary_cross_entropy(&mut [], &[]), 0.0);
        assert_eq!(kernels.binary_cross_entropy_sparse(&mut [], &[], &[]), 0.0);
    }
}

#[test]
#[should_panic(expected = "softmax_cross_entropy: label 3 of 3")]
fn labels_are_checked() {
    Kernels::best().softmax_cross_entropy(&mut [0.0; 3], &[0, 3], &[0.5; 2]);
}

#[test]
#[should_panic(expected = "softmax_entries: example 3 of 3")]
fn samples_are_checked() {
    Kernels::best().softmax_entries(&mut [0.0; 2], &[0, 3], &[0.0; 3], &[0.0; 3]);
}

#[test]
#[should_panic(expected = "expected a multiple of 16")]
fn columns_are_checked() {
    Kernels::best().softmax_columns(MatrixMut::new(&mut [0.0; 34], 17, 17).unwrap(), &[0.0; 17], &[0.0; 17]);
}
