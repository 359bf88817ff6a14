//! From a table to what a training takes.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use slide_core::{Dataset, Model, Runtime, TrainConfig};
use slide_features::read::{ReadOptions, Reader};
use slide_features::{Column, Featurizer, Kind, LIST, Table, Targets, infer};

use super::choose::{self, Chosen};
use super::model::{Schema, TableModel};
use super::options::TableOptions;
use super::quality::{Counter, Quality};
use crate::args::TrainArgs;
use crate::commands::Show;
use crate::output::{count, file_name, say, seconds};
use crate::table;
use crate::usage::Usage;

/// Columns that are the target if none is said.
const TARGETS: [&str; 5] = ["label", "labels", "target", "class", "y"];

/// What a training takes.
pub(crate) struct Prepared {
    pub(crate) train: Dataset,
    pub(crate) test: Option<Dataset>,
    /// None if a training is continued.
    pub(crate) config: Option<TrainConfig>,
    pub(crate) model: TableModel,
}

pub(crate) fn prepare(args: &TrainArgs, resumed: Option<&Model>, runtime: &Runtime, show: Show) -> Result<Prepared> {
    let options = &args.table;
    let pool = rayon_pool(args)?;
    pool.install(|| {
        let test = |model: &TableModel| args.test.as_ref().map(|path| test(model, path, options, show)).transpose();
        if let Some(resumed) = resumed {
            let of_rows = || Usage("--resume: the checkpoint is not of a table".into());
            let model = TableModel::of(resumed)?.ok_or_else(of_rows)?;
            let mut reader = Reader::open(&args.train, &options.reading.options(options.skip_bad_rows))?;
            let (train, _) = rows_with_labels(&model, &mut reader, &args.train, true)?;
            let test = test(&model)?;
            return Ok(Prepared { train, test, config: None, model });
        }
        let table = read(&args.train, options, show)?;
        let target = target(options, &table, &args.train)?;
        let columns = columns(options, &table, target)?;
        say_columns(&table, target, &columns, show);
        let targets = Targets::new(&table, target, options.target_delimiter);
        let rows = labelled(&targets, &args.train, &table, target)?;
        let chosen = choose::choose(args, &table, &targets, &rows, &columns, runtime, show)?;
        let Chosen { features, config, temperature, single } = chosen;
        let start = Instant::now();
        let featurizer = Featurizer::fit(&features, &table, &rows, Some(&targets));
        let schema = Schema {
            target: table.names()[target].clone(),
            target_delimiter: options.target_delimiter,
            single,
            labels: targets.names.clone(),
            temperature,
        };
        let model = TableModel { schema, featurizer };
        let train = model.dataset(&table, &rows, Some(&targets))?;
        let (made, time) = (count(model.featurizer.width()), seconds(start.elapsed().as_secs_f64()));
        show.progress.note(&format!("{made} features, made in {time}"));
        drop(table);
        let test = test(&model)?;
        Ok(Prepared { train, test, config: Some(config), model })
    })
}

