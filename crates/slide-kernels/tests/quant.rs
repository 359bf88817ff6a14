//! Quantisation and products of bytes: bit for bit against the specification on every instruction set of the machine, and
//! the specification against sums in 64 bits and the stated errors.
//!
//! All memory is flush against guard pages; buffers are compared whole, so a write between the rows fails.

mod support;

use proptest::prelude::*;
use slide_kernels::quant::dot_error_bound;
use slide_kernels::{Affine, Kernels, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut, RowIds};
use support::{Guarded, Random, assert_same, others, same, scalar};

fn bytes_u8(random: &mut Random, count: usize) -> Guarded<u8> {
    let mut bytes = Guarded::new(count, random.below(2) == 0);
    bytes.fill_with(|| random.word() as u8);
    bytes
}

fn bytes_i8(random: &mut Random, count: usize) -> Guarded<i8> {
    let mut bytes = Guarded::new(count, random.below(2) == 0);
    bytes.fill_with(|| random.word() as i8);
    bytes
}

fn exact<A: Copy + Into<i64>>(a: &[A], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| a.into() * i64::from(b)).sum::<i64>() as i32
}

fn all() -> Vec<&'static Kernels> {
    std::iter::once(scalar()).chain(others()).collect()
}

#[test]
fn dots_of_every_length_at_every_misalignment() {
    let longest = 300;
    for kernels in all() {
        let mut random = Random::new(1);
        let (a, u, b) = (bytes_i8(&mut random, 400), bytes_u8(&mut random, 400), bytes_i8(&mut random, 400));
        for length in (0..=longest).chain([511, 512, 513, 575, 1023, 1024, 1025, 4096 + 65]) {
            // Flush against the guard page, before or behind.
            let (short, unsigned, other) =
                (bytes_i8(&mut random, length), bytes_u8(&mut random, length), bytes_i8(&mut random, length));
            let isa = kernels.isa();
            assert_eq!(kernels.dot_i8(&short, &other), exact(&short, &other), "dot_i8 of {length} on {isa}");
            assert_eq!(
                kernels.dot_u8_i8(&unsigned, &other),
                exact(&unsigned, &other),
                "dot_u8_i8 of {length} on {isa}"
            );
            if length <= longest {
                let (from, to) = (random.below(100), random.below(100));
                let (a, u, b) = (&a[from..][..length], &u[from..][..length], &b[to..][..length]);
                assert_eq!(kernels.dot_i8(a, b), exact(a, b), "dot_i8 of {length} on {isa}");
                assert_eq!(kernels.dot_u8_i8(u, b), exact(u, b), "dot_u8_i8 of {length} on {isa}");
            }
        }
    }
}

#[test]
fn extremes_do_not_saturate() {
    let signed = [-128, -127, -1, 0, 1, 127_i8];
    let unsigned = [0, 1, 127, 128, 254, 255_u8];
    for kernels in all() {
        for length in [1, 2, 3, 15, 16, 17, 31, 33, 64, 100, 128, 200, 1024, 65_793, 131_071] {
            for b in signed {
                let row = vec![b; length];
                for a in signed {
                    let expected = (length as i64 * i64::from(a) * i64::from(b)) as i32;
                    assert_eq!(kernels.dot_i8(&vec![a; length], &row), expected, "{a} {b} {length} {}", kernels.isa());
                }
                for a in unsigned {
                    let expected = (length as i64 * i64::from(a) * i64::from(b)) as i32;
                    assert_eq!(
                        kernels.dot_u8_i8(&vec![a; length], &row),
                        expected,
                        "{a} {b} {length} {}",
                        kernels.isa()
                    );
                }
            }
        }
        // One and two extremes among zeros, at every position.
        for length in [70, 130] {
            let (mut a, mut u, mut b) = (vec![0; length], vec![0; length], vec![0; length]);
            for i in 0..length {
                for count in [1, 2] {
                    let end = (i + count).min(length);
                    let expected = (end - i) as i32;
                    a[i..end].fill(-128);
                    u[i..end].fill(255);
                    b[i..end].fill(-128);
                    assert_eq!(kernels.dot_i8(&a, &b), expected * 16_384, "{i} {}", kernels.isa());
                    assert_eq!(kernels.dot_u8_i8(&u, &b), expected * -32_640, "{i} {}", kernels.isa());
                    b[i..end].fill(127);
                    assert_eq!(kernels.dot_i8(&a, &b), expected * -16_256, "{i} {}", kernels.isa());
                    assert_eq!(kernels.dot_u8_i8(&u, &b), expected * 32_385, "{i} {}", kernels.isa());
                    a[i..end].fill(0);
                    u[i..end].fill(0);
                    b[i..end].fill(0);
                }
            }
        }
    }
}

