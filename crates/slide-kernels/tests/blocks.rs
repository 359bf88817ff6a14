//! Rows of short codes in blocks of sixteen, against the specification and against a formula written row by row.

mod support;

use proptest::prelude::*;
use slide_kernels::{BitBlocks, CodeBlocks, Kernels, NibbleBlocks, ShapeError};
use support::{Guarded, Random, assert_same, others, scalar};

/// A kernel, and what its codes are: the same tests for both.
trait Score<const BITS: usize> {
    const NAME: &'static str;
    fn number(code: u8) -> i8;
    fn score(kernels: &Kernels, blocks: CodeBlocks<'_, BITS>, query: &[i8], scale: f32, base: f32, out: &mut [f32]);
}

struct Nibbles;

impl Score<4> for Nibbles {
    const NAME: &'static str = "score_nibble_blocks";
    fn number(code: u8) -> i8 {
        code as i8 - 8
    }
    fn score(kernels: &Kernels, blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32]) {
        kernels.score_nibble_blocks(blocks, query, scale, base, out);
    }
}

struct Bits;

impl Score<1> for Bits {
    const NAME: &'static str = "score_bit_blocks";
    fn number(code: u8) -> i8 {
        2 * code as i8 - 1
    }
    fn score(kernels: &Kernels, blocks: BitBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32]) {
        kernels.score_bit_blocks(blocks, query, scale, base, out);
    }
}

/// Codes of rows one after the other, put in blocks.
fn in_blocks<const BITS: usize>(codes: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = vec![0; codes.len() * BITS / 8];
    for (i, &code) in codes.iter().enumerate() {
        let (byte, bit) = CodeBlocks::<BITS>::place(i / width, i % width, width);
        assert_eq!(bytes[byte] >> bit & ((1 << BITS) - 1), 0, "each code has a place of its own");
        bytes[byte] |= code << bit;
    }
    bytes
}

/// All rows against a sum of products in `f64`.
fn check_formula<S: Score<BITS>, const BITS: usize>() {
    let mut random = Random::new(1);
    for lines in 1..=17 {
        let width = lines * CodeBlocks::<BITS>::COLUMNS;
        for rows in [0, 16, 48] {
            let codes: Vec<u8> = (0..rows * width).map(|_| random.word() as u8 & ((1 << BITS) - 1)).collect();
            let mut query = Guarded::<i8>::new(width, width.is_multiple_of(16));
            query.fill_with(|| random.word() as i8);
            let (scales, offsets) = (random.values(rows), random.values(rows));
            let bytes = in_blocks::<BITS>(&codes, width);
            let blocks = CodeBlocks::<BITS>::new(&bytes, &scales, &offsets, width).unwrap();
            assert_eq!((blocks.rows(), blocks.width()), (rows, width));
            let (scale, base) = (random.value(), random.value());
            let mut out = vec![0.0; rows];
            S::score(scalar(), blocks, &query, scale, base, &mut out);
            for (i, (codes, &found)) in codes.chunks(width).zip(&out).enumerate() {
                assert!(codes.iter().enumerate().all(|(k, &code)| blocks.code(i, k) == code));
                let sum: f64 = codes.iter().zip(&*query).map(|(&c, &x)| f64::from(S::number(c)) * f64::from(x)).sum();
                let (factor, offset) = (scales[i] * scale, offsets[i] + base);
                let exact = sum * f64::from(factor) + f64::from(offset);
                let error = (f64::from(found) - exact).abs();
                assert!(error <= exact.abs() / f64::from(1 << 24), "{} of {width}: {found} for {exact}", S::NAME);
            }
        }
    }
}

#[test]
fn the_specification_is_the_formula() {
    check_formula::<Nibbles, 4>();
    check_formula::<Bits, 1>();
}

