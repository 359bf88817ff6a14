//! Matrices written by SciPy 1.x (`fixtures/`), and matrices that nobody should write.
//!
//! The fixtures hold `[[0, .5, 0, -2], [0, 0, 0, 0], [.001, 0, 7, 0]]` (deflated `float32`; `wide`: stored, big-endian
//! `float64` and `int64`, `uint16` indices; `csc`: columns) and `[[0, 1, 0], [0, 0, 0], [1, 0, 0]]`, stored, with one explicit
//! zero at row 0, column 2.

use std::io::Write;
use std::path::{Path, PathBuf};

use slide_core::data::{self, LabelFile, ReadOptions};
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn scipy_wrote_them() {
    let wide = ReadOptions { labels: LabelFile::At(fixture("Y.scipy.npz")), ..ReadOptions::default() };
    for (name, options) in [("X.scipy.npz", &ReadOptions::default()), ("X.wide.npz", &wide)] {
        let data = data::read(fixture(name), options).unwrap();
        assert_eq!((data.examples(), data.feature_count(), data.label_count()), (3, 4, 3), "{name}");
        assert_eq!(data.features(0), (&[1, 3][..], &[0.5, -2.0][..]), "{name}");
        assert_eq!(data.features(1), (&[][..], &[][..]), "{name}");
        assert_eq!(data.features(2), (&[0, 2][..], &[0.001, 7.0][..]), "{name}");
        assert_eq!((data.labels(0), data.labels(1), data.labels(2)), (&[1][..], &[][..], &[0][..]), "{name}");
    }
    let error = data::read(fixture("X.csc.npz"), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.ends_with("X.csc.npz: format: expected csr, found \"csc\""), "{error}");
    let missing = data::read(fixture("X.wide.npz"), &ReadOptions::default()).unwrap_err().to_string();
    assert!(missing.contains("Y.wide.npz"), "{missing}");
}

struct Matrix {
    format: &'static [u8],
    shape: Vec<i64>,
    indptr: Vec<i64>,
    indices: Vec<i64>,
    data: Vec<f64>,
}

fn array(descr: &str, shape: &str, items: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(items);
    bytes
}

fn archive(path: &Path, members: &[(&str, Vec<u8>)]) {
    let mut archive = ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in members {
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

fn integers(numbers: &[i64]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    array("<i8", &format!("({},)", numbers.len()), &bytes)
}

fn members(matrix: &Matrix) -> Vec<(&'static str, Vec<u8>)> {
    let data: Vec<u8> = matrix.data.iter().flat_map(|value| value.to_le_bytes()).collect();
    vec![
        ("format", array("|S3", "()", matrix.format)),
        ("shape", integers(&matrix.shape)),
        ("indptr", integers(&matrix.indptr)),
        ("indices", integers(&matrix.indices)),
        ("data", array("<f8", &format!("({},)", matrix.data.len()), &data)),
    ]
}

fn read(members: &[(&str, Vec<u8>)]) -> Result<data::Dataset, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("X.npz");
    archive(&path, members);
    let options = ReadOptions { labels: LabelFile::None, ..ReadOptions::default() };
    data::read(&path, &options).map_err(|error| error.to_string().split_once("X.npz: ").unwrap().1.to_owned())
}

fn valid() -> Matrix {
    Matrix {
        format: b"csr",
        shape: vec![2, 9],
        indptr: vec![0, 3, 4],
        indices: vec![8, 0, 3, 5],
        data: vec![1.0, 2.0, 3.0, 4.0],
    }
}

#[test]
fn defects_name_array_and_element() {
    assert_eq!(read(&members(&valid())).unwrap().features(0), (&[0, 3, 8][..], &[2.0, 3.0, 1.0][..]));
    type Case = (fn(&mut Matrix), &'static str);
    let cases: [Case; 12] = [
        (|m| m.format = b"bsr", "format: expected csr, found \"bsr\""),
        (|m| m.shape = vec![2], "shape: expected two numbers, found [2]"),
        (|m| m.shape = vec![-2, 9], "shape: expected rows and at most 2^32 columns, found [-2, 9]"),
        (|m| m.shape = vec![i64::MAX, 9], "indptr: expected 9223372036854775807 + 1 entries, found 3"),
        (|m| m.indptr[0] = 1, "indptr[0]: expected 0, found 1"),
        (|m| m.indptr[1] = 5, "indptr[2]: expected at least 5, found 4"),
        (|m| m.indptr[2] = 7, "indptr[2]: expected the number of indices, 4, found 7"),
        (|m| m.data.truncate(3), "data: expected 4 numbers, as indices, found 3"),
        (|m| m.indices[3] = 9, "indices[3]: expected an index from 0 and below 9, found 9"),
        (|m| m.indices[1] = -1, "indices[1]: expected an index from 0 and below 9, found -1"),
        (|m| m.indices[2] = 8, "indices[2]: expected each index once per row, found 8"),
        (|m| m.data[1] = 1e39, "data[1]: expected a finite number that a 32-bit float can hold, found inf"),
    ];
    for (change, expected) in cases {
        let mut matrix = valid();
        change(&mut matrix);
        assert_eq!(read(&members(&matrix)).unwrap_err(), expected);
    }
}

#[test]
fn arrays_that_lie() {
    let with = |member: usize, bytes: Vec<u8>| {
        let mut members = members(&valid());
        members[member].1 = bytes;
        read(&members).unwrap_err()
    };
    assert!(with(3, array("<i8", "(1000000000000,)", &[0; 8])).contains("8 of the 8000000000000 bytes"));
    assert!(
        with(3, array("<i8", "(99999999999999999999,)", &[])).contains("indices: expected an array in .npy format")
    );
    assert!(with(3, array("<i8", "(4611686018427387904,)", &[])).contains("of shape"));
    assert!(with(3, array("<i8", "(2, 2)", &[0; 32])).contains("indices: expected an array in .npy format"));
    assert!(with(3, array("<f8", "(4,)", &[0; 32])).contains("indices: expected integers, found <f8"));
    assert!(with(4, array("|O8", "(4,)", &[0; 32])).contains("data: expected numbers, found |O8"));
    assert!(with(1, b"\x93NUMPY\x09\x00".to_vec()).contains("version 9"));
    let mut without = members(&valid());
    without.remove(2);
    assert!(read(&without).unwrap_err().contains("indptr: expected an array of this name"));
}
