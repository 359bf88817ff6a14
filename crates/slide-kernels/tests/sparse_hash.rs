//! Hash codes of sparse vectors, and of dense ones by the same functions.

mod support;

use proptest::prelude::*;
use slide_kernels::hash::{BinPlaces, Bins, HashError, SignedProjection};
use slide_kernels::{Kernels, Matrix, RowIds};
use support::{Guarded, Random, others, scalar};

type Dense = fn(&Kernels, &Bins, Matrix, &mut [u32]);
type Sparse = fn(&Kernels, &BinPlaces, RowIds, &[f32], &mut [u32]);

const FAMILIES: [(&str, Dense, Sparse); 3] = [
    ("wta", Kernels::wta_codes, Kernels::wta_codes_sparse),
    ("dwta", Kernels::dwta_codes, Kernels::dwta_codes_sparse),
    ("minhash", Kernels::minhash_codes, Kernels::minhash_codes_sparse),
];

fn every() -> impl Iterator<Item = &'static Kernels> {
    others().into_iter().chain([scalar()])
}

/// Ids and values, some of them zero or special, and the dense form.
fn vector(width: usize, share: usize, random: &mut Random) -> (Vec<u32>, Guarded<f32>, Guarded<f32>) {
    random.special = [0, 5][random.below(2)];
    let ids = random.ascending(width * share / 4, width);
    let mut values = random.values(ids.len());
    // Few different values make ties.
    if random.below(2) == 0 {
        values.iter_mut().for_each(|value| *value = (*value * 2.0).round());
    }
    let mut dense = Guarded::new(width, true);
    for (&id, &value) in ids.iter().zip(&*values) {
        dense[id as usize] = value;
    }
    (ids, values, dense)
}

proptest! {
    #![proptest_config(support::cases(256))]

    #[test]
    fn projections_are_the_same(
        width in 1_usize..200, share in 0_usize..=8, bits in 1_usize..=32, tables in 1_usize..20, seed: u64,
    ) {
        let mut random = Random::new(seed);
        let mut signs = vec![0; SignedProjection::signs_len(width, bits, tables).unwrap()];
        SignedProjection::draw_signs(seed, &mut signs);
        let functions = SignedProjection::new(width, bits, tables, &signs).unwrap();
        let (ids, values, dense) = vector(width, share, &mut random);
        let ids = RowIds::new(&ids, width).unwrap();
        let matrix = Matrix::new(&dense, width, width).unwrap();
        let mut expected = vec![77; tables];
        scalar().projection_codes(&functions, matrix, &mut expected);
        for kernels in every() {
            let mut found = Guarded::<u32>::new(tables, true);
            kernels.projection_codes(&functions, matrix, &mut found);
            prop_assert_eq!(&expected, &found[..], "dense, {}", kernels.isa());
            found.fill(77);
            kernels.projection_codes_sparse(&functions, ids, &values, &mut found);
            prop_assert_eq!(&expected, &found[..], "sparse, {}", kernels.isa());
        }
    }

    #[test]
    fn bins_are_the_same(
        width in prop_oneof![1..=70_usize, Just(128), Just(1000)], share in 0_usize..=8, bin_bits in 1_usize..=6,
        values in 1_usize..=32, tables in 1_usize..30, shared: bool, seed: u64,
    ) {
        let values_each = values.min(32 / bin_bits);
        let mut random = Random::new(seed);
        let mut positions = vec![0; Bins::positions_len(width, bin_bits, values_each, tables).unwrap()];
        let draw = if shared { Bins::draw_shared } else { Bins::draw_separate };
        draw(seed, bin_bits, &mut vec![0; width], &mut positions).unwrap();
        let bins = Bins::new(width, bin_bits, values_each, tables, &positions).unwrap();
        let lengths = BinPlaces::lengths(&bins);
        let (mut starts, mut places) = (vec![9; lengths.0], vec![9; lengths.1]);
        BinPlaces::fill(&bins, &mut starts, &mut places).unwrap();
        let functions = BinPlaces::new(bins, &starts, &places).unwrap();
        let (ids, values, dense) = vector(width, share, &mut random);
        let ids = RowIds::new(&ids, width).unwrap();
        let matrix = Matrix::new(&dense, width, width).unwrap();
        for (name, dense, sparse) in FAMILIES {
            let mut expected = vec![77; tables];
            dense(scalar(), &bins, matrix, &mut expected);
            for kernels in every() {
                let mut found = Guarded::<u32>::new(tables, true);
                sparse(kernels, &functions, ids, &values, &mut found);
                prop_assert_eq!(&expected, &found[..], "{} on {}", name, kernels.isa());
            }
        }
    }
}

