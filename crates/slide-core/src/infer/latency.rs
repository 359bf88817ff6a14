//! How long single predictions take.

use std::time::{Duration, Instant};

use super::inference::Scratch;
use super::predictor::{PredictError, Predictor};
use crate::data::Dataset;

/// The time of each example, one after another on the calling thread.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Latencies {
    /// From the features of an example to its labels.
    pub prediction: Vec<Duration>,
    /// From the last hidden layer to the labels that the network ranks highest, with their exact logits; empty if the network does not
    /// find labels by itself.
    pub output_layer: Vec<Duration>,
}

/// Predicts the `k` best labels of the examples of `data` one by one, after as many as `warm_up` that are not counted, and takes the
/// times.
///
/// # Errors
/// An example that cannot be predicted.
pub fn latencies(predictor: &Predictor, data: &Dataset, k: usize, warm_up: usize) -> Result<Latencies, PredictError> {
    let (mut times, mut predictions) = (Latencies::default(), Vec::new());
    let first = warm_up.min(data.examples());
    for example in (0..first).chain(0..data.examples()) {
        let features = data.features(example);
        let start = Instant::now();
        predictor.predict_into(features, k, &mut predictions).map_err(|error| error.later_by(example))?;
        times.prediction.push(start.elapsed());
    }
    let (inference, mut scratch) = (predictor.inference(), Scratch::default());
    for example in (0..first).chain(0..data.examples()) {
        times.output_layer.extend(inference.time_output_layer(data.features(example), k, &mut scratch));
    }
    times.prediction.drain(..first);
    times.output_layer.drain(..first.min(times.output_layer.len()));
    Ok(times)
}
