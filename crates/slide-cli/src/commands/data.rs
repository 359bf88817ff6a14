//! `slide data`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::data::{self, DataError, Dataset, Format, Stats};

use super::Show;
use super::train::read_file;
use crate::args::{ConvertArgs, DataVerb, StatsArgs, SynthArgs};
use crate::files;
use crate::output::{self, count};
use crate::usage::Usage;

pub(crate) fn run(verb: &DataVerb, show: Show) -> Result<()> {
    match verb {
        DataVerb::Stats(args) => stats(args, show),
        DataVerb::Convert(args) => convert(args, show),
        DataVerb::Synth(args) => synth(args, show),
    }
}

fn stats(args: &StatsArgs, show: Show) -> Result<()> {
    let data = read_file(&args.file, &args.data.reading(None), show)?;
    let stats = Stats::of(&data);
    if !show.json {
        return output::print(&stats.to_string());
    }
    #[derive(Serialize)]
    struct Report<'a> {
        #[serde(serialize_with = "output::path_text")]
        file: &'a Path,
        #[serde(flatten)]
        stats: Stats,
    }
    output::print_json(&Report { file: &args.file, stats })
}

fn convert(args: &ConvertArgs, show: Show) -> Result<()> {
    let ConvertArgs { input, output, to, data: options } = args;
    let format = to.unwrap_or_else(|| Format::of_name(output));
    check(&[(output, format)], &[input], show)?;
    let data = read_file(input, &options.reading(None), show)?;
    print(&[write(output, &data, format, show)?], show)
}

/// Checks the files of data sets that are to be written.
fn check(outputs: &[(&Path, Format)], inputs: &[&Path], show: Show) -> Result<()> {
    let mut all = Vec::new();
    for &(path, format) in outputs {
        if !files::is_stdout(path) {
            all.extend(data::files(path, format)?);
            continue;
        }
        if !format.is_one_text() {
            return Err(Usage(format!("{format} is two files, which standard output cannot be")).into());
        }
        if show.json {
            return Err(Usage("--json: standard output is the data set".into()).into());
        }
        all.push(path.to_owned());
    }
    let all: Vec<&Path> = all.iter().map(AsRef::as_ref).collect();
    files::check_different(&all, inputs)?;
    all.into_iter().filter(|path| !files::is_stdout(path)).try_for_each(files::check_writable)
}

/// Writes a data set; what it is is said on standard error if it goes to standard output itself.
fn write(path: &Path, data: &Dataset, format: Format, show: Show) -> Result<Option<Written>> {
    if files::is_stdout(path) {
        match data::write_to(std::io::stdout().lock(), data, format) {
            Err(DataError::Io { source, .. }) => return Err(output::refused(source)),
            other => other?,
        }
        show.progress.note(&Written::new(path, data, format).to_string());
        return Ok(None);
    }
    show.progress.during("writing", || data::write(path, data, format))?;
    Ok(Some(Written::new(path, data, format)))
}

/// A file that was written, and what is in it.
#[derive(Serialize)]
struct Written {
    #[serde(serialize_with = "output::path_text")]
    file: PathBuf,
    format: &'static str,
    examples: usize,
    features: usize,
    labels: usize,
}

impl Written {
    fn new(file: &Path, data: &Dataset, format: Format) -> Self {
        let (examples, features, labels) = (data.examples(), data.feature_count(), data.label_count());
        Self { file: file.to_owned(), format: format.name(), examples, features, labels }
    }
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [examples, features, labels] = [self.examples, self.features, self.labels].map(count);
        let (file, format) = (self.file.display(), self.format);
        write!(f, "{file}: {examples} examples, {features} features, {labels} labels ({format})")
    }
}

/// Prints what was written to files: a line each, or one JSON object, in which a second file is `test`.
fn print(written: &[Option<Written>], show: Show) -> Result<()> {
    #[derive(Serialize)]
    struct Report<'a> {
        #[serde(flatten)]
        first: &'a Written,
        #[serde(skip_serializing_if = "Option::is_none")]
        test: Option<&'a Written>,
    }
    let written: Vec<&Written> = written.iter().flatten().collect();
    match written.first() {
        Some(first) if show.json => output::print_json(&Report { first, test: written.get(1).copied() }),
        None => Ok(()),
        _ => output::print(&written.iter().map(|file| format!("{file}\n")).collect::<String>()),
    }
}

fn synth(args: &SynthArgs, show: Show) -> Result<()> {
    let paths = [Some(args.output.as_path()), args.test.as_deref()].into_iter().flatten();
    let outputs: Vec<_> = paths.map(|path| (path, args.to.unwrap_or_else(|| Format::of_name(path)))).collect();
    check(&outputs, &[], show)?;
    let siblings = if args.clustered { args.siblings.unwrap_or(Synth::SIBLINGS) } else { 1 };
    let set = Synth { shape: shape(args)?, siblings, seed: args.seed };
    let mut files = Vec::new();
    for ((path, format), part) in outputs.into_iter().zip([Part::Train, Part::Test]) {
        let data = show.progress.during("generating examples", || set.generate(part)).map_err(wrong_request)?;
        files.push(write(path, &data, format, show)?);
    }
    print(&files, show)
}

/// The shape of the named set, or a small one, with the counts that the user gave.
fn shape(args: &SynthArgs) -> Result<Shape> {
    let base = match &args.like {
        Some(name) => Shape::like(name).map_err(wrong_request)?,
        None => Shape {
            examples: 10_000,
            test_examples: 2_000,
            features: 20_000,
            labels: 5_000,
            labels_per_example: 3.0,
            features_per_example: 40.0,
        },
    };
    if !(args.scale > 0.0 && args.scale.is_finite()) {
        return Err(Usage(format!("--scale: expected a positive number, found {}", args.scale)).into());
    }
    let base = base.scaled(args.scale);
    let counts = &args.counts;
    Ok(Shape {
        examples: counts.examples.unwrap_or(base.examples),
        test_examples: counts.test_examples.unwrap_or(base.test_examples),
        features: counts.features.unwrap_or(base.features),
        labels: counts.labels.unwrap_or(base.labels),
        labels_per_example: counts.labels_per_example.unwrap_or(base.labels_per_example),
        features_per_example: counts.features_per_example.unwrap_or(base.features_per_example),
    })
}

/// An impossible shape is an error of usage.
fn wrong_request(error: DataError) -> anyhow::Error {
    match error {
        DataError::Request(text) => Usage(text).into(),
        error => error.into(),
    }
}
