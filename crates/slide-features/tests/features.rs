//! Featurizers: the same rows with any number of threads, after they have been stored, and for any text.

use proptest::prelude::*;
use slide_features::read::{Encoding, Format, ReadOptions, Reader};
use slide_features::{Column, FeatureConfig, Featurizer, Kind, LIST, Sparse, Table, Targets, Weighting, infer};
use std::path::Path;

fn column(name: &str, kind: Kind) -> Column {
    Column { name: name.into(), kind, delimiter: None }
}

fn read_with(text: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Table, String> {
    let bytes = std::io::Cursor::new(text.as_ref().to_vec());
    Reader::new(Path::new("t"), bytes, options).and_then(|mut reader| reader.read_all()).map_err(|e| e.to_string())
}

fn read(text: impl AsRef<[u8]>, format: Format) -> Result<Table, String> {
    read_with(text, &ReadOptions { format: Some(format), ..ReadOptions::default() })
}

fn all(table: &Table) -> Vec<u32> {
    (0..table.rows() as u32).collect()
}

fn lengths(sparse: &Sparse) -> Vec<f32> {
    let rows = 0..sparse.indptr.len() - 1;
    rows.map(|row| sparse.row(row).1.iter().map(|value| value * value).sum::<f32>().sqrt()).collect()
}

#[test]
fn words_and_bigrams_are_features_of_length_1() {
    let mut table = Table::new(vec!["t".into()]);
    for text in ["a b a", "b c", "", "x"] {
        table.push([text]);
    }
    let mut config = FeatureConfig::new(vec![column("t", Kind::Text)]);
    let common = Featurizer::fit(&config, &table, &all(&table), None);
    assert_eq!(common.width(), 1, "b is in two rows");
    config.least_rows = 1;
    let featurizer = Featurizer::fit(&config, &table, &all(&table), None);
    // a, b, c, x, a b, b a, b c
    assert_eq!(featurizer.width(), 7);
    let rows = featurizer.transform(&table, &all(&table));
    assert_eq!(lengths(&rows).iter().map(|length| (length * 1e3).round()).collect::<Vec<_>>(), [1e3, 1e3, 0.0, 1e3]);
    let names: Vec<String> = featurizer.names(|_| "b c d").into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["b", "b c", "c"]);
    config.most_features = 3;
    assert_eq!(Featurizer::fit(&config, &table, &all(&table), None).width(), 3);
}

