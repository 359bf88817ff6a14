//! Hash codes, exactly against the specification, and the statistics that make them locality-sensitive.

mod support;

use proptest::prelude::*;
use slide_kernels::hash::{Bins, HashError, MAX_VALUES, MAX_WIDTH, SimHash};
use slide_kernels::{Kernels, Matrix};
use support::{Guarded, Random, others, scalar};

type BinCodes = fn(&Kernels, &Bins, Matrix, &mut [u32]);

const BIN_FAMILIES: [(&str, BinCodes); 3] =
    [("wta", Kernels::wta_codes), ("dwta", Kernels::dwta_codes), ("minhash", Kernels::minhash_codes)];

fn signs(width: usize, bits: usize, tables: usize, seed: u64) -> Vec<u32> {
    let mut signs = vec![0; SimHash::signs_len(width, bits, tables).unwrap()];
    SimHash::draw_signs(seed, &mut signs);
    signs
}

fn positions(width: usize, bin_bits: usize, values: usize, tables: usize, shared: bool, seed: u64) -> Vec<u32> {
    let mut positions = vec![0; Bins::positions_len(width, bin_bits, values, tables).unwrap()];
    let draw = if shared { Bins::draw_shared } else { Bins::draw_separate };
    draw(seed, bin_bits, &mut vec![0; width], &mut positions).unwrap();
    positions
}

fn widths() -> impl Strategy<Value = usize> {
    prop_oneof![1..=70_usize, Just(100), Just(128), Just(129), Just(256), Just(300), Just(1000)]
}

/// Few, and more than a batch.
fn rows() -> impl Strategy<Value = usize> {
    prop_oneof![0..4_usize, 5..40_usize]
}

/// Vectors with zeros in some share of the places, and now and then a special value.
fn vectors(random: &mut Random, count: usize) -> Guarded<f32> {
    random.special = [0, 15][random.below(2)];
    let mut values = random.values(count);
    let zeros = [0, 2, 9, 10][random.below(4)];
    values.iter_mut().for_each(|value| {
        if random.below(10) < zeros {
            *value = 0.0;
        }
    });
    values
}

/// Codes of every level, which must be those of the specification.
fn same_codes(name: &str, rows: usize, tables: usize, codes: impl Fn(&Kernels, &mut [u32])) -> Vec<u32> {
    let mut expected = vec![99; rows * tables];
    codes(scalar(), &mut expected);
    for kernels in others() {
        let mut found = Guarded::<u32>::new(rows * tables, true);
        found.fill(77);
        codes(kernels, &mut found);
        assert_eq!(expected, found[..], "{name} on {}", kernels.isa());
    }
    expected
}

proptest! {
    #![proptest_config(support::cases(256))]

    #[test]
    fn simhash_is_the_same(
        width in widths(), padding in 0_usize..5, bits in 1_usize..=32, tables in 1_usize..70, rows in rows(), seed: u64,
    ) {
        let signs = signs(width, bits, tables, seed);
        let functions = SimHash::new(width, bits, tables, &signs).unwrap();
        let data = vectors(&mut Random::new(seed), rows * (width + padding));
        let matrix = Matrix::new(&data, width + padding, width).unwrap();
        same_codes("simhash", rows, tables, |kernels, out| kernels.simhash_codes(&functions, matrix, out));
    }

    #[test]
    fn bins_are_the_same(
        width in widths(), padding in 0_usize..5, bin_bits in 1_usize..=6, values in 1_usize..=32, tables in 1_usize..70,
        rows in rows(), shared: bool, wild: bool, seed: u64,
    ) {
        let values = values.min(32 / bin_bits);
        let mut random = Random::new(seed);
        let mut positions = positions(width, bin_bits, values, tables, shared, seed);
        if wild {
            positions.fill_with(|| random.word() as u32);
        }
        let functions = Bins::new(width, bin_bits, values, tables, &positions).unwrap();
        let data = vectors(&mut random, rows * (width + padding));
        let matrix = Matrix::new(&data, width + padding, width).unwrap();
        for (name, codes) in BIN_FAMILIES {
            let found = same_codes(name, rows, tables, |kernels, out| codes(kernels, &functions, matrix, out));
            prop_assert!(found.iter().all(|&code| u64::from(code) < 1 << (values * bin_bits)));
        }
    }

    #[test]
    fn drawn_positions_are_permutations(width in widths(), bin_bits in 1_usize..=6, shared: bool, seed: u64) {
        let (values, tables) = (32 / bin_bits, 40);
        let positions = positions(width, bin_bits, values, tables, shared, seed);
        let size = 1 << bin_bits;
        for bin in 0..values * tables {
            let mut bin: Vec<u32> = (0..size).map(|j| positions[(bin / 16 * size + j) * 16 + bin % 16]).collect();
            prop_assert!(bin.iter().all(|&position| (position as usize) < width));
            bin.sort_unstable();
            bin.dedup();
            prop_assert_eq!(bin.len(), size.min(width));
        }
    }
}

