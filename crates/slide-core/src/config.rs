//! What is trained and how. Everything in [`TrainConfig`] determines the result and is stored in the model;
//! what only determines how fast it is reached (threads, instruction set, pages) stands in [`Runtime`].

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use slide_kernels::{Isa, IsaError, Kernels};
use slide_mem::{MemError, Pinning, Placement, Topology, Workers};
use thiserror::Error;

use crate::lsh::{BucketPolicy, HashFunctions, HashKind, HashSettings, Rebuild};
use crate::sampling::{Sampler, SamplerError, SamplerKind};

/// The loss of the output layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Cross-entropy of a softmax over the active rows; each of a point's labels has the target `1/|labels|`.
    Softmax,
    /// Binary cross-entropy: one sigmoid per label, each label of a point has the target 1.
    Bce,
}

/// How the learning rate moves after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// It falls on a straight line towards 0 at the end.
    Linear,
    /// It falls on half a cosine towards 0 at the end.
    Cosine,
}

/// How input rows are scaled before they enter the network, in training and in prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// As they are.
    None,
    /// To Euclidean length 1 (a row of zeros stays).
    L2,
}

/// What Adam does with the moments of a row in the batches that do not touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LazyMoments {
    /// Nothing: they wait, as in PyTorch's `SparseAdam`.
    Frozen,
    /// They decay as dense Adam's would: by `beta^missed` when the row is next touched. (The steps that dense
    /// Adam would have taken from the decaying moments alone are not taken.)
    CatchUp,
}

/// How weights are stored. Arithmetic is always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// bfloat16, rounded stochastically after each update; moments stay f32.
    Bf16,
}

/// A number of output rows: absolute, or as a fraction of the labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Active {
    /// So many rows.
    Count(usize),
    /// This share of all rows, in (0, 1).
    Fraction(f64),
}

impl Active {
    /// The number of rows this means for a layer of `rows` rows, never more than `rows`.
    pub fn resolve(self, rows: usize) -> usize {
        match self {
            Active::Count(count) => count.min(rows),
            Active::Fraction(fraction) => ((fraction * rows as f64).ceil() as usize).min(rows),
        }
    }
}

