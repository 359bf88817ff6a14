//! Metrics of a model on a data set.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;
use slide_core::data::Filter;
use slide_core::{EvaluateOptions, Evaluation, evaluate_with};

use crate::dataset::Dataset;
use crate::errors;
use crate::model::Model;

/// As JSON.
pub(crate) fn text(evaluation: &Evaluation) -> String {
    let Evaluation { metrics, calibration_error, label_groups, unknown, .. } = evaluation;
    json!({
        "metrics": metrics, "calibration_error": calibration_error, "label_groups": label_groups, "unknown": unknown,
    })
    .to_string()
}

/// Metrics of a model, as JSON.
#[pyfunction]
#[pyo3(signature = (model, data, *, cutoffs, filter=None, reference=None, propensity=None, part="both", retrieval="auto"))]
pub(crate) fn evaluate(
    py: Python<'_>,
    model: &Model,
    data: &Dataset,
    cutoffs: Vec<usize>,
    filter: Option<PathBuf>,
    reference: Option<&Model>,
    propensity: Option<(f64, f64)>,
    part: &str,
    retrieval: &str,
) -> PyResult<String> {
    let shared = model.shared(part, retrieval)?;
    let Some(shared) = shared.get() else { return Err(PyValueError::new_err("the process was forked meanwhile")) };
    let reference = reference.map(|reference| &*reference.model);
    let evaluation = data.with(py, |data| {
        let read = |path| Filter::read(path, data.examples(), data.label_count());
        let filter = filter.map(read).transpose().map_err(errors::of_data)?;
        let mut options = EvaluateOptions::default();
        options.filter = filter.as_ref();
        options.reference = reference;
        options.cutoffs = Some(&cutoffs);
        options.propensity = propensity;
        evaluate_with(&shared.predictor, data, options).map_err(errors::of_prediction)
    })??;
    Ok(text(&evaluation))
}
