//! `slide predict` with a model of a table: rows in, labels with their names out, as a stream.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};

use anyhow::Result;
use serde::Serialize;
use slide_core::{Model, Predictions, Predictor};
use slide_features::read::{ReadError, Reader};
use slide_features::{Kind, Scratch, Table};

use super::TableModel;
use crate::args::{PredictArgs, PredictionFormat, RowOptions};
use crate::commands::Show;
use crate::output::{Output, say};
use crate::usage::Usage;

/// Most rows predicted together.
const BATCH: usize = 1024;

enum Row {
    Fields(Table),
    /// One that is skipped.
    Bad(String),
    /// Nothing is read after this.
    End(ReadError),
}

pub(crate) fn run(args: &PredictArgs, model: Model, table: &TableModel, show: Show) -> Result<()> {
    let runtime = args.runtime.start()?;
    let predictor = Predictor::with(model, args.retrieval.retrieval, &runtime)?.ignoring_unknown_features();
    let format = args.format.unwrap_or(if show.json { PredictionFormat::Jsonl } else { PredictionFormat::Tsv });
    let top = args.top.get().min(table.schema.labels.len());
    let writer = Writer { names: &table.schema.labels, format, top };
    let rows = match &args.input {
        Some(input) => read_ahead(args, input, table)?,
        None => {
            let (sender, receiver) = mpsc::channel();
            sender.send(Row::Fields(row(&args.row, table)?)).expect("the receiver is there");
            receiver
        }
    };
    let mut output = Output::new();
    if format == PredictionFormat::Csv {
        output.write(&writer.head())?;
    }
    let (mut predictions, mut scratch, mut best) = (Predictions::default(), Scratch::default(), Vec::new());
    let (mut end, mut has_values, mut count) = (None, false, 0);
    while let Ok(first) = rows.recv() {
        let rows: Vec<Row> = std::iter::once(first).chain(rows.try_iter().take(BATCH - 1)).collect();
        let (mut ends, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in &rows {
            if let Row::Fields(row) = row {
                has_values |= (0..row.names().len()).any(|column| !row.field(0, column).is_empty());
                count += 1;
                table.featurizer.row(|column| row.field(0, column), &mut scratch, &mut indices, &mut values);
                ends.push(indices.len());
            }
        }
        let examples: Vec<_> =
            ends.windows(2).map(|pair| (&indices[pair[0]..pair[1]], &values[pair[0]..pair[1]])).collect();
        predictor.predict_batch_into(&examples, table.asked(top), &mut predictions)?;
        let (mut text, mut answers) = (String::new(), predictions.iter());
        for row in rows {
            match row {
                Row::Fields(_) => {
                    table.probabilities(answers.next().unwrap_or_default(), top, &mut best);
                    writer.answer(&best, &mut text)?;
                }
                Row::Bad(error) => {
                    say(&format!("warning: skipped: {error}"));
                    writer.skipped(&error, &mut text)?;
                }
                Row::End(error) => end = Some(error),
            }
        }
        output.write(&text)?;
        output.flush()?;
    }
    output.flush()?;
    if count > 0 && !has_values {
        let names = table.columns().join("`, `");
        say(&format!("warning: no row has a value in the columns that the model was trained with: `{names}`"));
    }
    end.map_or(Ok(()), |error| Err(error.into()))
}

/// The row of the command line.
pub(crate) fn row(options: &RowOptions, table: &TableModel) -> Result<Table> {
    let columns = &table.featurizer.config().columns;
    let mut fields = vec![String::new(); columns.len()];
    if let Some(text) = &options.text {
        let texts: Vec<usize> = (0..columns.len()).filter(|&number| columns[number].kind == Kind::Text).collect();
        match texts[..] {
            [number] => fields[number].clone_from(text),
            _ => {
                let message =
                    format!("--text: the model has {} columns of texts; --field names the column", texts.len());
                return Err(Usage(message).into());
            }
        }
    }
    for (name, value) in &options.field {
        let number = columns.iter().position(|column| column.name == *name);
        let number = number.ok_or_else(|| {
            Usage(format!("--field: the model has no column `{name}`; it has `{}`", table.columns().join("`, `")))
        })?;
        fields[number].clone_from(value);
    }
    if options.text.is_none() && options.field.is_empty() {
        return Err(Usage("--text or --field: give a row".into()).into());
    }
    let mut row = Table::new(table.columns());
    row.push(fields.iter().map(String::as_str));
    Ok(row)
}

/// Reads rows on a separate thread, to the end or to the defect that ends it.
fn read_ahead(args: &PredictArgs, input: &Path, table: &TableModel) -> Result<Receiver<Row>> {
    let (sender, receiver) = mpsc::sync_channel(2 * BATCH);
    let skips = args.skip_bad_lines;
    let mut reader = match Reader::open(input, &args.table.options(skips)) {
        // Nothing is sent, so there is nothing to predict.
        Err(ReadError::Table { problem, .. }) if problem.starts_with("empty") => return Ok(receiver),
        reader => reader?,
    };
    table.check_columns(&reader, input)?;
    let columns = table.columns();
    std::thread::spawn(move || {
        let mut skipped = 0;
        loop {
            let mut row = Table::new(columns.clone());
            let sent = match reader.read(&mut row, 1, false) {
                Ok(_) if row.rows() == 1 => sender.send(Row::Fields(row)),
                Ok(true) => {
                    let (count, errors) = reader.skipped();
                    let error = if count == skipped { None } else { errors.get(skipped as usize) };
                    skipped = count;
                    sender.send(Row::Bad(error.map_or_else(|| "a bad row".into(), ToString::to_string)))
                }
                Ok(false) => return,
                Err(error) => {
                    let _ = sender.send(Row::End(error));
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Writes answers, a line each.
struct Writer<'a> {
    names: &'a [String],
    format: PredictionFormat,
    top: usize,
}

#[derive(Serialize)]
struct Named<'a> {
    label: u32,
    name: &'a str,
    probability: f32,
}

#[derive(Serialize)]
struct Line<'a> {
    predictions: Vec<Named<'a>>,
}

impl Writer<'_> {
    fn head(&self) -> String {
        let columns = (1..=self.top).map(|rank| match rank {
            1 => "label,probability".to_owned(),
            _ => format!("label_{rank},probability_{rank}"),
        });
        columns.collect::<Vec<_>>().join(",") + "\n"
    }

    fn answer(&self, best: &[(u32, f32)], text: &mut String) -> Result<()> {
        let named = best.iter().map(|&(label, probability)| {
            let name = self.names.get(label as usize).map_or("", String::as_str);
            Named { label, name, probability }
        });
        match self.format {
            PredictionFormat::Tsv => {
                for (rank, Named { name, probability, .. }) in named.enumerate() {
                    let tab = if rank == 0 { "" } else { "\t" };
                    write!(text, "{tab}{name}:{probability}")?;
                }
            }
            PredictionFormat::Jsonl => *text += &serde_json::to_string(&Line { predictions: named.collect() })?,
            PredictionFormat::Csv => {
                let mut cells: Vec<String> =
                    named.flat_map(|Named { name, probability, .. }| [quoted(name), probability.to_string()]).collect();
                cells.resize(2 * self.top, String::new());
                *text += &cells.join(",");
            }
        }
        text.push('\n');
        Ok(())
    }

    /// The answer to a row that could not be read, so that the lines of the output are the rows of the input.
    fn skipped(&self, error: &str, text: &mut String) -> Result<()> {
        match self.format {
            PredictionFormat::Jsonl => *text += &serde_json::to_string(&serde_json::json!({ "error": error }))?,
            PredictionFormat::Csv => *text += &",".repeat(2 * self.top - 1),
            PredictionFormat::Tsv => {}
        }
        text.push('\n');
        Ok(())
    }
}

/// A field of a CSV file.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
