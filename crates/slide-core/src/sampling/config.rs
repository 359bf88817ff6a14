//! The settings of each sampler, and the numbers of rows that follow for a layer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::lsh::Rebuild;
use crate::setting::{SettingValue, settings, variants};

/// A number of output rows: absolute, or as a fraction of the labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of rows, or a fraction between 0 and 1")]
#[non_exhaustive]
pub enum Active {
    /// A number of rows.
    Count(usize),
    /// This share of all rows, in (0, 1).
    Fraction(f64),
}

impl Active {
    /// The number of rows for a layer of `rows` rows, at most `rows`.
    #[must_use]
    pub(crate) fn resolve(self, rows: usize) -> usize {
        match self {
            Active::Count(count) => count.min(rows),
            Active::Fraction(fraction) => ((fraction * rows as f64).ceil() as usize).min(rows),
        }
    }
}

impl FromStr for Active {
    type Err = SamplerError;

    fn from_str(text: &str) -> Result<Self, SamplerError> {
        if let Ok(count) = text.parse() {
            return Ok(Active::Count(count));
        }
        match text.parse::<f64>() {
            Ok(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(Active::Fraction(fraction)),
            _ => Err(SamplerError::Number { found: text.to_owned() }),
        }
    }
}

impl SettingValue for Active {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: SamplerError| error.to_string())
    }
}

impl fmt::Display for Active {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Active::Count(count) => count.fmt(formatter),
            Active::Fraction(fraction) => fraction.fmt(formatter),
        }
    }
}

variants! {
    /// How the output rows that are computed in training are chosen: the sampler, with its settings.
    pub enum SamplingConfig in "sampling" as "sampler" ("How the active output rows are chosen in training", "SAMPLER") {
        /// The labels of a batch and uniformly random rows: an example has the labels of its group of 64 examples and a share of the
        /// other rows; with a softmax, all of them.
        Shared(SharedSampling) = "shared",
        /// All rows: the full output.
        Exact(ExactSampling) = "exact",
        /// Uniformly random rows, independent for each example.
        Random(RandomSampling) = "random",
        /// The buckets of the hash tables, visited in random order until there are enough rows (SLIDE, MLSys 2020, section 3.1).
        Vanilla(TableSampling) = "vanilla",
        /// The rows that are in the largest number of buckets.
        TopK(TableSampling) = "topk",
        /// The rows that are in at least `min-matches` buckets.
        Threshold(ThresholdSampling) = "threshold",
    }
}

settings! {
    /// The settings of shared sets.
    pub struct SharedSampling in "sampling" {
        /// Random rows per batch (shared) or active rows per example (other samplers): a count, or a share of the labels as in 0.005
        active: Active = Active::Count(200), "ROWS";
    }
}

settings! {
    /// The full output has no settings.
    pub struct ExactSampling in "sampling" {}
}

settings! {
    /// The settings of random sets.
    pub struct RandomSampling in "sampling" {
        /// Random rows per batch (shared) or active rows per example (other samplers): a count, or a share of the labels as in 0.005
        active: Active = Active::Count(1000), "ROWS";
    }
}

settings! {
    /// The settings of sets from hash tables.
    pub struct TableSampling in "sampling" {
        /// Random rows per batch (shared) or active rows per example (other samplers): a count, or a share of the labels as in 0.005
        active: Active = Active::Count(1000), "ROWS";
        /// Minimum number of active rows per example: random ones are added if hashing finds fewer [default: half of --active]
        active_floor: Option<Active> = None, "ROWS";
        /// Maximum number of active rows per example; labels are never dropped [default: twice --active]
        active_ceiling: Option<Active> = None, "ROWS";
        /// When the hash tables are rebuilt: never, constant:EVERY or exponential:FIRST:GROWTH, in batches
        rebuild: Rebuild = DEFAULT_REBUILD, "WHEN";
    }
}

settings! {
    /// The settings of sets of rows that share several buckets with the example.
    pub struct ThresholdSampling in "sampling" {
        /// Random rows per batch (shared) or active rows per example (other samplers): a count, or a share of the labels as in 0.005
        active: Active = Active::Count(1000), "ROWS";
        /// Minimum number of active rows per example: random ones are added if hashing finds fewer [default: half of --active]
        active_floor: Option<Active> = None, "ROWS";
        /// Maximum number of active rows per example; labels are never dropped [default: twice --active]
        active_ceiling: Option<Active> = None, "ROWS";
        /// When the hash tables are rebuilt: never, constant:EVERY or exponential:FIRST:GROWTH, in batches
        rebuild: Rebuild = DEFAULT_REBUILD, "WHEN";
        /// Buckets that an active row must share with the example
        min_matches: u32 = 2, "N";
    }
}

const DEFAULT_REBUILD: Rebuild = Rebuild::Exponential { first: 50, growth: 1.1 };

impl SettingValue for Rebuild {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::lsh::RebuildError| error.to_string())
    }
}

/// The method, without its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SamplerKind {
    Shared,
    Exact,
    Random,
    Vanilla,
    TopK,
    Threshold,
}

impl SamplingConfig {
    /// When the hash tables are rebuilt; none for a sampler without tables.
    #[must_use]
    pub(crate) fn rebuild(&self) -> Option<Rebuild> {
        match self {
            Self::Vanilla(sampling) | Self::TopK(sampling) => Some(sampling.rebuild),
            Self::Threshold(sampling) => Some(sampling.rebuild),
            Self::Shared(_) | Self::Exact(_) | Self::Random(_) => None,
        }
    }

