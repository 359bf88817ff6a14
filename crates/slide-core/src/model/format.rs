//! Model files: safetensors with one metadata key, `slide`, whose value is a JSON object.
//!
//! Rows are stored in the order of the data files (row `l` of `output.weight` belongs to label `l`), without padding;
//! their order in memory is not part of the format. Tensors:
//!
//! | name | shape | type | |
//! |---|---|---|---|
//! | `input.weight` | features x hidden 0 | F32, BF16, I8 or U8 | the embedding of each feature; as U8 two weights to a byte: see below |
//! | `input.bias` | 1 x hidden 0 | F32 | |
//! | `hidden.I.weight` | hidden I+1 x hidden I | F32 or BF16 | |
//! | `hidden.I.bias` | hidden I+1 | F32 | |
//! | `output.weight` | labels x last hidden | F32, BF16, I8 or U8 | |
//! | `input.scale`, `output.scale` | rows | F32 | what the integers of each row are multiplied with, if `.weight` is I8 or U8 |
//! | `output.bias` | labels | F32 | |
//! | `label_frequency` | labels | U32 | training examples with the label |
//! | `feature.column`, `label.column` | features, labels | U32 | their columns in the data files, ascending, if not all columns have rows |
//! | `*.first_moment`, ... | as the tensor | F32 | the optimiser's states, by its own names; checkpoints only |
//! | `*.last_step` | rows | U32 | 1 + the batch that last touched the row; checkpoints only |
//! | `linear.bias` | labels | F32 | score of each label for an example without features; models with a linear part only |
//! | `linear.order` | labels | U32 | the label at each place; places are cut into blocks of 65,536 |
//! | `linear.rank` | labels | U32 | the labels by descending bias |
//! | `linear.start` | features x blocks + 1 | U64 | where the list of each feature in each block begins, and the end of the last |
//! | `linear.entry` | 2 x weights | U16 | lists: the places of labels in their block, ascending, then as many weights as F16 |
//! | `linear.count` | features | U32 | labels that each feature has a weight for |
//! | `linear.label` | bytes | U8 | these labels, feature by feature, ascending: differences to the one before, as LEB128 |
//! | `linear.weight` | weights | F16 or I8 | their weights, in the same order |
//! | `linear.scale` | features | F32 | what the integers of each feature are multiplied with, if `linear.weight` is I8 |
//! | `input.sum`, `output.sum` | rows | I32 | sums of the integers of each row, if `.weight` is I8 (not in all files of format 4) |
//! | `index.center` | columns | F32 | mean query; `columns` is the width of the last hidden layer rounded up to a multiple of 16; models with an index only |
//! | `index.router` | lists x columns | I8 | row of each list |
//! | `index.router_scale`, `index.router_bias` | lists | F32 | what the rows are multiplied with, and what is added |
//! | `index.mean` | lists x columns | F32 | mean of the rows of each list |
//! | `index.end` | lists | U32 | where each list ends, in blocks of 16 places |
//! | `index.label` | places | U32 | label at each place, 2^32 - 1 for none |
//! | `index.scale`, `index.offset` | places | F32 | what the codes are multiplied with, and what is added |
//! | `index.code` | bytes | U8 | codes of four bits, as `NibbleBlocks` of slide-kernels lays them out |
//! | `attachment.NAME` | bytes | U8 | what programs [attach](Model::attach) to the model: this crate does not look at it |
//! | `output.codes` | labels x tables | U32 | hash codes of the rows in each table; models with hash tables only |
//!
//! Rows of integers of four bits are U8, rows x half the width (rounded up): byte `i` of a row has column `2 i` in its low bits and
//! column `2 i + 1` in its high bits, 8 added to each.
//!
//! The linear part has `start`, `entry`, `order` and `rank`, or, if its weights are integers and in files up to format 4, `count`, `label`
//! and `weight`. Files with the first, and
//! those with `feature.column` or `label.column`, need format 5, other files with integers format 4; all others are of format 3.
//!
//! # Mapping
//! A [loaded](Model::load) model has copies of all tensors, rows shard by shard. An [opened](Model::open) one reads its large tensors from
//! the mapped file: rows of `input.weight` and `output.weight`, `linear.start` and `linear.entry`. For this, the tensors of a finished
//! model whose bytes are a multiple of 64 come first in the file, at multiples of 64. What does not lie at such an address (in files
//! written by other programs, or before format 5), and rows that are no multiple of 64 bytes, are copied.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use half::{bf16, f16};
use safetensors::tensor::{Metadata, SafeTensors};
use safetensors::{Dtype, View};
use serde::{Deserialize, Serialize};
use slide_mem::{FileSlice, MappedFile, Placement, RowTable};

use super::{Checkpoint, Model, ModelError};
use super::{format_1, index, postings};
use crate::atomic_file::write_atomically;
use crate::combination::{Combination, Parts};
use crate::config::{Choice, TrainConfig};
use crate::data::{IndexBase, Numbering};
use crate::layer::partition::Partition;
use crate::layer::quantized::{QuantizedRows, RowBits};
use crate::layer::rows::{LayerRows, Precision, Storage, Weights};
use crate::linear::Postings;
use crate::lsh::TableState;
use crate::network::Network;

