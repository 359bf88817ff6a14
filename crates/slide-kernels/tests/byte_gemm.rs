//! Products of a batch of quantised vectors with scattered rows: on every instruction set of the machine the sums in 64 bits,
//! taken modulo 2^32.
//!
//! All memory is flush against guard pages.

mod support;

use proptest::prelude::*;
use slide_kernels::{Kernels, Matrix, MatrixI8, RowIds};
use support::{Guarded, Random, others, scalar};

fn all() -> Vec<&'static Kernels> {
    std::iter::once(scalar()).chain(others()).collect()
}

/// Rows and vectors with gaps.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    padding: usize,
    rows: usize,
    chosen: usize,
    vectors: usize,
    /// Whether every byte is an extreme one.
    extreme: bool,
    seed: u64,
}

fn bytes<T: Copy + Default>(random: &mut Random, shape: &Shape, count: usize, of: fn(u8) -> T) -> Guarded<T> {
    let mut bytes = Guarded::new(count, random.below(2) == 0);
    bytes.fill_with(|| match random.word() as u8 {
        byte if shape.extreme => of([0x80, 0x7F, 0xFF, 0x81][usize::from(byte % 4)]),
        byte => of(byte),
    });
    bytes
}

fn exact<A: Copy + Into<i64>>(a: &[A], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| a.into() * i64::from(b)).sum::<i64>() as i32
}

fn check(shape: Shape) {
    let mut random = Random::new(shape.seed);
    let Shape { width, padding, rows, chosen, vectors, .. } = shape;
    let (row_stride, stride) = ((width + padding).max(1), (width + padding % 7).max(1));
    let table = bytes(&mut random, &shape, rows * row_stride, |byte| byte as i8);
    let values = MatrixI8::new(&table, row_stride, width).unwrap();
    let signed = bytes(&mut random, &shape, vectors * stride, |byte| byte as i8);
    let signed = MatrixI8::new(&signed, stride, width).unwrap();
    let unsigned = bytes(&mut random, &shape, vectors * stride, |byte| byte);
    let unsigned = Matrix::new(&unsigned[..], stride, width).unwrap();
    let ids = random.ids(chosen, rows);
    let ids = RowIds::new(&ids, rows).unwrap();

    let each = || ids.ids().iter().flat_map(|&row| (0..vectors).map(move |s| (row as usize, s)));
    let expected: Vec<i32> = each().map(|(row, s)| exact(signed.row(s), values.row(row))).collect();
    let expected_u8: Vec<i32> = each().map(|(row, s)| exact(unsigned.row(s), values.row(row))).collect();
    for kernels in all() {
        let mut out = Guarded::new(chosen * vectors, random.below(2) == 0);
        kernels.gemm_i8(values, ids, signed, &mut out);
        assert!(*out == *expected, "gemm_i8 on {}, {shape:?}", kernels.isa());
        out.fill(7);
        kernels.gemm_u8_i8(values, ids, unsigned, &mut out);
        assert!(*out == *expected_u8, "gemm_u8_i8 on {}, {shape:?}", kernels.isa());
    }
}

#[test]
fn every_tail() {
    for width in 0..=67 {
        for (chosen, vectors) in [(1 + width % 25, 1 + width % 19), (13, 33), (2, 64)] {
            let extreme = width % 2 == 0;
            check(Shape { width, padding: width % 3, rows: 9, chosen, vectors, extreme, seed: width as u64 });
        }
    }
}

/// Sums that are cut between panels (after 256 to 2,048 elements), tables that are asked for ahead, and nothing at all.
#[test]
fn many_panels_large_tables_and_empty_ones() {
    for (width, rows, chosen, vectors) in
        [(2051, 20, 25, 16), (1030, 9, 7, 70), (4100, 3, 3, 1), (128, 9000, 70, 33), (7, 3, 0, 5), (7, 3, 5, 0)]
    {
        check(Shape { width, padding: 1, rows, chosen, vectors, extreme: true, seed: 3 });
    }
}

/// The longest sums that are exact whatever their elements, and the shortest that wrap.
#[test]
fn nothing_saturates() {
    let lowest = vec![-128_i8; 131_072];
    let greatest = vec![255_u8; 65_794];
    let ids = RowIds::new(&[0, 0, 0], 1).unwrap();
    for kernels in all() {
        for (width, expected) in [(131_071, 131_071 * 16_384), (131_072, i32::MIN)] {
            let row = MatrixI8::new(&lowest[..width], width, width).unwrap();
            let mut out = [1; 3];
            kernels.gemm_i8(row, ids, row, &mut out);
            assert_eq!(out, [expected; 3], "{width} on {}", kernels.isa());
        }
        for (width, expected) in [(65_793, -2_147_483_520), (65_794, (65_794_i64 * -32_640 + (1 << 32)) as i32)] {
            let row = MatrixI8::new(&lowest[..width], width, width).unwrap();
            let mut out = [1; 3];
            kernels.gemm_u8_i8(row, ids, Matrix::new(&greatest[..width], width, width).unwrap(), &mut out);
            assert_eq!(out, [expected; 3], "{width} on {}", kernels.isa());
        }
    }
}

#[test]
#[should_panic(expected = "gemm_i8: out needs an element for each row and vector")]
fn an_output_of_another_size_is_refused() {
    let values = MatrixI8::new(&[1; 12], 4, 4).unwrap();
    scalar().gemm_i8(values, RowIds::new(&[0, 2], 3).unwrap(), values, &mut [0; 5]);
}

#[test]
#[should_panic(expected = "gemm_u8_i8: vectors and table differ in width")]
fn vectors_of_another_width_are_refused() {
    let values = MatrixI8::new(&[1; 12], 4, 4).unwrap();
    let vectors = Matrix::new(&[1; 3], 3, 3).unwrap();
    scalar().gemm_u8_i8(values, RowIds::new(&[0, 2], 3).unwrap(), vectors, &mut [0; 2]);
}

fn shapes() -> impl Strategy<Value = Shape> {
    let width = prop_oneof![0..=67_usize, Just(128), 128..=300_usize, 500..=530_usize, 1020..=1030_usize];
    let vectors = prop_oneof![0..=20_usize, Just(32), Just(48), Just(64), Just(67), Just(130)];
    (width, 0..=17_usize, 1..=20_usize, 0..=30_usize, vectors, any::<bool>(), any::<u64>()).prop_map(
        |(width, padding, rows, chosen, vectors, extreme, seed)| Shape {
            width,
            padding,
            rows,
            chosen,
            vectors,
            extreme,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(support::cases(100))]

    #[test]
    fn random_shapes(shape in shapes()) {
        check(shape);
    }
}
