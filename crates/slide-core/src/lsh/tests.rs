use std::{collections::HashMap, num::NonZeroUsize};

use proptest::prelude::*;
use slide_kernels::rng::RngKey;
use slide_kernels::{Kernels, Matrix};
use slide_mem::{Pinning, Placement, Topology, Workers};

use super::*;

fn workers(count: usize) -> Workers {
    Workers::new(NonZeroUsize::new(count), Pinning::None, &Topology::detect()).unwrap()
}

fn settings(bits: u32, tables: usize, bucket_size: u32, policy: BucketPolicy) -> HashingConfig {
    HashingConfig {
        hash: HashKind::SimHash,
        hash_bits: bits,
        tables,
        bucket_size,
        bucket_policy: policy,
        center_rows: false,
    }
}

/// Random codes, `[rows][tables]`.
fn codes(seed: u64, rows: usize, settings: &HashingConfig) -> Vec<u32> {
    let mut codes = vec![0; rows * settings.tables];
    Kernels::best().random_words(RngKey::new(seed, 0, 0, 0), 0, &mut codes);
    codes.iter_mut().for_each(|code| *code >>= 32 - settings.hash_bits);
    codes
}

fn built(settings: &HashingConfig, rows: usize, codes: &[u32], rebuild: u64) -> HashTables {
    let mut tables = HashTables::from_codes(settings, rows, codes, Placement::default()).unwrap();
    tables.rebuild(Kernels::best(), &workers(1), 7, rebuild);
    tables
}

/// The rows of every table and code, ascending, without a limit.
fn naive(settings: &HashingConfig, codes: &[u32]) -> HashMap<(usize, u32), Vec<u32>> {
    let mut buckets = HashMap::<_, Vec<u32>>::new();
    for (row, codes) in codes.chunks(settings.tables).enumerate() {
        for (table, &code) in codes.iter().enumerate() {
            buckets.entry((table, code)).or_default().push(row as u32);
        }
    }
    buckets
}

