use std::{collections::BTreeMap, num::NonZeroUsize};

use proptest::prelude::*;
use slide_mem::{Pinning, Placement, Topology, Workers};

use super::shared::shared_set;
use super::*;
use crate::lsh::{BucketPolicy, HashKind, HashingConfig};

const KINDS: [SamplerKind; 6] = [
    SamplerKind::Shared,
    SamplerKind::Exact,
    SamplerKind::Random,
    SamplerKind::Vanilla,
    SamplerKind::TopK,
    SamplerKind::Threshold,
];
const KEY: ExampleKey = ExampleKey { seed: 3, step: 5, example: 8 };

fn random_words(seed: u64, count: usize, below: u32) -> Vec<u32> {
    let mut words = vec![0; count];
    Kernels::best().random_words(RngKey::new(seed, 1, 0, 0), 0, &mut words);
    words.iter_mut().for_each(|word| *word = ((u64::from(*word) * u64::from(below)) >> 32) as u32);
    words
}

fn tables(rows: usize, bits: u32, tables: usize, bucket_size: u32) -> HashTables {
    let settings = HashingConfig {
        hash: HashKind::SimHash,
        hash_bits: bits,
        tables,
        bucket_size,
        bucket_policy: BucketPolicy::Fifo,
        center_rows: false,
    };
    let codes = random_words(1, rows * tables, 1 << bits);
    let mut tables = HashTables::from_codes(&settings, rows, &codes, Placement::default()).unwrap();
    let workers = Workers::new(NonZeroUsize::new(1), Pinning::None, &Topology::detect()).unwrap();
    tables.rebuild(Kernels::best(), &workers, 0, 0);
    tables
}

fn sampler(kind: SamplerKind, target: usize) -> Sampler {
    Sampler { kind, target, floor: 0, ceiling: usize::MAX, min_matches: 1 }
}

fn collect(
    sampler: &Sampler,
    rows: usize,
    tables: Option<&HashTables>,
    codes: &[u32],
    labels: &[u32],
    key: ExampleKey,
) -> Vec<u32> {
    let context = Context { kernels: Kernels::best(), rows, tables };
    let mut out = vec![99];
    sampler.collect(&context, codes, labels, key, &mut Scratch::new(rows), &mut out);
    out
}

/// How many of the example's buckets hold each row.
fn matches(tables: &HashTables, codes: &[u32]) -> BTreeMap<u32, usize> {
    let mut matches = BTreeMap::new();
    for (table, &code) in codes.iter().enumerate() {
        tables.bucket(table, code).iter().for_each(|&row| *matches.entry(row).or_default() += 1);
    }
    matches
}

proptest! {
    #[test]
    fn every_active_set_keeps_the_promises(
        kind in prop::sample::select(&KINDS[..]), rows in 1usize..2000, target in 1usize..300,
        floor in 0usize..300, room in 0usize..300, min_matches in 1u32..4, seed in any::<u64>(),
        labels in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let tables = tables(rows, 4, 6, 30);
        let codes = random_words(seed, 6, 16);
        let labels: Vec<u32> = labels.iter().map(|label| label.index(rows) as u32).collect();
        let sampler = Sampler { kind, target, floor, ceiling: (floor + room).max(1), min_matches };
        prop_assert_eq!(sampler.validate(6), Ok(()));
        let key = ExampleKey { seed, ..KEY };
        let set = collect(&sampler, rows, Some(&tables), &codes, &labels, key);
        prop_assert!(set.is_sorted_by(|a, b| a < b));
        prop_assert!(set.iter().all(|&row| (row as usize) < rows));
        prop_assert!(labels.iter().all(|label| set.binary_search(label).is_ok()));
        let mut unique = labels.clone();
        unique.sort_unstable();
        unique.dedup();
        if kind == SamplerKind::Exact {
            prop_assert_eq!(set.len(), rows);
        } else {
            prop_assert!(set.len() >= floor.min(rows));
            prop_assert!(set.len() <= sampler.ceiling.max(unique.len()));
        }
        // A scratch that has served other examples, of other samplers, changes nothing; nor does the order of labels.
        let context = Context { kernels: Kernels::best(), rows, tables: Some(&tables) };
        let (mut scratch, mut again) = (Scratch::new(rows), Vec::new());
        for other in KINDS {
            let other = Sampler { kind: other, ..sampler };
            other.collect(&context, &codes, &labels, key, &mut scratch, &mut again);
        }
        let origins = sampler.collect(&context, &codes, &unique, key, &mut scratch, &mut again);
        prop_assert_eq!(&again, &set);
        if kind != SamplerKind::Exact {
            prop_assert_eq!(origins.hashed + origins.random + unique.len(), set.len());
            let in_buckets = matches(&tables, &codes);
            let others = set.iter().filter(|row| !unique.contains(row));
            let from_buckets = others.filter(|row| in_buckets.contains_key(row)).count();
            prop_assert!(origins.hashed <= from_buckets, "{} of {from_buckets}", origins.hashed);
        }
    }

    #[test]
    fn the_most_frequent_rows_stay(target in 1usize..200, seed in any::<u64>(), min_matches in 1u32..5) {
        let tables = tables(600, 3, 8, 40);
        let codes = random_words(seed, 8, 8);
        let labels = [599, 0];
        let mut ranked: Vec<(u32, usize)> = matches(&tables, &codes).into_iter().collect();
        ranked.retain(|(row, _)| !labels.contains(row));
        ranked.sort_by_key(|&(row, matches)| (std::cmp::Reverse(matches), row));

        let mut expected = labels.to_vec();
        expected.extend(ranked.iter().take(target.saturating_sub(2)).map(|&(row, _)| row));
        expected.sort_unstable();
        prop_assert_eq!(collect(&sampler(SamplerKind::TopK, target), 600, Some(&tables), &codes, &labels, KEY), expected);

        let mut expected = labels.to_vec();
        expected.extend(ranked.iter().filter(|&&(_, matches)| matches >= min_matches as usize).map(|&(row, _)| row));
        expected.sort_unstable();
        let threshold = Sampler { min_matches, ..sampler(SamplerKind::Threshold, 1) };
        prop_assert_eq!(collect(&threshold, 600, Some(&tables), &codes, &labels, KEY), expected);
        // A ceiling drops the rows with the fewest matches first.
        let capped = collect(&Sampler { ceiling: 20, ..threshold }, 600, Some(&tables), &codes, &labels, KEY);
        let mut expected = labels.to_vec();
        let enough = |&&(_, matches): &&(u32, usize)| matches >= min_matches as usize;
        expected.extend(ranked.iter().filter(enough).take(18).map(|&(row, _)| row));
        expected.sort_unstable();
        prop_assert_eq!(capped, expected);
    }
}