#[test]
fn the_largest_shapes() {
    for (width, bits, tables) in
        [(MAX_WIDTH, 1, 1), (1, 32, MAX_VALUES / 32), (MAX_WIDTH, 32, MAX_VALUES / 32), (4097, 16, 1024)]
    {
        let data = vectors(&mut Random::new(3), width);
        let matrix = Matrix::new(&data, width, width).unwrap();
        let signs = signs(width, bits, tables, 1);
        let functions = SimHash::new(width, bits, tables, &signs).unwrap();
        same_codes("simhash", 1, tables, |kernels, out| kernels.simhash_codes(&functions, matrix, out));
        let positions = positions(width, 1, bits, tables, true, 1);
        let functions = Bins::new(width, 1, bits, tables, &positions).unwrap();
        for (name, codes) in BIN_FAMILIES {
            same_codes(name, 1, tables, |kernels, out| codes(kernels, &functions, matrix, out));
        }
    }
}

#[test]
fn hopeless_vectors_have_codes() {
    let positions = positions(128, 3, 6, 50, true, 1);
    let functions = Bins::new(128, 3, 6, 50, &positions).unwrap();
    for value in [0.0, -0.0, f32::NAN, f32::NEG_INFINITY] {
        let data = [value; 128];
        let matrix = Matrix::new(&data, 128, 128).unwrap();
        for (name, codes) in BIN_FAMILIES {
            let found = same_codes(name, 1, 50, |kernels, out| codes(kernels, &functions, matrix, out));
            assert!(found.iter().all(|&code| code == 0), "{name} of {value}");
        }
    }
    // One coordinate fills every empty bin with a value of the few bins that have it.
    let mut data = [0.0; 128];
    data[77] = 1.0;
    let matrix = Matrix::new(&data, 128, 128).unwrap();
    for (name, codes) in BIN_FAMILIES {
        let found = same_codes(name, 1, 50, |kernels, out| codes(kernels, &functions, matrix, out));
        assert!(found.iter().any(|&code| code != 0), "{name}");
    }
}

/// A code by hand, from the definition.
#[test]
fn a_small_case() {
    // One bin of each table: table t looks at coordinates t, t + 1 (mod 4).
    let mut positions = vec![0; Bins::positions_len(4, 1, 1, 4).unwrap()];
    for t in 0..4 {
        positions[t] = t as u32;
        positions[16 + t] = (t as u32 + 1) % 4;
    }
    let functions = Bins::new(4, 1, 1, 4, &positions).unwrap();
    let data = [0.0, -3.0, 2.0, 2.0];
    let matrix = Matrix::new(&data, 4, 4).unwrap();
    for kernels in others().into_iter().chain([scalar()]) {
        let mut codes = [9; 4];
        kernels.wta_codes(&functions, matrix, &mut codes);
        assert_eq!(codes, [0, 1, 0, 0], "the larger of 0, -3 | -3, 2 | 2, 2 | 2, 0");
        kernels.dwta_codes(&functions, matrix, &mut codes);
        assert_eq!(codes, [1, 1, 0, 0], "the zero does not count");
        kernels.minhash_codes(&functions, matrix, &mut codes);
        assert_eq!(codes[1..], [1, 0, 0], "the first positive one; table 0 has none");
    }
}

/// Codes of many pairs of vectors, and the share of tables (bits, values) that agree.
fn agreement(a: &[u32], b: &[u32], part: u32, parts: u32) -> f64 {
    let mask = (1_u32 << part) - 1;
    let agree = |(a, b): (&u32, &u32)| (0..parts).filter(|i| (a ^ b) >> (i * part) & mask == 0).count();
    let agreeing: usize = a.iter().zip(b).map(agree).sum();
    agreeing as f64 / (a.len() * parts as usize) as f64
}

fn gaussian(random: &mut Random) -> f32 {
    (0..12).map(|_| random.value()).sum::<f32>() / 2.0
}

