//! The trained model: its parts, the configuration that made it, the codes of its hash tables if it has any, and, while
//! training goes on, all that is needed to continue as if it had never stopped.

mod export;
mod format;
mod format_1;
mod index;
mod postings;
mod quantize;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use slide_kernels::rng::{CounterRng, RngKey};
use slide_mem::{MappedFile, MemError, Report};
use thiserror::Error;

use crate::combination::Combination;
use crate::config::{Choice, ConfigError, TrainConfig};
use crate::data::Numbering;
use crate::index::{IndexReport, LabelIndex};
use crate::layer::partition::Partition;
use crate::linear::Postings;
use crate::lsh::{HashingConfig, OutputTables, TableState};
use crate::network::Network;
use crate::runtime::Runtime;
use crate::streams;

pub use format::TensorInfo;
pub use quantize::{Quantization, QuantizeConfig};

/// Share of the examples that the network is not trained on, and
const HELD_OUT: usize = 20;
/// most of them: on these the scores of the two parts are combined.
const MOST_HELD_OUT: usize = 2000;

/// What a checkpoint holds besides the network and its moments, so that training continues bit for bit.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// [`TrainingSet::digest`](crate::data::TrainingSet::digest) of the training examples.
    pub(crate) data_digest: u64,
    /// The batch before which the optimiser's state was 0: not 0 if a finished model is trained further.
    pub(crate) first_step: u64,
}

/// A trained model, or one in training, with the configuration that made it.
#[derive(Debug)]
pub struct Model {
    pub(crate) config: TrainConfig,
    pub(crate) choices: Vec<Choice>,
    pub(crate) examples: usize,
    pub(crate) feature_numbering: Numbering,
    pub(crate) label_numbering: Numbering,
    /// Of each label of the model.
    pub(crate) label_frequencies: Vec<u32>,
    pub(crate) network: Option<Network>,
    /// The sparse linear part: none while the network is in training.
    pub(crate) linear: Option<Postings>,
    /// How the scores of the parts make one.
    pub(crate) combination: Combination,
    pub(crate) step: u64,
    /// The contents of the hash tables over the output rows: in a checkpoint those that the next batch looks rows up in (if
    /// there has been one), in a finished model those of the final weights.
    pub(crate) tables: Option<TableState>,
    /// The index of the output rows.
    pub(crate) index: Option<Arc<LabelIndex>>,
    /// As it was loaded; [`Trainer::resume`](crate::train::Trainer::resume) takes it out.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// What belongs to it and is of no concern to this crate, by name.
    pub(crate) attachments: BTreeMap<String, Vec<u8>>,
    /// The file that its tables lie in, if it was [opened](Model::open).
    pub(crate) file: Option<Arc<MappedFile>>,
}

/// A model that cannot be made, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is cut short, damaged, or no safetensors file at all.
    #[error("{}: not a complete safetensors file: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
    },
    /// The header of a model file cannot be read.
    #[error("{}: the header of the model cannot be read: {source}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A safetensors file of another program.
    #[error("{}: a safetensors file, but not of slide: expected {expected}, found {found}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What a model has.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// Written by a newer version of this program.
    #[error("{}: model format {found}, expected at most {supported}: written by a newer version of slide", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The newest that is understood.
        supported: u32,
    },
    /// The stored configuration is impossible.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
    /// A number of the file is NaN or infinite: what such a model predicts means nothing.
    #[error("{}: `{tensor}` has {value} at {position:?}, expected finite numbers", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The name of the tensor.
        tensor: String,
        /// The row and the column, or the place in a vector, from 0.
        position: Vec<usize>,
        /// NaN or an infinity.
        value: f32,
    },
    /// The tables found no memory, or the file could not be mapped or changed while it was read.
    #[error(transparent)]
    Memory(#[from] MemError),
}

impl Model {
    /// An untrained model, to be trained on `examples` examples with these features and labels; of each label there are
    /// `label_frequencies`.
    pub(crate) fn new(
        config: TrainConfig,
        examples: usize,
        [feature_numbering, label_numbering]: [Numbering; 2],
        label_frequencies: Vec<u32>,
        runtime: &Runtime,
    ) -> Result<Self, MemError> {
        let network = if config.model.model.has_network() {
            let optimizer = config.optimizer.method.optimizer();
            let (shape, features, labels) = (&config.network, feature_numbering.places(), label_numbering.places());
            let mut network = Network::zeroed(shape, features, labels, Some(optimizer), runtime.placement())?;
            let (seed, kernels, workers) = (config.optimizer.seed, runtime.kernels(), runtime.workers());
            network.initialise(&config.network, seed, &label_frequencies, examples, kernels, workers);
            Some(network)
        } else {
            None
        };
        Ok(Self {
            config,
            choices: Vec::new(),
            examples,
            feature_numbering,
            label_numbering,
            label_frequencies,
            network,
            linear: None,
            combination: Combination::default(),
            step: 0,
            tables: None,
            index: None,
            checkpoint: None,
            attachments: BTreeMap::new(),
            file: None,
        })
    }