/// As many threads as the training has.
fn rayon_pool(args: &TrainArgs) -> Result<rayon::ThreadPool> {
    let threads = args.runtime.threads.map_or(0, std::num::NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")
}

/// A table as a whole.
fn read(path: &Path, options: &TableOptions, show: Show) -> Result<Table> {
    let start = Instant::now();
    let name = file_name(path);
    let mut reader = Reader::open(path, &options.reading.options(options.skip_bad_rows))?;
    let table = show.progress.during(&format!("reading {name}"), || reader.read_all())?;
    say_skipped(&reader, path);
    let (rows, format, time) = (count(table.rows()), reader.format(), seconds(start.elapsed().as_secs_f64()));
    show.progress.note(&format!("{name}: {rows} rows of {format}, read in {time}"));
    Ok(table)
}

/// Warns of rows that were left out, even with `--quiet`.
fn say_skipped(reader: &Reader, path: &Path) {
    let (skipped, errors) = reader.skipped();
    if skipped > 0 {
        say(&format!("warning: {}: {} bad rows left out, the first of them:", path.display(), count(skipped)));
        errors.iter().for_each(|error| say(&format!("  {error}")));
    }
}

fn target(options: &TableOptions, table: &Table, path: &Path) -> Result<usize> {
    let has = || table.names().join("`, `");
    match &options.target {
        Some(name) => table.column(name).ok_or_else(|| {
            Usage(format!("--target: {} has no column `{name}`; it has `{}`", path.display(), has())).into()
        }),
        None => TARGETS.iter().find_map(|name| table.column(name)).ok_or_else(|| {
            let path = path.display();
            Usage(format!("--target: which column of {path} has the labels? It has `{}`", has())).into()
        }),
    }
}

/// The columns that features are made of, with the reason for each.
fn columns(options: &TableOptions, table: &Table, target: usize) -> Result<Vec<(Column, String)>> {
    let exists = |name: &str, option: &str| match table.column(name) {
        None => {
            Err(Usage(format!("{option}: there is no column `{name}`; there are `{}`", table.names().join("`, `"))))
        }
        Some(number) if number == target => Err(Usage(format!("{option}: `{name}` is the column of the labels"))),
        Some(_) => Ok(()),
    };
    for name in &options.text {
        exists(name, "--text")?;
    }
    for column in &options.column {
        exists(&column.name, "--column")?;
    }
    let mut columns = Vec::new();
    for number in (0..table.names().len()).filter(|&number| number != target) {
        let name = &table.names()[number];
        let given = options.column.iter().rev().find(|column| column.name == *name);
        if let Some(column) = given {
            columns.push((column.clone(), "given".into()));
        } else if options.text.contains(name) {
            columns.push((Column { name: name.clone(), kind: Kind::Text, delimiter: None }, "given".into()));
        } else if options.text.is_empty() {
            let inferred = infer(table, number);
            columns.push((inferred.column, inferred.reason));
        }
    }
    if columns.iter().all(|(column, _)| column.kind == Kind::Id) {
        return Err(
            Usage("there is no column that features can be made of; --column says what columns have".into()).into()
        );
    }
    Ok(columns)
}

/// Shows what columns there are.
fn say_columns(table: &Table, target: usize, columns: &[(Column, String)], show: Show) {
    let shortened = |field: &str| {
        let text: String = field.replace(LIST, "|").chars().take(40).collect();
        text.replace(['\n', '\r', '\t'], " ")
    };
    let example = |number: usize| {
        let fields = (0..table.rows().min(1000)).map(|row| table.field(row, number));
        shortened(fields.filter(|field| !field.is_empty()).map(|field| field.trim()).next().unwrap_or_default())
    };
    let mut lines = vec![["column".into(), "has".into(), "because".into(), "such as".into()]];
    lines.push([table.names()[target].clone(), "labels".into(), "target".into(), example(target)]);
    for (column, reason) in columns {
        let number = table.column(&column.name).unwrap_or_default();
        let kind = match column.delimiter {
            Some(delimiter) => format!("{} by {delimiter:?}", column.kind),
            None => column.kind.to_string(),
        };
        lines.push([column.name.clone(), kind, reason.clone(), example(number)]);
    }
    let width = |cell: usize| lines.iter().map(|line| line[cell].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2].map(width);
    for line in &lines {
        let [a, b, c] = [0, 1, 2].map(|cell| format!("{:width$}", line[cell], width = widths[cell]));
        show.progress.note(format!("{a}  {b}  {c}  {}", line[3]).trim_end());
    }
}

/// The rows that have a label.
fn labelled(targets: &Targets, path: &Path, table: &Table, target: usize) -> Result<Vec<u32>> {
    let rows: Vec<u32> = (0..targets.rows() as u32).filter(|&row| !targets.of(row as usize).is_empty()).collect();
    let name = &table.names()[target];
    if targets.names.len() < 2 {
        let path = path.display();
        return Err(
            Usage(format!("{path}: column `{name}` has {} labels, expected two or more", targets.names.len())).into()
        );
    }
    let without = targets.rows() - rows.len();
    if without > 0 {
        say(&format!("warning: {}: {} rows without a label in `{name}` left out", path.display(), count(without)));
    }
    Ok(rows)
}

/// The rows of a test file.
fn test(model: &TableModel, path: &Path, options: &TableOptions, show: Show) -> Result<Dataset> {
    let start = Instant::now();
    let data = labelled_rows(model, path, &options.reading.options(options.skip_bad_rows))?;
    let (rows, time) = (count(data.examples()), seconds(start.elapsed().as_secs_f64()));
    show.progress.note(&format!("{}: {rows} rows, read in {time}", file_name(path)));
    Ok(data)
}

/// A file as a data set, with warnings of what is left out or unknown.
pub(crate) fn labelled_rows(model: &TableModel, path: &Path, options: &ReadOptions) -> Result<Dataset> {
    let mut reader = Reader::open(path, options)?;
    let (data, unknown) = rows_with_labels(model, &mut reader, path, false)?;
    say_skipped(&reader, path);
    if unknown > 0 {
        let path = path.display();
        say(&format!("warning: {path}: {} labels unknown to the model: each counts as a miss", count(unknown)));
    }
    Ok(data)
}

/// A file as a data set, and the number of labels that are not known.
/// Where `labelled`, only rows with labels.
fn rows_with_labels(model: &TableModel, reader: &mut Reader, path: &Path, labelled: bool) -> Result<(Dataset, u64)> {
    model.check_columns(reader, path)?;
    let mut names = model.columns();
    names.push(model.schema.target.clone());
    let target = names.len() - 1;
    let mut table = Table::new(names);
    while reader.read(&mut table, 1 << 16, false)? {}
    let schema = &model.schema;
    let targets = Targets::with_names(&table, target, schema.target_delimiter, schema.labels.clone());
    let mut rows: Vec<u32> = (0..table.rows() as u32).collect();
    rows.retain(|&row| !labelled || !targets.of(row as usize).is_empty());
    Ok((model.dataset(&table, &rows, Some(&targets))?, targets.unknown))
}

/// How good a model is on rows.
pub(crate) fn quality(model: &TableModel, predictor: &slide_core::Predictor, data: &Dataset) -> Result<Quality> {
    let mut counter = Counter::new(&model.schema.labels, model.schema.single);
    let (mut predictions, mut best) = (slide_core::Predictions::default(), Vec::new());
    let rows: Vec<usize> = (0..data.examples()).collect();
    for piece in rows.chunks(4096) {
        let examples: Vec<_> = piece.iter().map(|&row| data.features(row)).collect();
        predictor.predict_batch_into(&examples, model.asked(5), &mut predictions)?;
        for (&row, predictions) in piece.iter().zip(predictions.iter()) {
            model.probabilities(predictions, usize::MAX, &mut best);
            counter.add(data.labels(row), &best);
        }
    }
    Ok(counter.finish())
}

/// The same as text.
pub(crate) fn quality_text(quality: &Quality) -> String {
    let table: Option<table::Table> = quality.confusion_table();
    let head = table.map_or_else(String::new, |table| format!("{table}\n"));
    format!("{head}{}", crate::output::pairs(&quality.rows_of_text()))
}