#[test]
fn vanilla_visits_whole_buckets_in_another_order_for_each_sample() {
    let tables = tables(4000, 5, 10, 50);
    let codes = random_words(4, 10, 32);
    let all = matches(&tables, &codes);
    let target = 120;
    let set = |example| {
        let key = ExampleKey { example, ..KEY };
        collect(&sampler(SamplerKind::Vanilla, target), 4000, Some(&tables), &codes, &[], key)
    };
    let mut firsts = [0; 10];
    for example in 0..200 {
        let set = set(example);
        assert!((target..target + 50).contains(&set.len()));
        assert!(set.iter().all(|row| all.contains_key(row)));
        for (table, &code) in codes.iter().enumerate() {
            firsts[table] += u32::from(tables.bucket(table, code).iter().all(|row| set.contains(row)));
        }
    }
    // Three of ten tables are visited: each by 60 of 200 examples, standard deviation 6.5.
    assert!(firsts.iter().all(|visits| (30..=90).contains(visits)), "{firsts:?}");
    let everything = collect(&sampler(SamplerKind::Vanilla, 4000), 4000, Some(&tables), &codes, &[], KEY);
    assert_eq!(everything, all.into_keys().collect::<Vec<_>>());
    assert_ne!(set(0), set(1));
    assert_ne!(ExampleKey { step: 6, ..KEY }.stream(0), KEY.stream(0));
}

#[test]
fn random_rows_are_uniform_and_each_samples_own() {
    let rows = 100;
    // A third of the rows is drawn with repetition, two thirds by selection: both must be uniform.
    for target in [30, 70] {
        let mut counts = vec![0_u32; rows];
        for example in 0..2000 {
            let key = ExampleKey { example, ..KEY };
            let set = collect(&sampler(SamplerKind::Random, target), rows, None, &[], &[17], key);
            assert_eq!(set.len(), target);
            set.iter().for_each(|&row| counts[row as usize] += 1);
        }
        assert_eq!(counts.remove(17), 2000);
        let share = (target - 1) as f64 / 99.0;
        let expected = 2000.0 * share;
        let deviation: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
        // Chi-square of 98 degrees times (1 - share).
        let (mean, spread) = (98.0 * (1.0 - share), 14.0 * (1.0 - share));
        assert!((deviation - mean).abs() < 4.5 * spread, "{deviation}, expected {mean} +- {spread}");
    }
}

#[test]
fn filler_differs_between_examples() {
    let tables = tables(50_000, 10, 2, 4);
    let few = Sampler { floor: 500, ..sampler(SamplerKind::TopK, 500) };
    let set = |example| collect(&few, 50_000, Some(&tables), &[1, 2], &[], ExampleKey { example, ..KEY });
    let (one, other) = (set(0), set(1));
    assert_eq!((one.len(), other.len()), (500, 500));
    let common = one.iter().filter(|row| other.contains(row)).count();
    assert!(common < 8 + 30, "{common} rows in common, of which 8 are the buckets'");
    assert!(matches(&tables, &[1, 2]).keys().all(|row| one.contains(row) && other.contains(row)));
}

#[test]
fn labels_survive_any_ceiling() {
    let tables = tables(500, 3, 4, 50);
    let labels: Vec<u32> = (0..40).map(|label| label * 7).collect();
    for kind in [SamplerKind::Vanilla, SamplerKind::TopK, SamplerKind::Threshold, SamplerKind::Random] {
        let small = Sampler { ceiling: 10, ..sampler(kind, 10) };
        assert_eq!(collect(&small, 500, Some(&tables), &[0; 4], &labels, KEY), labels, "{kind:?}");
    }
}

