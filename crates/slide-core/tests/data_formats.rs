//! What each format accepts, and what it says about what it does not.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use proptest::collection::{btree_set, vec};
use proptest::prelude::{Strategy, prop_assert_eq, proptest};
use slide_core::data::{self, DataError, Dataset, Format, IndexBase, LabelFile, Parts, ReadOptions};
use tempfile::TempDir;

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn read(text: &str, options: &ReadOptions) -> Result<Dataset, DataError> {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "data.txt", text.as_bytes());
    let whole = data::read(&path, options);
    // The stream must find the same; it cannot guess the base of svmlight.
    if options.feature_base != IndexBase::Auto || options.format != Some(Format::Svmlight) {
        let streamed = collect(&path, options);
        match (&whole, streamed) {
            (Ok(data), Ok(rows)) => assert_eq!(rows, rows_of(data), "{text:?}"),
            (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string(), "{text:?}"),
            (one, other) => panic!("{text:?}: {one:?} but streamed {other:?}"),
        }
    }
    whole
}

type Row = (Vec<u32>, Vec<f32>, Vec<u32>);

fn rows_of(data: &Dataset) -> Vec<Row> {
    let row =
        |example| (data.features(example).0.to_vec(), data.features(example).1.to_vec(), data.labels(example).to_vec());
    (0..data.examples()).map(row).collect()
}

fn collect(path: &Path, options: &ReadOptions) -> Result<Vec<Row>, DataError> {
    let mut examples = data::stream::open(path, options)?;
    let mut rows = Vec::new();
    while let Some(example) = examples.next_example()? {
        rows.push((example.features.to_vec(), example.values.to_vec(), example.labels.to_vec()));
    }
    Ok(rows)
}

fn row(features: &[(u32, f32)], labels: &[u32]) -> Row {
    (features.iter().map(|pair| pair.0).collect(), features.iter().map(|pair| pair.1).collect(), labels.to_vec())
}

fn xmc() -> ReadOptions {
    ReadOptions { format: Some(Format::Xmc), ..ReadOptions::default() }
}

fn svmlight(base: IndexBase) -> ReadOptions {
    ReadOptions { format: Some(Format::Svmlight), feature_base: base, ..ReadOptions::default() }
}

#[test]
fn xmc_accepts() {
    let expected = vec![row(&[(1, 0.5), (4, 1.25)], &[0, 2]), row(&[(0, 1.0)], &[]), row(&[], &[3]), row(&[], &[])];
    for text in [
        "4 5 4\n0,2 1:0.5 4:1.25\n 0:1\n3\n\n",
        "4 5 4\r\n0,2 1:0.5 4:1.25\r\n 0:1\r\n3\r\n\r\n",
        "4 5 4 \n2,0,2 4:125e-2 1:.5\n0:1.\n3 \n\t\n",
        "  4\t5  4\n0,2   1:0.5\t4:+1.25  \n  0:1\n3\n\n\n \r\n\n",
    ] {
        let data = read(text, &ReadOptions::default()).unwrap();
        assert_eq!(rows_of(&data), expected, "{text:?}");
        assert_eq!((data.feature_count(), data.label_count()), (5, 4));
    }
    assert_eq!(rows_of(&read("1 5 4\n0 1:1", &xmc()).unwrap()), [row(&[(1, 1.0)], &[0])]);
    assert_eq!(read("0 5 4\n", &xmc()).unwrap().examples(), 0);
    assert_eq!(read("0 0 0", &xmc()).unwrap().examples(), 0);
    assert_eq!(rows_of(&read("1 1 1\n0 0:1e-60\n", &xmc()).unwrap()), [row(&[(0, 0.0)], &[0])]);
}