fn all_buckets(tables: &HashTables) -> Vec<&[u32]> {
    let settings = tables.settings();
    (0..settings.tables)
        .flat_map(|table| (0..settings.buckets() as u32).map(move |code| tables.bucket(table, code)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn buckets_are_those_of_a_hash_map(
        rows in 0usize..1500, bits in 1u32..9, tables in 1usize..7, bucket_size in 1u32..20,
        reservoir in any::<bool>(), seed in any::<u64>(), threads in 1usize..4,
    ) {
        let policy = if reservoir { BucketPolicy::Reservoir } else { BucketPolicy::Fifo };
        let settings = settings(bits, tables, bucket_size, policy);
        let codes = codes(seed, rows, &settings);
        let mut tables = HashTables::empty(&settings, rows, Placement::default()).unwrap();
        let workers = workers(threads);
        tables.each_block_of_codes(&workers, |run, out| {
            out.copy_from_slice(&codes[run.start * settings.tables..run.end * settings.tables]);
        });
        prop_assert_eq!(&tables.codes(), &codes);
        // Nothing may be left over from an earlier build.
        tables.rebuild(Kernels::best(), &workers, seed, 3);
        tables.rebuild(Kernels::best(), &workers, seed, 4);
        prop_assert!(tables.codes() == codes);

        let naive = naive(&settings, &codes);
        for table in 0..settings.tables {
            for code in 0..settings.buckets() as u32 {
                let bucket = tables.bucket(table, code);
                let all = naive.get(&(table, code)).map_or(&[][..], Vec::as_slice);
                prop_assert_eq!(bucket.len(), all.len().min(bucket_size as usize));
                prop_assert!(bucket.is_sorted_by(|a, b| a < b));
                match policy {
                    BucketPolicy::Fifo => prop_assert_eq!(bucket, &all[all.len() - bucket.len()..]),
                    BucketPolicy::Reservoir => prop_assert!(bucket.iter().all(|row| all.contains(row))),
                }
            }
        }
        let mut again = HashTables::from_codes(&settings, rows, &tables.codes(), Placement::default()).unwrap();
        again.rebuild(Kernels::best(), &super::tests::workers(1), seed, 4);
        prop_assert_eq!(all_buckets(&again), all_buckets(&tables));
    }
}

#[test]
fn a_rebuild_allocates_nothing() {
    let settings = settings(6, 3, 5, BucketPolicy::Fifo);
    let workers = workers(1);
    // The first build leaves most buckets empty, the second fills them all.
    let mut tables = HashTables::empty(&settings, 1000, Placement::default()).unwrap();
    tables.rebuild(Kernels::best(), &workers, 0, 0);
    let kept = |tables: &HashTables| all_buckets(tables).iter().map(|bucket| bucket.len()).sum::<usize>();
    assert_eq!(kept(&tables), 3 * 5);
    let held = tables.bytes();
    let codes = codes(0, 1000, &settings);
    tables.each_block_of_codes(&workers, |run, out| out.copy_from_slice(&codes[run.start * 3..run.end * 3]));
    let held = held + 256 * 3 * size_of::<u32>(); // the buffer of the only worker
    tables.rebuild(Kernels::best(), &workers, 0, 1);
    assert_eq!(kept(&tables), 3 * 64 * 5);
    assert_eq!(tables.bytes(), held);
}

/// One bucket of 40 rows that may hold 10: over 2,000 rebuilds every row is kept in about 500.
#[test]
fn the_reservoir_is_uniform() {
    let (rows, kept, rebuilds) = (40, 10, 2000_u64);
    let settings = settings(1, 2, kept, BucketPolicy::Reservoir);
    let mut tables = HashTables::from_codes(&settings, rows, &vec![1; 2 * rows], Placement::default()).unwrap();
    let (mut counts, mut pairs, mut equal) = (vec![0_u32; rows], 0, 0);
    for rebuild in 0..rebuilds {
        tables.rebuild(Kernels::best(), &workers(1), 9, rebuild);
        let bucket = tables.bucket(0, 1);
        bucket.iter().for_each(|&row| counts[row as usize] += 1);
        pairs += u32::from(bucket.contains(&0) && bucket.contains(&1));
        equal += u32::from(bucket == tables.bucket(1, 1));
    }
    let expected = rebuilds as f64 * f64::from(kept) / rows as f64;
    let deviation: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    // Chi-square of 39 degrees times (1 - 10/40): mean 29, standard deviation 6.6.
    assert!(deviation < 29.0 + 5.0 * 6.6, "{deviation}: {counts:?}");
    assert!(deviation > 29.0 - 4.0 * 6.6, "{deviation}: too even to be random");
    // Two given rows are both kept with probability 10/40 * 9/39; standard deviation 10.4.
    assert!((63..=168).contains(&pairs), "{pairs} of 2000, expected 115");
    assert_eq!(equal, 0, "tables choose by themselves");
}

#[test]
fn the_same_rebuild_chooses_the_same_rows() {
    let settings = settings(2, 4, 9, BucketPolicy::Reservoir);
    let codes = codes(1, 900, &settings);
    let first = built(&settings, 900, &codes, 5);
    assert_eq!(all_buckets(&first), all_buckets(&built(&settings, 900, &codes, 5)));
    assert_ne!(all_buckets(&first), all_buckets(&built(&settings, 900, &codes, 6)));
    let mut other_seed = built(&settings, 900, &codes, 5);
    other_seed.rebuild(Kernels::best(), &workers(2), 8, 5);
    assert_ne!(all_buckets(&first), all_buckets(&other_seed));
}

#[test]
fn impossible_settings_are_errors() {
    let good = settings(9, 50, 128, BucketPolicy::Fifo);
    assert!(good.validate().is_ok());
    for bits in [0, 25] {
        assert!(matches!(
            HashTables::empty(&HashingConfig { hash_bits: bits, ..good.clone() }, 1, Placement::default()).map(drop),
            Err(HashError::Bits { found, .. }) if found == bits
        ));
    }
    let half_a_hash = HashingConfig { hash: HashKind::Dwta, hash_bits: 10, ..good.clone() };
    assert_eq!(
        half_a_hash.validate().unwrap_err().to_string(),
        "10 bits per code, expected 1 to 24, for dwta a multiple of 3"
    );
    for tables in [0, 4097] {
        let error = HashingConfig { tables, ..good.clone() }.validate().unwrap_err();
        assert!(matches!(error, HashError::Tables { found } if found == tables), "{error}");
    }
    assert!(matches!(HashingConfig { bucket_size: 0, ..good.clone() }.validate(), Err(HashError::BucketSize)));
    let error = HashTables::empty(&good, 1 << 32, Placement::default()).unwrap_err();
    assert!(matches!(error, HashError::TooManyRows { rows: 0x1_0000_0000 }), "{error}");
}

#[test]
fn foreign_codes_are_errors() {
    let settings = settings(3, 2, 4, BucketPolicy::Fifo);
    assert!(HashTables::from_codes(&settings, 3, &[0, 1, 2, 3, 4, 7], Placement::default()).is_ok());
    let error = HashTables::from_codes(&settings, 3, &[0; 5], Placement::default()).unwrap_err();
    assert!(matches!(error, HashError::CodeCount { rows: 3, tables: 2, found: 5 }), "{error}");
    let error = HashTables::from_codes(&settings, 3, &[0, 1, 2, 8, 4, 9], Placement::default()).unwrap_err();
    assert!(matches!(error, HashError::CodeRange { row: 1, code: 8, buckets: 8 }), "{error}");
}

#[test]
fn names_are_read_as_they_are_written() {
    for &kind in HashKind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
        assert_eq!(toml::Value::try_from(kind).unwrap().as_str(), Some(&*kind.to_string()));
    }
    for policy in [BucketPolicy::Fifo, BucketPolicy::Reservoir] {
        assert_eq!(policy.to_string().parse(), Ok(policy));
        assert_eq!(toml::Value::try_from(policy).unwrap().as_str(), Some(&*policy.to_string()));
    }
    assert_eq!(
        "lsh".parse::<HashKind>().unwrap_err().to_string(),
        "unknown hash family `lsh`, expected one of: simhash, wta, dwta, minhash"
    );
    let rebuild: HashMap<String, Rebuild> = toml::from_str("rebuild = \"exponential:50:1.3\"").unwrap();
    assert_eq!(rebuild["rebuild"], Rebuild::Exponential { first: 50, growth: 1.3 });
    assert!(toml::from_str::<HashMap<String, Rebuild>>("rebuild = \"often\"").is_err());
}

/// Rows in clusters around common centres, `[rows][width]`.
fn clustered(rows: usize, width: usize, per_cluster: usize) -> Vec<f32> {
    let noise = |stream: u32, item: usize| {
        let mut words = vec![0; 4 * width];
        Kernels::best().random_words(RngKey::new(11, stream, 0, item as u32), 0, &mut words);
        // Four uniform numbers are near enough to a normal one.
        let unit = |word: &u32| f64::from(*word) / f64::from(u32::MAX) - 0.5;
        words.chunks(4).map(|words| words.iter().map(unit).sum::<f64>() as f32).collect::<Vec<_>>()
    };
    let vector = |row| {
        let pair = noise(1, row / per_cluster).into_iter().zip(noise(2, row));
        pair.map(|(centre, own)| centre + 0.5 * own).collect::<Vec<_>>()
    };
    (0..rows).flat_map(vector).collect()
}

/// A query's buckets hold most of the rows with the largest inner products, and few of all rows.
#[test]
fn buckets_hold_the_nearest_rows() {
    let (rows, width, nearest) = (4000, 64, 10);
    let data = clustered(rows, width, nearest);
    let vectors = Matrix::new(&data, width, width).unwrap();
    // Half of the coordinates are positive, so the first positive one of a bin is mostly the first or second: a MinHash
    // value holds two bits at most, and its codes must be longer to separate as well.
    for (kind, bits) in [(HashKind::SimHash, 9), (HashKind::Wta, 9), (HashKind::Dwta, 9), (HashKind::MinHash, 15)] {
        let settings = HashingConfig { hash: kind, ..settings(bits, 20, 64, BucketPolicy::Fifo) };
        let functions = HashFunctions::new(&settings, width, 1).unwrap();
        let mut codes = vec![0; rows * settings.tables];
        functions.codes(Kernels::best(), vectors, &mut codes);
        let tables = built(&settings, rows, &codes, 0);
        let (mut found, mut candidates, mut asked) = (0, 0, 0);
        for query in (0..rows).step_by(37) {
            let mut held = vec![false; rows];
            for (table, &code) in codes[query * settings.tables..][..settings.tables].iter().enumerate() {
                tables.bucket(table, code).iter().for_each(|&row| held[row as usize] = true);
            }
            held[query] = false;
            let product = |row: usize| Kernels::best().dot(vectors.row(query), vectors.row(row));
            let mut others: Vec<_> = (0..rows).filter(|&row| row != query).map(|row| (product(row), row)).collect();
            others.sort_by(|a, b| b.0.total_cmp(&a.0));
            found += others[..nearest - 1].iter().filter(|&&(_, row)| held[row]).count();
            candidates += held.iter().filter(|&&held| held).count();
            asked += 1;
        }
        let recall = found as f64 / (asked * (nearest - 1)) as f64;
        let random = candidates as f64 / (asked * (rows - 1)) as f64;
        println!("{kind}, {bits} bits: recall {recall:.3} where random rows have {random:.3}");
        assert!(recall > 5.0 * random && recall > 0.6, "{kind}: recall {recall:.3}, random {random:.3}");
    }
}

#[test]
fn functions_follow_from_the_seed() {
    let data = clustered(20, 32, 1);
    let vectors = Matrix::new(&data, 32, 32).unwrap();
    for &kind in HashKind::ALL {
        let settings = HashingConfig { hash: kind, ..settings(12, 7, 1, BucketPolicy::Fifo) };
        let codes = |seed| {
            let mut codes = vec![u32::MAX; 20 * 7];
            HashFunctions::new(&settings, 32, seed).unwrap().codes(Kernels::best(), vectors, &mut codes);
            codes
        };
        assert_eq!(codes(1), codes(1), "{kind}");
        assert_ne!(codes(1), codes(2), "{kind}");
        assert!(codes(1).iter().all(|&code| code < 1 << 12), "{kind}");
        // The top bits are used, and tables differ.
        assert!(codes(1).iter().any(|&code| code >= 1 << 10), "{kind}");
        assert!(codes(1)[..7].iter().any(|&code| code != codes(1)[0]), "{kind}");
    }
}

#[test]
fn impossible_functions_are_errors() {
    let good = settings(9, 50, 128, BucketPolicy::Fifo);
    assert!(HashFunctions::new(&good, 1, 0).is_ok());
    assert!(matches!(HashFunctions::new(&good, 0, 0), Err(HashError::Kernels(_))));
    assert!(matches!(
        HashFunctions::new(&HashingConfig { tables: 4000, ..good.clone() }, 64, 0),
        Err(HashError::Kernels(_))
    ));
    for kind in [HashKind::Wta, HashKind::Dwta, HashKind::MinHash] {
        let settings = HashingConfig { hash: kind, ..good.clone() };
        assert!(HashFunctions::new(&settings, 8, 0).is_ok());
        assert!(matches!(HashFunctions::new(&settings, 7, 0), Err(HashError::Width { found: 7, expected: 8, .. })));
    }
}
