//! Rows of short codes in blocks of sixteen, against the specification and against a formula written row by row.

mod support;

use proptest::prelude::*;
use slide_kernels::{NibbleBlocks, ShapeError};
use support::{Guarded, Random, assert_same, others, scalar};

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

/// Bytes that are all extreme in one case of three.
fn bytes(random: &mut Random, count: usize) -> Guarded<u8> {
    let (mut bytes, extreme) = (Guarded::new(count, random.below(2) == 0), random.below(3));
    let same = [0x00, 0xFF, 0x0F, 0xF0, 0x7F, 0x80, 0x81][random.below(7)];
    bytes.fill_with(|| match extreme {
        0 => same,
        1 => [0x00, 0xFF, 0x7F, 0x80][random.below(4)],
        _ => random.word() as u8,
    });
    bytes
}

fn query(random: &mut Random, width: usize) -> Guarded<i8> {
    let mut query = Guarded::new(width, random.below(2) == 0);
    for (to, &byte) in query.iter_mut().zip(&*bytes(random, width)) {
        *to = byte as i8;
    }
    query
}

/// Every level against the specification.
fn check_nibbles(blocks: usize, width: usize, seed: u64) {
    let mut random = Random::new(seed);
    random.special = [0, 0, 9][random.below(3)];
    let rows = 16 * blocks;
    let (codes, query) = (bytes(&mut random, rows * width / 2), query(&mut random, width));
    let (scales, offsets) = (random.values(rows), random.values(rows));
    let (scale, base) = (random.value(), random.value());
    let view = NibbleBlocks::new(&codes, &scales, &offsets, width).unwrap();
    let mut expected = vec![0.0; rows];
    scalar().score_nibble_blocks(view, &query, scale, base, &mut expected);
    for kernels in others() {
        let mut found = Guarded::new(rows, seed.is_multiple_of(2));
        kernels.score_nibble_blocks(view, &query, scale, base, &mut found);
        assert_same(&format!("score_nibble_blocks, {blocks} blocks of {width}"), kernels, &expected, &found);
    }
}

#[test]
fn every_width_and_count_of_blocks() {
    for width in (8..=264).step_by(8) {
        for blocks in 0..=9 {
            check_nibbles(blocks, width, (16 * width + blocks) as u64);
        }
    }
}

/// Sums of each sign that are the greatest of their width, and long enough to be cut where partial sums would wrap.
#[test]
fn nothing_saturates() {
    for (width, code, x) in [(256, 0xFF_u8, -128_i8), (256, 0, -128), (1 << 18, 0xFF, -128), (1 << 21, 0, -128)] {
        let (codes, query, numbers) = (vec![code; 8 * width], vec![x; width], [0.0; 16]);
        let view = NibbleBlocks::new(&codes, &[1.0; 16], &numbers, width).unwrap();
        let exact = (i64::from(code & 15) - 8) * i64::from(x) * width as i64;
        for kernels in others().into_iter().chain([scalar()]) {
            let mut out = [0.0; 16];
            kernels.score_nibble_blocks(view, &query, 1.0, 0.0, &mut out);
            // The last is 2^31, and so the least number modulo 2^32.
            assert_eq!(out, [exact as i32 as f32; 16], "{width} columns on {}", kernels.isa());
        }
    }
}

proptest! {
    #![proptest_config(support::cases(300))]

    #[test]
    fn random_nibbles(blocks in 0_usize..=9, lines in prop_oneof![1..=70_usize, 120..=135_usize], seed: u64) {
        check_nibbles(blocks, 8 * lines, seed);
    }
}

/// The bytes need no alignment, and no row depends on another.
#[test]
fn misaligned_codes_and_odd_numbers_in_other_rows() {
    let mut random = Random::new(5);
    let (width, rows) = (40, 80);
    let bytes: Vec<u8> = (0..rows * width / 2 + 64).map(|_| random.word() as u8).collect();
    let query: Vec<i8> = (0..width + 1).map(|_| random.word() as i8).collect();
    let (mut scales, mut offsets) = (random.values(rows), random.values(rows));
    for start in 0..64 {
        let codes = &bytes[start..][..rows * width / 2];
        let query = &query[start % 2..][..width];
        let mut expected = vec![0.0; rows];
        let scores = |scales: &[f32], offsets: &[f32], out: &mut [f32], kernels: &slide_kernels::Kernels| {
            let view = NibbleBlocks::new(codes, scales, offsets, width).unwrap();
            kernels.score_nibble_blocks(view, query, 0.5, 0.25, out);
        };
        scores(&scales, &offsets, &mut expected, scalar());
        let (a, b) = (start % rows, (start + 40) % rows);
        let (scale, offset) = (scales[a], offsets[b]);
        (scales[a], offsets[b]) = (f32::NAN, f32::INFINITY);
        for kernels in others() {
            let mut found = vec![0.0; rows];
            scores(&scales, &offsets, &mut found, kernels);
            assert!(found[a].is_nan() && found[b].is_infinite());
            (found[a], found[b]) = (expected[a], expected[b]);
            assert_same("score_nibble_blocks", kernels, &expected, &found);
        }
        (scales[a], offsets[b]) = (scale, offset);
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