    /// The method, the numbers of active rows (target, floor, ceiling) and the buckets that a row must share.
    fn numbers(&self) -> (SamplerKind, Active, Option<Active>, Option<Active>, u32) {
        let of_tables =
            |kind, sampling: &TableSampling| (kind, sampling.active, sampling.active_floor, sampling.active_ceiling, 1);
        match self {
            Self::Shared(sampling) => (SamplerKind::Shared, sampling.active, None, None, 1),
            Self::Exact(_) => (SamplerKind::Exact, Active::Count(usize::MAX), None, None, 1),
            Self::Random(sampling) => (SamplerKind::Random, sampling.active, None, None, 1),
            Self::Vanilla(sampling) => of_tables(SamplerKind::Vanilla, sampling),
            Self::TopK(sampling) => of_tables(SamplerKind::TopK, sampling),
            Self::Threshold(ThresholdSampling { active, active_floor, active_ceiling, min_matches, .. }) => {
                (SamplerKind::Threshold, *active, *active_floor, *active_ceiling, *min_matches)
            }
        }
    }

    /// Whether some of the numbers of rows are counts and others fractions.
    pub(crate) fn mixes_units(&self) -> bool {
        let (_, active, floor, ceiling, _) = self.numbers();
        let is_count = |active: Active| matches!(active, Active::Count(_));
        [floor, ceiling].into_iter().flatten().any(|other| is_count(other) != is_count(active))
    }

    /// The sampler for an output layer of `rows` rows and `tables` hash tables.
    ///
    /// # Errors
    /// Contradictory numbers.
    pub(crate) fn sampler(&self, rows: usize, tables: usize) -> Result<Sampler, SamplerError> {
        let (kind, active, floor, ceiling, min_matches) = self.numbers();
        for (name, active) in [("active", Some(active)), ("active-floor", floor), ("active-ceiling", ceiling)] {
            if let Some(Active::Fraction(fraction)) = active
                && !(fraction > 0.0 && fraction < 1.0)
            {
                return Err(SamplerError::Fraction { name, found: fraction });
            }
        }
        let target = active.resolve(rows).max(1);
        let ceiling = ceiling.map_or(target.saturating_mul(2).min(rows), |most| most.resolve(rows));
        let floor = floor.map_or((target / 2).min(ceiling), |floor| floor.resolve(rows));
        let sampler = Sampler { kind, target, floor, ceiling, min_matches };
        sampler.validate(tables)?;
        Ok(sampler)
    }
}

/// A sampler with its numbers. All numbers of rows include the example's labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sampler {
    /// The method.
    pub(crate) kind: SamplerKind,
    /// Target number of rows. `vanilla` visits tables until it is reached, and adds the last bucket completely; `topk` and `random`
    /// choose exactly as many if there are enough; `threshold` and `exact` ignore it.
    pub(crate) target: usize,
    /// Minimum number of rows: random ones are added, independent for each example.
    pub(crate) floor: usize,
    /// Maximum number of rows, unless the example has more labels. `exact` ignores it.
    pub(crate) ceiling: usize,
    /// For `threshold`: the number of buckets that must contain a row.
    pub(crate) min_matches: u32,
}

impl Sampler {
    /// Checks the numbers that `kind` uses; `tables` is the number of hash tables.
    ///
    /// # Errors
    /// A target or ceiling of 0, a ceiling below the floor, a threshold that no row or every row would pass.
    pub(crate) fn validate(&self, tables: usize) -> Result<(), SamplerError> {
        let &Self { kind, target, floor, ceiling, min_matches } = self;
        if kind == SamplerKind::Threshold && !(1..=tables).contains(&(min_matches as usize)) {
            return Err(SamplerError::MinMatches { min_matches, tables });
        }
        if target == 0 {
            return Err(SamplerError::Zero { field: "target" });
        }
        if ceiling == 0 {
            return Err(SamplerError::Zero { field: "ceiling" });
        }
        if ceiling < floor {
            return Err(SamplerError::CeilingBelowFloor { ceiling, floor });
        }
        Ok(())
    }
}

/// Contradictory numbers of a sampler.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// A text that is not a number of rows.
    #[error("expected a number of rows, or a fraction between 0 and 1 with a decimal point, found `{found}`")]
    Number {
        /// What was found.
        found: String,
    },
    /// A fraction out of range.
    #[error("{name}: expected a fraction in (0, 1), found {found}")]
    Fraction {
        /// The setting.
        name: &'static str,
        /// What was found.
        found: f64,
    },
    /// A number of rows that is 0.
    #[error("a {field} of 0 active rows, expected at least 1")]
    Zero {
        /// `target` or `ceiling`.
        field: &'static str,
    },
    /// The ceiling is below the floor.
    #[error("a ceiling of {ceiling} active rows, expected at least the floor, {floor}")]
    CeilingBelowFloor {
        /// The ceiling.
        ceiling: usize,
        /// The floor.
        floor: usize,
    },
    /// Every row or no row would pass.
    #[error("a threshold of {min_matches} matches, expected 1 to the number of tables, {tables}")]
    MinMatches {
        /// The threshold.
        min_matches: u32,
        /// Number of tables.
        tables: usize,
    },
}