#[test]
fn places_are_those_that_the_documentation_has() {
    // Row 18 is the third of the second block, which begins after the two lines of the first.
    assert_eq!(NibbleBlocks::place(18, 13, 16), (128 + 64 + 8 + 1, 4));
    assert_eq!(BitBlocks::place(18, 32 + 13, 64), (128 + 64 + 8 + 1, 3));
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
fn check<S: Score<BITS>, const BITS: usize>(blocks: usize, lines: usize, seed: u64) {
    let mut random = Random::new(seed);
    random.special = [0, 0, 9][random.below(3)];
    let (rows, width) = (16 * blocks, lines * CodeBlocks::<BITS>::COLUMNS);
    let (codes, query) = (bytes(&mut random, 64 * blocks * lines), query(&mut random, width));
    let (scales, offsets) = (random.values(rows), random.values(rows));
    let (scale, base) = (random.value(), random.value());
    let view = CodeBlocks::<BITS>::new(&codes, &scales, &offsets, width).unwrap();
    let mut expected = vec![0.0; rows];
    S::score(scalar(), view, &query, scale, base, &mut expected);
    for kernels in others() {
        let mut found = Guarded::new(rows, seed.is_multiple_of(2));
        S::score(kernels, view, &query, scale, base, &mut found);
        assert_same(&format!("{}, {blocks} blocks of {width}", S::NAME), kernels, &expected, &found);
    }
}

#[test]
fn every_width_and_few_blocks() {
    for lines in 1..=34 {
        for blocks in 0..=5 {
            check::<Nibbles, 4>(blocks, lines, (16 * lines + blocks) as u64);
            check::<Bits, 1>(blocks, lines, (16 * lines + blocks) as u64);
        }
    }
}

proptest! {
    #![proptest_config(support::cases(300))]

    #[test]
    fn random_blocks(blocks in 0_usize..=5, lines in prop_oneof![1..=70_usize, 120..=135_usize], seed: u64) {
        check::<Nibbles, 4>(blocks, lines, seed);
        check::<Bits, 1>(blocks, lines, seed);
    }
}

/// Sums of each sign that are the greatest of their width, and long enough to be cut where partial sums would wrap.
fn check_extremes<S: Score<BITS>, const BITS: usize>(widths: &[usize]) {
    for (&width, code) in widths.iter().flat_map(|width| [(width, 0xFF_u8), (width, 0)]) {
        for x in [-128_i8, 127] {
            let (codes, query) = (vec![code; 2 * BITS * width], vec![x; width]);
            let view = CodeBlocks::<BITS>::new(&codes, &[1.0; 16], &[0.0; 16], width).unwrap();
            let exact = i64::from(S::number(view.code(0, 0))) * i64::from(x) * width as i64;
            for kernels in others().into_iter().chain([scalar()]) {
                let mut out = [0.0; 16];
                S::score(kernels, view, &query, 1.0, 0.0, &mut out);
                assert_eq!(out, [exact as i32 as f32; 16], "{} of {width} on {}", S::NAME, kernels.isa());
            }
        }
    }
}

#[test]
fn nothing_saturates() {
    // The last is the first width whose sums may wrap.
    check_extremes::<Bits, 1>(&[256, 1 << 20]);
    check_extremes::<Nibbles, 4>(&[256, 1 << 18, 1 << 21]);
}

/// The bytes need no alignment, and no row depends on another.
fn check_neighbours<S: Score<BITS>, const BITS: usize>() {
    let mut random = Random::new(5);
    let (lines, rows) = (5, 80);
    let width = lines * CodeBlocks::<BITS>::COLUMNS;
    let length = rows * width * BITS / 8;
    let bytes: Vec<u8> = (0..length + 64).map(|_| random.word() as u8).collect();
    let query: Vec<i8> = (0..width + 1).map(|_| random.word() as i8).collect();
    let (mut scales, mut offsets) = (random.values(rows), random.values(rows));
    for start in 0..64 {
        let (codes, query) = (&bytes[start..][..length], &query[start % 2..][..width]);
        let scores = |scales: &[f32], offsets: &[f32], kernels: &Kernels| {
            let (view, mut out) = (CodeBlocks::<BITS>::new(codes, scales, offsets, width).unwrap(), vec![0.0; rows]);
            S::score(kernels, view, query, 0.5, 0.25, &mut out);
            out
        };
        let expected = scores(&scales, &offsets, scalar());
        let (a, b) = (start, (start + 40) % rows);
        let (scale, offset) = (scales[a], offsets[b]);
        (scales[a], offsets[b]) = (f32::NAN, f32::INFINITY);
        for kernels in others() {
            let mut found = scores(&scales, &offsets, kernels);
            assert!(found[a].is_nan() && found[b].is_infinite());
            (found[a], found[b]) = (expected[a], expected[b]);
            assert_same(S::NAME, kernels, &expected, &found);
        }
        (scales[a], offsets[b]) = (scale, offset);
    }
}

#[test]
fn misaligned_codes_and_odd_numbers_in_other_rows() {
    check_neighbours::<Nibbles, 4>();
    check_neighbours::<Bits, 1>();
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
    assert!(BitBlocks::new(&bytes, &numbers[..16], &numbers[..16], 32).is_ok());
    assert!(BitBlocks::new(&bytes, &numbers[..16], &numbers[..16], 40).is_err());
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

#[test]
#[should_panic(expected = "score_bit_blocks: query and rows differ in width")]
fn bits_are_checked_likewise() {
    let blocks = BitBlocks::new(&[0; 64], &[0.0; 16], &[0.0; 16], 32).unwrap();
    scalar().score_bit_blocks(blocks, &[0; 31], 1.0, 0.0, &mut [0.0; 16]);
}