const FEATURE_COLUMN: &str = "feature.column";
const LABEL_COLUMN: &str = "label.column";
/// What the names of attachments begin with.
const ATTACHMENT: &str = "attachment.";
/// The metadata key. There is only one: the library that others read the file with may order several at random.
const KEY: &str = "slide";
/// The newest format that this program reads; it writes it for models with a linear part that can be mapped, and for those without rows
/// for columns that did not occur,
const FORMAT: u32 = 5;
/// this one for other models with integers, and
const FORMAT_OF_INTEGERS: u32 = 4;
/// this one for all others.
const FORMAT_OF_FLOATS: u32 = 3;
/// What tables in a file are aligned to.
const LINE: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) config: TrainConfig,
    pub(super) features: usize,
    pub(super) labels: usize,
    /// How the training files number them; none if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) feature_numbers: Option<Numbers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label_numbers: Option<Numbers>,
    pub(super) examples: usize,
    pub(super) step: u64,
    /// The batch before which the hash tables were last rebuilt, if there are tables.
    pub(super) tables_rebuilt_at: Option<u64>,
    /// What only a checkpoint has.
    pub(super) checkpoint: Option<CheckpointHeader>,
    /// What was chosen by the data (from format 3 on).
    #[serde(default)]
    pub(super) choices: Vec<Choice>,
    /// How the scores of the parts are combined, if there is a linear part.
    #[serde(default)]
    pub(super) combination: Option<Combination>,
    /// What belongs to the tensors of the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<index::Header>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct CheckpointHeader {
    /// Of the training examples.
    pub(super) data_digest: u64,
    /// The batch before which the optimiser's state was 0; left out if it is the first of all.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) first_step: u64,
}

fn is_first(step: &u64) -> bool {
    *step == 0
}

/// How files number features or labels.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Numbers {
    /// The number of column 0 in svmlight files.
    first: i64,
    /// Columns of the training files.
    columns: usize,
}

impl Numbers {
    fn of(numbering: &Numbering) -> Option<Self> {
        let base = numbering.base();
        (base != IndexBase::Auto).then(|| Self { first: base.first(), columns: numbering.width() })
    }
}

/// Name, shape and size of a stored tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name in the file, such as `output.weight`.
    pub name: String,
    /// Its shape, rows first.
    pub shape: Vec<usize>,
    /// Its element type, as safetensors names it.
    pub dtype: String,
    /// Its size in bytes.
    pub bytes: usize,
}

/// A tensor about to be written; its rows are put into logical order when it is.
pub(super) struct Tensor<'a> {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) rows: Box<dyn Fn() -> Vec<u8> + 'a>,
}

impl View for &Tensor<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned((self.rows)())
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8
    }
}

/// `width` columns of each row of a table with `stride`, in logical order.
fn logical_rows<T: bytemuck::Pod>(values: &[T], partition: &Partition, width: usize, stride: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(partition.rows() * width * size_of::<T>());
    for logical in 0..partition.rows() as u32 {
        let at = partition.to_internal(logical) as usize * stride;
        bytes.extend_from_slice(bytemuck::cast_slice(&values[at..at + width]));
    }
    bytes
}

/// A tensor of `width` columns; one column makes a vector.
fn tensor<'a, T: bytemuck::Pod>(
    dtype: Dtype,
    values: &'a [T],
    partition: &'a Partition,
    width: Option<usize>,
    stride: usize,
) -> Tensor<'a> {
    let shape = std::iter::once(partition.rows()).chain(width).collect();
    let rows = Box::new(move || logical_rows(values, partition, width.unwrap_or(1), stride));
    Tensor { dtype, shape, rows }
}

/// The name of a layer's weights: the input's bias is stored as a layer of one row.
pub(super) fn weight_name(layer: &str) -> String {
    if layer == "input_bias" { "input.bias".into() } else { format!("{layer}.weight") }
}

fn layer_tensors<'a>(name: &str, layer: &'a LayerRows, with_state: bool, out: &mut BTreeMap<String, Tensor<'a>>) {
    let (partition, width) = (layer.partition(), Some(layer.width()));
    let weight = weight_name(name);
    let bias = format!("{name}.bias");
    let values = match layer.weights() {
        Weights::F32(table) => tensor(Dtype::F32, table.as_slice(), partition, width, table.stride()),
        Weights::Bf16(table) => tensor(Dtype::BF16, table.as_slice(), partition, width, table.stride()),
        Weights::Quantized(rows) => {
            out.insert(format!("{name}.scale"), tensor(Dtype::F32, &rows.scales, partition, None, 1));
            if rows.bits == RowBits::Eight {
                out.insert(format!("{name}.sum"), tensor(Dtype::I32, &rows.sums, partition, None, 1));
            }
            integer_rows(rows, partition)
        }
    };
    let f32s = |values: &'a [f32]| tensor(Dtype::F32, values, partition, None, 1);
    let has_bias = !layer.bias().is_empty();
    if has_bias {
        out.insert(bias.clone(), f32s(layer.bias()));
    }
    if let Some(state) = layer.state().filter(|_| with_state) {
        for one in state.states() {
            let values = tensor(Dtype::F32, one.rows.as_slice(), partition, width, one.rows.stride());
            out.insert(format!("{weight}.{}", one.name), values);
            if has_bias {
                out.insert(format!("{bias}.{}", one.name), f32s(&one.bias));
            }
        }
        let steps = tensor(Dtype::U32, &state.last_step, partition, None, 1);
        out.insert(format!("{weight}.last_step"), steps);
    }
    out.insert(weight, values);
}

