//! Rows of short codes in blocks of sixteen, against the specification and against a formula written row by row.

mod support;

use slide_kernels::{NibbleBlocks, ShapeError};
use support::{Guarded, Random, scalar};

/// Codes of rows one after the other, put in blocks.
fn nibble_blocks(codes: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = vec![0; codes.len() / 2];
    for (i, &code) in codes.iter().enumerate() {
        let (byte, shift) = NibbleBlocks::place(i / width, i % width, width);
        bytes[byte] |= code << shift;
    }
    bytes
}

#[test]
fn the_specification_is_the_formula() {
    let mut random = Random::new(1);
    for width in (8..=136).step_by(8) {
        for rows in [0, 16, 48] {
            let codes: Vec<u8> = (0..rows * width).map(|_| random.word() as u8 & 15).collect();
            let mut query = Guarded::<i8>::new(width, width % 16 == 0);
            query.fill_with(|| random.word() as i8);
            let (scales, offsets) = (random.values(rows), random.values(rows));
            let bytes = nibble_blocks(&codes, width);
            let blocks = NibbleBlocks::new(&bytes, &scales, &offsets, width).unwrap();
            assert_eq!((blocks.rows(), blocks.width()), (rows, width));
            let (scale, base) = (random.value(), random.value());
            let mut out = vec![0.0; rows];
            scalar().score_nibble_blocks(blocks, &query, scale, base, &mut out);
            for (i, (codes, &found)) in codes.chunks(width).zip(&out).enumerate() {
                assert!(codes.iter().enumerate().all(|(k, &code)| blocks.code(i, k) == code));
                let sum: f64 =
                    codes.iter().zip(&*query).map(|(&c, &x)| f64::from(i32::from(c) - 8) * f64::from(x)).sum();
                let (factor, offset) = (scales[i] * scale, offsets[i] + base);
                let exact = sum * f64::from(factor) + f64::from(offset);
                let error = (f64::from(found) - exact).abs();
                assert!(error <= exact.abs() / f64::from(1 << 24), "{width}: {found} for {exact}");
            }
        }
    }
}

#[test]
fn shapes_are_checked() {
    let (bytes, numbers) = ([0; 64], [0.0; 32]);
    assert!(NibbleBlocks::new(&bytes, &numbers[..16], &numbers[..16], 8).is_ok());
    assert!(NibbleBlocks::new(&[], &[], &[], 24).is_ok());
    for (rows, offsets, width) in [(16, 32, 8), (15, 15, 8), (16, 16, 0), (16, 16, 4), (16, 16, 16), (32, 32, 8)] {
        let found = NibbleBlocks::new(&bytes, &numbers[..rows], &numbers[..offsets], width);
        assert!(found.is_err(), "{rows}, {offsets}, {width}");
    }
    let huge = NibbleBlocks::new(&bytes, &numbers, &numbers, usize::MAX / 8 * 8);
    assert!(matches!(huge, Err(ShapeError::Codes { .. })));
}

#[test]
#[should_panic(expected = "score_nibble_blocks: query and rows differ in width")]
fn queries_of_another_width_are_refused() {
    let blocks = NibbleBlocks::new(&[0; 64], &[0.0; 16], &[0.0; 16], 8).unwrap();
    scalar().score_nibble_blocks(blocks, &[0; 16], 1.0, 0.0, &mut [0.0; 16]);
}

#[test]
#[should_panic(expected = "score_nibble_blocks: out needs an element for each row")]
fn outputs_of_another_length_are_refused() {
    let blocks = NibbleBlocks::new(&[0; 64], &[0.0; 16], &[0.0; 16], 8).unwrap();
    scalar().score_nibble_blocks(blocks, &[0; 8], 1.0, 0.0, &mut [0.0; 15]);
}
