//! No bytes make a reader panic, and what it accepts is a valid data set.

use std::path::Path;

use proptest::prelude::*;
use slide_core::data::{self, DataError, Dataset, Filter, Format, IndexBase, Parts, ReadOptions};
use tempfile::TempDir;

const XMC: &[u8] = b"4 12 6\n0,2 1:0.5 4:-1.25e1\n 0:1\r\n3\n1,5,0 11:3 2:0.001 \n";
const SVMLIGHT: &[u8] = b"# c\n0,2 qid:3 1:0.5 4:-1.25e1 # d\n\n7:1\n+3\n1,5,0 11:3 2:0.001\n";

/// Bytes that the formats care about, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![4 => prop::sample::select(b"0123456789 \n\r\t,:.-+eE#qid".to_vec()), 1 => any::<u8>()]
}

#[derive(Clone, Debug)]
enum Change {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..2000_usize;
    prop_oneof![
        3 => (at.clone(), byte()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        3 => (at.clone(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        2 => at.clone().prop_map(Change::Remove),
        1 => at.clone().prop_map(Change::Cut),
        1 => (at, 1..30_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn mutated(start: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = start.to_vec();
    for change in changes {
        let length = bytes.len();
        let within = |at: usize| at % (length + 1);
        match *change {
            Change::Insert(at, byte) => bytes.insert(within(at), byte),
            Change::Cut(at) => bytes.truncate(within(at)),
            _ if length == 0 => {}
            Change::Replace(at, byte) => bytes[at % length] = byte,
            Change::Remove(at) => drop(bytes.drain(at % length..=at % length)),
            Change::Repeat(at, count) => {
                let from = at % length;
                let copy = bytes[from..(from + count).min(length)].to_vec();
                bytes.splice(from..from, copy);
            }
        }
    }
    bytes
}

/// `feature_indptr`, `feature_indices`, `feature_values`, `label_indices`.
type Arrays = (Vec<u64>, Vec<u32>, Vec<f32>, Vec<u32>);

fn streamed(path: &Path, options: &ReadOptions) -> Result<Arrays, DataError> {
    let mut examples = data::stream::open(path, options)?;
    let mut all = (vec![0], vec![], vec![], vec![]);
    while let Some(example) = examples.next_example()? {
        all.1.extend_from_slice(example.features);
        all.2.extend_from_slice(example.values);
        all.3.extend_from_slice(example.labels);
        all.0.push(all.1.len() as u64);
    }
    Ok(all)
}

/// Reads `bytes` in every way; they agree, and what they accept is valid.
fn read_every_way(bytes: &[u8], format: Option<Format>) -> Result<(), TestCaseError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("X");
    std::fs::write(&path, bytes).unwrap();
    for feature_base in [IndexBase::Auto, IndexBase::Zero, IndexBase::One] {
        // That labels count from -1 is found out by looking at the whole file, as is the base of the features.
        let label_base = if feature_base == IndexBase::One { IndexBase::MinusOne } else { IndexBase::Zero };
        let label_base = if feature_base == IndexBase::Auto { IndexBase::Auto } else { label_base };
        let options = ReadOptions { format, feature_base, label_base, ..ReadOptions::default() };
        let whole = data::read(&path, &options);
        if let Ok(data) = &whole {
            prop_assert!(Dataset::try_from(data.arrays().clone()).is_ok());
        }
        if feature_base == IndexBase::Auto || format == Some(Format::Npz) {
            continue;
        }
        match (whole, streamed(&path, &options)) {
            (Ok(data), Ok(rows)) => {
                let arrays = data.arrays();
                prop_assert_eq!(&arrays.feature_indptr[..], rows.0);
                prop_assert_eq!(&arrays.feature_indices[..], rows.1);
                prop_assert_eq!(&arrays.feature_values[..], rows.2);
                prop_assert_eq!(&arrays.label_indices[..], rows.3);
            }
            (Err(one), Err(other)) => prop_assert_eq!(one.to_string(), other.to_string()),
            (one, other) => prop_assert!(false, "{:?} but streamed {:?}", one, other),
        }
    }
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn mutated_xmc(changes in prop::collection::vec(change(), 1..6)) {
        read_every_way(&mutated(XMC, &changes), Some(Format::Xmc))?;
    }

    #[test]
    fn mutated_svmlight(changes in prop::collection::vec(change(), 1..6), header: bool) {
        let start = if header { [b"4 12 6\n", SVMLIGHT].concat() } else { SVMLIGHT.to_vec() };
        read_every_way(&mutated(&start, &changes), Some(Format::Svmlight))?;
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(byte(), 0..200)) {
        for format in [Some(Format::Xmc), Some(Format::Svmlight)] {
            read_every_way(&bytes, format)?;
        }
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("X");
        std::fs::write(&path, &bytes).unwrap();
        for options in [ReadOptions::default(), ReadOptions { format: Some(Format::Npz), ..ReadOptions::default() }] {
            let _ = data::read(&path, &options);
        }
        let _ = Filter::read(&path, 4, 6);
        let _ = data::names::read(&path, Some(3));
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn mutated_archives(changes in prop::collection::vec(change(), 1..4), gzip: bool) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(if gzip { "a.gz" } else { "X.npz" });
        let parts = Parts {
            feature_indptr: vec![0, 2, 3],
            feature_indices: vec![0, 7, 3],
            feature_values: vec![1.0, 2.0, 0.5],
            label_indptr: vec![0, 1, 2],
            label_indices: vec![1, 0],
            feature_count: 9,
            label_count: 2,
        };
        data::write(&path, &parts.try_into().unwrap(), if gzip { Format::Xmc } else { Format::Npz }).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, mutated(&bytes, &changes)).unwrap();
        if let Ok(data) = data::read(&path, &ReadOptions::default()) {
            prop_assert!(Dataset::try_from(data.arrays().clone()).is_ok());
        }
    }
}
