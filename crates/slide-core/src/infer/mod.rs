//! Using a trained model: predictions and their evaluation.

mod evaluate;
mod inference;
mod predictor;

pub(crate) use evaluate::evaluate_model;
pub use evaluate::{EvaluateOptions, evaluate, evaluate_with};
pub use predictor::{Example, PredictError, Prediction, Predictions, Predictor};