/// Rows of integers of eight or four bits.
fn integer_rows<'a>(rows: &'a QuantizedRows, partition: &'a Partition) -> Tensor<'a> {
    let (values, width) = (&rows.values, rows.values.width());
    match rows.bits {
        RowBits::Eight => tensor(Dtype::I8, values.as_slice(), partition, Some(width), values.stride()),
        RowBits::Four => {
            let packed = move || {
                let logical = (0..partition.rows() as u32).map(|row| values.row(partition.to_internal(row) as usize));
                let nibble = |value: i8| (value + 8) as u8 & 0xf;
                let pack = |pair: &[i8]| nibble(pair[0]) | nibble(pair.get(1).copied().unwrap_or(0)) << 4;
                logical.flat_map(|row| row.chunks(2).map(pack)).collect()
            };
            Tensor { dtype: Dtype::U8, shape: vec![partition.rows(), width.div_ceil(2)], rows: Box::new(packed) }
        }
    }
}

impl Model {
    /// The format that the model needs.
    fn format(&self) -> u32 {
        let mut layers = self.network.iter().flat_map(Network::layers);
        if self.feature_numbering.occurring().is_some() || self.label_numbering.occurring().is_some() {
            return FORMAT;
        }
        match &self.linear {
            Some(linear) if postings::can_be_mapped(linear) => FORMAT,
            None if layers.all(|(_, layer)| layer.quantized().is_none()) => FORMAT_OF_FLOATS,
            _ => FORMAT_OF_INTEGERS,
        }
    }

    fn stored<'a>(&'a self, is_checkpoint: bool, tables: Option<&'a TableState>) -> BTreeMap<String, Tensor<'a>> {
        let mut tensors = BTreeMap::new();
        for (name, layer) in self.network.iter().flat_map(Network::layers) {
            layer_tensors(&name, layer, is_checkpoint, &mut tensors);
        }
        if let Some(linear) = &self.linear {
            postings::add_tensors(linear, &mut tensors);
        }
        if let (Some(index), Some(network)) = (&self.index, &self.network) {
            index::add_tensors(index, network.output.partition(), &mut tensors);
        }
        let frequencies = Tensor {
            dtype: Dtype::U32,
            shape: vec![self.labels()],
            rows: Box::new(|| bytemuck::cast_slice(&self.label_frequencies).to_vec()),
        };
        tensors.insert("label_frequency".into(), frequencies);
        for (name, numbering) in [(FEATURE_COLUMN, &self.feature_numbering), (LABEL_COLUMN, &self.label_numbering)] {
            if let Some(columns) = numbering.occurring() {
                let rows = Box::new(|| bytemuck::cast_slice(columns).to_vec());
                tensors.insert(name.into(), Tensor { dtype: Dtype::U32, shape: vec![columns.len()], rows });
            }
        }
        for (name, bytes) in &self.attachments {
            let tensor = Tensor { dtype: Dtype::U8, shape: vec![bytes.len()], rows: Box::new(|| bytes.clone()) };
            tensors.insert(format!("{ATTACHMENT}{name}"), tensor);
        }
        if let (Some(tables), Some(network)) = (tables, &self.network) {
            let width = tables.codes.len() / self.labels();
            let codes = tensor(Dtype::U32, &tables.codes, network.output.partition(), Some(width), width);
            tensors.insert("output.codes".into(), codes);
        }
        tensors
    }

