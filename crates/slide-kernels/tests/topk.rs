//! The best of many scores: against a sort, on every level.

mod support;

use proptest::prelude::*;
use slide_kernels::Kernels;
use support::{Guarded, Random, others, same, scalar};

fn every() -> impl Iterator<Item = &'static Kernels> {
    others().into_iter().chain([scalar()])
}

/// Scores with specials; few levels make many ties.
fn scores(length: usize, levels: usize, seed: u64) -> Guarded<f32> {
    let mut random = Random::new(seed);
    random.special = [0, 15, 2][random.below(3)];
    let mut scores = random.values(length);
    scores.iter_mut().for_each(|score| *score = (*score * levels as f32).round());
    scores
}

fn check_top_k(scores: &[f32], k: usize) {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (scores[a as usize], scores[b as usize]);
        a.is_nan().cmp(&b.is_nan()).then(b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal))
    });
    for kernels in every() {
        let mut indices = Guarded::<u32>::new(k, true);
        let mut values = Guarded::<f32>::new(k, true);
        indices.fill(77);
        let found = kernels.top_k(scores, &mut indices, &mut values);
        assert_eq!(found, k.min(scores.len()));
        assert_eq!(indices[..found], order[..found], "{}", kernels.isa());
        for (&index, &value) in indices[..found].iter().zip(&values[..found]) {
            assert!(same(value, scores[index as usize]));
        }
        assert!(indices[found..].iter().all(|&index| index == 77));
    }
}

proptest! {
    #![proptest_config(support::cases(256))]

    #[test]
    fn top_k_is_the_head_of_a_sort(
        length in 0_usize..1500, k in prop_oneof![0..20_usize, 20..140_usize, 140..600_usize], levels in 1_usize..2000, seed: u64,
    ) {
        check_top_k(&scores(length, levels, seed), k);
    }

    #[test]
    fn select_above_is_a_filter(
        length in 0_usize..700, room in 0_usize..100, whole: bool, levels in 1_usize..2000, level in -1.0_f32..1.0, seed: u64,
    ) {
        let scores = scores(length, levels, seed);
        let room = if whole { length } else { room };
        let thresholds = [(level * levels as f32).round(), -0.0, f32::NAN, f32::NEG_INFINITY, f32::INFINITY];
        for threshold in thresholds {
            let expected: Vec<u32> = (0..length as u32).filter(|&i| scores[i as usize] > threshold).collect();
            let kept = expected.len().min(room);
            for kernels in every() {
                let mut indices = Guarded::<u32>::new(room, true);
                let mut values = Guarded::<f32>::new(room, true);
                let count = kernels.select_above(&scores, threshold, &mut indices, &mut values);
                prop_assert_eq!(count, expected.len(), "{}", kernels.isa());
                prop_assert_eq!(&indices[..kept], &expected[..kept], "{}", kernels.isa());
                for (&index, &value) in indices[..kept].iter().zip(&values[..kept]) {
                    prop_assert!(same(value, scores[index as usize]));
                }
            }
        }
    }
}

#[test]
fn sorted_scores() {
    let mut scores: Vec<f32> = (0..3000).map(|i| i as f32 - 1500.0).collect();
    let long = [100, 513, 2000, 2048, 2049, 2999, 3000];
    for k in [1, 2, 512].into_iter().chain(long) {
        check_top_k(&scores, k);
    }
    scores.reverse();
    long.iter().for_each(|&k| check_top_k(&scores, k));
    scores.fill(f32::INFINITY);
    scores[10] = 1.0;
    long.iter().for_each(|&k| check_top_k(&scores, k));
    scores.fill(f32::NAN);
    long.iter().for_each(|&k| check_top_k(&scores, k));
    scores[2500] = f32::NEG_INFINITY;
    scores[2999] = -0.0;
    long.iter().for_each(|&k| check_top_k(&scores, k));
}

#[test]
fn long_lists_of_many_scores() {
    for (k, levels, seed) in [(513, 5, 1), (600, 5000, 2), (2047, 20, 3), (5000, 100_000, 4), (9999, 300, 5)] {
        check_top_k(&scores(10_000, levels, seed), k);
    }
}

#[test]
#[should_panic(expected = "select_above: indices and values differ in length")]
fn lengths_are_checked() {
    Kernels::best().select_above(&[0.0; 3], 0.0, &mut [0; 2], &mut [0.0; 3]);
}
