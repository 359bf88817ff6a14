//! From a table to what a training takes.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Error, Result};
use slide_core::{Dataset, Model, Runtime, TrainConfig};
use slide_features::read::{Format, ReadOptions, Reader};
use slide_features::{LIST, Table};
use slide_tables::{Progress, Source, TableError, TableModel};

use super::options::TableOptions;
use crate::args::TrainArgs;
use crate::commands::Show;
use crate::output::{count, file_name, say, seconds};
use crate::usage::Usage;

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
            let mut rows = LabelledRows::open(&model, &args.train, &options.reading.options(options.skip_bad_rows))?;
            rows.needs_labels = true;
            let train = rows.take(usize::MAX)?;
            let test = test(&model)?;
            return Ok(Prepared { train, test, config: None, model });
        }
        let table = read(&args.train, options, show)?;
        let config = options.config();
        let wrong = |error| of_table(error, &args.train);
        let source = Source::new(&table, &config).map_err(wrong)?;
        say_columns(&table, &source, show);
        if source.rows_without_label() > 0 {
            let (path, left_out) = (args.train.display(), count(source.rows_without_label()));
            let name = &table.names()[source.target()];
            say(&format!("warning: {path}: {left_out} rows without a label in `{name}` left out"));
        }
        let settings = |base: &TrainConfig| args.settings.put_over(base);
        let chosen = source.choose(&settings, runtime, &mut |progress| say_progress(progress, show)).map_err(wrong)?;
        let start = Instant::now();
        let (model, train) = source.featurize(&chosen)?;
        let (made, time) = (count(model.featurizer().width()), seconds(start.elapsed().as_secs_f64()));
        show.progress.note(&format!("{made} features, made in {time}"));
        drop(table);
        let test = test(&model)?;
        Ok(Prepared { train, test, config: Some(chosen.config), model })
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

/// With the file, and where an option is wrong as a wrong usage.
fn of_table(error: TableError, path: &Path) -> Error {
    let path = path.display();
    match error {
        TableError::NoTarget { has } => {
            Usage(format!("--target: which column of {path} has the labels? It has `{}`", has.join("`, `"))).into()
        }
        error @ (TableError::NoColumn { .. }
        | TableError::TargetAsFeature { .. }
        | TableError::NoFeatures
        | TableError::FewLabels { .. }
        | TableError::Balance
        | TableError::Config(_)) => Usage(format!("{path}: {error}")).into(),
        error => Error::new(error).context(path.to_string()),
    }
}

fn say_progress(progress: Progress<'_>, show: Show) -> ControlFlow<()> {
    match progress {
        Progress::Tried { way, accuracy, rows, time } => {
            let (accuracy, time) = (100.0 * accuracy, seconds(time.as_secs_f64()));
            show.progress.note(&format!("tried {way}: {accuracy:.2} % of {rows} held-out rows, {time}"));
        }
        Progress::Chosen { way, temperature } => {
            show.progress.note(&format!("chosen: {way}, temperature {temperature:.2}"));
        }
        _ => (),
    }
    ControlFlow::Continue(())
}

/// Shows what columns there are.
fn say_columns(table: &Table, source: &Source<'_>, show: Show) {
    let shortened = |field: &str| {
        let text: String = field.replace(LIST, "|").chars().take(40).collect();
        text.replace(['\n', '\r', '\t'], " ")
    };
    let example = |number: usize| {
        let fields = (0..table.rows().min(1000)).map(|row| table.field(row, number));
        shortened(fields.filter(|field| !field.is_empty()).map(|field| field.trim()).next().unwrap_or_default())
    };
    let mut lines = vec![["column".into(), "has".into(), "because".into(), "such as".into()]];
    let target = source.target();
    lines.push([table.names()[target].clone(), "labels".into(), "target".into(), example(target)]);
    for (column, reason) in source.columns() {
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

/// The rows of a test file.
fn test(model: &TableModel, path: &Path, options: &TableOptions, show: Show) -> Result<Dataset> {
    let start = Instant::now();
    let mut rows = LabelledRows::open(model, path, &options.reading.options(options.skip_bad_rows))?;
    let data = rows.take(usize::MAX)?;
    rows.say_what_is_wrong();
    let (rows, time) = (count(data.examples()), seconds(start.elapsed().as_secs_f64()));
    show.progress.note(&format!("{}: {rows} rows, read in {time}", file_name(path)));
    Ok(data)
}

/// The rows of a file as examples with labels, in pieces.
pub(crate) struct LabelledRows<'a> {
    model: &'a TableModel,
    path: &'a Path,
    reader: Reader,
    table: Table,
    is_at_end: bool,
    /// Rows without a label are left out.
    needs_labels: bool,
    /// Labels that the model does not have.
    unknown: u64,
}

impl<'a> LabelledRows<'a> {
    pub(crate) fn open(model: &'a TableModel, path: &'a Path, options: &ReadOptions) -> Result<Self> {
        let reader = Reader::open(path, options)?;
        check_columns(model, &reader, path)?;
        let mut names = model.columns();
        names.push(model.target().to_owned());
        Ok(Self { model, path, reader, table: Table::new(names), is_at_end: false, needs_labels: false, unknown: 0 })
    }

    /// The next rows, at most `most`; none at the end.
    pub(crate) fn take(&mut self, most: usize) -> Result<Dataset> {
        self.table.clear();
        while !self.is_at_end && self.table.rows() < most {
            let left = most - self.table.rows();
            self.is_at_end = !self.reader.read(&mut self.table, left, false)?;
        }
        let targets = self.model.targets(&self.table, self.table.names().len() - 1);
        self.unknown += targets.unknown;
        let mut rows: Vec<u32> = (0..self.table.rows() as u32).collect();
        rows.retain(|&row| !self.needs_labels || !targets.of(row as usize).is_empty());
        Ok(self.model.dataset(&self.table, &rows, Some(&targets))?)
    }

    /// Warns of rows that were left out and of labels that are not known, even with `--quiet`.
    pub(crate) fn say_what_is_wrong(&self) {
        say_skipped(&self.reader, self.path);
        if self.unknown > 0 {
            let (path, unknown) = (self.path.display(), count(self.unknown));
            say(&format!("warning: {path}: {unknown} labels unknown to the model: each counts as a miss"));
        }
    }
}

/// Checks that a file has all columns, if it says which it has.
pub(crate) fn check_columns(model: &TableModel, reader: &Reader, path: &Path) -> Result<()> {
    if reader.format() == Format::Jsonl {
        return Ok(());
    }
    let missing = |name: &&String| !reader.names().contains(name);
    match model.columns().iter().find(missing) {
        Some(name) => {
            let (path, has) = (path.display(), reader.names().join("`, `"));
            Err(Usage(format!("{path}: no column `{name}`, which the model was trained with; it has `{has}`")).into())
        }
        None => Ok(()),
    }
}
