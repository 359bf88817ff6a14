//! Wide sparse neural networks on ordinary CPUs: data formats, hash tables, layers, training and inference.
//!
//! The pieces, from the file to the prediction:
//!
//! * [`data`] reads extreme-classification files into compressed sparse rows;
//! * [`config`] says what is trained and how: everything in it determines the result;
//! * [`network`] holds the weights, in rows that have owners ([`layer`]);
//! * [`lsh`] and [`sampling`] pick the output neurons worth computing;
//! * [`train`] runs the batches; [`model`] stores the result; [`infer`] predicts with it; [`metrics`] judges it.
//!
//! Training is reproducible to the bit: for one configuration and one data set the model is the same on every
//! instruction set and with any number of threads.
#![forbid(unsafe_code)]

pub mod config;
pub mod data;
pub mod file;
pub mod infer;
pub mod layer;
pub mod lsh;
pub mod metrics;
pub mod model;
pub mod network;
pub mod optim;
pub mod sampling;
pub mod train;