#[test]
fn the_stated_lengths_are_those_from_which_sums_wrap() {
    let lowest = vec![-128_i8; 131_072];
    let greatest = vec![255_u8; 65_794];
    for kernels in all() {
        assert_eq!(kernels.dot_i8(&lowest[1..], &lowest[1..]), 131_071 * 16_384);
        assert_eq!(kernels.dot_i8(&lowest, &lowest), i32::MIN, "2^31 wraps");
        assert_eq!(kernels.dot_u8_i8(&greatest[1..], &lowest[..65_793]), -2_147_483_520);
        assert_eq!(i64::from(kernels.dot_u8_i8(&greatest, &lowest[..65_794])), 65_794 * -32_640 + (1_i64 << 32));
    }
}

/// A table and what is needed to choose rows of it.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    padding: usize,
    rows: usize,
    chosen: usize,
    seed: u64,
}

impl Shape {
    fn stride(&self) -> usize {
        (self.width + self.padding).max(1)
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let width = prop_oneof![0..=67_usize, Just(128), 128..=300_usize];
    (width, 0..=70_usize, 1..=40_usize, 0..=40_usize, any::<u64>())
        .prop_map(|(width, padding, rows, chosen, seed)| Shape { width, padding, rows, chosen, seed })
}

fn quantize_rows_i8(kernels: &Kernels, shape: &Shape, bf16: bool, special: bool) {
    let mut random = Random::new(shape.seed);
    random.special = if special { 300 } else { 0 };
    let (stride, width, rows) = (shape.stride(), shape.width, shape.rows);
    let weights = random.weights(rows * stride, bf16);
    let padded = stride + shape.padding % 3;
    let (mut expected, mut expected_scales) = (bytes_i8(&mut random, rows * padded), random.values(rows));
    let mut expected_sums = vec![7; rows];
    let (mut found, mut scales, mut sums) = (expected.clone(), expected_scales.clone(), expected_sums.clone());
    let out = QuantizedTableMut::new(&mut expected, &mut expected_scales, &mut expected_sums, padded, width).unwrap();
    scalar().quantize_rows_i8(weights.table(stride, width), out);
    let out = QuantizedTableMut::new(&mut found, &mut scales, &mut sums, padded, width).unwrap();
    kernels.quantize_rows_i8(weights.table(stride, width), out);
    assert_eq!(*expected, *found, "quantize_rows_i8 on {}", kernels.isa());
    assert_same("scales of quantize_rows_i8", kernels, &expected_scales, &scales);
    assert_eq!(expected_sums, sums, "sums of quantize_rows_i8 on {}", kernels.isa());

    let values = MatrixI8::new(&found, padded, width).unwrap();
    let mut sums = vec![9; rows];
    kernels.row_sums_i8(values, &mut sums);
    assert_eq!(expected_sums, sums, "row_sums_i8 on {}", kernels.isa());
    for row in 0..rows {
        let (mut expected, mut found) = (random.values(width), random.values(width));
        scalar().dequantize_i8(values.row(row), scales[row], &mut expected);
        kernels.dequantize_i8(values.row(row), scales[row], &mut found);
        assert_same("dequantize_i8", kernels, &expected, &found);
    }
}

fn quantize_rows_u8(kernels: &Kernels, shape: &Shape, special: bool) {
    let mut random = Random::new(shape.seed);
    random.special = if special { 300 } else { 0 };
    let (stride, width, rows) = (shape.stride(), shape.width, shape.rows);
    let mut vectors = random.values(rows * stride);
    if random.below(2) == 0 {
        vectors.iter_mut().for_each(|x| *x = x.max(0.0));
    }
    let vectors = Matrix::new(&vectors, stride, width).unwrap();
    let padded = stride + shape.padding % 3;
    let mut expected = bytes_u8(&mut random, rows * padded);
    let mut found = expected.clone();
    let (mut expected_affine, mut affine) = (vec![Affine::default(); rows], vec![Affine::default(); rows]);
    let out = QuantizedBatchMut::new(&mut expected, &mut expected_affine, padded, width).unwrap();
    scalar().quantize_rows_u8(vectors, out);
    let out = QuantizedBatchMut::new(&mut found, &mut affine, padded, width).unwrap();
    kernels.quantize_rows_u8(vectors, out);
    assert_eq!(*expected, *found, "quantize_rows_u8 on {}", kernels.isa());
    for (expected, found) in expected_affine.iter().zip(&affine) {
        assert!(same(expected.scale, found.scale) && expected.zero_point == found.zero_point, "{expected:?} {found:?}");
    }
    for (row, &affine) in affine.iter().enumerate() {
        let bytes = &found[row * padded..][..width];
        let (mut expected, mut found) = (random.values(width), random.values(width));
        scalar().dequantize_u8(bytes, affine, &mut expected);
        kernels.dequantize_u8(bytes, affine, &mut found);
        assert_same("dequantize_u8", kernels, &expected, &found);
    }
}

fn rows_dot(kernels: &Kernels, shape: &Shape) {
    let mut random = Random::new(shape.seed);
    let (stride, width, rows) = (shape.stride(), shape.width, shape.rows);
    let values = bytes_i8(&mut random, rows * stride);
    let values = MatrixI8::new(&values, stride, width).unwrap();
    let (scales, mut sums) = (random.values(rows), vec![0; rows]);
    scalar().row_sums_i8(values, &mut sums);
    let table = QuantizedTable::new(values, &scales, &sums).unwrap();
    let (signed, unsigned) = (bytes_i8(&mut random, width), bytes_u8(&mut random, width));
    let ids = random.ids(shape.chosen, rows);
    let ids = RowIds::new(&ids, rows).unwrap();
    let isa = kernels.isa();

    let mut found = Guarded::<i32>::new(shape.chosen, random.below(2) == 0);
    kernels.rows_dot_i8(values, ids, &signed, &mut found);
    let expected: Vec<i32> = ids.ids().iter().map(|&id| exact(&signed, values.row(id as usize))).collect();
    assert_eq!(*found, *expected, "rows_dot_i8 on {isa}");
    kernels.rows_dot_u8_i8(values, ids, &unsigned, &mut found);
    let expected: Vec<i32> = ids.ids().iter().map(|&id| exact(&unsigned, values.row(id as usize))).collect();
    assert_eq!(*found, *expected, "rows_dot_u8_i8 on {isa}");

    let (mut expected, mut found) = (random.values(shape.chosen), random.values(shape.chosen));
    scalar().rows_dot_i8_scaled(table, ids, &signed, 0.37, &mut expected);
    kernels.rows_dot_i8_scaled(table, ids, &signed, 0.37, &mut found);
    assert_same("rows_dot_i8_scaled", kernels, &expected, &found);
    let affine = Affine { scale: 0.37, zero_point: random.word() as u8 };
    scalar().rows_dot_u8_i8_scaled(table, ids, &unsigned, affine, &mut expected);
    kernels.rows_dot_u8_i8_scaled(table, ids, &unsigned, affine, &mut found);
    assert_same("rows_dot_u8_i8_scaled", kernels, &expected, &found);
}

proptest! {
    #![proptest_config(support::cases(300))]

    #[test]
    fn every_back_end_quantises_alike(shape in shapes(), bf16: bool, special: bool) {
        for kernels in others() {
            quantize_rows_i8(kernels, &shape, bf16, special);
            quantize_rows_u8(kernels, &shape, special);
        }
    }

    #[test]
    fn every_back_end_has_the_products_of_rows(shape in shapes()) {
        for kernels in all() {
            rows_dot(kernels, &shape);
        }
    }

    #[test]
    fn errors_are_within_the_bounds(width in 1..300_usize, seed: u64, exponent in -20..20_i32) {
        let mut random = Random::new(seed);
        let size = 2.0_f32.powi(exponent);
        let (mut w, mut x) = (random.values(width), random.values(width));
        w.iter_mut().for_each(|w| *w *= size);
        let relu = random.below(2) == 0;
        x.iter_mut().for_each(|x| *x = if relu { x.max(0.0) } else { *x + 0.5 });
        for kernels in all() {
            errors(kernels, &w, &x);
        }
    }
}

/// That the errors of the bytes, and of dot products of them, are within what the documentation states.
fn errors(kernels: &Kernels, w: &[f32], x: &[f32]) {
    let (width, e) = (w.len(), 0.5 + 2.0_f64.powi(-15));
    let (mut values, mut scale, mut sum) = (vec![0; width], [0.0], [0]);
    let row = Matrix::new(w, width, width).unwrap().into();
    kernels.quantize_rows_i8(row, QuantizedTableMut::new(&mut values, &mut scale, &mut sum, width, width).unwrap());
    let s = f64::from(scale[0]);
    for (&w, &q) in w.iter().zip(&values) {
        assert!((s * f64::from(q) - f64::from(w)).abs() <= e * s, "{w} became {q} of {s}");
    }
    let exact: f64 = w.iter().zip(x).map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
    let sum_x: f64 = x.iter().map(|&x| f64::from(x).abs()).sum();
    let max_x = x.iter().map(|&x| f64::from(x).abs()).fold(0.0, f64::max);
    let sum_w: f64 = values.iter().map(|&q| s * f64::from(q).abs()).sum();
    let table = QuantizedTable::new(MatrixI8::new(&values, width, width).unwrap(), &scale, &sum).unwrap();
    let rows = RowIds::new(&[0], 1).unwrap();
    let mut out = [0.0];

    let mut signed = vec![0; width];
    let t = kernels.quantize_i8(x, &mut signed);
    kernels.rows_dot_i8_scaled(table, rows, &signed, t, &mut out);
    let bound = dot_error_bound(s, f64::from(t), sum_x, max_x, sum_w);
    assert!((f64::from(out[0]) - exact).abs() <= bound, "{} for {exact}, bound {bound}", out[0]);

    let mut unsigned = vec![0; width];
    let affine = kernels.quantize_u8(x, &mut unsigned);
    let t = f64::from(affine.scale);
    for (&x, &q) in x.iter().zip(&unsigned) {
        let found = t * (f64::from(q) - f64::from(affine.zero_point));
        assert!((found - f64::from(x)).abs() <= e * t, "{x} became {q} of {affine:?}");
    }
    kernels.rows_dot_u8_i8_scaled(table, rows, &unsigned, affine, &mut out);
    let bound = dot_error_bound(s, t, sum_x, max_x, sum_w);
    assert!((f64::from(out[0]) - exact).abs() <= bound, "{} for {exact}, bound {bound}", out[0]);
}

#[test]
fn rows_without_a_scale() {
    for kernels in all() {
        let mut signed = [1; 3];
        let mut unsigned = [1; 3];
        // Zeros, and numbers too small: zeros of scale zero.
        for values in [[0.0, -0.0, 0.0], [1e-45, -1e-40, 1e-37]] {
            assert_eq!((kernels.quantize_i8(&values, &mut signed), signed), (0.0, [0; 3]));
            assert_eq!((kernels.quantize_u8(&values, &mut unsigned), unsigned), (Affine::default(), [0; 3]));
        }
        // Nothing.
        assert_eq!(kernels.quantize_i8(&[], &mut []), 0.0);
        assert_eq!(kernels.quantize_u8(&[], &mut []), Affine::default());
        // What is not finite poisons its row, at every position.
        for poison in [f32::NAN, -f32::NAN, f32::from_bits(0x7F80_0001), f32::INFINITY, f32::NEG_INFINITY] {
            for i in 0..70 {
                let mut values = [1.0; 70];
                values[i] = poison;
                let (mut signed, mut unsigned) = ([1; 70], [1; 70]);
                assert!(kernels.quantize_i8(&values, &mut signed).is_nan(), "{poison} at {i} on {}", kernels.isa());
                let affine = kernels.quantize_u8(&values, &mut unsigned);
                assert!(affine.scale.is_nan() && affine.zero_point == 0, "{poison} at {i} on {}", kernels.isa());
                assert!(signed.iter().all(|&q| q == 0) && unsigned.iter().all(|&q| q == 0));
                let mut found = [0.0; 70];
                kernels.dequantize_u8(&unsigned, affine, &mut found);
                assert!(found.iter().all(|x| x.is_nan()));
            }
        }
    }
}

#[test]
fn extremes_of_range_and_ties() {
    for kernels in all() {
        let mut signed = [0; 5];
        let scale = kernels.quantize_i8(&[127.0, 0.5, 1.5, -2.5, -127.0], &mut signed);
        assert_eq!((scale, signed), (1.0, [127, 0, 2, -2, -127]), "halves to even");
        let mut unsigned = [0; 4];
        let affine = kernels.quantize_u8(&[255.0, 0.5, 1.5, 0.0], &mut unsigned);
        assert_eq!((affine, unsigned), (Affine { scale: 1.0, zero_point: 0 }, [255, 0, 2, 0]));
        let affine = kernels.quantize_u8(&[-155.0, 100.0, 0.0, 1.0], &mut unsigned);
        assert_eq!((affine, unsigned), (Affine { scale: 1.0, zero_point: 155 }, [0, 255, 155, 156]));
        let affine = kernels.quantize_u8(&[f32::MIN, f32::MAX, 0.0, 1.0], &mut unsigned);
        assert_eq!((affine.zero_point, unsigned), (128, [0, 255, 128, 128]), "the range may exceed f32::MAX");
        let affine = kernels.quantize_u8(&[-4.0, -3.0, -1.0, -2.0], &mut unsigned);
        assert_eq!((affine.zero_point, unsigned[0]), (255, 0), "zero belongs to the range");
    }
}
