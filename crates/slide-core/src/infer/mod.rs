//! Using a trained model: predictions and their evaluation.

mod evaluate;
mod explain;
mod frequent;
mod inference;
mod inputs;
mod latency;
mod output_layer;
mod plan;
mod predictor;
mod scoring;

pub(crate) use evaluate::evaluate_model;
pub use evaluate::{EvaluateOptions, evaluate, evaluate_with};
pub use explain::Explanation;
pub(crate) use inference::{Inference, Scratch};
pub use latency::{Latencies, latencies};
pub use output_layer::OutputLayer;
pub use predictor::{Example, PredictError, Prediction, Predictions, Predictor, Session};
pub(crate) use scoring::{Scored, Scoring};
