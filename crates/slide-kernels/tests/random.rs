//! Philox against its published vectors, and the bulk kernel against the single word.

mod support;

use proptest::prelude::*;
use slide_kernels::rng::{CounterRng, RngKey, philox, unit_f32, word, words4};
use support::{Guarded, others, scalar};

/// `tests/kat_vectors` of Random123, the authors' library.
#[test]
fn known_answers() {
    let cases = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];
    for (counter, key, expected) in cases {
        assert_eq!(philox(counter, key), expected);
    }
}

#[test]
fn the_layout_is_the_documented_one() {
    let key = RngKey::new(0x0123_4567_89ab_cdef, 0x1234, 0x5678_9abc_def0, 7);
    let counter = [5, 7, 0x9abc_def0, 0x5678 ^ 0x1234_0000];
    let expected = philox(counter, [0x89ab_cdef, 0x0123_4567]);
    assert_eq!(words4(key, 5), expected);
    assert_eq!([20, 21, 22, 23].map(|i| word(key, i)), expected);
}

proptest! {
    #![proptest_config(support::cases(256))]

    #[test]
    fn bulk_equals_single(seed: u64, stream: u32, step: u64, item: u32, start in 0_u32..2000, length in 0_usize..700) {
        let key = RngKey::new(seed, stream, step, item);
        let expected: Vec<u32> = (start..).map(|i| word(key, i)).take(length).collect();
        for kernels in others().into_iter().chain([scalar()]) {
            let mut found = Guarded::<u32>::new(length, start % 2 == 0);
            kernels.random_words(key, u64::from(start), &mut found);
            prop_assert_eq!(&found[..], &expected[..], "{}", kernels.isa());
        }
    }

    #[test]
    fn bulk_wraps_where_it_says(seed: u64, before in 0_u64..300, length in 0_usize..600) {
        let key = RngKey::new(seed, 1, 2, 3);
        let first = (1_u64 << 34) - before;
        let mut expected = vec![0; length];
        scalar().random_words(key, first, &mut expected);
        for (i, &found) in expected.iter().enumerate().skip(before as usize) {
            prop_assert_eq!(found, word(key, (i as u64 - before) as u32));
        }
        for kernels in others() {
            let mut found = vec![0; length];
            kernels.random_words(key, first, &mut found);
            prop_assert_eq!(&found, &expected, "{}", kernels.isa());
        }
    }

    #[test]
    fn reader_reads_the_words_in_order(seed: u64) {
        let key = RngKey::new(seed, 0, 0, 0);
        let mut rng = CounterRng::new(key);
        for i in 0..20 {
            prop_assert_eq!(rng.next_u32(), word(key, i));
        }
    }
}

#[test]
fn below_is_in_range_and_even() {
    let mut rng = CounterRng::new(RngKey::new(1, 0, 0, 0));
    for bound in [1, 2, 3, 7, 1 << 31, (1 << 31) + 1, u32::MAX] {
        assert!((0..1000).all(|_| rng.below(bound) < bound));
    }
    // Of 70,000 draws below 7 each number has 10,000 with a standard deviation of 93.
    let mut counts = [0_i32; 7];
    (0..70_000).for_each(|_| counts[rng.below(7) as usize] += 1);
    assert!(counts.iter().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
    // Without rejection, 3 * 2^30 would make every third number twice as likely.
    let bound = 3 << 30;
    let third = (0..30_000).filter(|_| rng.below(bound).is_multiple_of(3)).count() as i32;
    assert!((third - 10_000).abs() < 500, "{third}");
}

#[test]
fn shuffle_is_an_even_permutation() {
    let mut rng = CounterRng::new(RngKey::new(2, 0, 0, 0));
    let mut counts = [[0_i32; 4]; 4];
    for _ in 0..24_000 {
        let mut items = [0, 1, 2, 3];
        rng.shuffle(&mut items);
        for (place, &item) in items.iter().enumerate() {
            counts[place][item] += 1;
        }
    }
    assert!(counts.iter().flatten().all(|count| (count - 6000).abs() < 400), "{counts:?}");
}

#[test]
fn unit_numbers_are_in_range() {
    assert_eq!(unit_f32(0), 0.0);
    assert!(unit_f32(u32::MAX) < 1.0);
    assert_eq!(unit_f32(1 << 31), 0.5);
}