    /// Gives the model hash tables over its output rows, by which labels can be
    /// [retrieved](crate::Retrieval::Lsh): for models that were trained without. Tables that it has are replaced; a checkpoint
    /// becomes a model that cannot be [resumed](crate::Trainer::resume).
    ///
    /// # Errors
    /// Settings that are impossible, or do not fit the network or the sampler; no network; no memory. The model is unchanged then.
    pub fn build_tables(&mut self, hashing: &HashingConfig, runtime: &Runtime) -> Result<(), ConfigError> {
        let config = TrainConfig { hashing: Some(hashing.clone()), ..self.config.clone() };
        // The model could be saved, but not loaded again.
        config.sampler(self.labels())?;
        let network = self.network.as_ref().ok_or(ConfigError::NoNetwork)?;
        let (seed, placement) = (config.optimizer.seed, *runtime.placement());
        let mut tables = OutputTables::new(hashing, &network.output, seed, placement)?;
        tables.rebuild(&network.output, self.step, runtime.kernels(), runtime.workers());
        self.tables = Some(tables.state());
        self.config = config;
        self.checkpoint = None;
        Ok(())
    }

    /// Whether it has hash tables over its output rows.
    pub fn has_tables(&self) -> bool {
        self.tables.is_some()
    }

    /// What the building of its index found, if it has one.
    pub fn index(&self) -> Option<&IndexReport> {
        self.index.as_deref().map(|index| &index.report)
    }

    /// What was trained and how.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Number of features it has: all columns of the training examples, or those that occur where these are few.
    pub fn features(&self) -> usize {
        self.feature_numbering.places()
    }

    /// Which features it has, and their numbers.
    pub fn feature_numbering(&self) -> &Numbering {
        &self.feature_numbering
    }

    /// Number of labels it can predict: all columns of the training examples, or those that occur where these are few.
    pub fn labels(&self) -> usize {
        self.label_numbering.places()
    }

    /// Which labels it has, and their numbers.
    pub fn label_numbering(&self) -> &Numbering {
        &self.label_numbering
    }

    /// Number of examples it was trained on.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// Gives the model bytes that are stored in its file, such as what makes features of texts. An attachment of the same name is
    /// replaced.
    pub fn attach(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        self.attachments.insert(name.into(), bytes);
    }

    /// The bytes that were [attached](Self::attach) by this name.
    pub fn attachment(&self, name: &str) -> Option<&[u8]> {
        self.attachments.get(name).map(Vec::as_slice)
    }

    /// How many training examples have each label, by its [place](Numbering::place): what propensities are computed from.
    pub fn label_frequencies(&self) -> &[u32] {
        &self.label_frequencies
    }

    /// Batches trained so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The settings that were chosen by the data, and why.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Whether it has a network.
    pub fn has_network(&self) -> bool {
        self.network.is_some()
    }

    /// Whether it has a sparse linear part. In a training that part comes last.
    pub fn has_linear(&self) -> bool {
        self.linear.is_some()
    }

    /// Number of weights of the sparse linear part.
    pub fn linear_weights(&self) -> usize {
        self.linear.as_ref().map_or(0, Postings::weights)
    }

    /// Number of examples that the network is trained on: all but those on which the scores of two parts are combined.
    pub fn network_examples(&self) -> usize {
        self.examples - self.held_out_count()
    }

    fn held_out_count(&self) -> usize {
        if self.config.model.model.has_linear() { (self.examples / HELD_OUT).min(MOST_HELD_OUT) } else { 0 }
    }

    /// The examples that the combination is fitted on, ascending, and the others, ascending.
    pub(crate) fn held_out(&self) -> (Vec<u32>, Vec<u32>) {
        let mut order: Vec<u32> = (0..self.examples as u32).collect();
        let count = self.held_out_count();
        if count > 0 {
            CounterRng::new(RngKey::new(self.config.optimizer.seed, streams::COMBINE, 0, 0)).shuffle(&mut order);
        }
        let rest = order.split_off(count);
        let sorted = |mut examples: Vec<u32>| {
            examples.sort_unstable();
            examples
        };
        (sorted(order), sorted(rest))
    }

    /// Examples in a batch of the network.
    pub fn batch_size(&self) -> usize {
        self.config.optimizer.batch_size.unwrap_or(1)
    }

    /// Epochs of the network; 0 without one.
    pub fn epochs(&self) -> u32 {
        if self.has_network() { self.config.optimizer.epochs.unwrap_or(0) } else { 0 }
    }

    /// Batches of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.network_examples().div_ceil(self.batch_size()) as u64
    }

    /// Epochs completed so far.
    pub fn epoch(&self) -> u32 {
        (self.step / self.steps_per_epoch().max(1)) as u32
    }

    /// Whether it was loaded from a checkpoint, from which training can go on.
    pub fn is_resumable(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// The rows that features have in the parts.
    pub(crate) fn feature_rows(&self) -> Partition {
        let network = self.network.as_ref().map(|network| network.input.partition());
        let rows = network.or_else(|| self.linear.as_ref().map(Postings::partition));
        rows.copied().unwrap_or_else(|| Partition::new(self.features()))
    }

    /// Checks that what was read of the file of an [opened](Self::open) model is what the file held when it was opened: it has its
    /// length still, and all pages could be read. [`Predictor`](crate::Predictor) does it with each call.
    ///
    /// # Errors
    /// [`MemError::Resized`], [`MemError::Lost`]; [`MemError::File`] if the file cannot be examined.
    pub fn check_file(&self) -> Result<(), MemError> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// Number of weights and biases of both parts.
    pub fn parameters(&self) -> usize {
        let linear = self.linear.as_ref().map_or(0, |linear| linear.weights() + linear.labels().count());
        linear + self.network.as_ref().map_or(0, Network::parameters)
    }

    /// What pages the tables of the network lie on.
    pub fn report(&self) -> Report {
        let mut report = self.network.as_ref().map(Network::report).unwrap_or_default();
        self.linear.iter().for_each(|linear| report.merge(&linear.report()));
        report
    }
}
