//! A model judged by a test set.

use super::predictor::{PredictError, Predictor};
use crate::config::Runtime;
use crate::data::{Dataset, Filter};
use crate::metrics::{Accumulator, Metrics, Propensity};
use crate::model::Model;

/// Points predicted at a time: many blocks, and little memory.
const PIECE: usize = 4096;

/// Predicts all points of `data` and compares with their labels. Labels that `filter` names for a point are taken out of its
/// ranking. `progress` is called with the number of points done.
pub fn evaluate(
    model: &Model,
    runtime: &Runtime,
    data: &Dataset,
    filter: Option<&Filter>,
    progress: &mut dyn FnMut(usize),
) -> Result<Metrics, PredictError> {
    let propensity = Propensity::new(model.label_frequencies(), model.points());
    let mut accumulator = Accumulator::new(Some(&propensity));
    let mut predictor = Predictor::new(model, runtime);
    let most_filtered =
        filter.map_or(0, |filter| (0..data.points() as u32).map(|point| filter.count(point)).max().unwrap_or(0));
    let k = accumulator.depth() + most_filtered;
    let (mut ranking, mut truth) = (Vec::new(), Vec::new());
    for first in (0..data.points()).step_by(PIECE) {
        let piece = first..data.points().min(first + PIECE);
        let points: Vec<_> = piece.clone().map(|point| data.features(point)).collect();
        let predictions = predictor.predict(&points, k).map_err(|error| error.later_by(first))?;
        for (point, predictions) in piece.clone().zip(predictions) {
            ranking.clear();
            ranking.extend(predictions.iter().map(|best| best.label));
            truth.clear();
            truth.extend_from_slice(data.labels(point));
            if let Some(filter) = filter {
                filter.apply(point as u32, &mut ranking);
                filter.apply(point as u32, &mut truth);
            }
            accumulator.add(&ranking, &truth);
        }
        progress(piece.end);
    }
    Ok(accumulator.metrics())
}
