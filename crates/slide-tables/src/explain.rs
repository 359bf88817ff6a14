//! What each feature of a row adds to a score.

use std::collections::HashMap;

use slide_core::Predictor;
use slide_features::Scratch;

use crate::error::TableError;
use crate::model::TableModel;

/// What a score of a row consists of.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The label whose score it is.
    pub label: u32,
    /// Its probability, if it is among the best.
    pub probability: Option<f32>,
    /// The logit: the constant and what all features add.
    pub score: f32,
    /// What no feature adds.
    pub constant: f32,
    /// Features by their names, the largest parts first.
    pub features: Vec<(String, f32)>,
}

/// Labels that a probability is looked for among.
const LOOKED_AT: usize = 1000;

/// Explains the score of a label, by default of the best one, of the row with these fields.
///
/// # Errors
/// The prediction fails.
pub fn explain<'a>(
    model: &TableModel,
    predictor: &Predictor,
    field: impl Fn(usize) -> &'a str + Copy,
    label: Option<u32>,
) -> Result<Explanation, TableError> {
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    model.featurizer().row(field, &mut Scratch::default(), &mut indices, &mut values);
    let predictions = predictor.predict((&indices, &values), model.asked(model.labels().len().min(LOOKED_AT)))?;
    let mut best = Vec::new();
    model.probabilities(&predictions, usize::MAX, &mut best);
    let label = label.or(best.first().map(|&(label, _)| label)).unwrap_or(0);
    let explained = predictor.explain((&indices, &values), label)?.unwrap_or_default();
    // A feature may be in the row several times, under one name.
    let adds: HashMap<u32, f32> = explained.features.iter().copied().collect();
    let mut names: HashMap<u32, String> = HashMap::new();
    for (feature, name) in model.featurizer().names(field) {
        names.entry(feature).or_insert(name);
    }
    let mut features: Vec<(String, f32)> =
        names.into_iter().map(|(feature, name)| (name, adds.get(&feature).copied().unwrap_or(0.0))).collect();
    features.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
    let probability = best.iter().find(|(own, _)| *own == label).map(|&(_, probability)| probability);
    Ok(Explanation { label, probability, score: explained.score, constant: explained.constant, features })
}
