//! Weights as plain F32 tensors, for programs that know neither bfloat16 nor the integers of model files.
//!
//! | name | shape | type | |
//! |---|---|---|---|
//! | `input.weight` | features x hidden 0 | F32 | the embedding of each feature |
//! | `input.bias` | 1 x hidden 0 | F32 | |
//! | `hidden.I.weight`, `hidden.I.bias` | hidden I+1 x hidden I, hidden I+1 | F32 | |
//! | `output.weight`, `output.bias` | labels x last hidden, labels | F32 | |
//! | `label_frequency` | labels | F32 | training examples with the label; rounded beyond 2^24 |
//! | `linear.weight` | weights | F32 | the linear part as compressed sparse rows of features x labels; and |
//! | `linear.indices` | weights | U32 | the label of each of its weights, ascending for each feature, and |
//! | `linear.indptr` | features + 1 | I64 | where the weights of each feature begin |
//! | `linear.bias` | labels | F32 | minus infinity for labels without training examples |
//!
//! The metadata key `slide-export` has a JSON object: `config`, the settings, and `combination`, how the scores of two parts are added.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use safetensors::Dtype;
use serde::Serialize;

use super::format::{Tensor, weight_name, write_safetensors};
use super::{Model, ModelError};
use crate::atomic_file::write_atomically;
use crate::combination::Combination;
use crate::config::TrainConfig;
use crate::layer::rows::LayerRows;
use crate::linear::Postings;
use crate::network::Network;

/// The metadata key.
const KEY: &str = "slide-export";

#[derive(Serialize)]
struct Header<'a> {
    config: &'a TrainConfig,
    combination: Option<Combination>,
}

impl Model {
    /// Writes all weights to `path`, atomically, as a safetensors file that other programs read without knowing of slide, with every
    /// weight as F32: bfloat16 is widened, integers are multiplied with the scales of their rows. It is no model file.
    ///
    /// Rows are those of features and labels in the order of data files. Tensors: `input.weight` (features x hidden 0), `input.bias`
    /// (1 x hidden 0), `hidden.I.weight` (hidden I+1 x hidden I), `hidden.I.bias`, `output.weight` (labels x last hidden),
    /// `output.bias`, `label_frequency`; and the linear part as compressed sparse rows of features x labels: `linear.weight`,
    /// `linear.indices` (U32), `linear.indptr` (I64), and its `linear.bias` (minus infinity for labels without training examples).
    ///
    /// # Errors
    /// [`ModelError::Io`]; what was at `path` before is unchanged then.
    pub fn export_f32(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let mut tensors = BTreeMap::new();
        for (name, layer) in self.network.iter().flat_map(Network::layers) {
            add_layer(&name, layer, &mut tensors);
        }
        if let Some(linear) = &self.linear {
            add_linear(linear, &mut tensors);
        }
        let frequencies = || self.label_frequencies.iter().flat_map(|&count| (count as f32).to_le_bytes()).collect();
        tensors.insert("label_frequency".into(), vector(Dtype::F32, self.labels(), frequencies));
        let combination = (self.network.is_some() && self.linear.is_some()).then_some(self.combination);
        let header = Header { config: &self.config, combination };
        let write = |file: &mut std::fs::File| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            write_safetensors(&mut out, KEY, &header, false, &tensors)?;
            out.flush()
        };
        let path = path.as_ref();
        write_atomically(path, write).map_err(|source| ModelError::Io { path: path.to_owned(), source })
    }
}

fn vector<'a>(dtype: Dtype, length: usize, bytes: impl Fn() -> Vec<u8> + 'a) -> Tensor<'a> {
    Tensor { dtype, shape: vec![length], rows: Box::new(bytes) }
}

fn add_layer<'a>(name: &str, layer: &'a LayerRows, tensors: &mut BTreeMap<String, Tensor<'a>>) {
    let (partition, width) = (layer.partition(), layer.width());
    let weights = move || {
        let mut bytes = Vec::with_capacity(layer.rows() * width * size_of::<f32>());
        let mut row = vec![0.0; layer.columns()];
        for logical in 0..layer.rows() as u32 {
            layer.copy_row(partition.to_internal(logical) as usize, &mut row);
            bytes.extend(row[..width].iter().flat_map(|weight| weight.to_le_bytes()));
        }
        bytes
    };
    let shape = vec![layer.rows(), width];
    tensors.insert(weight_name(name), Tensor { dtype: Dtype::F32, shape, rows: Box::new(weights) });
    if !layer.bias().is_empty() {
        let bias = move |logical| layer.bias()[partition.to_internal(logical) as usize];
        let biases = move || (0..layer.rows() as u32).flat_map(|logical| bias(logical).to_le_bytes()).collect();
        tensors.insert(format!("{name}.bias"), vector(Dtype::F32, layer.rows(), biases));
    }
}

fn add_linear<'a>(linear: &'a Postings, tensors: &mut BTreeMap<String, Tensor<'a>>) {
    let partition = linear.partition();
    let lists =
        move || (0..linear.features() as u32).map(move |feature| linear.list(partition.to_internal(feature) as usize));
    let starts = move || {
        let mut end = 0;
        let ends = lists().map(|list| {
            end += list.count() as i64;
            end
        });
        std::iter::once(0).chain(ends).flat_map(i64::to_le_bytes).collect()
    };
    let labels = move || lists().flatten().flat_map(|(label, _)| label.to_le_bytes()).collect();
    let weights = move || lists().flatten().flat_map(|(_, weight)| weight.to_f32().to_le_bytes()).collect();
    let biases = move || linear.labels().biases().flat_map(f32::to_le_bytes).collect();
    let mut add = |name: &str, tensor| tensors.insert(format!("linear.{name}"), tensor);
    add("indptr", vector(Dtype::I64, linear.features() + 1, starts));
    add("indices", vector(Dtype::U32, linear.weights(), labels));
    add("weight", vector(Dtype::F32, linear.weights(), weights));
    add("bias", vector(Dtype::F32, linear.labels().count(), biases));
}
