//! The linear families, bit for bit against the specification, on every instruction set of the machine.
//!
//! All memory is flush against guard pages, so a read or write out of bounds kills the test; buffers are compared whole,
//! so a write between the rows fails it.

mod support;

use proptest::prelude::*;
use slide_kernels::{CscPattern, Kernels, Matrix, MatrixMut, RowIds};
use support::{Random, Weights, assert_same, others, scalar};

/// A table and what is needed to choose rows of it.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    padding: usize,
    rows: usize,
    chosen: usize,
    examples: usize,
    bf16: bool,
    special: bool,
    seed: u64,
}

impl Shape {
    fn stride(&self) -> usize {
        (self.width + self.padding).max(1)
    }

    fn random(&self) -> Random {
        let mut random = Random::new(self.seed);
        random.special = if self.special { 20 } else { 0 };
        random
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let width = prop_oneof![0..=67_usize, Just(128), Just(144), 128..=300_usize];
    let examples = prop_oneof![0..=20_usize, Just(32), Just(48), Just(64), Just(67), Just(130)];
    (width, 0..=17_usize, 1..=40_usize, 0..=40_usize, examples, any::<bool>(), any::<bool>(), any::<u64>()).prop_map(
        |(width, padding, rows, chosen, examples, bf16, special, seed)| Shape {
            width,
            padding,
            rows,
            chosen,
            examples,
            bf16,
            special,
            seed,
        },
    )
}

fn dot(kernels: &Kernels, length: usize, random: &mut Random) {
    let (a, b) = (random.values(length), random.values(length));
    assert_same("dot", kernels, &[scalar().dot(&a, &b)], &[kernels.dot(&a, &b)]);
}

fn rows_dot(kernels: &Kernels, shape: &Shape) {
    let mut random = shape.random();
    let weights = random.weights(shape.rows * shape.stride(), shape.bf16);
    let (vector, ids) = (random.values(shape.width), random.ids(shape.chosen, shape.rows));
    let rows = RowIds::new(&ids, shape.rows).unwrap();
    let (mut expected, mut found) = (random.values(shape.chosen), random.values(shape.chosen));
    let table = weights.table(shape.stride(), shape.width);
    scalar().rows_dot(table, rows, &vector, &mut expected);
    kernels.rows_dot(table, rows, &vector, &mut found);
    assert_same("rows_dot", kernels, &expected, &found);
    if let Weights::F32(values) = &weights {
        let vectors = Matrix::new(values, shape.stride(), shape.width).unwrap();
        found.fill(0.0);
        kernels.vectors_dot(&vector, vectors, rows, &mut found);
        assert_same("vectors_dot", kernels, &expected, &found);
    }
}

fn embedding(kernels: &Kernels, shape: &Shape) {
    let mut random = shape.random();
    let weights = random.weights(shape.rows * shape.stride(), shape.bf16);
    let (values, bias) = (random.values(shape.chosen), random.values(shape.width));
    let ids = random.ids(shape.chosen, shape.rows);
    let rows = RowIds::new(&ids, shape.rows).unwrap();
    let (mut expected, mut found) = (random.values(shape.width), random.values(shape.width));
    let table = weights.table(shape.stride(), shape.width);
    scalar().embedding_forward(table, rows, &values, &bias, &mut expected);
    kernels.embedding_forward(table, rows, &values, &bias, &mut found);
    assert_same("embedding_forward", kernels, &expected, &found);
}

fn gemm(kernels: &Kernels, shape: &Shape) {
    let mut random = shape.random();
    let (width, stride) = (shape.width, shape.stride());
    let example_stride = shape.examples + shape.padding % 5 + 1;
    let weights = random.weights(shape.rows * stride, shape.bf16);
    let table = weights.table(stride, width);
    let bias = random.values(shape.rows);
    let ids = random.ids(shape.chosen, shape.rows);
    let rows = RowIds::new(&ids, shape.rows).unwrap();

    let inputs = random.values(width * example_stride);
    let inputs = Matrix::new(&inputs, example_stride, shape.examples).unwrap();
    let mut expected = random.values(shape.chosen * example_stride);
    let mut found = expected.clone();
    let out = MatrixMut::new(&mut expected, example_stride, shape.examples).unwrap();
    scalar().gemm_forward(table, rows, &bias, inputs, out);
    let out = MatrixMut::new(&mut found, example_stride, shape.examples).unwrap();
    kernels.gemm_forward(table, rows, &bias, inputs, out);
    assert_same("gemm_forward", kernels, &expected, &found);

    let deltas = random.values(shape.chosen * example_stride);
    let deltas = Matrix::new(&deltas, example_stride, shape.examples).unwrap();
    let mut expected = random.values(shape.examples * stride);
    let mut found = expected.clone();
    scalar().gemm_backward(table, rows, deltas, MatrixMut::new(&mut expected, stride, width).unwrap());
    kernels.gemm_backward(table, rows, deltas, MatrixMut::new(&mut found, stride, width).unwrap());
    assert_same("gemm_backward", kernels, &expected, &found);

    let inputs = random.values(shape.examples * stride);
    let inputs = Matrix::new(&inputs, stride, width).unwrap();
    let mut expected = random.values(shape.chosen * stride);
    let mut found = expected.clone();
    scalar().gemm_gradient(deltas, inputs, MatrixMut::new(&mut expected, stride, width).unwrap());
    kernels.gemm_gradient(deltas, inputs, MatrixMut::new(&mut found, stride, width).unwrap());
    assert_same("gemm_gradient", kernels, &expected, &found);
}

fn transpose(kernels: &Kernels, shape: &Shape) {
    let mut random = shape.random();
    let to_stride = shape.rows + shape.padding % 3;
    let source = random.values(shape.rows * shape.stride());
    let source = Matrix::new(&source, shape.stride(), shape.width).unwrap();
    let mut expected = random.values(shape.width * to_stride);
    let mut found = expected.clone();
    scalar().transpose(source, MatrixMut::new(&mut expected, to_stride, shape.rows).unwrap());
    kernels.transpose(source, MatrixMut::new(&mut found, to_stride, shape.rows).unwrap());
    assert_same("transpose", kernels, &expected, &found);
}

const FAMILIES: &[fn(&Kernels, &Shape)] = &[rows_dot, embedding, gemm, transpose];

#[test]
fn dot_of_every_length() {
    for kernels in others() {
        let mut random = Random::new(1);
        for length in 0..=4 * 64 + 3 {
            random.special = 0;
            dot(kernels, length, &mut random);
            random.special = 30;
            dot(kernels, length, &mut random);
        }
    }
}

#[test]
fn every_family_at_every_tail() {
    for kernels in others() {
        for width in 0..=4 * 16 + 3 {
            for (bf16, special) in [(false, false), (false, true), (true, false), (true, true)] {
                let (rows, chosen, examples, seed) = (9, 7, 5 + width % 19, width as u64);
                let shape = Shape { width, padding: width % 3, rows, chosen, examples, bf16, special, seed };
                FAMILIES.iter().for_each(|family| family(kernels, &shape));
            }
        }
    }
}

/// Products that vanish leave -0.0 in a lane; adding the +0.0 of a missing element would make it +0.0.
#[test]
fn lanes_without_an_element_are_untouched() {
    for kernels in std::iter::once(scalar()).chain(others()) {
        for width in 1..=4 * 64 {
            let (tiny, minus_tiny) = (vec![1e-30_f32; width], vec![-1e-30_f32; width]);
            // A lane that never had an element is +0.0, and so is a sum that it is part of.
            let expected = |lanes: usize| if width < lanes { 0.0 } else { -0.0 };
            assert_same("dot", kernels, &[expected(64)], &[kernels.dot(&tiny, &minus_tiny)]);
            let table = Matrix::new(&tiny, width, width).unwrap();
            let rows = RowIds::new(&[0], 1).unwrap();
            let mut out = [1.0];
            kernels.rows_dot(table.into(), rows, &minus_tiny, &mut out);
            assert_same("rows_dot", kernels, &[expected(16)], &out);
            let pattern = CscPattern::new(&[0], &[0, 1], &[0], 1, 1).unwrap();
            let vectors = Matrix::new(&minus_tiny, width, width).unwrap();
            kernels.sddmm_forward(table.into(), &[-0.0], &pattern, vectors, &mut out);
            assert_same("sddmm_forward", kernels, &[expected(16)], &out);
        }
    }
}

proptest! {
    #![proptest_config(support::cases(200))]

    #[test]
    fn every_family_at_random_shapes(shape in shapes()) {
        for kernels in others() {
            FAMILIES.iter().for_each(|family| family(kernels, &shape));
        }
    }
}

/// Rows of a table that is too large for a cache are asked for ahead.
#[test]
fn products_of_large_tables() {
    for kernels in others() {
        for bf16 in [false, true] {
            let (width, padding, rows, chosen, examples) = (128, 0, 5000, 70, 33);
            let shape = Shape { width, padding, rows, chosen, examples, bf16, special: false, seed: 8 };
            gemm(kernels, &shape);
            rows_dot(kernels, &shape);
        }
    }
}

/// Rows of a multiple of 64 elements are taken in blocks of sixteen; those of 128 with a vector that stays in registers, where
/// there are so many.
#[test]
fn rows_in_blocks_and_beside_them() {
    for kernels in others() {
        for (width, chosen) in
            [(128, 15), (128, 17), (128, 31), (128, 32), (128, 50), (0, 16), (64, 35), (320, 16), (384, 33)]
        {
            for (bf16, special) in [(false, false), (false, true), (true, false), (true, true)] {
                let (rows, seed) = (40, chosen as u64);
                rows_dot(kernels, &Shape { width, padding: 3, rows, chosen, examples: 1, bf16, special, seed });
            }
        }
    }
}

/// Chains that are cut between panels (more than 128 elements) and tiles of every shape.
#[test]
fn products_of_many_panels() {
    for kernels in others() {
        for (width, chosen, examples) in [(300, 300, 64), (256, 129, 40), (64, 257, 200), (17, 140, 17)] {
            for bf16 in [false, true] {
                let (padding, rows, special, seed) = (3, 50, false, 7);
                gemm(kernels, &Shape { width, padding, rows, chosen, examples, bf16, special, seed });
            }
        }
    }
}
