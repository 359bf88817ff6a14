//! The trained model: the network, the configuration that made it, and, while training goes on, all that is needed
//! to go on as if it had never stopped.

mod format;

use std::path::PathBuf;

use slide_kernels::Kernels;
use slide_mem::{MemError, Placement, Report, Workers};
use thiserror::Error;

use crate::config::{ConfigError, TrainConfig};
use crate::network::Network;
use crate::train::rebuild::TableState;

pub use format::TensorInfo;

/// What a model file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Weights and biases: enough to predict.
    Weights,
    /// Also Adam's moments, the steps of rows and the codes in the hash tables: enough to continue training bit for bit.
    Resumable,
}

/// A network with its history.
#[derive(Debug)]
pub struct Model {
    pub(crate) config: TrainConfig,
    pub(crate) points: usize,
    pub(crate) label_frequencies: Vec<u32>,
    pub(crate) network: Network,
    pub(crate) step: u64,
    pub(crate) tables: Option<TableState>,
}

/// A model that cannot be made, read or written.
#[derive(Debug, Error)]
pub enum ModelError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is cut short, damaged, or no safetensors file at all.
    #[error("{path}: not a complete safetensors file: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A safetensors file of another program.
    #[error("{path}: a safetensors file, but not of slide: expected {expected}, found {found}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What a model has.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Written by a newer version of this program.
    #[error("{path}: model format {found}, expected at most {supported}: written by a newer version of slide")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The newest that is understood.
        supported: u32,
    },
    /// The stored configuration is impossible.
    #[error("{path}: {source}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
    /// The tables found no memory.
    #[error(transparent)]
    Memory(#[from] MemError),
}

impl Model {
    /// A network at its starting point, to be trained on `points` points with `features` features, of whose labels
    /// there are `label_frequencies`.
    pub fn new(
        config: TrainConfig,
        points: usize,
        features: usize,
        label_frequencies: Vec<u32>,
        placement: &Placement,
        kernels: &Kernels,
        workers: &Workers,
    ) -> Result<Self, MemError> {
        let mut network = Network::zeroed(&config, features, label_frequencies.len(), true, placement)?;
        network.initialise(&config, &label_frequencies, points, kernels, workers);
        Ok(Self { config, points, label_frequencies, network, step: 0, tables: None })
    }

    /// What was trained and how.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The layers.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Width of the input: the number of features it was trained with.
    pub fn features(&self) -> usize {
        self.network.input.rows()
    }

    /// Number of labels it can predict.
    pub fn labels(&self) -> usize {
        self.network.output.rows()
    }

    /// Number of points it was trained on.
    pub fn points(&self) -> usize {
        self.points
    }

    /// How many training points have each label: what propensities are computed from.
    pub fn label_frequencies(&self) -> &[u32] {
        &self.label_frequencies
    }

    /// Batches trained so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Batches of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.points.div_ceil(self.config.batch_size) as u64
    }

    /// Epochs completed so far.
    pub fn epoch(&self) -> u32 {
        (self.step / self.steps_per_epoch().max(1)) as u32
    }

    /// Whether training can go on from it.
    pub fn is_resumable(&self) -> bool {
        self.network.input.moments().is_some()
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// What pages the tables lie on.
    pub fn report(&self) -> Report {
        self.network.report()
    }
}
