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

/// What a checkpoint holds besides the network and its moments, so that training continues bit for bit.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// The hash tables, if there are any.
    pub(crate) tables: Option<TableState>,
    /// [`Prepared::digest`](crate::train::prepared::Prepared::digest) of the training points.
    pub(crate) data_digest: u64,
}

/// A network with its history.
#[derive(Debug)]
pub struct Model {
    pub(crate) config: TrainConfig,
    pub(crate) points: usize,
    pub(crate) label_frequencies: Vec<u32>,
    pub(crate) network: Network,
    pub(crate) step: u64,
    /// As it was loaded; [`Trainer::resume`](crate::train::Trainer::resume) takes it out.
    pub(crate) checkpoint: Option<Checkpoint>,
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
    /// The tables found no memory, or the file could not be mapped or changed while it was read.
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
        Ok(Self { config, points, label_frequencies, network, step: 0, checkpoint: None })
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

    /// Whether it was loaded from a checkpoint, from which training can go on.
    pub fn is_resumable(&self) -> bool {
        self.checkpoint.is_some()
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