/// Text, line, column, words of what was expected, what was found.
type Case = (&'static str, u64, u64, &'static str, &'static str);

#[test]
fn xmc_defects() {
    let header = "header, 'examples features labels'";
    let cases: &[Case] = &[
        ("", 1, 1, header, "the end of the file"),
        ("\n", 1, 1, header, "the end of the line"),
        ("2 5\n", 1, 4, header, "the end of the line"),
        ("2 5 4 1\n", 1, 7, "the end of the header", "\"1\""),
        ("2 x 4\n", 1, 3, "number of features", "\"x\""),
        ("2 5 9999999999\n", 1, 5, "number of labels", "\"9999999999\""),
        ("0 1:2\n", 1, 3, "number of features", "\"1:2\""),
        ("1 5 4\n0,2 1:0.5 4:nan\n", 2, 13, "a finite number", "\"nan\""),
        ("1 5 4\n0 1:inf\n", 2, 5, "a finite number", "\"inf\""),
        ("1 5 4\n0 1:1e39\n", 2, 5, "32-bit float", "\"1e39\""),
        ("1 5 4\n0 1:0.5x\n", 2, 8, "a space or the end of the line", "\"x\""),
        ("1 5 4\n0 1:\n", 2, 5, "a finite number", "the end of the line"),
        ("1 5 4\n0 1:\r\n", 2, 5, "a finite number", "the end of the line"),
        ("1 5 4\n0 1:", 2, 5, "a finite number", "the end of the file"),
        ("1 5 4\n0 1", 2, 4, "':' after a feature number", "the end of the file"),
        ("1 5 4\n0 1 :2\n", 2, 4, "':' after a feature number", "\" \""),
        ("1 5 4\n0 x:2\n", 2, 3, "'feature:value'", "\"x:2\""),
        ("1 5 4\n0 -1:2\n", 2, 3, "'feature:value'", "\"-1:2\""),
        ("1 5 4\n0 5:2\n", 2, 3, "a feature number from 0 to 4", "\"5:2\""),
        ("1 5 4\n0 99999999999999999999999:2\n", 2, 3, "a feature number from 0 to 4", "\"99999999999999999999999:2\""),
        ("1 5 0\n0 1:2\n", 2, 1, "no label", "\"0\""),
        ("1 5 4\n4 1:2\n", 2, 1, "a label number from 0 to 3", "\"4\""),
        ("1 5 4\n1,4 1:2\n", 2, 3, "a label number from 0 to 3", "\"4\""),
        ("1 5 4\n1, 1:2\n", 2, 3, "a label number", "\" \""),
        ("1 5 4\n,1 1:2\n", 2, 1, "a label number", "\",1\""),
        ("1 5 4\n1;2 1:2\n", 2, 2, "','", "\";2\""),
        ("1 5 4\n1.0 1:2\n", 2, 2, "','", "\".0\""),
        ("1 5 4\n-1 1:2\n", 2, 1, "a label number from 0 to 3", "\"-1\""),
        ("1 5 4\n1,2:3 1:2\n", 2, 4, "','", "\":3\""),
        ("1 5 4\n 1,2 1:2\n", 2, 3, "':' after", "\",2\""),
        ("1 5 4\n0 1:2 2:3 1:4\n", 2, 11, "feature 1 once an example", "\"1:4\""),
        ("1 5 4\n0 2:1 1:2 1:3 x\n", 2, 11, "feature 1 once an example", "\"1:3\""),
        ("1 5 4\n0 2:1 1:2 x 1:3\n", 2, 11, "'feature:value'", "\"x\""),
        ("1 5 4\n0 1:1\r2:1\n", 2, 6, "a space or the end", "\"\\r\""),
        ("2 5 4\n0 1:2\n", 3, 1, "2 examples, as in the header (there are 1)", "the end of the file"),
        ("2 5 4\n0 1:2", 2, 6, "2 examples, as in the header (there are 1)", "the end of the file"),
        ("1 5 4\n0 1:2\n\n \n0 1:2\n0 x", 5, 1, "the end of the file after 1 examples", "\"0\""),
        ("1 5 4\n0 1:2\n x\n", 3, 2, "the end of the file after 1 examples", "\"x\""),
        ("1 5 4\n0 1:2 # no\n", 2, 7, "'feature:value'", "\"#\""),
        ("1 5 4\n0 1:\x01\u{e9}\n", 2, 5, "a finite number", "\"\\x01\\xc3\\xa9\""),
    ];
    check(cases, &xmc());
}

fn check(cases: &[Case], options: &ReadOptions) {
    for &(text, line, column, expected, found) in cases {
        match read(text, options) {
            Err(DataError::Malformed { line: l, column: c, expected: e, found: f, .. }) => {
                assert_eq!((l, c), (line, column), "{text:?}: expected {e}, found {f}");
                assert!(e.contains(expected), "{text:?}: expected {e:?}, not {expected:?}");
                assert_eq!(f, found, "{text:?}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn widths_fit_a_model() {
    let narrow = ReadOptions { feature_count: Some(3), label_count: Some(9), ..ReadOptions::default() };
    let data = read("1 5 4\n0 2:1\n", &narrow).unwrap();
    assert_eq!((data.feature_count(), data.label_count()), (3, 9));
    check(&[("1 5 4\n0 3:1\n", 2, 3, "a feature number from 0 to 2", "\"3:1\"")], &narrow);
    check(
        &[("1 5 99\n7 2:1\n", 2, 1, "a label number from 0 to 4", "\"7\"")],
        &ReadOptions { label_count: Some(5), ..xmc() },
    );
}

#[test]
fn svmlight_accepts() {
    let text = "# comment\n0,2 qid:7 1:0.5 4:1.25 # more\n\n1:2\n+3\n qid:1\n";
    let zero = read(text, &svmlight(IndexBase::Zero)).unwrap();
    let rows = [row(&[(1, 0.5), (4, 1.25)], &[0, 2]), row(&[(1, 2.0)], &[]), row(&[], &[3]), row(&[], &[])];
    assert_eq!(rows_of(&zero), rows);
    assert_eq!((zero.feature_count(), zero.label_count()), (5, 4));
    let one = read(text, &svmlight(IndexBase::One)).unwrap();
    assert_eq!(one.features(0).0, [0, 3]);
    assert_eq!(one.feature_count(), 4);
    assert_eq!(read(text, &svmlight(IndexBase::Auto)).unwrap(), one);
    assert_eq!(read("1 0:1 3:1\n", &svmlight(IndexBase::Auto)).unwrap().features(0).0, [0, 3]);
    // With a header, blank lines are examples, and the width decides what Auto may take for the last feature.
    let data = read("2 3 4\n0 1:1 3:1\n\n", &svmlight(IndexBase::Auto)).unwrap();
    assert_eq!(rows_of(&data), [row(&[(0, 1.0), (2, 1.0)], &[0]), row(&[], &[])]);
    let labels = ReadOptions { label_base: IndexBase::One, ..svmlight(IndexBase::Zero) };
    assert_eq!(read("1,3 0:1\n", &labels).unwrap().labels(0), [0, 2]);
}

#[test]
fn svmlight_defects() {
    check(
        &[
            ("", 1, 1, "at least one example", "the end of the file"),
            ("# nothing\n\n", 3, 1, "at least one example", "the end of the file"),
            ("0 1:1 qid:3\n", 1, 7, "'feature:value'", "\"qid:3\""),
            ("0 qid:x 1:1\n", 1, 3, "a number after 'qid:'", "\"qid:x\""),
            ("-2 1:1\n", 1, 1, "a label number", "\"-2\""),
            ("1.5 1:1\n", 1, 1, "a whole number", "\"1.5\""),
            ("1:0.5,2:0.5 1:1\n", 1, 6, "no graded relevance", "\",2:0.5\""),
            ("0 0:1 1:1\n0 4294967296:1\n", 2, 3, "a feature number", "\"4294967296:1\""),
            ("2 3 4\n1 1:1\n# x\n1 1:1\n1 1:1\n", 5, 1, "the end of the file after 2 examples", "\"1\""),
        ],
        &svmlight(IndexBase::Zero),
    );
    check(
        &[("0 0:1\n", 1, 3, "a feature number from 1", "\"0:1\""), ("1 3 4\n0 4:1\n", 2, 3, "from 1 to 3", "\"4:1\"")],
        &svmlight(IndexBase::One),
    );
    check(&[("2 3 4\n0 0:1\n0 3:1\n", 3, 3, "a feature number from 0 to 2", "\"3:1\"")], &svmlight(IndexBase::Auto));
}

#[test]
fn the_first_defect_whatever_the_threads() {
    // Some megabytes, so that there are several pieces; defects in many of them.
    let mut text = String::from("400000 1000 10\n");
    for example in 0..400_000 {
        text += if example >= 100_003 && example % 1000 == 3 { "1 5:1 7:x\n" } else { "1,2 3:0.25 14:1.5\n" };
    }
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "large.txt", text.as_bytes());
    for threads in [1, 2, 3, 8] {
        let options = ReadOptions { threads: NonZeroUsize::new(threads), ..ReadOptions::default() };
        let error = data::read(&path, &options).unwrap_err().to_string();
        assert!(error.ends_with("large.txt:100005:9: expected a finite number, found \"x\""), "{error}");
    }
    let good = file(&folder, "good.txt", text.replace(":x", ":2").as_bytes());
    let read = |threads| {
        data::read(&good, &ReadOptions { threads: NonZeroUsize::new(threads), ..ReadOptions::default() }).unwrap()
    };
    let one = read(1);
    assert_eq!((one.examples(), one.labels(399_999), one.features(100_003).1), (400_000, &[1, 2][..], &[1.0, 2.0][..]));
    assert_eq!(one, read(3));
    assert_eq!(Dataset::try_from(one.clone().arrays().clone()).unwrap(), one);
}

fn sample() -> Dataset {
    Dataset::try_from(Parts {
        feature_indptr: vec![0, 3, 3, 4],
        feature_indices: vec![0, 2, 6, 1],
        feature_values: vec![0.1, -3.4e38, 1e-45, 16777216.0],
        label_indptr: vec![0, 1, 3, 3],
        label_indices: vec![4, 0, 1],
        feature_count: 8,
        label_count: 5,
    })
    .unwrap()
}

#[test]
fn written_files_read_back() {
    let folder = TempDir::new().unwrap();
    let data = sample();
    for name in ["a.txt", "a.txt.gz", "a.txt.zst", "X.npz", "a.svm", "a.svm.gz"] {
        let path = folder.path().join(name);
        data::write(&path, &data, Format::of_name(&path)).unwrap();
        assert_eq!(Dataset::read(&path).unwrap(), data, "{name}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 7, "six files and the labels of the npz, no temporary ones: {left:?}");
    let options = ReadOptions { labels: LabelFile::None, ..ReadOptions::default() };
    assert!(data::read(folder.path().join("X.npz"), &options).unwrap().labels(0).is_empty());
    let mut text = Vec::new();
    data::write_to(&mut text, &data, Format::Xmc).unwrap();
    assert_eq!(text, std::fs::read(folder.path().join("a.txt")).unwrap());
}

/// A data set of a few rows; widths may be larger than what occurs, rows empty.
fn small_set() -> impl Strategy<Value = Dataset> {
    let row = (btree_set(0..9_u32, 0..4), btree_set(0..6_u32, 0..3));
    (vec(row, 1..5), 0..3_usize, 0..3_usize).prop_map(|(rows, more_features, more_labels)| {
        let mut parts = Parts { feature_indptr: vec![0], label_indptr: vec![0], ..Parts::default() };
        for (features, labels) in rows {
            parts.feature_values.extend(features.iter().map(|&feature| feature as f32 / 8.0 - 0.3));
            parts.feature_indices.extend(features);
            parts.label_indices.extend(labels);
            parts.feature_indptr.push(parts.feature_indices.len() as u64);
            parts.label_indptr.push(parts.label_indices.len() as u64);
        }
        let width = |indices: &[u32]| indices.iter().max().map_or(0, |&largest| largest as usize + 1);
        parts.feature_count = width(&parts.feature_indices) + more_features;
        parts.label_count = width(&parts.label_indices) + more_labels;
        Dataset::try_from(parts).unwrap()
    })
}

proptest! {
    /// What is written is read as the same, widths included, from whichever format and base it came, and by a stream too.
    #[test]
    fn conversions_change_nothing(data in small_set(), ways in vec(0..4_usize, 1..4), bases in [0..2_usize, 0..2]) {
        let folder = TempDir::new().unwrap();
        let [features, labels] = bases.map(|base| [IndexBase::Zero, IndexBase::One][base]);
        // A file in these bases, widths included, as its comment says.
        let [first_feature, first_label] = bases;
        let mut text = format!(
            "# slide: {} features from {first_feature}, {} labels from {first_label}\n",
            data.feature_count(),
            data.label_count()
        );
        for (columns, values, own) in rows_of(&data) {
            let labels: Vec<String> = own.iter().map(|&label| (label as usize + first_label).to_string()).collect();
            text += &labels.join(",");
            for (&column, value) in columns.iter().zip(values) {
                text += &format!(" {}:{value}", column as usize + first_feature);
            }
            text.push('\n');
        }
        let mut path = file(&folder, "first.svm", text.as_bytes());
        let first = Dataset::read(&path).unwrap();
        prop_assert_eq!(&first, &data);
        prop_assert_eq!((first.feature_base(), first.label_base()), (features, labels));
        for (step, way) in ways.into_iter().enumerate() {
            let read = Dataset::read(&path).unwrap();
            path = folder.path().join(format!("{step}.{}", ["X.txt", "X.svm", "X.npz", "X_Xf.txt"][way]));
            data::write(&path, &read, Format::of_name(&path)).unwrap();
            let again = Dataset::read(&path).unwrap();
            prop_assert_eq!(&again, &data, "{:?}", path);
            if way < 2 {
                // A stream cannot guess the base.
                let options = ReadOptions { feature_base: again.feature_base(), ..ReadOptions::default() };
                prop_assert_eq!(collect(&path, &options).unwrap(), rows_of(&data));
            }
            if way == 1 {
                // The numbers stay those of the file.
                prop_assert_eq!((again.feature_base(), again.label_base()), (read.feature_base(), read.label_base()));
            }
        }
    }
}

#[test]
fn svmlight_as_its_other_writers_write_it() {
    let folder = TempDir::new().unwrap();
    let read = |text: &str| Dataset::read(file(&folder, "a.svm", text.as_bytes())).unwrap();
    let expected = [row(&[(0, 1.0)], &[2]), row(&[(1, 0.5)], &[1])];
    for text in ["2 1:1#glued\n1#glued\n1 2:.5 # more\n", "2.0 1:1\n1 \n1.0 2:0.5\n", "+2. 1:1\n1\n+1 2:.5\n"] {
        let data = read(text);
        assert_eq!(rows_of(&data), [&expected[..1], &[row(&[], &[1])], &expected[1..]].concat(), "{text:?}");
    }
    // Binary sets.
    let data = read("-1 1:1\n+1 2:0.5\n");
    assert_eq!(rows_of(&data), [row(&[(0, 1.0)], &[0]), row(&[(1, 0.5)], &[2])]);
    assert_eq!((data.label_count(), data.label_base(), data.feature_base()), (3, IndexBase::MinusOne, IndexBase::One));
    let mut written = Vec::new();
    data::write_to(&mut written, &data, Format::Svmlight).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "-1 1:1\n1 2:0.5\n");
    // Comments before a header, for a reader of the whole and a stream.
    let path = file(&folder, "b.svm", b"# made by hand\n#\n2 5 4\n0 1:1\n\n");
    let expected = [row(&[(0, 1.0)], &[0]), row(&[], &[])];
    let data = Dataset::read(&path).unwrap();
    assert_eq!((rows_of(&data), data.feature_count(), data.label_count()), (expected.to_vec(), 5, 4));
    let options = ReadOptions { feature_base: IndexBase::One, ..ReadOptions::default() };
    assert_eq!(collect(&path, &options).unwrap(), expected);
}

#[test]
fn svmlight_that_says_all_itself_has_no_comment() {
    let folder = TempDir::new().unwrap();
    for text in ["1,5 3:1 5:2\n0 4:1\n", "0 0:1 2:-2.5\n1 1:1\n"] {
        let data = Dataset::read(file(&folder, "a.svm", text.as_bytes())).unwrap();
        let mut written = Vec::new();
        data::write_to(&mut written, &data, Format::Svmlight).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }
}

#[test]
fn compressed_streams() {
    let folder = TempDir::new().unwrap();
    let parts: [&[u8]; 3] = [b"3 5 4\n0 1:1\n0", b" 2:1\n", b"1 3:1\n"];
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
    let bzip2 = |text: &[u8]| {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let xz = |text: &[u8]| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let expected = [row(&[(1, 1.0)], &[0]), row(&[(2, 1.0)], &[0]), row(&[(3, 1.0)], &[1])];
    for (name, bytes) in [
        ("members.gz", parts.map(gzip).concat()),
        ("frames.zst", parts.map(zstd).concat()),
        ("members.bz2", parts.map(bzip2).concat()),
        ("streams.xz", parts.map(xz).concat()),
        ("skippable", [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd(&parts.concat())].concat()),
    ] {
        let path = file(&folder, name, &bytes);
        assert_eq!(rows_of(&data::read(&path, &ReadOptions::default()).unwrap()), expected, "{name}");
        assert_eq!(collect(&path, &ReadOptions::default()).unwrap(), expected, "{name}");
        let cut = file(&folder, "cut", &bytes[..bytes.len() - 3]);
        for error in [data::read(&cut, &xmc()).unwrap_err(), collect(&cut, &xmc()).unwrap_err()] {
            assert!(matches!(error, DataError::Io { .. }), "{name}: {error}");
        }
    }
    let zeros = file(&folder, "zeros.gz", &[parts.map(gzip).concat(), vec![0; 300_000]].concat());
    assert_eq!(rows_of(&data::read(&zeros, &xmc()).unwrap()), expected);
    let junk = file(&folder, "junk.gz", &[parts.map(gzip).concat(), b"junk".to_vec()].concat());
    let error = data::read(&junk, &xmc()).unwrap_err().to_string();
    assert!(error.ends_with("junk.gz: bytes behind the end of the gzip data that are not gzip"), "{error}");
    let missing = data::read(folder.path().join("none"), &xmc()).unwrap_err();
    assert!(matches!(&missing, DataError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
}

#[test]
fn names_are_counted() {
    let folder = TempDir::new().unwrap();
    let read = |bytes: &[u8], count| {
        data::names::read(file(&folder, "names", bytes), count).map_err(|error| error.to_string())
    };
    assert_eq!(read(b"a b\r\n\nc", Some(3)).unwrap(), ["a b", "", "c"]);
    assert_eq!(read(b"a\n", None).unwrap(), ["a"]);
    assert!(
        read(b"a\nb\n", Some(3))
            .unwrap_err()
            .ends_with("names:3:1: expected 3 names (there are 2), found the end of the file")
    );
    assert!(
        read(b"a\nb\n", Some(1))
            .unwrap_err()
            .ends_with("names:2:1: expected the end of the file after 1 names, found \"b\"")
    );
    assert!(read(b"a\nb\xff", None).unwrap_err().ends_with("names:2:2: expected a name in UTF-8, found \"\\xff\""));
}
