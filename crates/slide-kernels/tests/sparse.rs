//! Sparse families, bit for bit against the specification on every instruction set of the machine, and the specification
//! against plain arithmetic.

mod support;

use proptest::prelude::*;
use slide_kernels::{Kernels, MatrixMut, Quirks, RowIds, ShapeError, SparseVector, Values};
use support::{Guarded, Random, Weights, assert_same, others, scalar};

/// A generator whose values are special now and then, or never.
fn random(seed: u64) -> Random {
    let mut random = Random::new(seed);
    random.special = [0, 6, 40][seed as usize % 3];
    random
}

fn values(weights: &Weights) -> Values<'_> {
    match weights {
        Weights::F32(values) => Values::F32(values),
        Weights::Bf16(values) => Values::Bf16(values),
    }
}

fn axpy(kernels: &Kernels, length: usize, bf16: bool, seed: u64) {
    let mut random = random(seed);
    let (a, x, y) = (random.value(), random.weights(length, bf16), random.values(length));
    let (mut expected, mut found) = (y.clone(), y);
    scalar().axpy(a, values(&x), &mut expected);
    kernels.axpy(a, values(&x), &mut found);
    assert_same("axpy", kernels, &expected, &found);
}

fn embedding_backward(kernels: &Kernels, width: usize, padding: usize, chosen: usize, seed: u64) {
    const ROWS: usize = 12;
    let mut random = random(seed);
    let stride = (width + padding).max(1);
    let (gradient, out_gradient) = (random.values(ROWS * stride), random.values(width));
    let (ids, values) = (random.ids(chosen, ROWS), random.values(chosen));
    let rows = RowIds::new(&ids, ROWS).unwrap();
    let (mut expected, mut found) = (gradient.clone(), gradient);
    for (kernels, gradient) in [(scalar(), &mut expected), (kernels, &mut found)] {
        let gradient = MatrixMut::new(gradient, stride, width).unwrap();
        kernels.embedding_backward(&out_gradient, rows, &values, gradient);
    }
    assert_same("embedding_backward", kernels, &expected, &found);
}

/// With gathers and without.
fn variants(kernels: &Kernels) -> [&'static Kernels; 2] {
    [false, true].map(|slow| kernels.with_quirks(Quirks::default().with_slow_gather(slow)))
}

fn sparse_dot(kernels: &Kernels, count: usize, dimensions: usize, bf16: bool, seed: u64) {
    let mut random = random(seed);
    let dense = random.weights(dimensions, bf16);
    let (mut ids, listed) = (random.ids(count, dimensions), random.values(count));
    // The first and the last element: a word that holds more than the element must not reach beyond them.
    if count > 1 {
        (ids[0], ids[count - 1]) = (dimensions as u32 - 1, 0);
    }
    let a = SparseVector::new(RowIds::new(&ids, dimensions).unwrap(), &listed).unwrap();
    let expected = scalar().sparse_dot(a, values(&dense));
    for kernels in variants(kernels) {
        let what = format!("sparse_dot of {count} in {dimensions}, {:?}", kernels.quirks());
        assert_same(&what, kernels, &[expected], &[kernels.sparse_dot(a, values(&dense))]);
    }
}

/// About `count` different numbers, ascending, flush against a guard page.
fn ascending(random: &mut Random, count: usize, bound: usize) -> Guarded<u32> {
    let list = random.ascending(count, bound);
    let mut ids = Guarded::new(list.len(), random.below(2) == 0);
    ids.copy_from_slice(&list);
    ids
}

fn sparse_sparse_dot(kernels: &Kernels, counts: [usize; 2], dimensions: usize, seed: u64) {
    let mut random = random(seed);
    let ids = counts.map(|count| ascending(&mut random, count, dimensions));
    let listed = [random.values(ids[0].len()), random.values(ids[1].len())];
    // The second bound is one that blocks cannot be filled up under.
    for bound in [dimensions, 1 << 33] {
        let [a, b] = [0, 1].map(|i| SparseVector::new(RowIds::new(&ids[i], bound).unwrap(), &listed[i]).unwrap());
        let expected = [scalar().sparse_sparse_dot(a, b), scalar().sparse_sparse_dot(b, a)];
        let found = [kernels.sparse_sparse_dot(a, b), kernels.sparse_sparse_dot(b, a)];
        let what = format!("sparse_sparse_dot of {} and {} in {dimensions}", a.len(), b.len());
        assert_same(&what, kernels, &expected, &found);
    }
}

#[test]
fn sparse_vectors_of_every_length() {
    for kernels in others() {
        for count in 0..=4 * 16 + 3 {
            for (bf16, seed) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
                for dimensions in [1, 2, 3, 1000] {
                    sparse_dot(kernels, count, dimensions, bf16, seed);
                }
            }
            for other in 0..=2 * 16 + 3 {
                for dimensions in [40, 100, 1000] {
                    sparse_sparse_dot(kernels, [count, other], dimensions, (count + other) as u64);
                }
            }
        }
    }
}

