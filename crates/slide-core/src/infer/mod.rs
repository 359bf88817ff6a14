//! Using a trained model: predictions and their evaluation.

mod evaluate;
mod predictor;
mod scan;

pub use evaluate::evaluate;
pub use predictor::{PredictError, Prediction, Predictor};
