//! `slide predict`: from a stream to a stream.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;
use slide_core::data::{ReadOptions, names, stream};
use slide_core::infer::{Prediction, Predictor};
use slide_core::model::Model;

use super::Show;
use crate::args::{PredictArgs, PredictionFormat};
use crate::output::Output;

/// Points predicted together: enough to share the pass over the output layer.
const BATCH: usize = 1024;

pub(crate) fn run(args: &PredictArgs, show: Show) -> Result<()> {
    let model = show.progress.during("reading the model", || Model::load(&args.model, &args.runtime.placement()))?;
    let names = args.names.as_ref().map(|path| names::read(path, Some(model.labels()))).transpose()?;
    let runtime = args.runtime.start()?;
    let mut predictor = Predictor::new(&model, &runtime);
    let format = args.format.unwrap_or(if show.json { PredictionFormat::Jsonl } else { PredictionFormat::Tsv });
    let options = ReadOptions { feature_count: Some(model.features()), ..args.data.reading(None) };
    let mut points = stream::open(&args.input, &options)?;
    let mut output = Output::new();
    let mut batch = Batch::default();
    loop {
        // What was read before a defect is still answered.
        let read = batch.fill(&mut points);
        let mut text = String::new();
        for predictions in predictor.predict(&batch.points(), args.top.get())? {
            line(&predictions, names.as_deref(), format, &mut text);
        }
        output.write(&text)?;
        output.flush()?;
        if !read? {
            return Ok(());
        }
    }
}

/// Points that are predicted together, one behind the other.
#[derive(Default)]
struct Batch {
    features: Vec<u32>,
    values: Vec<f32>,
    /// Where each point ends.
    ends: Vec<usize>,
}

impl Batch {
    /// Reads the next points; false when there are no more behind them.
    fn fill<R: std::io::BufRead>(&mut self, points: &mut stream::Points<R>) -> Result<bool> {
        self.features.clear();
        self.values.clear();
        self.ends.clear();
        while self.ends.len() < BATCH {
            let Some(point) = points.next_point()? else { return Ok(false) };
            self.features.extend_from_slice(point.features);
            self.values.extend_from_slice(point.values);
            self.ends.push(self.features.len());
        }
        Ok(true)
    }

    fn points(&self) -> Vec<(&[u32], &[f32])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| (&self.features[start..end], &self.values[start..end])).collect()
    }
}

fn line(predictions: &[Prediction], names: Option<&[String]>, format: PredictionFormat, text: &mut String) {
    let name = |label: u32| names.map(|names| names[label as usize].as_str());
    match format {
        PredictionFormat::Tsv => {
            for (rank, &Prediction { label, score }) in predictions.iter().enumerate() {
                let tab = if rank == 0 { "" } else { "\t" };
                let _ = match name(label) {
                    Some(name) => write!(text, "{tab}{name}:{score}"),
                    None => write!(text, "{tab}{label}:{score}"),
                };
            }
        }
        PredictionFormat::Jsonl => {
            let predictions: Vec<_> = predictions
                .iter()
                .map(|&Prediction { label, score }| match name(label) {
                    Some(name) => json!({ "label": label, "name": name, "score": score }),
                    None => json!({ "label": label, "score": score }),
                })
                .collect();
            *text += &json!({ "predictions": predictions }).to_string();
        }
    }
    text.push('\n');
}