/// Products so small that each lane rounds to -0, which meeting blocks without an equal number must not change.
#[test]
fn negative_zero_remains() {
    let ids: Vec<u32> = (0..48).collect();
    let rows = RowIds::new(&ids, 48).unwrap();
    let a = SparseVector::new(rows, &[-1e-30; 48]).unwrap();
    let b = SparseVector::new(rows, &[1e-30; 48]).unwrap();
    assert_eq!(scalar().sparse_sparse_dot(a, b).to_bits(), (-0.0_f32).to_bits());
    for kernels in others() {
        assert_same("tiny products", kernels, &[-0.0], &[kernels.sparse_sparse_dot(a, b)]);
    }
}

#[test]
fn every_tail() {
    for kernels in others() {
        for length in 0..=4 * 64 + 3 {
            axpy(kernels, length, length % 2 == 0, length as u64);
            axpy(kernels, length, length % 2 == 1, length as u64);
            embedding_backward(kernels, length, length % 3, 5, length as u64);
        }
    }
}

proptest! {
    #![proptest_config(support::cases(200))]

    #[test]
    fn random_shapes(length in 0_usize..200, padding in 0_usize..18, chosen in 0_usize..40, bf16: bool, seed: u64) {
        for kernels in others() {
            axpy(kernels, length, bf16, seed);
            embedding_backward(kernels, length, padding, chosen, seed);
        }
    }

    #[test]
    fn random_sparse_vectors(
        count in 0_usize..200,
        other in prop_oneof![0_usize..200, 200_usize..4000],
        dimensions in prop_oneof![1_usize..10, 10_usize..1000, 1000_usize..100_000],
        bf16: bool,
        seed: u64,
    ) {
        for kernels in others() {
            sparse_dot(kernels, count, dimensions, bf16, seed);
            sparse_sparse_dot(kernels, [count, other], dimensions, seed);
        }
    }
}

/// Numbers of which every sum is exact.
#[test]
fn the_specification_is_plain_arithmetic() {
    let mut y = [1.0, 2.0, 3.0];
    scalar().axpy(2.0, Values::F32(&[10.0, 20.0, 30.0]), &mut y);
    assert_eq!(y, [21.0, 42.0, 63.0]);

    let mut gradient = [0.0; 8];
    let rows = RowIds::new(&[3, 0, 3], 4).unwrap();
    let matrix = MatrixMut::new(&mut gradient, 2, 2).unwrap();
    scalar().embedding_backward(&[1.0, -1.0], rows, &[2.0, 3.0, 4.0], matrix);
    assert_eq!(gradient, [3.0, -3.0, 0.0, 0.0, 0.0, 0.0, 6.0, -6.0]);

    let a = SparseVector::new(RowIds::new(&[1, 3, 4, 9], 10).unwrap(), &[1.0, 10.0, 100.0, 1000.0]).unwrap();
    let dense: Vec<f32> = (0..10).map(|i| i as f32).collect();
    assert_eq!(scalar().sparse_dot(a, Values::F32(&dense)), 1.0 + 30.0 + 400.0 + 9000.0);
    let b = SparseVector::new(RowIds::new(&[0, 3, 8, 9], 12).unwrap(), &[5.0, 2.0, 7.0, 3.0]).unwrap();
    assert_eq!(scalar().sparse_sparse_dot(a, b), 20.0 + 3000.0);
}

#[test]
fn a_sparse_vector_has_a_value_for_each_number() {
    let error = SparseVector::new(RowIds::new(&[1, 2], 3).unwrap(), &[1.0]).unwrap_err();
    assert_eq!(error, ShapeError::Values { ids: 2, values: 1 });
}

#[test]
#[should_panic(expected = "sparse_dot: ids were checked against a longer vector")]
fn sparse_dot_refuses_numbers_of_a_longer_vector() {
    let a = SparseVector::new(RowIds::new(&[1], 2).unwrap(), &[1.0]).unwrap();
    Kernels::best().sparse_dot(a, Values::F32(&[1.0]));
}

#[test]
#[should_panic(expected = "sparse_sparse_dot: the indices of a sparse vector must ascend strictly")]
fn sparse_sparse_dot_refuses_numbers_that_do_not_ascend() {
    let a = SparseVector::new(RowIds::new(&[1, 1], 2).unwrap(), &[1.0, 1.0]).unwrap();
    Kernels::best().sparse_sparse_dot(a, a);
}

#[test]
#[should_panic(expected = "axpy: x and y differ in length")]
fn axpy_refuses_other_lengths() {
    Kernels::best().axpy(1.0, Values::F32(&[1.0]), &mut []);
}

#[test]
#[should_panic(expected = "embedding_backward: rows were checked against a longer table")]
fn embedding_backward_refuses_rows_of_a_longer_table() {
    let rows = RowIds::new(&[1], 2).unwrap();
    Kernels::best().embedding_backward(&[1.0], rows, &[1.0], MatrixMut::new(&mut [0.0], 1, 1).unwrap());
}