    /// The tensors in the file that this model was loaded from, or in the one that [`save`](Self::save) would write.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let stored = self.stored(self.checkpoint.is_some(), self.tables.as_ref());
        let info = |(name, tensor): (&String, &Tensor<'_>)| TensorInfo {
            name: name.clone(),
            shape: tensor.shape.clone(),
            dtype: format!("{:?}", tensor.dtype),
            bytes: (&tensor).data_len(),
        };
        stored.iter().map(info).collect()
    }

    /// Bytes of the file that [`save`](Self::save) writes when training has ended, up to a few hundred bytes a tensor.
    pub fn file_bytes(&self) -> u64 {
        let stored: u64 = self.stored(false, None).values().map(|tensor| tensor.data_len() as u64 + 512).sum();
        let tables = self.config.tables().map_or(0, |hashing| hashing.tables);
        stored + (tables * self.labels() * size_of::<u32>()) as u64
    }

    /// Writes the model to `path`, atomically: weights, biases and hash tables, enough to predict.
    /// ([`Trainer::save_checkpoint`](crate::Trainer::save_checkpoint) writes what training can continue from.)
    ///
    /// # Errors
    /// [`ModelError::Io`]; what was at `path` before is unchanged then.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        self.write(path.as_ref(), None, self.tables.as_ref())
    }

    pub(crate) fn write(
        &self,
        path: &Path,
        checkpoint: Option<&Checkpoint>,
        tables: Option<&TableState>,
    ) -> Result<(), ModelError> {
        let header = Header {
            format: self.format(),
            config: self.config.clone(),
            features: self.features(),
            labels: self.labels(),
            feature_numbers: Numbers::of(&self.feature_numbering),
            label_numbers: Numbers::of(&self.label_numbering),
            examples: self.examples,
            step: self.step,
            tables_rebuilt_at: tables.map(|tables| tables.rebuilt_at),
            checkpoint: checkpoint
                .map(|&Checkpoint { data_digest, first_step }| CheckpointHeader { data_digest, first_step }),
            choices: self.choices.clone(),
            combination: self.linear.is_some().then_some(self.combination),
            index: self.index.as_deref().map(index::Header::of),
        };
        let stored = self.stored(checkpoint.is_some(), tables);
        let write = |file: &mut std::fs::File| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            write_safetensors(&mut out, KEY, &header, checkpoint.is_none(), &stored)?;
            out.flush()
        };
        write_atomically(path, write).map_err(|source| ModelError::Io { path: path.to_owned(), source })
    }

    /// Reads a model, or a checkpoint, from `path`.
    ///
    /// # Errors
    /// [`ModelError`]: the file cannot be read, is damaged, not of slide, or of a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::load_placed(path, &Placement::default())
    }

    /// The same, with the tables placed as `placement` says.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_placed(path: impl AsRef<Path>, placement: &Placement) -> Result<Self, ModelError> {
        Self::from_file(path.as_ref(), placement, false)
    }

    /// A model for prediction, whose large tables stay in the mapped file: it takes milliseconds to open, and all processes that have
    /// opened the file share its pages. Predictions are those of the [loaded](Self::load) model, to the bit. A file can be replaced by
    /// renaming a new one over it, as [`save`](Self::save) does; it must not be written to while it is open. If it is shortened,
    /// predictions are errors on Linux, and elsewhere the system ends the process: see [`MappedFile`].
    ///
    /// Values that are mapped are not looked at: a damaged file is an error if its header contradicts it, and otherwise its predictions
    /// are wrong. Checkpoints are loaded, as are tables that cannot be mapped: see the documentation of the format.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::open_placed(path, &Placement::default())
    }

    /// The same, with the tables that are copied placed as `placement` says.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn open_placed(path: impl AsRef<Path>, placement: &Placement) -> Result<Self, ModelError> {
        Self::from_file(path.as_ref(), placement, true)
    }

    /// Checks that all weights are finite numbers, which reads the whole file. A [loaded](Self::load) model has been checked, an
    /// [opened](Self::open) one has not.
    ///
    /// # Errors
    /// [`ModelError::NotFinite`], and [`ModelError::Memory`] if the file can no longer be read.
    pub fn check_values(&self) -> Result<(), ModelError> {
        let Some(file) = &self.file else { return Ok(()) };
        let path = file.path();
        let tensors =
            SafeTensors::deserialize(file).map_err(|source| ModelError::Damaged { path: path.to_owned(), source })?;
        check_finite(path, &tensors)?;
        self.check_linear(path)?;
        Ok(file.check()?)
    }

    fn check_linear(&self, path: &Path) -> Result<(), ModelError> {
        match self.linear.as_ref().and_then(Postings::not_finite) {
            None => Ok(()),
            Some((feature, weight)) => Err(ModelError::NotFinite {
                path: path.to_owned(),
                tensor: "linear.entry".into(),
                position: vec![feature as usize],
                value: weight.to_f32(),
            }),
        }
    }

    fn from_file(path: &Path, placement: &Placement, is_mapped: bool) -> Result<Self, ModelError> {
        let file = Arc::new(MappedFile::open(path)?);
        if is_mapped {
            file.advise_large_pages();
        }
        let loaded = Self::read(path, &file, placement, is_mapped);
        // Zeros may have been read for what others have cut off: neither the model nor what is wrong with it is to be trusted.
        file.check()?;
        loaded
    }

    fn read(path: &Path, file: &Arc<MappedFile>, placement: &Placement, is_mapped: bool) -> Result<Self, ModelError> {
        let damaged = |source| ModelError::Damaged { path: path.to_owned(), source };
        let (_, metadata) = SafeTensors::read_metadata(file).map_err(damaged)?;
        let tensors = SafeTensors::deserialize(file).map_err(damaged)?;
        let mut reader = Reader { path, tensors, file: None };
        let header = reader.header(&metadata)?;
        // Training needs rows that lie shard by shard, and can be written.
        reader.file = Some(file).filter(|_| is_mapped && header.checkpoint.is_none());
        let config = header.config;
        config.validate().map_err(|source| ModelError::Config { path: path.to_owned(), source })?;
        for (what, number) in [("features", header.features), ("labels", header.labels), ("examples", header.examples)]
        {
            if number == 0 || u32::try_from(number).is_err() {
                return Err(reader.foreign(format!("1 to 2^32 - 1 {what}"), number.to_string()));
            }
        }
        if header.step >= u64::from(u32::MAX) {
            return Err(reader.foreign("fewer than 2^32 - 1 batches", header.step.to_string()));
        }
        let resumable = header.checkpoint.is_some();
        if let Some(checkpoint) = header.checkpoint.as_ref().filter(|checkpoint| checkpoint.first_step > header.step) {
            return Err(
                reader.foreign(format!("`first-step` of at most {}", header.step), checkpoint.first_step.to_string())
            );
        }
        let optimizer = resumable.then(|| config.optimizer.method.optimizer());
        if reader.file.is_none() {
            check_finite(path, &reader.tensors)?;
        }
        let parts = config.model.model;
        let network = if parts.has_network() {
            // What the header promises is checked against the tensors before anything is allocated for it.
            let storage = reader.storage(&config, header.features, header.labels)?;
            if resumable && storage.iter().any(|storage| matches!(storage, Storage::Quantized(_))) {
                return Err(reader.foreign("weights of F32 or BF16 in a checkpoint", "integers"));
            }
            let shape = &config.network;
            let [input, output] = [header.features, header.labels].map(|rows| reader.partition(rows));
            let [first, last] = shape.ends();
            let input = (input, reader.weights("input", storage[0], input.rows(), first, placement)?);
            let output = (output, reader.weights("output", storage[1], output.rows(), last, placement)?);
            let mut network = Network::with(shape, input, output, optimizer, placement)?;
            for (name, layer) in network.layers_mut() {
                reader.layer(&name, layer, header.step)?;
            }
            Some(network)
        } else {
            None
        };
        let linear = match (header.combination, parts.has_linear()) {
            (Some(_), true) => {
                Some(postings::read(&reader, reader.partition(header.features), header.labels, placement)?)
            }
            // A checkpoint is from the training of the network, which comes first.
            (None, true) if !resumable => return Err(reader.foreign("a linear part", "none")),
            _ => None,
        };
        let frequencies = reader.typed("label_frequency", &[header.labels], Dtype::U32)?;
        let mut label_frequencies = vec![0; header.labels];
        bytemuck::cast_slice_mut::<u32, u8>(&mut label_frequencies).copy_from_slice(frequencies);
        let tables = match (header.tables_rebuilt_at, config.tables(), &network) {
            (None, ..) => None,
            (Some(_), None, _) => return Err(reader.foreign("settings of the hash tables", "none")),
            (Some(_), _, None) => return Err(reader.foreign("a network under the hash tables", "none")),
            (Some(rebuilt_at), Some(hashing), Some(network)) => {
                let (partition, width) = (*network.output.partition(), hashing.tables);
                let bytes = reader.typed("output.codes", &[header.labels, width], Dtype::U32)?;
                let mut codes = vec![0; bytes.len() / size_of::<u32>()];
                scatter(bytes, &partition, width, width, &mut codes);
                Some(TableState { codes, rebuilt_at })
            }
        };
        let index = match (header.index, &network) {
            (None, _) => None,
            (Some(_), None) => return Err(reader.foreign("a network under the index", "none")),
            (Some(stored), Some(network)) => Some(Arc::new(index::read(&reader, stored, &network.output)?)),
        };
        let checkpoint = header
            .checkpoint
            .map(|CheckpointHeader { data_digest, first_step }| Checkpoint { data_digest, first_step });
        let combination = header.combination.unwrap_or_default();
        let (choices, examples, step) = (header.choices, header.examples, header.step);
        let feature_numbering = reader.numbering(FEATURE_COLUMN, header.features, header.feature_numbers)?;
        let label_numbering = reader.numbering(LABEL_COLUMN, header.labels, header.label_numbers)?;
        let model = Self {
            config,
            choices,
            examples,
            feature_numbering,
            label_numbering,
            label_frequencies,
            network,
            linear,
            combination,
            step,
            tables,
            index,
            checkpoint,
            attachments: reader.attachments()?,
            file: reader.file.cloned(),
        };
        if model.file.is_none() {
            model.check_linear(path)?;
        }
        Ok(model)
    }
}

