//! `slide predict`: from a stream to a stream.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};

use anyhow::Result;
use serde::Serialize;
use slide_core::data::{self, DataError, Format, IndexBase, LabelFile, Numbering, ReadOptions, names, stream};
use slide_core::metrics::Unknown;
use slide_core::{Prediction, Predictions, Predictor};

use super::Show;
use crate::args::{PredictArgs, PredictionFormat};
use crate::output::{Output, say};
use crate::tables::{self, TableModel};
use crate::unknown;
use crate::usage::Usage;

/// Most examples predicted together: enough to share the pass over the output layer.
const BATCH: usize = 1024;

pub(crate) fn run(args: &PredictArgs, show: Show) -> Result<()> {
    let model = show.progress.during("reading the model", || args.runtime.open_model(&args.model))?;
    if let Some(table) = TableModel::of(&model)? {
        return tables::predict::run(args, model, &table, show);
    }
    let Some(input) = &args.input else {
        return Err(Usage("--text and --field: the model is not of a table".into()).into());
    };
    if args.format == Some(PredictionFormat::Csv) {
        return Err(Usage("--format csv: the model is not of a table".into()).into());
    }
    let numberings = [model.feature_numbering().clone(), model.label_numbering().clone()];
    let names = args.names.as_ref().map(|path| names::read(path, Some(numberings[1].width()))).transpose()?;
    let writer = Writer {
        labels: &numberings[1],
        names: names.as_deref(),
        format: args.format.unwrap_or(if show.json { PredictionFormat::Jsonl } else { PredictionFormat::Tsv }),
    };
    let options = args.data.reading_for(&model, args.unknown, args.runtime.threads);
    let runtime = args.runtime.start()?;
    // Reading has refused them, if that was asked for.
    let predictor = Predictor::with(model, args.retrieval.retrieval, &runtime)?.ignoring_unknown_features();
    let examples = read_ahead(args, input, options)?;
    let mut output = Output::new();
    let (mut predictions, mut not_known) = (Predictions::default(), Unknown::default());
    let mut end = None;
    while let Ok(first) = examples.recv() {
        // Examples that have been read are predicted together; a batch does not wait for more.
        let lines: Vec<Line> = std::iter::once(first).chain(examples.try_iter().take(BATCH - 1)).collect();
        let slices: Vec<_> = lines.iter().filter_map(Line::example).collect();
        slices.iter().for_each(|(features, _)| not_known.add(numberings[0].unknown(features), 0));
        predictor.predict_batch_into(&slices, args.top.get(), &mut predictions)?;
        let (mut text, mut answers) = (String::new(), predictions.iter());
        for line in lines {
            match line {
                Line::Example { .. } => writer.answer(answers.next().unwrap_or_default(), &mut text)?,
                Line::Bad(error) => {
                    say(&format!("warning: skipped: {error}"));
                    writer.skipped(&error, &mut text)?;
                }
                Line::End(error) => end = Some(error),
            }
        }
        output.write(&text)?;
        output.flush()?;
    }
    unknown::warn(&not_known, input);
    // The examples before a defect have been answered.
    end.map_or(Ok(()), |error| Err(error.into()))
}

enum Line {
    Example {
        features: Vec<u32>,
        values: Vec<f32>,
    },
    /// One that is skipped.
    Bad(DataError),
    /// Nothing is read after this.
    End(DataError),
}

impl Line {
    fn new((features, values): (&[u32], &[f32])) -> Self {
        Self::Example { features: features.to_vec(), values: values.to_vec() }
    }

    fn example(&self) -> Option<slide_core::Example<'_>> {
        match self {
            Self::Example { features, values } => Some((features, values)),
            Self::Bad(_) | Self::End(_) => None,
        }
    }
}

/// Reads examples on a separate thread, a few batches ahead, to the end or to the defect that ends it.
fn read_ahead(args: &PredictArgs, input: &Path, options: ReadOptions) -> Result<Receiver<Line>> {
    let (sender, receiver) = mpsc::sync_channel(2 * BATCH);
    // The labels of lines are not looked at: they may be any.
    let options = ReadOptions { labels: LabelFile::None, label_base: IndexBase::MinusOne, ..options };
    let is_whole = match options.format {
        Some(format) => matches!(format, Format::Npz | Format::Npy),
        None => Format::has_arrays(input)?,
    };
    if is_whole {
        let data = data::read(input, &options)?;
        std::thread::spawn(move || {
            for example in 0..data.examples() {
                if sender.send(Line::new(data.features(example))).is_err() {
                    return;
                }
            }
        });
        return Ok(receiver);
    }
    let examples = match stream::open(input, &options) {
        // Nothing is sent, so there is nothing to predict.
        Err(error) if is_of_empty_input(&error) => return Ok(receiver),
        examples => examples?,
    };
    let skips = args.skip_bad_lines;
    std::thread::spawn(move || send_lines(examples, &sender, skips));
    Ok(receiver)
}

/// Whether an error says that there is not a byte: a data set without examples is one, but there is nothing to predict.
fn is_of_empty_input(error: &DataError) -> bool {
    matches!(error, DataError::Malformed { line: 1, column: 1, found, .. } if found == "the end of the file")
}

fn send_lines<R: std::io::BufRead>(mut examples: stream::Examples<R>, sender: &SyncSender<Line>, skips: bool) {
    loop {
        let example =
            examples.next_example().map(|example| example.map(|example| Line::new((example.features, example.values))));
        let line = match example {
            Ok(None) => return,
            Err(error) if is_of_empty_input(&error) => return,
            Ok(Some(line)) => line,
            Err(error) if skips && !examples.has_ended() => Line::Bad(error),
            Err(error) => Line::End(error),
        };
        let is_last = matches!(line, Line::End(_));
        if sender.send(line).is_err() || is_last {
            return;
        }
    }
}

/// Writes answers, a line each.
struct Writer<'a> {
    labels: &'a Numbering,
    names: Option<&'a [String]>,
    format: PredictionFormat,
}

impl Writer<'_> {
    fn answer(&self, predictions: &[Prediction], text: &mut String) -> Result<()> {
        #[derive(Serialize)]
        struct Named<'a> {
            label: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
            probability: f32,
        }
        #[derive(Serialize)]
        struct Line<'a> {
            predictions: Vec<Named<'a>>,
        }
        let named = predictions.iter().map(|&Prediction { label, probability, .. }| {
            let name = self.names.map(|names| names[label as usize].as_str());
            Named { label: self.labels.number(label), name, probability }
        });
        match self.format {
            PredictionFormat::Tsv | PredictionFormat::Csv => {
                for (rank, Named { label, name, probability }) in named.enumerate() {
                    *text += if rank == 0 { "" } else { "\t" };
                    match name {
                        Some(name) => write!(text, "{name}:{probability}")?,
                        None => write!(text, "{label}:{probability}")?,
                    }
                }
            }
            PredictionFormat::Jsonl => *text += &serde_json::to_string(&Line { predictions: named.collect() })?,
        }
        text.push('\n');
        Ok(())
    }

    /// The answer to a line that could not be read, so that the lines of the output are those of the input.
    fn skipped(&self, error: &DataError, text: &mut String) -> Result<()> {
        if let PredictionFormat::Jsonl = self.format {
            *text += &serde_json::to_string(&serde_json::json!({ "error": error.to_string() }))?;
        }
        text.push('\n');
        Ok(())
    }
}
