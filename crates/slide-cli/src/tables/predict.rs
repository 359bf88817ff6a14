//! `slide predict` with a model of a table: rows in, labels with their names out, as a stream.

use std::path::Path;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use slide_core::{Model, Predictions, Predictor};
use slide_features::read::{ReadError, Reader};
use slide_features::{Kind, Scratch, Table};
use slide_tables::TableModel;

use super::prepare::check_columns;
use crate::answers::{Item, Named, Writer, answer_all, channel};
use crate::args::{PredictArgs, RowOptions};
use crate::commands::Show;
use crate::output::say;
use crate::usage::Usage;

pub(crate) fn run(args: &PredictArgs, model: Model, table: &TableModel, show: Show) -> Result<()> {
    let runtime = args.runtime.start()?;
    let predictor = Predictor::with(model, args.retrieval.retrieval, &runtime)?.ignoring_unknown_features();
    let names = table.labels();
    let top = args.top.get().min(names.len());
    let rows = match &args.input {
        Some(input) => read_ahead(args, input, table)?,
        None => {
            let (sender, receiver) = channel();
            sender.send(Item::Example(row(&args.row, table)?)).expect("the receiver is there");
            receiver
        }
    };
    let (mut predictions, mut scratch, mut best) = (Predictions::default(), Scratch::default(), Vec::new());
    let (mut has_values, mut count) = (false, 0);
    let answered = answer_all(&rows, &Writer::new(args, show.json, top), |rows, lines| {
        let (mut ends, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in rows {
            has_values |= (0..row.names().len()).any(|column| !row.field(0, column).is_empty());
            table.featurizer().row(|column| row.field(0, column), &mut scratch, &mut indices, &mut values);
            ends.push(indices.len());
        }
        count += rows.len();
        let examples: Vec<_> =
            ends.windows(2).map(|pair| (&indices[pair[0]..pair[1]], &values[pair[0]..pair[1]])).collect();
        predictor.predict_batch_into(&examples, table.asked(top), &mut predictions)?;
        predictions.iter().try_for_each(|found| {
            table.probabilities(found, top, &mut best);
            let name = |label: u32| names.get(label as usize).map_or("", String::as_str);
            lines.answer(best.iter().map(|&(label, probability)| Named {
                label: label.into(),
                name: Some(name(label)),
                probability,
            }))
        })
    });
    if count > 0 && !has_values {
        let names = table.columns().join("`, `");
        say(&format!("warning: no row has a value in the columns that the model was trained with: `{names}`"));
    }
    answered
}

/// The row of the command line.
pub(crate) fn row(options: &RowOptions, table: &TableModel) -> Result<Table> {
    let columns = &table.featurizer().config().columns;
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
fn read_ahead(args: &PredictArgs, input: &Path, table: &TableModel) -> Result<Receiver<Item<Table>>> {
    let (sender, receiver) = channel();
    let mut reader = match Reader::open(input, &args.table.options(false)) {
        // Nothing is sent, so there is nothing to predict.
        Err(ReadError::Table { problem, .. }) if problem.starts_with("empty") => return Ok(receiver),
        reader => reader?,
    };
    check_columns(table, &reader, input)?;
    let (columns, skips) = (table.columns(), args.skip_bad_lines);
    std::thread::spawn(move || {
        loop {
            let mut row = Table::new(columns.clone());
            let item = match reader.read(&mut row, 1, false) {
                Ok(true) => Item::Example(row),
                Ok(false) => return,
                // The rows after it can be read.
                Err(error @ ReadError::Row { .. }) if skips => Item::Bad(error.to_string()),
                Err(error) => Item::End(error.into()),
            };
            let is_last = matches!(item, Item::End(_));
            if sender.send(item).is_err() || is_last {
                return;
            }
        }
    });
    Ok(receiver)
}