/// Writes tensors with one metadata key, whose value is `header` as JSON.
pub(super) fn write_safetensors(
    out: &mut dyn Write,
    key: &str,
    header: &impl Serialize,
    can_be_mapped: bool,
    stored: &BTreeMap<String, Tensor<'_>>,
) -> std::io::Result<()> {
    // As the library orders them: wider types first, so that every tensor is aligned. In a file that can be mapped those that are
    // whole lines come before all others.
    let mut tensors: Vec<_> = stored.iter().collect();
    tensors.sort_by_key(|(name, tensor)| {
        let is_in_lines = can_be_mapped && tensor.data_len().is_multiple_of(LINE);
        (!is_in_lines, Reverse(tensor.dtype), *name)
    });
    let mut offset = 0;
    let mut infos = Vec::with_capacity(tensors.len());
    for (name, tensor) in &tensors {
        let end = offset + tensor.data_len();
        let info = safetensors::tensor::TensorInfo {
            dtype: tensor.dtype,
            shape: tensor.shape.clone(),
            data_offsets: (offset, end),
        };
        infos.push(((*name).clone(), info));
        offset = end;
    }
    let header = HashMap::from([(key.to_owned(), serde_json::to_string(header)?)]);
    let metadata = Metadata::new(Some(header), infos).map_err(std::io::Error::other)?;
    let mut text = serde_json::to_vec(&metadata)?;
    let length = (text.len() + 8).next_multiple_of(if can_be_mapped { LINE } else { 8 }) - 8;
    text.resize(length, b' ');
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(&text)?;
    for (_, tensor) in &tensors {
        out.write_all(&tensor.data())?;
    }
    Ok(())
}