#[test]
fn the_shared_set_is_the_labels_and_other_rows() {
    let labels = [5, 900, 5, 31];
    let set = shared_set(Kernels::best(), &labels, 100, 1000, KEY);
    assert_eq!(set.len(), 103);
    assert!(set.is_sorted_by(|a, b| a < b));
    assert!(labels.iter().all(|label| set.contains(label)));
    assert_eq!(set, shared_set(Kernels::best(), &[31, 900, 5], 100, 1000, KEY));
    assert_ne!(set, shared_set(Kernels::best(), &labels, 100, 1000, ExampleKey { step: 6, ..KEY }));
    assert_eq!(shared_set(Kernels::best(), &labels, 0, 1000, KEY), [5, 31, 900]);
    assert_eq!(shared_set(Kernels::best(), &[3], usize::MAX, 70, KEY), (0..70).collect::<Vec<_>>());
    assert!(shared_set(Kernels::best(), &[], 5, 0, KEY).is_empty());
}

#[test]
fn groups_have_their_own_labels_and_share_the_other_rows() {
    let groups = vec![vec![5, 900, 5, 31], vec![31, 7], vec![]];
    let sets = SharedSets::new(Kernels::best(), groups.clone(), 100, 1000, KEY);
    let all = shared_set(Kernels::best(), &groups.concat(), 100, 1000, KEY);
    assert_eq!(sets.rows(), all);
    let of = |group: usize| sets.of_block(group * GROUP + 16);
    for (group, labels) in groups.iter().enumerate() {
        assert!(of(group).is_sorted_by(|a, b| a < b));
        assert!(labels.iter().all(|label| of(group).contains(label)));
        assert!((34..=38).contains(&of(group).len()), "{} rows", of(group).len());
    }
    assert!(all.iter().all(|row| (0..3).any(|group| of(group).contains(row))));
    let one = SharedSets::new(Kernels::best(), vec![vec![3]], 9, 70, KEY);
    assert_eq!((one.rows().len(), one.of_block(0)), (10, one.rows()));
    let whole = SharedSets::new(Kernels::best(), groups, 1000, 1000, KEY);
    assert_eq!(whole.of_block(GROUP).len(), 1000);
}

#[test]
#[should_panic(expected = "a label out of range")]
fn a_label_beyond_the_rows_is_rejected() {
    // 70 is in the last word of the set's bits, but is not a row.
    let _ = collect(&sampler(SamplerKind::Random, 3), 70, None, &[], &[70], KEY);
}

#[test]
#[should_panic(expected = "one hash code per table")]
fn codes_for_other_tables_are_rejected() {
    let _ = collect(&sampler(SamplerKind::TopK, 3), 70, None, &[0], &[], KEY);
}

#[test]
fn contradictions_are_errors() {
    let good = sampler(SamplerKind::Threshold, 10);
    assert_eq!(good.validate(4), Ok(()));
    for min_matches in [0, 5] {
        let error = Sampler { min_matches, ..good }.validate(4);
        assert_eq!(error, Err(SamplerError::MinMatches { min_matches, tables: 4 }));
    }
    assert!(Sampler { target: 0, ..good }.validate(4).is_err());
    assert!(Sampler { ceiling: 0, ..good }.validate(4).is_err());
    assert!(Sampler { floor: 11, ceiling: 10, ..good }.validate(4).is_err());
}

/// Time that this thread has computed, in microseconds: other load of the machine does not count.
fn thread_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e3
}

/// `cargo test --release -p slide-core -- --ignored --nocapture time_of_collecting`, on Linux.
#[test]
#[ignore = "a measurement"]
fn time_of_collecting() {
    let rows = 670_091;
    let mut tables = tables(rows, 12, 50, 128);
    let workers = Workers::new(NonZeroUsize::new(1), Pinning::None, &Topology::detect()).unwrap();
    let start = thread_micros();
    tables.rebuild(Kernels::best(), &workers, 0, 0);
    println!("rebuilt in {:.0} ms, {} MB", (thread_micros() - start) / 1e3, tables.bytes() >> 20);
    let context = Context { kernels: Kernels::best(), rows, tables: Some(&tables) };
    let codes = random_words(2, 2000 * 50, 1 << 12);
    let (mut scratch, mut out) = (Scratch::new(rows), Vec::new());
    for kind in KINDS {
        let sampler = Sampler { min_matches: 2, ..sampler(kind, 3350) };
        let examples = if kind == SamplerKind::Exact { 100 } else { 2000 };
        for _ in 0..3 {
            let (start, mut total) = (thread_micros(), 0);
            for (example, codes) in codes.chunks(50).take(examples).enumerate() {
                let key = ExampleKey { example: example as u32, ..KEY };
                sampler.collect(&context, codes, &[1, 600_000, 77, 5], key, &mut scratch, &mut out);
                total += out.len();
            }
            println!(
                "{kind:?}: {:.1} us a example, {} rows",
                (thread_micros() - start) / examples as f64,
                total / examples
            );
        }
    }
}
