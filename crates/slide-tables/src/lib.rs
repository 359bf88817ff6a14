#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod choose;
mod config;
mod error;
mod explain;
mod model;
mod quality;
mod source;

pub use choose::{Chosen, Progress};
pub use config::{Lengths, TableConfig};
pub use error::TableError;
pub use explain::{Explanation, explain};
pub use model::TableModel;
pub use quality::{Judge, Quality, quality};
pub use source::Source;