pub(super) struct Reader<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    /// The file, if tables stay in it.
    file: Option<&'a Arc<MappedFile>>,
}

impl<'a> Reader<'a> {
    pub(super) fn foreign(&self, expected: impl Into<String>, found: impl Into<String>) -> ModelError {
        ModelError::Foreign { path: self.path.to_owned(), expected: expected.into(), found: found.into() }
    }

    fn header(&self, metadata: &Metadata) -> Result<Header, ModelError> {
        let text = metadata.metadata().as_ref().and_then(|keys| keys.get(KEY));
        let text = text.ok_or_else(|| self.foreign(format!("the metadata key `{KEY}`"), "none"))?;
        #[derive(Deserialize)]
        struct FormatOnly {
            format: u32,
        }
        let unreadable = |source| ModelError::Header { path: self.path.to_owned(), source };
        let FormatOnly { format } = serde_json::from_str(text).map_err(unreadable)?;
        if format > FORMAT {
            return Err(ModelError::Newer { path: self.path.to_owned(), found: format, supported: FORMAT });
        }
        let mut header: Header = match format {
            0 => return Err(self.foreign(format!("a model format from 1 to {FORMAT}"), "0")),
            1 => format_1::header(text).map_err(unreadable)?,
            _ => serde_json::from_str(text).map_err(unreadable)?,
        };
        if format < 3 {
            // There was nothing but networks.
            header.config.model.model = Parts::Network;
        }
        Ok(header)
    }

    /// Checks the shapes of the network's weights, and says how those of the input and the output layer are stored.
    fn storage(&self, config: &TrainConfig, features: usize, labels: usize) -> Result<[Storage; 2], ModelError> {
        let weights = match config.network.precision {
            Precision::F32 => Dtype::F32,
            Precision::Bf16 => Dtype::BF16,
        };
        let hidden = &config.network.hidden;
        let (first, last) = (hidden[0], hidden[hidden.len() - 1]);
        let layer = |name: &str, rows, width| -> Result<Storage, ModelError> {
            let weight = weight_name(name);
            let (storage, width, dtype) = match self.dtype(&weight)? {
                Dtype::I8 => (Storage::Quantized(RowBits::Eight), width, Dtype::I8),
                Dtype::U8 => (Storage::Quantized(RowBits::Four), RowBits::Four.bytes(width), Dtype::U8),
                _ => (Storage::Floats(config.network.precision), width, weights),
            };
            self.typed(&weight, &[rows, width], dtype)?;
            Ok(storage)
        };
        let storage = [layer("input", features, first)?, layer("output", labels, last)?];
        for (index, pair) in hidden.windows(2).enumerate() {
            self.typed(&format!("hidden.{index}.weight"), &[pair[1], pair[0]], weights)?;
        }
        Ok(storage)
    }

    /// How the files of a model with `places` features or labels number them.
    fn numbering(&self, name: &str, places: usize, stored: Option<Numbers>) -> Result<Numbering, ModelError> {
        let Some(Numbers { first, columns }) = stored else { return Ok(Numbering::all(places, IndexBase::Auto)) };
        if columns == places && self.tensors.tensor(name).is_err() {
            return Ok(Numbering::all(columns, IndexBase::of_first(first)));
        }
        let mut occurring = vec![0; places];
        bytemuck::cast_slice_mut::<u32, u8>(&mut occurring).copy_from_slice(self.typed(name, &[places], Dtype::U32)?);
        Numbering::stored(IndexBase::of_first(first), columns, Some(occurring))
            .ok_or_else(|| self.foreign(format!("`{name}` ascending and below {columns}"), "other numbers"))
    }

