//! Bits of codes and the Hadamard transform, exactly against the specification.

mod support;

use proptest::prelude::*;
use slide_kernels::{Kernels, MatrixMut, RowIds};
use support::{Guarded, Random, assert_same, others, scalar};

fn every() -> impl Iterator<Item = &'static Kernels> {
    others().into_iter().chain([scalar()])
}

fn words(random: &mut Random, count: usize) -> Guarded<u64> {
    let mut words = Guarded::new(count, random.below(2) == 0);
    // Now and then all ones, whose counts are the first to overflow.
    words.fill_with(|| if random.below(3) == 0 { u64::MAX } else { random.word() });
    words
}

proptest! {
    #![proptest_config(support::cases(256))]

    #[test]
    fn pack_codes(bits in 1_u32..=32, each in 0_usize..=32, tables in 0_usize..70, seed: u64) {
        let each = each.min(32 / bits as usize);
        let mut random = Random::new(seed);
        let mut values = Guarded::<u32>::new(each * tables, seed % 2 == 0);
        values.fill_with(|| random.word() as u32);
        for kernels in every() {
            let mut out = Guarded::<u32>::new(tables, true);
            out.fill(77);
            kernels.pack_codes(&values, bits, &mut out);
            for (t, &code) in out.iter().enumerate() {
                for k in 0..each {
                    let low = u64::from(values[k * tables + t]) & ((1 << bits) - 1);
                    prop_assert_eq!(u64::from(code) >> (k as u32 * bits) & ((1 << bits) - 1), low, "{}", kernels.isa());
                }
                prop_assert_eq!(u64::from(code) >> (each as u32 * bits), 0);
            }
        }
    }

    #[test]
    fn hamming(length in prop_oneof![0..70_usize, 900..3000_usize], seed: u64) {
        let mut random = Random::new(seed);
        let (a, b) = (words(&mut random, length), words(&mut random, length));
        let expected: u64 = a.iter().zip(&*b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
        for kernels in every() {
            prop_assert_eq!(kernels.hamming(&a, &b), expected, "{}", kernels.isa());
        }
    }

    #[test]
    fn hamming_of_many(length in prop_oneof![0..30_usize, 240..260_usize], rows in 0_usize..30, wanted in 0_usize..40, seed: u64) {
        let mut random = Random::new(seed);
        let (codes, code) = (words(&mut random, rows * length), words(&mut random, length));
        let ids = random.ids(if rows == 0 { 0 } else { wanted }, rows.max(1));
        let bound = if ids.is_empty() { 0 } else { rows };
        for kernels in every() {
            let mut out = Guarded::<u32>::new(rows, true);
            kernels.hamming_rows(&codes, &code, &mut out);
            for (i, &found) in out.iter().enumerate() {
                prop_assert_eq!(u64::from(found), scalar().hamming(&codes[i * length..][..length], &code), "{}", kernels.isa());
            }
            let mut chosen = Guarded::<u32>::new(ids.len(), true);
            kernels.hamming_scattered(&codes, RowIds::new(&ids, bound).unwrap(), &code, &mut chosen);
            for (&id, &found) in ids.iter().zip(&*chosen) {
                prop_assert_eq!(found, out[id as usize], "{}", kernels.isa());
            }
        }
    }

    #[test]
    fn hadamard(power in 0_u32..12, rows in 0_usize..4, padding in 0_usize..3, seed: u64) {
        let (width, mut random) = (1 << power, Random::new(seed));
        random.special = [0, 0, 100][random.below(3)];
        let values = random.values(rows * (width + padding));
        let mut expected = values.clone();
        scalar().hadamard(MatrixMut::new(&mut expected, width + padding, width).unwrap());
        for kernels in others() {
            let mut found = values.clone();
            kernels.hadamard(MatrixMut::new(&mut found, width + padding, width).unwrap());
            assert_same("hadamard", kernels, &expected, &found);
        }
    }
}

#[test]
fn hadamard_is_the_product_with_the_matrix() {
    let x: Vec<f32> = (0..64).map(|i| (i * i % 17) as f32 - 8.0).collect();
    for kernels in every() {
        let mut found = x.clone();
        kernels.hadamard(MatrixMut::new(&mut found, 64, 64).unwrap());
        for (i, &found) in found.iter().enumerate() {
            let sign = |j: usize| if (i & j).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
            let expected: f32 = x.iter().enumerate().map(|(j, &x)| sign(j) * x).sum();
            assert_eq!(found, expected, "small integers are exact");
        }
        kernels.hadamard(MatrixMut::new(&mut found, 64, 64).unwrap());
        assert!(found.iter().zip(&x).all(|(&found, &x)| found == 64.0 * x));
    }
}

#[test]
#[should_panic(expected = "hadamard: the width is not a power of two")]
fn widths_are_checked() {
    Kernels::best().hadamard(MatrixMut::new(&mut [0.0; 24], 12, 12).unwrap());
}

#[test]
#[should_panic(expected = "pack_codes: 5 values of 7 bits in 32")]
fn bits_are_checked() {
    Kernels::best().pack_codes(&[0; 10], 7, &mut [0; 2]);
}

#[test]
#[should_panic(expected = "hamming_scattered: row indices were checked against more codes")]
fn rows_are_checked() {
    let rows = RowIds::new(&[1], 3).unwrap();
    Kernels::best().hamming_scattered(&[0; 4], rows, &[0; 2], &mut [0; 1]);
}
