//! Neural networks with very many outputs on ordinary CPUs: data formats, training, and prediction.
//!
//! ```standalone_crate
//! use slide_core::{Dataset, Model, Predictor, TrainConfig};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # std::env::set_current_dir(&folder)?;
//! # std::fs::write("train.txt", "3 4 2\n0 0:1 2:1\n1 1:1\n1 1:1 3:1\n")?;
//!
//! let data = Dataset::read("train.txt")?;
//! let model = Model::fit(&data, &TrainConfig::default())?;
//! let predictor = Predictor::new(model)?;
//! for best in predictor.predict((&[0, 2], &[1.0, 0.5]), 5)? {
//!     println!("label {}: {:.0} %", best.label, 100.0 * best.probability);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `(&[0, 2], &[1.0, 0.5])` is an example: its feature numbers and their values. `train.txt` has a line with the numbers of
//! examples, features and labels, and then a line for each example with its labels and its features, as in `0,7 0:1 2:0.5`.
//! With other settings, saved to a file, and measured on a test set:
//!
//! ```standalone_crate
//! use slide_core::{Dataset, Model, Predictor, TrainConfig, evaluate};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # std::env::set_current_dir(&folder)?;
//! # for file in ["train.txt", "test.txt"] {
//! #     std::fs::write(file, "3 4 2\n0 0:1 2:1\n1 1:1\n1 1:1 3:1\n")?;
//! # }
//!
//! let mut config = TrainConfig::default();
//! config.network.hidden = vec![128];
//! config.optimizer.epochs = Some(5);
//! Model::fit(&Dataset::read("train.txt")?, &config)?.save("model.slide")?;
//!
//! let predictor = Predictor::new(Model::load("model.slide")?)?;
//! let metrics = evaluate(&predictor, &Dataset::read("test.txt")?)?;
//! println!("P@1 {:.3}", metrics.at[0].precision);
//! # Ok(())
//! # }
//! ```
//!
//! * [`data`] reads extreme-classification files into compressed sparse rows, or takes arrays of others without a copy;
//! * [`TrainConfig`] says what is trained and how: everything in it determines the result;
//! * [`Model`] is trained, stored and loaded; [`Trainer`] watches, stops and continues a training;
//! * [`Predictor`] finds the best labels of examples, from any number of threads; [`evaluate`] measures it on a test set;
//! * [`Runtime`] chooses threads, instruction set and memory, which change the time and never the result.
//!
//! Training is reproducible to the bit: for one configuration and one data set the model is the same on every
//! instruction set and with any number of threads.
//!
//! Files are mapped into memory. On Linux the first one that is opened installs a handler of `SIGBUS`, which turns a file that
//! another process shortens meanwhile into an error; [`slide_mem::MappedFile`] says more, and how it is switched off.
#![forbid(unsafe_code)]

/// The code of the registry's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;

/// Tests in the crate share code with those beside it.
#[cfg(test)]
extern crate self as slide_core;

mod atomic_file;
mod choice;
mod combination;
mod config;
pub mod data;
mod index;
mod infer;
mod layer;
mod linear;
mod lsh;
pub mod metrics;
mod model;
mod network;
mod objective;
mod optim;
mod retrieval;
mod runtime;
mod sampling;
mod setting;
mod streams;
mod train;
mod views;

pub use atomic_file::{Destination, abandon_unfinished_files, write_atomically};
pub use choice::UnknownName;
pub use combination::{ModelConfig, Parts};
pub use config::{Choice, ConfigError, TrainConfig};
pub use data::{DataError, Dataset, Normalize};
pub use index::{BuildIndex, IndexConfig, IndexReport};
pub use infer::{
    EvaluateOptions, Example, Explanation, Latencies, OutputLayer, PredictError, Prediction, Predictions, Predictor,
    Session, evaluate, evaluate_with, latencies,
};
pub use layer::quantized::RowBits;
pub use layer::rows::Precision;
pub use linear::LinearConfig;
pub use lsh::{BucketPolicy, HashError, HashKind, HashingConfig, Rebuild, RebuildError};
pub use metrics::{Evaluation, Metrics};
pub use model::{Model, ModelError, Quantization, QuantizeConfig, TensorInfo};
pub use network::{Dropout, DropoutError, NetworkConfig};
pub use objective::Loss;
pub use optim::{AdagradConfig, AdamConfig, AdamWConfig, LazyMoments, Method, OptimizerConfig, Schedule, SgdConfig};
pub use retrieval::{Retrieval, RetrievalError};
pub use runtime::{Runtime, RuntimeError, RuntimeOptions};
pub use sampling::{
    Active, ExactSampling, RandomSampling, SamplerError, SamplingConfig, SharedSampling, TableSampling,
    ThresholdSampling,
};
pub use setting::Setting;
pub use train::{Event, LinearProgress, Outcome, Phase, Phases, Progress, TrainError, Trainer};