    /// The order of the rows of a layer.
    fn partition(&self, rows: usize) -> Partition {
        if self.file.is_some() { Partition::of_file(rows) } else { Partition::new(rows) }
    }

    /// These bytes of the file, if they stay in it and are aligned.
    pub(super) fn mapped<T: bytemuck::Pod>(&self, bytes: &[u8]) -> Option<FileSlice<T>> {
        let file = self.file?;
        let start = bytes.as_ptr().addr().checked_sub(file.as_ptr().addr())?;
        FileSlice::new(file, start..start + bytes.len())
    }

    /// The weights of a layer, whose shape has been checked: in the file, or zeros.
    fn weights(
        &self,
        name: &str,
        storage: Storage,
        rows: usize,
        width: usize,
        placement: &Placement,
    ) -> Result<Weights, ModelError> {
        fn table<T: bytemuck::Pod>(reader: &Reader<'_>, name: &str, width: usize) -> Option<RowTable<T>> {
            let bytes = reader.tensors.tensor(&weight_name(name)).ok()?.data();
            RowTable::in_file(reader.mapped(bytes)?, width)
        }
        let mapped = match storage {
            Storage::Floats(Precision::F32) => table(self, name, width).map(Weights::F32),
            Storage::Floats(Precision::Bf16) => table(self, name, width).map(Weights::Bf16),
            Storage::Quantized(RowBits::Eight) => {
                table(self, name, width).map(|values| Weights::Quantized(QuantizedRows::in_file(values)))
            }
            Storage::Quantized(RowBits::Four) => None,
        };
        mapped.map_or_else(|| Ok(Weights::zeroed(storage, rows, width, placement)?), Ok)
    }

    fn attachments(&self) -> Result<BTreeMap<String, Vec<u8>>, ModelError> {
        let names = self.tensors.names().into_iter().filter_map(|name| Some((name, name.strip_prefix(ATTACHMENT)?)));
        let bytes = |(name, own): (&str, &str)| Ok((own.to_owned(), self.vector_of(name, Dtype::U8)?.to_vec()));
        names.map(bytes).collect()
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// The type of a tensor.
    pub(super) fn dtype(&self, name: &str) -> Result<Dtype, ModelError> {
        let missing = |_| self.foreign(format!("the tensor `{name}`"), "none");
        Ok(self.tensors.tensor(name).map_err(missing)?.dtype())
    }

    /// The bytes of a vector of this type, of any length.
    pub(super) fn vector_of(&self, name: &str, dtype: Dtype) -> Result<&'a [u8], ModelError> {
        let missing = |_| self.foreign(format!("the tensor `{name}`"), "none");
        let shape = self.tensors.tensor(name).map_err(missing)?.shape().to_vec();
        self.typed(name, &shape[..shape.len().min(1)], dtype)
    }

    /// The length of a vector, or the number of rows of a matrix.
    pub(super) fn length(&self, name: &str) -> Result<usize, ModelError> {
        let missing = |_| self.foreign(format!("the tensor `{name}`"), "none");
        Ok(self.tensors.tensor(name).map_err(missing)?.shape().first().copied().unwrap_or(0))
    }

