//! Matrices written by SciPy 1.x (`fixtures/`), and matrices that nobody should write.
//!
//! The fixtures hold `[[0, .5, 0, -2], [0, 0, 0, 0], [.001, 0, 7, 0]]` (deflated `float32`; `wide`: stored, big-endian
//! `float64` and `int64`, `uint16` indices; `csc`: columns) and `[[0, 1, 0], [0, 0, 0], [1, 0, 0]]`, stored, with one explicit
//! zero at row 0, column 2.

use std::io::Write;
use std::path::{Path, PathBuf};

use slide_core::data::{self, LabelFile, ReadOptions, Relevance};
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn scipy_wrote_them() {
    let wide = ReadOptions { labels: LabelFile::At(fixture("Y.scipy.npz")), ..ReadOptions::default() };
    for (name, options) in [("X.scipy.npz", &ReadOptions::default()), ("X.wide.npz", &wide), ("X.csc.npz", &wide)] {
        let data = data::read(fixture(name), options).unwrap();
        assert_eq!((data.examples(), data.feature_count(), data.label_count()), (3, 4, 3), "{name}");
        assert_eq!(data.features(0), (&[1, 3][..], &[0.5, -2.0][..]), "{name}");
        assert_eq!(data.features(1), (&[][..], &[][..]), "{name}");
        assert_eq!(data.features(2), (&[0, 2][..], &[0.001, 7.0][..]), "{name}");
        assert_eq!((data.labels(0), data.labels(1), data.labels(2)), (&[1][..], &[][..], &[0][..]), "{name}");
    }
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
        (|m| m.format = b"bsr", "format: expected csr, csc or coo, found \"bsr\""),
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
    assert!(with(3, array("<i8", "(2, 2)", &[0; 32])).contains("indices: expected one dimension, found 2"));
    assert!(with(3, array("<i8", "(2, 2, 1)", &[0; 32])).contains("indices: expected an array in .npy format"));
    assert!(with(3, array("<f8", "(4,)", &[0; 32])).contains("indices: expected integers, found <f8"));
    assert!(with(4, array("|O8", "(4,)", &[0; 32])).contains("data: expected numbers, found |O8"));
    assert!(with(1, b"\x93NUMPY\x09\x00".to_vec()).contains("version 9"));
    let mut without = members(&valid());
    without.remove(2);
    assert!(read(&without).unwrap_err().contains("indptr: expected an array of this name"));
}

#[test]
fn entries_by_coordinates_and_by_columns() {
    let expected = read(&members(&valid())).unwrap();
    let floats = |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let coo = |row: &[i64], col: &[i64], shape: &[i64]| {
        vec![
            ("format", array("|S3", "()", b"coo")),
            ("shape", integers(shape)),
            ("row", integers(row)),
            ("col", integers(col)),
            ("data", array("<f8", "(4,)", &floats(&[4.0, 1.0, 2.0, 3.0]))),
        ]
    };
    assert_eq!(read(&coo(&[1, 0, 0, 0], &[5, 8, 0, 3], &[2, 9])).unwrap(), expected);
    for (row, col, shape, error) in [
        ([1, 0, 2, 0], [5, 8, 0, 3], [2, 9], "row[2]: expected an index from 0 and below 2, found 2"),
        ([1, 0, 0, 0], [5, 8, 9, 3], [2, 9], "col[2]: expected an index from 0 and below 9, found 9"),
        ([1, 0, 0, 0], [5, 8, 8, 3], [2, 9], "row 0: expected each index once per row, found 8"),
        (
            [1, 0, 0, 0],
            [5, 8, 0, 3],
            [1 << 40, 9],
            "shape: expected at most 16777216 rows for 4 entries, found 1099511627776",
        ),
    ] {
        assert_eq!(read(&coo(&row, &col, &shape)).unwrap_err(), error);
    }
    // Columns 0, 3, 5 and 8 have an entry each.
    let csc = |most: Option<usize>| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("X.npz");
        let matrix = Matrix {
            format: b"csc",
            shape: vec![2, 9],
            indptr: vec![0, 1, 1, 1, 2, 2, 3, 3, 3, 4],
            indices: vec![0, 0, 1, 0],
            data: vec![2.0, 3.0, 4.0, 1.0],
        };
        archive(&path, &members(&matrix));
        data::read(&path, &ReadOptions { labels: LabelFile::None, feature_count: most, ..ReadOptions::default() })
    };
    assert_eq!(csc(None).unwrap(), expected);
    let error = csc(Some(8)).unwrap_err().to_string();
    assert!(error.ends_with("indptr[8]: expected no entries in the columns from 8 on, found 3"), "{error}");
}