#[test]
fn projections_collide_by_angle() {
    let (width, bits, tables) = (128, 16, 64);
    let mut signs = vec![0; SignedProjection::signs_len(width, bits, tables).unwrap()];
    SignedProjection::draw_signs(3, &mut signs);
    let functions = SignedProjection::new(width, bits, tables, &signs).unwrap();
    let mut random = Random::new(4);
    let (mut agreeing, pairs) = (0, 100);
    for _ in 0..pairs {
        // Two vectors with a common half: 60 degrees.
        let [a, b, common] = [0; 3].map(|_| random.values(width));
        let a: Vec<f32> = a.iter().zip(&*common).map(|(a, c)| a + c).collect();
        let b: Vec<f32> = b.iter().zip(&*common).map(|(b, c)| b + c).collect();
        let data = [a, b].concat();
        let mut codes = vec![0; 2 * tables];
        Kernels::best().projection_codes(&functions, Matrix::new(&data, width, width).unwrap(), &mut codes);
        let (a, b) = codes.split_at(tables);
        agreeing += a.iter().zip(b).map(|(a, b)| 16 - (a ^ b).count_ones()).sum::<u32>();
    }
    let share = f64::from(agreeing) / f64::from(pairs * 16 * 64);
    assert!((share - 2.0 / 3.0).abs() < 0.02, "a bit agrees with {share}, not 1 - 60 / 180");
}

#[test]
fn wrong_parameters_are_errors() {
    assert_eq!(SignedProjection::signs_len(0, 9, 50), Err(HashError::Width(0)));
    assert_eq!(SignedProjection::signs_len(usize::MAX / 2, 9, 50), Err(HashError::Width(usize::MAX / 2)));
    assert_eq!(SignedProjection::signs_len(8, 33, 50), Err(HashError::CodeBits(33)));
    assert_eq!(SignedProjection::signs_len(135_909, 9, 50), Ok(135_909 * 15));
    let positions = [4; 16 * 2];
    let bins = Bins::new(4, 1, 1, 4, &positions).unwrap();
    let found = BinPlaces::fill(&bins, &mut [0; 5], &mut [0; 8]).err();
    assert_eq!(found, Some(HashError::Position { bin: 0, coordinate: 4 }));
    let found = BinPlaces::new(bins, &[0; 4], &[0; 8]).err();
    assert_eq!(found, Some(HashError::Length { what: "starts", found: 4, expected: 5 }));
}

#[test]
#[should_panic(expected = "dwta_codes_sparse: the ids do not ascend")]
fn order_is_checked() {
    let mut positions = [0; 16 * 2];
    Bins::draw_shared(1, 1, &mut [0; 4], &mut positions).unwrap();
    let bins = Bins::new(4, 1, 1, 4, &positions).unwrap();
    let (mut starts, mut places) = ([0; 5], [0; 8]);
    BinPlaces::fill(&bins, &mut starts, &mut places).unwrap();
    let functions = BinPlaces::new(bins, &starts, &places).unwrap();
    let ids = RowIds::new(&[2, 1], 4).unwrap();
    Kernels::best().dwta_codes_sparse(&functions, ids, &[1.0, 1.0], &mut [0; 4]);
}