#[test]
fn columns_of_all_kinds_have_features() {
    let names = ["text", "set", "number", "date", "items", "id"];
    let mut table = Table::new(names.map(String::from).to_vec());
    for row in 0..40 {
        let date = format!("2024-0{}-11 1{}:00", row % 9 + 1, row % 10);
        let (number, id) = ((row * row).to_string(), format!("k{row}"));
        table.push(["some words", "red|blue", &number, &date, "a b c", &id]);
    }
    table.push(["", "", "", "", "", ""]);
    table.push(["words", "green", "many", "soon", "z", "k"]);
    let mut columns: Vec<Column> = names.iter().zip(Kind::ALL).map(|(name, kind)| column(name, kind)).collect();
    columns[1].delimiter = Some('|');
    columns[4].delimiter = Some(' ');
    let mut config = FeatureConfig::new(columns);
    (config.char_ngrams, config.pair_window, config.crosses) = (Some((2, 3)), 3, vec![(1, 2)]);
    let featurizer = Featurizer::fit(&config, &table, &all(&table), None);
    let fields = ["some words", "blue", "25", "2024-03-11 13:00", "a c", "k"];
    let said: Vec<String> = featurizer.names(|at| fields[at]).into_iter().map(|(_, name)| name).collect();
    for expected in ["some words", "‹so›", "set=blue", "number=25", "month of date=3", "items=c", "items ends with c"]
    {
        assert!(said.iter().any(|name| name == expected), "{expected}: {said:?}");
    }
    assert!(!said.iter().any(|name| name.contains("id=")));
    // Values that were never seen, or are no numbers, are rows like others.
    let row = featurizer.transform(&table, &[40, 41]);
    assert!(row.values.iter().all(|value| value.is_finite()));
    let stored = Featurizer::from_bytes(&featurizer.to_bytes()).unwrap();
    assert_eq!(stored.transform(&table, &all(&table)), featurizer.transform(&table, &all(&table)));
    let bytes = featurizer.to_bytes();
    for end in [0, 7, 20, bytes.len() - 1] {
        assert!(Featurizer::from_bytes(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn features_may_be_hashed_to_a_range() {
    let mut table = Table::new(vec!["t".into(), "n".into()]);
    table.push(["the words of a row", "12"]);
    let config = FeatureConfig::new(vec![column("t", Kind::Text), column("n", Kind::Numeric)]);
    for bits in [1, 18, 31] {
        let featurizer = Featurizer::hashed(&config, bits);
        assert_eq!(featurizer.width(), 1 << bits);
        let rows = featurizer.transform(&table, &[0]);
        assert!(
            rows.row(0).0.is_sorted_by(|a, b| a < b) && rows.row(0).0.iter().all(|&one| (one as usize) < 1 << bits)
        );
        let stored = Featurizer::from_bytes(&featurizer.to_bytes()).unwrap();
        assert_eq!(stored.transform(&table, &[0]), rows);
    }
}

#[test]
fn threads_do_not_change_anything() {
    let mut table = Table::new(vec!["t".into(), "y".into()]);
    for row in 0..2000_u64 {
        let word = |at: u64| (row * 7919 + at * at * 104_729) % 97;
        let text: Vec<String> = (0..12).map(|at| format!("w{}", word(at))).collect();
        table.push([&*text.join(" "), ["a", "b"][(row % 2) as usize]]);
    }
    let targets = Targets::new(&table, 1, None);
    let mut config = FeatureConfig::new(vec![column("t", Kind::Text)]);
    (config.char_ngrams, config.weighting) = (Some((1, 3)), Weighting::Classes);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let featurizer = Featurizer::fit(&config, &table, &all(&table), Some(&targets));
            (featurizer.to_bytes(), featurizer.transform(&table, &all(&table)))
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn files_are_tables() {
    let fields = |table: &Table| -> Vec<Vec<String>> {
        let row = |row| (0..table.names().len()).map(|column| table.field(row, column).to_owned()).collect();
        (0..table.rows()).map(row).collect()
    };
    let csv = read("\u{feff}a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n\r\n2,\n", Format::Csv).unwrap();
    assert_eq!(csv.names(), ["a", "b"]);
    assert_eq!(fields(&csv), [["1", "x, \"y\"\nz"], ["2", ""]]);
    let tsv = read("a\tb\n1\tsay \"x\"\n", Format::Tsv).unwrap();
    assert_eq!(fields(&tsv), [["1", "say \"x\""]]);
    let json = "{\"a\": 1, \"b\": [\"x\", 2]}\n\n{\"c\": null, \"b\": \"é\\u00e9\", \"a\": true}\n";
    let json = read(json, Format::Jsonl).unwrap();
    assert_eq!(json.names(), ["a", "b", "c"]);
    assert_eq!(fields(&json), [["1", &format!("x{LIST}2"), ""], ["true", "éé", ""]]);
    let fasttext = read("__label__a __label__b the text\nno label\n", Format::FastText).unwrap();
    assert_eq!(fields(&fasttext), [[&format!("a{LIST}b"), "the text"], ["", "no label"]]);
}

#[test]
fn defects_have_their_line() {
    let error = |text: &[u8], format| read(text, format).unwrap_err();
    assert_eq!(error(b"", Format::Csv), "t: empty: expected rows");
    assert_eq!(error(b"a,b\n", Format::Csv), "t: no rows");
    assert_eq!(error(b"a,b\n1,2\n3\n", Format::Csv), "t:3: 1 fields, expected 2 as in the first line");
    assert_eq!(error(b"a,a\n1,2\n", Format::Csv), "t:1: two columns have the name `a`");
    assert_eq!(error(b"a\n\xe9t\xe9\n", Format::Csv), "t:2: byte 0xe9 is not UTF-8; is the file in latin1?");
    assert!(error(b"{\"a\": 1}\n[1]\n", Format::Jsonl).starts_with("t:2: expected a JSON object"));
    assert!(error(b"{\"a\": 1, \"a\": 2}\n", Format::Jsonl).contains("the key `a` occurs twice"));
    assert!(error(b"{\"a\": {\"b\": 1}}\n", Format::Jsonl).starts_with("t:1: "));
    let skipping = ReadOptions { format: Some(Format::Csv), skip_bad_rows: true, ..ReadOptions::default() };
    let bytes = std::io::Cursor::new(b"a,b\n1,2\n3\n4,5\n".to_vec());
    let mut reader = Reader::new(Path::new("t"), bytes, &skipping).unwrap();
    let table = reader.read_all().unwrap();
    assert_eq!((table.rows(), table.field(1, 0)), (2, "4"));
    let (skipped, errors) = reader.skipped();
    assert_eq!((skipped, errors[0].to_string().starts_with("t:3: ")), (1, true));
    let json = ReadOptions { format: Some(Format::Jsonl), ..skipping };
    let table = read_with("{\"a\": \"x\", \"b\": [[1]]}\n{\"b\": \"y\"}\n", &json).unwrap();
    assert_eq!((table.rows(), table.field(0, 0), table.field(0, 1)), (1, "", "y"));
    let latin1 = ReadOptions { encoding: Encoding::Latin1, format: Some(Format::Csv), ..ReadOptions::default() };
    assert_eq!(read_with(b"a\n\xe9t\xe9\n", &latin1).unwrap().field(0, 0), "été");
}

#[test]
fn compressed_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv.zst");
    std::fs::write(&path, zstd::encode_all(&b"a\n1\n"[..], 1).unwrap()).unwrap();
    let mut reader = Reader::open(&path, &ReadOptions::default()).unwrap();
    assert_eq!((reader.format(), reader.read_all().unwrap().rows()), (Format::Csv, 1));
}

#[test]
fn formats_are_known_by_their_first_line() {
    for (text, format) in [
        ("\u{feff}a,b\n1,2\n", Format::Csv),
        ("a\tb\n1\t2\n", Format::Tsv),
        ("{\"a\": 1}\n", Format::Jsonl),
        ("__label__a words\n", Format::FastText),
    ] {
        let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut reader = Reader::new(Path::new("-"), bytes, &ReadOptions::default()).unwrap();
        assert_eq!((reader.format(), reader.read_all().unwrap().rows()), (format, 1));
    }
}

#[test]
fn kinds_are_inferred() {
    let mut table =
        Table::new(["text", "colour", "price", "day", "user_id", "tags", "empty"].map(String::from).to_vec());
    for row in 0..60 {
        let (text, id) = (format!("the words of row {row}"), row.to_string());
        let (price, day) = (format!("{}.5", row % 7), format!("2024-01-{:02}", row % 28 + 1));
        let (colour, tags) = (["red", "blue"][row % 2], ["a|b", "b|c|d", "a"][row % 3]);
        table.push([&*text, colour, &*price, &*day, &*id, tags, ""]);
    }
    let kinds: Vec<Kind> = (0..7).map(|column| infer(&table, column).column.kind).collect();
    use Kind::{Categorical, Date, Id, Numeric, Text};
    assert_eq!(kinds, [Text, Categorical, Numeric, Date, Id, Categorical, Id]);
    assert_eq!(infer(&table, 5).column.delimiter, Some('|'));
}

proptest! {
    #[test]
    fn any_text_has_features(texts in prop::collection::vec("\\PC{0,60}", 1..8)) {
        let mut table = Table::new(vec!["t".into()]);
        texts.iter().for_each(|text| table.push([&**text]));
        let mut config = FeatureConfig::new(vec![column("t", Kind::Text)]);
        (config.least_rows, config.char_ngrams, config.pair_window) = (1, Some((1, 4)), 4);
        let featurizer = Featurizer::fit(&config, &table, &all(&table), None);
        let rows = featurizer.transform(&table, &all(&table));
        for row in 0..texts.len() {
            let (indices, values) = rows.row(row);
            prop_assert!(indices.is_sorted_by(|a, b| a < b));
            prop_assert!(values.iter().all(|value| *value > 0.0 && *value <= 1.0));
        }
    }

    #[test]
    fn any_bytes_are_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), format in 0..4_usize) {
        let _ = read(&bytes, Format::ALL[format]);
        let latin1 = ReadOptions { encoding: Encoding::Latin1, skip_bad_rows: true, format: Some(Format::ALL[format]) };
        let _ = read_with(&bytes, &latin1);
    }

    #[test]
    fn any_bytes_are_a_featurizer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Featurizer::from_bytes(&bytes);
    }
}