#[test]
fn dense_arrays() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    let rows: Vec<u8> = [0.0_f32, 1.5, -2.0, 0.0, 0.0, 3.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let columns: Vec<u8> = [0.0_f32, 0.0, 1.5, 0.0, -2.0, 3.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let fortran = String::from_utf8_lossy(&array("<f4", "(2, 3)", b"")).replace("False", "True");
    // The first bytes are not text.
    let mut fortran = [b"\x93".as_slice(), &fortran.as_bytes()[3..]].concat();
    let length = u16::from_le_bytes([fortran[8], fortran[9]]) - 1;
    fortran[8..10].copy_from_slice(&length.to_le_bytes());
    fortran.extend(columns);
    write("Y.npy", array("<i8", "(2,)", &[[4_u8, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]].concat()));
    for bytes in [array("<f4", "(2, 3)", &rows), fortran] {
        let data = data::read(write("X.npy", bytes), &ReadOptions::default()).unwrap();
        assert_eq!((data.features(0), data.features(1)), ((&[1, 2][..], &[1.5, -2.0][..]), (&[2][..], &[3.0][..])));
        assert_eq!((data.labels(0), data.labels(1), data.label_count()), (&[4][..], &[1][..], 5));
    }
    let indicators = write("I.npy", array("|b1", "(2, 3)", &[0, 1, 1, 0, 0, 0]));
    let options = ReadOptions { labels: LabelFile::At(indicators), ..ReadOptions::default() };
    let data = data::read(folder.path().join("X.npy"), &options).unwrap();
    assert_eq!((data.labels(0), data.labels(1)), (&[1, 2][..], &[][..]));
    let options = ReadOptions { feature_count: Some(2), ..ReadOptions::default() };
    let error = data::read(folder.path().join("X.npy"), &options).unwrap_err().to_string();
    assert!(error.contains("array[4]: expected 0 in the columns from 2 on, found -2"), "{error}");
    let savez = folder.path().join("X.dense.npz");
    archive(&savez, &[("arr_0", array("<f4", "(2, 3)", &rows))]);
    let error = data::read(&savez, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("scipy.sparse.save_npz") && error.ends_with("found an archive of arr_0.npy"), "{error}");
}

#[test]
fn labels_of_other_values() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("trn_X_Xf.txt"), "2 5\n0:1 3:1\n1:1\n").unwrap();
    let labels = folder.path().join("trn_X_Y.txt");
    let read = |text: &str, relevance| {
        std::fs::write(&labels, text).unwrap();
        data::read(folder.path().join("trn_X_Xf.txt"), &ReadOptions { relevance, ..ReadOptions::default() })
    };
    let plain = read("2 4\n0:1 2:1\n3:1\n", Relevance::ZeroOrOne).unwrap();
    assert_eq!((plain.labels(0), plain.labels(1), plain.label_count()), (&[0, 2][..], &[3][..], 4));
    assert_eq!(plain.features(0), (&[0, 3][..], &[1.0, 1.0][..]));
    let graded = "2 4\n0:1 1:0 2:0.5\n3:2\n";
    let error = read(graded, Relevance::ZeroOrOne).unwrap_err().to_string();
    assert!(
        error.contains("trn_X_Y.txt: row 0: expected labels of value 0 or 1") && error.ends_with("found 0.5"),
        "{error}"
    );
    assert_eq!(read(graded, Relevance::Any).unwrap(), plain);
    let error = read("3 4\n0:1\n\n\n", Relevance::Any).unwrap_err().to_string();
    assert!(error.ends_with("shape: expected 2 rows, as in the feature matrix, found 3"), "{error}");
    let error = read("2 4\n0:1\n4:1\n", Relevance::Any).unwrap_err().to_string();
    assert!(error.contains("trn_X_Y.txt:3:1: expected a column number from 0 to 3"), "{error}");
}

#[test]
fn labels_may_be_a_folder_above() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("tfidf")).unwrap();
    std::fs::copy(fixture("X.scipy.npz"), folder.path().join("tfidf/X.trn.npz")).unwrap();
    std::fs::copy(fixture("Y.scipy.npz"), folder.path().join("Y.trn.npz")).unwrap();
    let data = data::read(folder.path().join("tfidf/X.trn.npz"), &ReadOptions::default()).unwrap();
    assert_eq!(data, data::read(fixture("X.scipy.npz"), &ReadOptions::default()).unwrap());
}
