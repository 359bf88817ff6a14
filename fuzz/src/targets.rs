//! What is given the inputs: it returns what is wrong, or panics; that an input is refused is right.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use slide_core::data::{self, DataError, Dataset, Filter, Format, IndexBase, LabelFile, ReadOptions, names};
use slide_core::{Model, Predictor, Retrieval, Runtime, RuntimeOptions, TrainConfig};
use tempfile::TempDir;

/// Something that reads what others have written.
pub(crate) struct Target {
    /// Its folder in the corpus.
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]) -> Result<(), String>,
}

pub(crate) static TARGETS: [Target; 7] = [
    Target { name: "text", run: text },
    Target { name: "matrix", run: matrix },
    Target { name: "compressed", run: compressed },
    Target { name: "names", run: label_names },
    Target { name: "filter", run: filter },
    Target { name: "settings", run: settings },
    Target { name: "model", run: model },
];

thread_local! {
    static FOLDER: TempDir = TempDir::new().expect("a folder for temporary files");
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// A file with this content.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    FOLDER.with(|folder| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("there is space for a file");
        path
    })
}

/// A data set that was accepted must be valid, and read the same when it has been written.
fn check(read: Result<Dataset, DataError>) -> Result<(), String> {
    let Ok(data) = read else { return Ok(()) };
    Dataset::try_from(data.arrays().clone()).map_err(|error| format!("an invalid data set: {error}"))?;
    for (format, name) in [(Format::Xmc, "again.txt"), (Format::Svmlight, "again.svm")] {
        let path = file(name, b"");
        data::write(&path, &data, format).map_err(|error| format!("it cannot be written: {error}"))?;
        let again = Dataset::read(&path).map_err(|error| format!("what was written is refused: {error}"))?;
        if again != data {
            return Err(format!("another data set after it was written as {format}"));
        }
    }
    data::Stats::of(&data);
    Ok(())
}

/// Features, values and labels.
type Row = (Vec<u32>, Vec<f32>, Vec<u32>);

/// Rows of a stream, to the first error.
fn streamed(path: &Path, options: &ReadOptions) -> Result<Vec<Row>, DataError> {
    let mut examples = data::stream::open(path, options)?;
    let mut rows = Vec::new();
    while let Some(example) = examples.next_example()? {
        rows.push((example.features.to_vec(), example.values.to_vec(), example.labels.to_vec()));
    }
    Ok(rows)
}

/// The formats in lines: whole and as a stream, which must agree where the base is known.
fn text(bytes: &[u8]) -> Result<(), String> {
    let path = file("X.txt", bytes);
    check(data::read(&path, &ReadOptions { labels: LabelFile::None, ..ReadOptions::default() }))?;
    for format in [Format::Xmc, Format::Svmlight, Format::Matrix] {
        let (feature_base, label_base) = (IndexBase::One, IndexBase::MinusOne);
        let options = ReadOptions {
            format: Some(format),
            feature_base,
            label_base,
            labels: LabelFile::None,
            ..ReadOptions::default()
        };
        match (data::read(&path, &options), streamed(&path, &options)) {
            (Ok(data), Ok(rows)) => {
                let row = |(example, (features, values, labels)): (usize, &Row)| {
                    data.features(example) == (&features[..], &values[..]) && data.labels(example) == labels
                };
                if rows.len() != data.examples() || !rows.iter().enumerate().all(row) {
                    return Err(format!("a stream of {format} has other examples"));
                }
            }
            (Err(one), Err(other)) if one.to_string() == other.to_string() => {}
            (whole, stream) => {
                let [whole, stream] = [whole.map(drop), stream.map(drop)].map(|read| format!("{read:?}"));
                return Err(format!("{format}: {whole}, streamed {stream}"));
            }
        }
        // The lines behind a bad one can be read.
        if let Ok(mut examples) = data::stream::open(&path, &options) {
            while !matches!(examples.next_example().map(|example| example.is_some()), Ok(false))
                && !examples.has_ended()
            {}
        }
    }
    Ok(())
}

/// Matrices: as features, and as labels of three examples.
fn matrix(bytes: &[u8]) -> Result<(), String> {
    let path = file("X", bytes);
    check(data::read(&path, &ReadOptions { labels: LabelFile::None, ..ReadOptions::default() }))?;
    let features = file("three.txt", b"3 2\n0:1\n\n1:1\n");
    check(data::read(&features, &ReadOptions { labels: LabelFile::At(path), ..ReadOptions::default() }))
}

fn compressed(bytes: &[u8]) -> Result<(), String> {
    let path = file("X.gz", bytes);
    check(data::read(&path, &ReadOptions { labels: LabelFile::None, ..ReadOptions::default() }))
}

fn label_names(bytes: &[u8]) -> Result<(), String> {
    let path = file("names", bytes);
    let all = names::read(&path, None);
    let three = names::read(&path, Some(3));
    match (all, three) {
        (Ok(names), three) if (names.len() == 3) == three.is_ok() => Ok(()),
        (Err(_), Err(_)) => Ok(()),
        _ => Err("the number of names is not checked".into()),
    }
}

fn filter(bytes: &[u8]) -> Result<(), String> {
    let _ = Filter::read(file("filter", bytes), 5, 9);
    Ok(())
}

/// A configuration in TOML: accepted ones are written and read as the same.
fn settings(bytes: &[u8]) -> Result<(), String> {
    let Some(config) = std::str::from_utf8(bytes).ok().and_then(|text| toml::from_str::<TrainConfig>(text).ok()) else {
        return Ok(());
    };
    if config.validate().is_err() {
        return Ok(());
    }
    let text = toml::to_string(&config).map_err(|error| format!("it cannot be written: {error}"))?;
    match toml::from_str::<TrainConfig>(&text) {
        Ok(again) if again == config => Ok(()),
        _ => Err("other settings after they were written".into()),
    }
}

/// A model in copies and in the file: what is accepted predicts without a panic.
fn model(bytes: &[u8]) -> Result<(), String> {
    let path = file("model", bytes);
    for model in [Model::load(&path), Model::open(&path)] {
        let Ok(model) = model else { continue };
        let _ = (model.check_values(), model.tensors(), model.parameters());
        let features = 0..model.features().min(3) as u32;
        let columns: Vec<u32> = features.map(|place| model.feature_numbering().column(place)).collect();
        let values = vec![0.5; columns.len()];
        let predictor = RUNTIME.with_borrow_mut(|runtime| {
            let runtime = runtime.get_or_insert_with(|| {
                let mut options = RuntimeOptions::default();
                options.threads = std::num::NonZeroUsize::new(1);
                Runtime::new(&options).expect("a thread starts")
            });
            Predictor::with(model, Retrieval::Auto, runtime)
        });
        let Ok(predictor) = predictor else { continue };
        let found = predictor.predict((&columns, &values), 3).map_err(|error| format!("no predictions: {error}"))?;
        if !found.iter().all(|one| (0.0..=1.0).contains(&one.probability)) {
            return Err(format!("a probability is out of range: {found:?}"));
        }
    }
    Ok(())
}
