//! `slide predict`: from a stream to a stream.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender};

use anyhow::Result;
use slide_core::data::{self, DataError, Format, IndexBase, LabelFile, ReadOptions, names, stream};
use slide_core::metrics::Unknown;
use slide_core::{Prediction, Predictions, Predictor};
use slide_tables::TableModel;

use super::Show;
use crate::answers::{Item, Named, Writer, answer_all, channel};
use crate::args::{PredictArgs, PredictionFormat};
use crate::tables;
use crate::unknown;
use crate::usage::Usage;

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
    let options = args.data.reading_for(&model, args.unknown, args.runtime.threads);
    let labels = model.label_numbering().width();
    let names = args.names.as_ref().map(|path| names::read(path, Some(labels))).transpose()?;
    let runtime = args.runtime.start()?;
    // Reading has refused them, if that was asked for.
    let predictor = Predictor::with(model, args.retrieval.retrieval, &runtime)?.ignoring_unknown_features();
    let (features, labels) = (predictor.model().feature_numbering(), predictor.model().label_numbering());
    let named = |&Prediction { label, probability, .. }: &Prediction| {
        let name = names.as_ref().map(|names| names[label as usize].as_str());
        Named { label: labels.number(label), name, probability }
    };
    let (mut predictions, mut not_known) = (Predictions::default(), Unknown::default());
    let examples = read_ahead(args, input, options)?;
    let answered = answer_all(&examples, &Writer::new(args, show.json, args.top.get()), |examples, lines| {
        let examples: Vec<_> = examples.iter().map(|(features, values)| (&features[..], &values[..])).collect();
        examples.iter().for_each(|(columns, _)| not_known.add(features.unknown(columns), 0));
        predictor.predict_batch_into(&examples, args.top.get(), &mut predictions)?;
        predictions.iter().try_for_each(|best| lines.answer(best.iter().map(named)))
    });
    unknown::warn(&not_known, input);
    answered
}

/// Features and values.
type Example = (Vec<u32>, Vec<f32>);

fn item((features, values): (&[u32], &[f32])) -> Item<Example> {
    Item::Example((features.to_vec(), values.to_vec()))
}

/// Reads examples on a separate thread, a few batches ahead, to the end or to the defect that ends it.
fn read_ahead(args: &PredictArgs, input: &Path, options: ReadOptions) -> Result<Receiver<Item<Example>>> {
    let (sender, receiver) = channel();
    // The labels of lines are not looked at: they may be any.
    let options = ReadOptions { labels: LabelFile::None, label_base: IndexBase::MinusOne, ..options };
    let is_whole = match options.format {
        Some(format) => matches!(format, Format::Npz | Format::Npy),
        None => Format::has_arrays(input)?,
    };
    if is_whole {
        let data = data::read(input, &options)?;
        std::thread::spawn(move || {
            let mut examples = (0..data.examples()).map(|example| item(data.features(example)));
            examples.try_for_each(|example| sender.send(example))
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

fn send_lines<R: std::io::BufRead>(mut examples: stream::Examples<R>, sender: &SyncSender<Item<Example>>, skips: bool) {
    loop {
        let read = examples.next_example().map(|one| one.map(|example| item((example.features, example.values))));
        let item = match read {
            Ok(None) => return,
            Err(error) if is_of_empty_input(&error) => return,
            Ok(Some(example)) => example,
            Err(error) if skips && !examples.has_ended() => Item::Bad(error.to_string()),
            Err(error) => Item::End(error.into()),
        };
        let is_last = matches!(item, Item::End(_));
        if sender.send(item).is_err() || is_last {
            return;
        }
    }
}