    /// The bytes of a tensor of this shape and type.
    pub(super) fn typed(&self, name: &str, shape: &[usize], dtype: Dtype) -> Result<&'a [u8], ModelError> {
        // The only error there is.
        let missing = |_| self.foreign(format!("the tensor `{name}`"), "none");
        let tensor = self.tensors.tensor(name).map_err(missing)?;
        if tensor.shape() != shape || tensor.dtype() != dtype {
            let expected = format!("`{name}` of type {dtype:?} and shape {shape:?}");
            return Err(self.foreign(expected, format!("{:?}, {:?}", tensor.dtype(), tensor.shape())));
        }
        Ok(tensor.data())
    }

    fn table<T: bytemuck::Pod>(
        &self,
        name: &str,
        dtype: Dtype,
        partition: &Partition,
        table: &mut RowTable<T>,
    ) -> Result<(), ModelError> {
        if table.is_in_file() {
            return Ok(());
        }
        let (width, stride) = (table.width(), table.stride());
        let bytes = self.typed(name, &[partition.rows(), width], dtype)?;
        scatter(bytes, partition, width, stride, table.as_mut_slice());
        Ok(())
    }

    /// Rows of integers of eight or four bits.
    fn integers(&self, name: &str, partition: &Partition, rows: &mut QuantizedRows) -> Result<(), ModelError> {
        if rows.bits == RowBits::Eight {
            return self.table::<i8>(name, Dtype::I8, partition, &mut rows.values);
        }
        let bytes = RowBits::Four.bytes(rows.values.width());
        let packed = self.typed(name, &[partition.rows(), bytes], Dtype::U8)?;
        for (logical, packed) in packed.chunks_exact(bytes).enumerate() {
            let row = rows.values.row_mut(partition.to_internal(logical as u32) as usize);
            for (pair, byte) in row.chunks_mut(2).zip(packed) {
                let values = [(byte & 0xf) as i8 - 8, (byte >> 4) as i8 - 8];
                pair.copy_from_slice(&values[..pair.len()]);
            }
        }
        Ok(())
    }

    /// A vector of one element a row, into internal order.
    fn vector<T: bytemuck::Pod>(
        &self,
        name: &str,
        dtype: Dtype,
        partition: &Partition,
        out: &mut [T],
    ) -> Result<(), ModelError> {
        scatter(self.typed(name, &[partition.rows()], dtype)?, partition, 1, 1, out);
        Ok(())
    }

    /// `step` is the number of batches trained: no row can have been touched later.
    fn layer(&self, name: &str, layer: &mut LayerRows, step: u64) -> Result<(), ModelError> {
        let partition = *layer.partition();
        let weight = weight_name(name);
        let bias = format!("{name}.bias");
        match layer.weights_mut() {
            Weights::F32(table) => self.table(&weight, Dtype::F32, &partition, table)?,
            Weights::Bf16(table) => self.table::<bf16>(&weight, Dtype::BF16, &partition, table)?,
            Weights::Quantized(rows) => {
                self.vector(&format!("{name}.scale"), Dtype::F32, &partition, &mut rows.scales)?;
                self.integers(&weight, &partition, rows)?;
                let sum = format!("{name}.sum");
                if self.has(&sum) {
                    self.vector(&sum, Dtype::I32, &partition, &mut rows.sums)?;
                } else {
                    rows.finish();
                }
            }
        }
        let has_bias = !layer.bias().is_empty();
        if has_bias {
            self.vector(&bias, Dtype::F32, &partition, layer.bias_mut())?;
        }
        let Some(state) = layer.state_mut() else { return Ok(()) };
        for one in state.states_mut() {
            self.table(&format!("{weight}.{}", one.name), Dtype::F32, &partition, &mut one.rows)?;
            if has_bias {
                self.vector(&format!("{bias}.{}", one.name), Dtype::F32, &partition, &mut one.bias)?;
            }
        }
        let last_step = format!("{weight}.last_step");
        self.vector(&last_step, Dtype::U32, &partition, &mut state.last_step)?;
        if let Some(later) = state.last_step.iter().find(|&&last| u64::from(last) > step) {
            return Err(self.foreign(format!("`{last_step}` of at most {step}"), later.to_string()));
        }
        Ok(())
    }
}

/// That no tensor of floats has a NaN or an infinity.
fn check_finite(path: &Path, tensors: &SafeTensors<'_>) -> Result<(), ModelError> {
    // Minus infinity keeps labels without training examples, and places of the index without a label, out of every answer.
    let may_be_lowest = ["linear.bias", "index.offset"];
    let or_lowest =
        |word| Some(f32::from_le_bytes(word)).filter(|&value| value != f32::NEG_INFINITY).unwrap_or(f32::MIN);
    for (name, tensor) in tensors.tensors() {
        let wrong = match tensor.dtype() {
            Dtype::F32 if may_be_lowest.contains(&&*name) => first_not_finite(tensor.data(), or_lowest),
            Dtype::F32 => first_not_finite(tensor.data(), f32::from_le_bytes),
            Dtype::BF16 => first_not_finite(tensor.data(), |half| bf16::from_le_bytes(half).to_f32()),
            Dtype::F16 => first_not_finite(tensor.data(), |half| f16::from_le_bytes(half).to_f32()),
            _ => None,
        };
        if let Some((at, value)) = wrong {
            let width = tensor.shape().get(1).copied();
            let position = width.map_or_else(|| vec![at], |width| vec![at / width, at % width]);
            return Err(ModelError::NotFinite { path: path.to_owned(), tensor: name, position, value });
        }
    }
    Ok(())
}

/// The first number that is NaN or infinite, and its place.
fn first_not_finite<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Option<(usize, f32)> {
    const PIECE: usize = 1 << 12;
    let numbers = bytes.as_chunks().0;
    // Without a branch for each number: nearly always all are finite.
    let has_wrong = |piece: &[[u8; N]]| !piece.iter().fold(true, |all, &bytes| all & number(bytes).is_finite());
    let piece = numbers.chunks(PIECE).position(has_wrong)?;
    let mut rest = numbers.iter().map(|&bytes| number(bytes)).enumerate().skip(piece * PIECE);
    rest.find(|(_, value)| !value.is_finite())
}

/// Puts rows of `width` elements, in logical order, to their internal places.
fn scatter<T: bytemuck::Pod>(bytes: &[u8], partition: &Partition, width: usize, stride: usize, out: &mut [T]) {
    let row_bytes = width * size_of::<T>();
    for (logical, row) in bytes.chunks_exact(row_bytes).enumerate() {
        let at = partition.to_internal(logical as u32) as usize * stride;
        bytemuck::cast_slice_mut(&mut out[at..at + width]).copy_from_slice(row);
    }
}
