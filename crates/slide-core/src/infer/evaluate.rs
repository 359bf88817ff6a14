//! Metrics of a model on a test set.

use super::plan::Plan;
use super::predictor::{BatchScratch, PredictError, Predictions, Predictor, predict_batch};
use crate::combination::Parts;
use crate::data::{Dataset, Filter};
use crate::metrics::{Accumulator, Evaluation, Metrics, Propensity, Unknown};
use crate::model::Model;
use crate::retrieval::Retrieval;
use crate::runtime::Runtime;

/// Examples predicted at a time: many blocks, and little memory.
const PIECE: usize = 4096;

/// What an evaluation leaves out and refers to, and who is told of its progress.
#[derive(Default)]
#[non_exhaustive]
pub struct EvaluateOptions<'a> {
    /// Labels that are taken out of the predictions of an example; its own labels stay as they are.
    pub filter: Option<&'a Filter>,
    /// The model whose training examples give the propensities and the label groups; none: the predictor's own. Comparisons take the
    /// same for both sides. Labels that it does not have count as labels without training
    /// examples in PSP, and are in no group.
    pub reference: Option<&'a Model>,
    /// The k of P@k and of the other metrics, in any order; none: 1, 3 and 5.
    pub cutoffs: Option<&'a [usize]>,
    /// A and B of [`Propensity::with_constants`]; none: [`Propensity::A`] and [`Propensity::B`].
    pub propensity: Option<(f64, f64)>,
    /// Called with the number of examples done.
    pub progress: Option<&'a mut dyn FnMut(usize)>,
}

/// Predicts all examples of `data` and compares with their labels.
///
/// # Errors
/// An example with a feature that the model does not know, unless the predictor
/// [ignores them](Predictor::ignoring_unknown_features). Labels that it does not know are counted as misses.
pub fn evaluate(predictor: &Predictor, data: &Dataset) -> Result<Metrics, PredictError> {
    evaluate_with(predictor, data, EvaluateOptions::default()).map(|evaluation| evaluation.metrics)
}

/// The same with options, and with all that was counted: macro averages, and what confidence intervals are computed from.
///
/// # Errors
/// As [`evaluate`]; no cutoffs, or one that is not from 1 to [`Accumulator::LARGEST_CUTOFF`]; constants that are not
/// [those of propensities](Propensity::are_constants).
pub fn evaluate_with(
    predictor: &Predictor,
    data: &Dataset,
    options: EvaluateOptions<'_>,
) -> Result<Evaluation, PredictError> {
    let model = predictor.model();
    run(model, data, options, &mut |examples, k, predictions| predictor.predict_batch_into(examples, k, predictions))
}

/// The metrics of a model that is still in training; features that it does not know are left out.
pub(crate) fn evaluate_model(
    model: &Model,
    runtime: &Runtime,
    data: &Dataset,
    options: EvaluateOptions<'_>,
) -> Result<Evaluation, PredictError> {
    let plan = Plan::new(model, Parts::Both, Retrieval::Auto, runtime)?;
    let inference = plan.inference(model, runtime);
    let mut scratch = BatchScratch::default();
    run(model, data, options, &mut |examples, k, predictions| {
        predict_batch(&inference, examples, k, &mut scratch, predictions);
        Ok(())
    })
}

type Predict<'a> = dyn FnMut(&[super::Example<'_>], usize, &mut Predictions) -> Result<(), PredictError> + 'a;

fn run(
    model: &Model,
    data: &Dataset,
    options: EvaluateOptions<'_>,
    predict: &mut Predict<'_>,
) -> Result<Evaluation, PredictError> {
    let EvaluateOptions { filter, reference, cutoffs, propensity, mut progress } = options;
    let reference = reference.unwrap_or(model);
    let labels = reference.label_numbering();
    let mut unknown = Unknown::default();
    let cutoffs = cutoffs.unwrap_or(&Accumulator::CUTOFFS);
    if cutoffs.is_empty() || !cutoffs.iter().all(|k| (1..=Accumulator::LARGEST_CUTOFF).contains(k)) {
        return Err(PredictError::Cutoffs(cutoffs.to_vec()));
    }
    let (a, b) = propensity.unwrap_or((Propensity::A, Propensity::B));
    if !Propensity::are_constants(a, b) {
        return Err(PredictError::PropensityConstants(a, b));
    }
    let (frequencies, examples) = (reference.label_frequencies(), reference.examples());
    let propensity = Propensity::with_constants(frequencies, examples, a, b);
    let mut accumulator = Accumulator::with_cutoffs(cutoffs, Some(&propensity)).with_label_groups(frequencies);
    let count = |filter: &Filter| (0..data.examples() as u32).map(|example| filter.count(example)).max().unwrap_or(0);
    let k = accumulator.depth() + filter.map_or(0, count);
    let (mut predictions, mut ranking, mut ranks) = (Predictions::default(), Vec::new(), Vec::new());
    for first in (0..data.examples()).step_by(PIECE) {
        let piece = first..data.examples().min(first + PIECE);
        let examples: Vec<_> = piece.clone().map(|example| data.features(example)).collect();
        predict(&examples, k, &mut predictions).map_err(|error| error.later_by(first))?;
        for (example, predictions) in piece.clone().zip(predictions.iter()) {
            let is_left = |label| filter.is_none_or(|filter| !filter.contains(example as u32, label));
            let truth = data.labels(example);
            ranking.clear();
            unknown.add(
                model.feature_numbering().unknown(data.features(example).0),
                model.label_numbering().unknown(truth),
            );
            for best in predictions.iter().filter(|best| is_left(best.label)).take(accumulator.depth()) {
                accumulator.add_probability(best.probability, truth.binary_search(&best.label).is_ok());
                ranking.push(best.label);
            }
            if labels.occurring().is_none() {
                accumulator.add(&ranking, truth);
                continue;
            }
            ranking.iter_mut().for_each(|label| *label = labels.rank(*label));
            ranks.clear();
            ranks.extend(truth.iter().map(|&label| labels.rank(label)));
            ranks.sort_unstable();
            accumulator.add(&ranking, &ranks);
        }
        if let Some(progress) = &mut progress {
            progress(piece.end);
        }
    }
    let mut evaluation = accumulator.finish();
    evaluation.unknown = unknown;
    Ok(evaluation)
}
