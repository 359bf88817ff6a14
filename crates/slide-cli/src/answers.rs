//! Answers to a stream of examples: read ahead on a thread, predicted in batches, a line each in the order of the input.

use std::fmt::Write as _;
use std::sync::mpsc::{self, Receiver, SyncSender};

use anyhow::Result;
use serde::Serialize;

use crate::args::{PredictArgs, PredictionFormat};
use crate::output::{Output, say};

/// Most examples predicted together: enough to share the pass over the output layer.
const BATCH: usize = 1024;

/// What is read for a line of the answers.
pub(crate) enum Item<T> {
    Example(T),
    /// Is skipped, for this reason.
    Bad(String),
    /// Nothing is read after this error.
    End(anyhow::Error),
}

/// Between the thread that reads, a few batches ahead, and the one that predicts.
pub(crate) fn channel<T>() -> (SyncSender<Item<T>>, Receiver<Item<T>>) {
    mpsc::sync_channel(2 * BATCH)
}

/// A predicted label.
#[derive(Serialize)]
pub(crate) struct Named<'a> {
    pub(crate) label: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    pub(crate) probability: f32,
}

/// Writes answers as lines.
pub(crate) struct Writer {
    format: PredictionFormat,
    /// Labels in a line of CSV.
    top: usize,
}

impl Writer {
    /// In the format that is asked for; with `--json` the default is another.
    pub(crate) fn new(args: &PredictArgs, json: bool, top: usize) -> Self {
        let default = if json { PredictionFormat::Jsonl } else { PredictionFormat::Tsv };
        Self { format: args.format.unwrap_or(default), top }
    }

    /// The line before the answers.
    fn head(&self) -> String {
        if self.format != PredictionFormat::Csv {
            return String::new();
        }
        let columns = (1..=self.top).map(|rank| match rank {
            1 => "label,probability".to_owned(),
            _ => format!("label_{rank},probability_{rank}"),
        });
        columns.collect::<Vec<_>>().join(",") + "\n"
    }

    fn answer<'a>(&self, best: impl Iterator<Item = Named<'a>>, text: &mut String) -> Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            predictions: Vec<Named<'a>>,
        }
        match self.format {
            PredictionFormat::Tsv => {
                for (rank, Named { label, name, probability }) in best.enumerate() {
                    *text += if rank == 0 { "" } else { "\t" };
                    match name {
                        Some(name) => write!(text, "{name}:{probability}")?,
                        None => write!(text, "{label}:{probability}")?,
                    }
                }
            }
            PredictionFormat::Jsonl => *text += &serde_json::to_string(&Line { predictions: best.collect() })?,
            PredictionFormat::Csv => {
                let cells = |one: Named<'_>| [quoted(one.name.unwrap_or_default()), one.probability.to_string()];
                let mut cells: Vec<String> = best.flat_map(cells).collect();
                cells.resize(2 * self.top, String::new());
                *text += &cells.join(",");
            }
        }
        text.push('\n');
        Ok(())
    }

    /// The answer to what could not be read, so that the lines of the output are those of the input.
    fn skipped(&self, error: &str, text: &mut String) -> Result<()> {
        match self.format {
            PredictionFormat::Tsv => {}
            PredictionFormat::Jsonl => *text += &serde_json::to_string(&serde_json::json!({ "error": error }))?,
            PredictionFormat::Csv => *text += &",".repeat(2 * self.top - 1),
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

/// The lines of a batch, as they are written.
pub(crate) struct Lines<'a> {
    writer: &'a Writer,
    /// Of each line why it is skipped; none: it is answered.
    skipped: std::vec::IntoIter<Option<String>>,
    text: String,
}

impl Lines<'_> {
    /// The answer to the next example, best label first.
    pub(crate) fn answer<'b>(&mut self, best: impl Iterator<Item = Named<'b>>) -> Result<()> {
        self.skip()?;
        self.writer.answer(best, &mut self.text)
    }

    /// Writes the lines that are skipped before the next example.
    fn skip(&mut self) -> Result<()> {
        while let Some(Some(error)) = self.skipped.next() {
            say(&format!("warning: skipped: {error}"));
            self.writer.skipped(&error, &mut self.text)?;
        }
        Ok(())
    }
}

/// Answers all items; `predict` answers the examples of a batch, in order. The examples before an error have been answered when it is
/// returned.
pub(crate) fn answer_all<T>(
    items: &Receiver<Item<T>>,
    writer: &Writer,
    mut predict: impl FnMut(&[T], &mut Lines<'_>) -> Result<()>,
) -> Result<()> {
    let mut output = Output::new();
    output.write(&writer.head())?;
    let mut end = Ok(());
    while let Ok(first) = items.recv() {
        // What has been read is predicted together; a batch does not wait for more.
        let (mut examples, mut skipped) = (Vec::new(), Vec::new());
        for item in std::iter::once(first).chain(items.try_iter().take(BATCH - 1)) {
            match item {
                Item::Example(example) => {
                    examples.push(example);
                    skipped.push(None);
                }
                Item::Bad(error) => skipped.push(Some(error)),
                Item::End(error) => end = Err(error),
            }
        }
        let mut lines = Lines { writer, skipped: skipped.into_iter(), text: String::new() };
        predict(&examples, &mut lines)?;
        lines.skip()?;
        output.write(&lines.text)?;
        output.flush()?;
    }
    output.flush()?;
    end
}
