//! `slide predict`: from a stream to a stream.

use std::fmt::Write as _;
use std::io::BufRead;
use std::sync::mpsc::{self, Receiver};

use anyhow::Result;
use serde::Serialize;
use slide_core::data::{DataError, ReadOptions, names, stream};
use slide_core::{Prediction, Predictions, Predictor};

use super::Show;
use crate::args::{PredictArgs, PredictionFormat};
use crate::output::Output;

/// Most examples predicted together: enough to share the pass over the output layer.
const BATCH: usize = 1024;

pub(crate) fn run(args: &PredictArgs, show: Show) -> Result<()> {
    let model = show.progress.during("reading the model", || args.runtime.open_model(&args.model))?;
    let names = args.names.as_ref().map(|path| names::read(path, Some(model.labels()))).transpose()?;
    let runtime = args.runtime.start()?;
    let predictor = Predictor::with(model, args.retrieval.retrieval, &runtime)?;
    let model = predictor.model();
    let format = args.format.unwrap_or(if show.json { PredictionFormat::Jsonl } else { PredictionFormat::Tsv });
    let options = ReadOptions { feature_count: Some(model.features()), ..args.data.reading(None) };
    let examples = read_ahead(stream::open(&args.input, &options)?);
    let mut output = Output::new();
    let mut predictions = Predictions::default();
    while let Ok(first) = examples.recv() {
        // Examples that have been read are predicted together; a batch does not wait for more.
        let mut end = None;
        let mut batch = Vec::new();
        for example in std::iter::once(first).chain(examples.try_iter().take(BATCH - 1)) {
            match example {
                Ok(example) => batch.push(example),
                Err(error) => end = Some(error),
            }
        }
        let slices: Vec<_> = batch.iter().map(|example| (&example.features[..], &example.values[..])).collect();
        let mut text = String::new();
        predictor.predict_batch_into(&slices, args.top.get(), &mut predictions)?;
        for predictions in predictions.iter() {
            line(predictions, names.as_deref(), format, &mut text)?;
        }
        output.write(&text)?;
        output.flush()?;
        // The examples before a defect have been answered.
        if let Some(error) = end {
            return Err(error.into());
        }
    }
    Ok(())
}

struct Example {
    features: Vec<u32>,
    values: Vec<f32>,
}

/// Reads examples on a separate thread, a few batches ahead, to the end or the first defect.
fn read_ahead<R: BufRead + Send + 'static>(mut examples: stream::Examples<R>) -> Receiver<Result<Example, DataError>> {
    let (sender, receiver) = mpsc::sync_channel(2 * BATCH);
    std::thread::spawn(move || {
        let mut next = || {
            let example = examples.next_example().transpose()?;
            Some(
                example.map(|example| Example { features: example.features.to_vec(), values: example.values.to_vec() }),
            )
        };
        while let Some(example) = next() {
            let last = example.is_err();
            if sender.send(example).is_err() || last {
                return;
            }
        }
    });
    receiver
}

fn line(
    predictions: &[Prediction],
    names: Option<&[String]>,
    format: PredictionFormat,
    text: &mut String,
) -> Result<()> {
    #[derive(Serialize)]
    struct Named<'a> {
        label: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        score: f32,
    }
    #[derive(Serialize)]
    struct Line<'a> {
        predictions: Vec<Named<'a>>,
    }
    let named = predictions.iter().map(|&Prediction { label, probability: score, .. }| {
        let name = names.map(|names| names[label as usize].as_str());
        Named { label, name, score }
    });
    match format {
        PredictionFormat::Tsv => {
            for (rank, Named { label, name, score }) in named.enumerate() {
                *text += if rank == 0 { "" } else { "\t" };
                match name {
                    Some(name) => write!(text, "{name}:{score}")?,
                    None => write!(text, "{label}:{score}")?,
                }
            }
        }
        PredictionFormat::Jsonl => *text += &serde_json::to_string(&Line { predictions: named.collect() })?,
    }
    text.push('\n');
    Ok(())
}
