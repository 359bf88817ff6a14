#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod date;
mod emit;
mod featurizer;
mod hash;
mod infer;
mod named;
mod radix;
pub mod read;
mod table;
mod targets;
mod tokens;
mod vocabulary;

pub use config::{Column, FeatureConfig, Kind, Weighting};
pub use featurizer::{Featurizer, FeaturizerError, Scratch, Sparse};
pub use infer::{Inferred, infer};
pub use table::{LIST, Table};
pub use targets::Targets;
pub use tokens::Tokens;
