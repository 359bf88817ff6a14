//! `slide predict`: from a stream to a stream.

use std::fmt::Write as _;
use std::io::BufRead;
use std::sync::mpsc::{self, Receiver};

use anyhow::Result;
use serde::Serialize;
use slide_core::data::{DataError, ReadOptions, names, stream};
use slide_core::infer::{Prediction, Predictor};
use slide_core::model::Model;

use super::Show;
use crate::args::{PredictArgs, PredictionFormat};
use crate::output::Output;

/// Most points predicted together: enough to share the pass over the output layer.
const BATCH: usize = 1024;

pub(crate) fn run(args: &PredictArgs, show: Show) -> Result<()> {
    let model = show.progress.during("reading the model", || Model::load(&args.model, &args.runtime.placement()))?;
    let names = args.names.as_ref().map(|path| names::read(path, Some(model.labels()))).transpose()?;
    let runtime = args.runtime.start()?;
    let mut predictor = Predictor::new(&model, &runtime);
    let format = args.format.unwrap_or(if show.json { PredictionFormat::Jsonl } else { PredictionFormat::Tsv });
    let options = ReadOptions { feature_count: Some(model.features()), ..args.data.reading(None) };
    let points = read_ahead(stream::open(&args.input, &options)?);
    let mut output = Output::new();
    while let Ok(first) = points.recv() {
        // What is there already is predicted together; nothing waits for points that have yet to come.
        let mut end = None;
        let mut batch = Vec::new();
        for point in std::iter::once(first).chain(points.try_iter().take(BATCH - 1)) {
            match point {
                Ok(point) => batch.push(point),
                Err(error) => end = Some(error),
            }
        }
        let slices: Vec<_> = batch.iter().map(|point| (&point.features[..], &point.values[..])).collect();
        let mut text = String::new();
        for predictions in predictor.predict(&slices, args.top.get())? {
            line(&predictions, names.as_deref(), format, &mut text)?;
        }
        output.write(&text)?;
        output.flush()?;
        // What was read before a defect has been answered.
        if let Some(error) = end {
            return Err(error.into());
        }
    }
    Ok(())
}

struct Point {
    features: Vec<u32>,
    values: Vec<f32>,
}

/// Reads points on a thread of its own, a few batches ahead, to the end or the first defect.
fn read_ahead<R: BufRead + Send + 'static>(mut points: stream::Points<R>) -> Receiver<Result<Point, DataError>> {
    let (sender, receiver) = mpsc::sync_channel(2 * BATCH);
    std::thread::spawn(move || {
        let mut next = || {
            let point = points.next_point().transpose()?;
            Some(point.map(|point| Point { features: point.features.to_vec(), values: point.values.to_vec() }))
        };
        while let Some(point) = next() {
            let last = point.is_err();
            if sender.send(point).is_err() || last {
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
    let named = predictions.iter().map(|&Prediction { label, score }| {
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