#[test]
fn simhash_collides_by_angle() {
    let (width, bits, tables, pairs) = (128, 9, 50, 200);
    let mut random = Random::new(11);
    for degrees in [10.0_f32, 30.0, 60.0, 90.0, 120.0] {
        let angle = degrees.to_radians();
        let (mut bit, mut table) = (0.0, 0.0);
        for pair in 0..pairs {
            let signs = signs(width, bits, tables, pair);
            let functions = SimHash::new(width, bits, tables, &signs).unwrap();
            let a: Vec<f32> = (0..width).map(|_| gaussian(&mut random)).collect();
            // b: a turned by the angle towards a vector that is orthogonal to it.
            let c: Vec<f32> = (0..width).map(|_| gaussian(&mut random)).collect();
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let along = dot(&a, &c) / dot(&a, &a);
            let c: Vec<f32> = c.iter().zip(&a).map(|(c, a)| c - along * a).collect();
            let scale = (dot(&a, &a) / dot(&c, &c)).sqrt();
            let b: Vec<f32> = a.iter().zip(&c).map(|(a, c)| a * angle.cos() + c * scale * angle.sin()).collect();
            let data = [a, b].concat();
            let mut codes = vec![0; 2 * tables];
            Kernels::best().simhash_codes(&functions, Matrix::new(&data, width, width).unwrap(), &mut codes);
            bit += agreement(&codes[..tables], &codes[tables..], 1, bits as u32) / pairs as f64;
            table += agreement(&codes[..tables], &codes[tables..], bits as u32, 1) / pairs as f64;
        }
        let p = f64::from(1.0 - degrees / 180.0);
        println!(
            "{degrees} degrees: a bit agrees with {bit:.4} (theory {p:.4}), a code with {table:.5} ({:.5})",
            p.powi(9)
        );
        assert!((bit - p).abs() < 0.012, "at {degrees} degrees a bit agrees with probability {bit}, not {p}");
        // Nearly independent bits: a code agrees about as often as nine separate bits would.
        let expected = p.powi(9);
        assert!((table - expected).abs() < 0.25 * expected + 0.002, "{table} {expected}");
    }
}

#[test]
fn winner_families_prefer_neighbours() {
    let (width, bin_bits, values, tables) = (128, 3, 6, 50);
    let mut random = Random::new(12);
    for (name, codes, shared) in [
        ("wta", Kernels::wta_codes as BinCodes, false),
        ("dwta", Kernels::dwta_codes as BinCodes, true),
        ("minhash", Kernels::minhash_codes as BinCodes, true),
    ] {
        let positions = positions(width, bin_bits, values, tables, shared, 5);
        let functions = Bins::new(width, bin_bits, values, tables, &positions).unwrap();
        let (mut near, mut far, pairs) = (0.0, 0.0, 200);
        for _ in 0..pairs {
            // As after ReLU: about half of the coordinates are zero. A neighbour differs a little, a stranger entirely.
            let a: Vec<f32> = (0..width).map(|_| gaussian(&mut random)).collect();
            let b: Vec<f32> = a.iter().map(|a| (a + 0.1 * gaussian(&mut random)).max(0.0)).collect();
            let c: Vec<f32> = (0..width).map(|_| gaussian(&mut random).max(0.0)).collect();
            let a: Vec<f32> = a.iter().map(|a| a.max(0.0)).collect();
            let data = [a, b, c].concat();
            let mut out = vec![0; 3 * tables];
            codes(Kernels::best(), &functions, Matrix::new(&data, width, width).unwrap(), &mut out);
            let (a, rest) = out.split_at(tables);
            let (b, c) = rest.split_at(tables);
            near += agreement(a, b, 3, 6) / f64::from(pairs);
            far += agreement(a, c, 3, 6) / f64::from(pairs);
        }
        println!("{name}: a value agrees with {near:.3} for neighbours, {far:.3} for strangers (1/8 by chance)");
        assert!(near > 0.75, "{name}: neighbours agree in {near}");
        // MinHash of half-full sets prefers low positions: strangers agree in sum of 4^-i, 1/3.
        let chance = if name == "minhash" { 1.0 / 3.0 } else { 1.0 / 8.0 };
        assert!((far - chance).abs() < 0.03, "{name}: strangers agree in {far}");
    }
}

#[test]
fn wrong_parameters_are_errors() {
    assert_eq!(SimHash::signs_len(0, 9, 50), Err(HashError::Width(0)));
    assert_eq!(SimHash::signs_len(MAX_WIDTH + 1, 9, 50), Err(HashError::Width(MAX_WIDTH + 1)));
    assert_eq!(SimHash::signs_len(8, 33, 50), Err(HashError::CodeBits(33)));
    assert_eq!(SimHash::signs_len(8, 9, 0), Err(HashError::Values(0)));
    assert_eq!(SimHash::signs_len(8, 9, usize::MAX), Err(HashError::Values(usize::MAX)));
    assert!(matches!(SimHash::new(8, 9, 50, &[]), Err(HashError::Length { what: "signs", .. })));
    assert_eq!(Bins::positions_len(8, 7, 1, 1), Err(HashError::BinBits(7)));
    assert_eq!(Bins::positions_len(8, 3, 11, 1), Err(HashError::CodeBits(33)));
    assert!(matches!(Bins::new(8, 3, 6, 50, &[]), Err(HashError::Length { what: "positions", .. })));
    assert_eq!(Bins::draw_shared(1, 3, &mut [], &mut [0; 128]), Err(HashError::Width(0)));
    assert!(matches!(Bins::draw_shared(1, 3, &mut [0; 9], &mut [0; 127]), Err(HashError::Length { .. })));
}

#[test]
#[should_panic(expected = "one code per vector and table")]
fn output_is_checked() {
    let signs = signs(16, 2, 3, 1);
    let functions = SimHash::new(16, 2, 3, &signs).unwrap();
    Kernels::best().simhash_codes(&functions, Matrix::new(&[0.0; 32], 16, 16).unwrap(), &mut [0; 5]);
}