impl std::str::FromStr for Active {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Value {
            option: "active",
            expected: "a number of rows, or a fraction between 0 and 1 with a decimal point",
            found: text.to_owned(),
        };
        if let Ok(count) = text.parse() {
            return Ok(Active::Count(count));
        }
        match text.parse::<f64>() {
            Ok(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(Active::Fraction(fraction)),
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Active {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Active::Count(count) => count.fmt(formatter),
            Active::Fraction(fraction) => fraction.fmt(formatter),
        }
    }
}

/// Probabilities of dropout, each in [0, 1). In files `[input, hidden]`, or one number for both; as an option
/// `INPUT,HIDDEN`, or one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "DropoutNumbers", into = "[f32; 2]")]
pub struct Dropout {
    /// Of an input feature.
    pub input: f32,
    /// Of a hidden unit.
    pub hidden: f32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DropoutNumbers {
    Both(f32),
    Each([f32; 2]),
}

impl From<DropoutNumbers> for Dropout {
    fn from(numbers: DropoutNumbers) -> Self {
        let [input, hidden] = match numbers {
            DropoutNumbers::Both(number) => [number; 2],
            DropoutNumbers::Each(numbers) => numbers,
        };
        Self { input, hidden }
    }
}

impl From<Dropout> for [f32; 2] {
    fn from(dropout: Dropout) -> Self {
        [dropout.input, dropout.hidden]
    }
}

impl std::str::FromStr for Dropout {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let number = |text: &str| text.parse().ok().filter(|number: &f32| number.is_finite());
        let (input, hidden) = text.split_once(',').unwrap_or((text, text));
        match (number(input), number(hidden)) {
            (Some(input), Some(hidden)) => Ok(Self { input, hidden }),
            _ => Err(ConfigError::Value {
                option: "dropout",
                expected: "a probability, or one for input features and one for hidden units with a comma between",
                found: text.to_owned(),
            }),
        }
    }
}

/// Everything that determines the trained model, besides the data. The names are those of the program's options
/// and of the keys of its TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Widths of the hidden layers, the sparse input layer's first.
    pub hidden: Vec<usize>,
    /// Loss of the output layer.
    pub loss: Loss,
    /// Passes over the training points.
    pub epochs: u32,
    /// Points a batch; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Learning rate after the warm-up.
    pub learning_rate: f32,
    /// What the learning rate does after the warm-up.
    pub schedule: Schedule,
    /// Share of all batches over which the learning rate rises from 0 on a straight line, in [0, 1].
    pub warmup: f32,
    /// Probabilities with which input features and hidden units are dropped.
    pub dropout: Dropout,
    /// Scaling of input rows.
    pub normalize: Normalize,
    /// Adam's decay of the first moment.
    pub beta1: f32,
    /// Adam's decay of the second moment.
    pub beta2: f32,
    /// Adam's epsilon.
    pub epsilon: f32,
    /// Adam's moments of rows that a batch does not touch.
    pub moments: LazyMoments,
    /// How the active output rows are chosen.
    pub sampler: SamplerKind,
    /// How many rows the sampler aims at: per point, or (`shared`) random rows per batch beside the labels.
    pub active: Active,
    /// Fewest active rows a point: random rows fill up what hashing did not find. `None`: half of `active`, or the ceiling.
    pub active_floor: Option<Active>,
    /// Most active rows a point; labels are never dropped. `None`: twice `active`.
    pub active_ceiling: Option<Active>,
    /// The `threshold` sampler keeps rows that share at least so many buckets with the query.
    pub min_matches: u32,
    /// Hash family.
    pub hash: HashKind,
    /// Bits of a hash code: a table has `2^hash_bits` buckets. K, the number of elementary hashes of a code, is this
    /// for SimHash and a third of it for the other families, whose hashes have three bits.
    pub hash_bits: u32,
    /// Hash tables (L).
    pub tables: usize,
    /// Most rows a bucket holds.
    pub bucket_size: u32,
    /// Which rows stay in an overfull bucket.
    pub bucket_policy: BucketPolicy,
    /// When the tables are rebuilt.
    pub rebuild: Rebuild,
    /// Storage of the weights.
    pub precision: Precision,
    /// Seed of every random number.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            hidden: vec![256],
            loss: Loss::Bce,
            epochs: 10,
            batch_size: 512,
            learning_rate: 5e-3,
            schedule: Schedule::Linear,
            warmup: 0.05,
            dropout: Dropout { input: 0.3, hidden: 0.3 },
            normalize: Normalize::L2,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            moments: LazyMoments::Frozen,
            sampler: SamplerKind::Shared,
            active: Active::Count(1000),
            active_floor: None,
            active_ceiling: None,
            min_matches: 2,
            hash: HashKind::SimHash,
            hash_bits: 9,
            tables: 50,
            bucket_size: 128,
            bucket_policy: BucketPolicy::Fifo,
            rebuild: Rebuild::Exponential { first: 50, growth: 1.1 },
            precision: Precision::F32,
            seed: 42,
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// One option has an impossible value.
    #[error("{option}: expected {expected}, found {found}")]
    Value {
        /// Name of the option.
        option: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// The hash settings contradict each other or the network.
    #[error("hash tables: {0}")]
    Hash(#[from] crate::lsh::HashError),
    /// The sampler's numbers contradict each other.
    #[error("sampler: {0}")]
    Sampler(#[from] SamplerError),
    /// The requested instruction set is unknown or not on this machine.
    #[error(transparent)]
    Isa(#[from] IsaError),
    /// The worker threads could not be started.
    #[error(transparent)]
    Memory(#[from] MemError),
}

impl TrainConfig {
    /// Checks every value against its range, and the hash settings against the width they would hash.
    pub fn validate(&self) -> Result<(), ConfigError> {
        fn check(
            good: bool,
            option: &'static str,
            expected: &'static str,
            found: impl std::fmt::Debug,
        ) -> Result<(), ConfigError> {
            if good {
                return Ok(());
            }
            Err(ConfigError::Value { option, expected, found: format!("{found:?}") })
        }
        let share = |value: f32| (0.0..1.0).contains(&value);
        check(
            (1..=64).contains(&self.hidden.len()) && self.hidden.iter().all(|w| (1..=1 << 16).contains(w)),
            "hidden",
            "1 to 64 widths, each from 1 to 65536",
            &self.hidden,
        )?;
        check(self.epochs > 0, "epochs", "at least 1", self.epochs)?;
        check((1..=1 << 20).contains(&self.batch_size), "batch-size", "1 to 1048576", self.batch_size)?;
        let rate = self.learning_rate;
        check(rate > 0.0 && rate.is_finite(), "learning-rate", "a positive number", rate)?;
        check((0.0..=1.0).contains(&self.warmup), "warmup", "a share in [0, 1]", self.warmup)?;
        let Dropout { input, hidden } = self.dropout;
        check(share(input) && share(hidden), "dropout", "probabilities in [0, 1)", [input, hidden])?;
        check(share(self.beta1), "beta1", "[0, 1)", self.beta1)?;
        check(share(self.beta2), "beta2", "[0, 1)", self.beta2)?;
        let epsilon = self.epsilon;
        check(epsilon > 0.0 && epsilon.is_finite(), "epsilon", "a positive number", epsilon)?;
        for (option, active) in [
            ("active", Some(self.active)),
            ("active-floor", self.active_floor),
            ("active-ceiling", self.active_ceiling),
        ] {
            if let Some(Active::Fraction(fraction)) = active {
                check(fraction > 0.0 && fraction < 1.0, option, "a fraction in (0, 1)", fraction)?;
            }
        }
        self.hash_settings().validate()?;
        if self.sampler.uses_tables() {
            HashFunctions::new(&self.hash_settings(), self.hidden[self.hidden.len() - 1], self.seed)?;
        }
        // As for a layer of very many rows; a fraction of the real ones is resolved when they are known.
        self.sampler(u32::MAX as usize)?;
        Ok(())
    }

    /// The sampler for an output layer of `rows` rows, checked.
    pub fn sampler(&self, rows: usize) -> Result<Sampler, ConfigError> {
        let target = self.active.resolve(rows).max(1);
        let ceiling = self.active_ceiling.map_or(target.saturating_mul(2).min(rows), |most| most.resolve(rows));
        let sampler = Sampler {
            kind: self.sampler,
            target,
            floor: self.active_floor.map_or((target / 2).min(ceiling), |floor| floor.resolve(rows)),
            ceiling,
            min_matches: self.min_matches,
        };
        sampler.validate(self.tables)?;
        Ok(sampler)
    }

    /// The part of the configuration that the hash tables need.
    pub fn hash_settings(&self) -> HashSettings {
        HashSettings {
            kind: self.hash,
            bits: self.hash_bits,
            tables: self.tables,
            bucket_size: self.bucket_size,
            policy: self.bucket_policy,
        }
    }
}

/// How the work is done: nothing here changes the result.
#[derive(Debug)]
pub struct Runtime {
    /// The kernels of the chosen instruction set.
    pub kernels: &'static Kernels,
    /// The threads.
    pub workers: Workers,
    /// Pages and nodes of the tables.
    pub placement: Placement,
}

impl Runtime {
    /// Starts `threads` workers (`None`: one per core allowed to this process) with the kernels of `isa` (`None`:
    /// the variable `SLIDE_ISA`, else the best of the machine).
    pub fn new(threads: Option<NonZeroUsize>, isa: Option<Isa>, placement: Placement) -> Result<Self, ConfigError> {
        let kernels = match isa {
            Some(isa) => Kernels::for_isa(isa)?,
            None => Kernels::from_env()?,
        };
        let workers = Workers::new(threads, Pinning::All, &Topology::detect())?;
        Ok(Self { kernels, workers, placement })
    }
}
