//! When the hash tables are rebuilt from the current weights.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The batches before which hash codes and tables are recomputed.
///
/// Written `never`, `constant:EVERY` or `exponential:FIRST:GROWTH`; the periods are numbers of batches.
///
/// ```
/// use slide_core::Rebuild;
/// let rebuild: Rebuild = "exponential:50:2".parse()?;
/// // Before batches 50, 150, 350, 750, ...
/// assert_eq!(rebuild, Rebuild::Exponential { first: 50, growth: 2.0 });
/// # Ok::<(), slide_core::RebuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Rebuild {
    /// The tables of the initial weights are kept.
    Never,
    /// Before batches `every`, `2 every`, ...
    Constant {
        /// The period in batches, at least 1.
        every: u64,
    },
    /// The first period is `first`, each later one `growth` times as long: weights change fast at the start of training
    /// and slowly at its end (SLIDE, MLSys 2020, section 3.1, where `growth` is e to the power of the decay constant).
    Exponential {
        /// The first period in batches, at least 1.
        first: u64,
        /// What each period is multiplied by to give the next, at least 1.
        growth: f64,
    },
}

/// An invalid rebuild schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid rebuild schedule `{found}`, expected `never`, `constant:EVERY` or `exponential:FIRST:GROWTH` \
     (batches at least 1, growth a number at least 1), for example `constant:50` or `exponential:50:1.3`"
)]
#[non_exhaustive]
pub struct RebuildError {
    /// What was found.
    pub found: String,
}

impl Rebuild {
    /// Whether the tables are rebuilt before batch `batch`, a number that counts from 0 over all epochs.
    ///
    /// Batch 0 is never due: it uses the tables of the initial weights.
    #[must_use]
    pub(crate) fn is_due(self, batch: u64) -> bool {
        batch > 0 && self.last_due(batch) == batch
    }

    /// The last batch up to `batch` that was due, or 0. It identifies the tables that batch uses.
    ///
    /// It is a function of the batch number alone. Period `i` of an exponential schedule is
    /// `first * growth^i`, multiplied up in f64 and rounded down.
    #[must_use]
    pub(crate) fn last_due(self, batch: u64) -> u64 {
        match self {
            Self::Never => 0,
            Self::Constant { every } => batch - batch % every.max(1),
            Self::Exponential { first, growth } => {
                let (mut last, mut period) = (0, first as f64);
                loop {
                    let step = (period as u64).max(1);
                    if step > batch - last {
                        return last;
                    }
                    last += step;
                    period *= growth;
                }
            }
        }
    }
}

impl fmt::Display for Rebuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => write!(f, "never"),
            Self::Constant { every } => write!(f, "constant:{every}"),
            Self::Exponential { first, growth } => write!(f, "exponential:{first}:{growth}"),
        }
    }
}

impl FromStr for Rebuild {
    type Err = RebuildError;

    fn from_str(text: &str) -> Result<Self, RebuildError> {
        let period = |word: &str| word.parse().ok().filter(|&batches: &u64| batches >= 1);
        let rebuild = match *text.split(':').collect::<Vec<_>>() {
            ["never"] => Some(Self::Never),
            ["constant", every] => period(every).map(|every| Self::Constant { every }),
            ["exponential", first, growth] => {
                let growth = growth.parse().ok().filter(|growth: &f64| growth.is_finite() && *growth >= 1.0);
                period(first).zip(growth).map(|(first, growth)| Self::Exponential { first, growth })
            }
            _ => None,
        };
        rebuild.ok_or_else(|| RebuildError { found: text.to_owned() })
    }
}

impl TryFrom<String> for Rebuild {
    type Error = RebuildError;

    fn try_from(text: String) -> Result<Self, RebuildError> {
        text.parse()
    }
}

impl From<Rebuild> for String {
    fn from(rebuild: Rebuild) -> Self {
        rebuild.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(text: &str, batches: u64) -> Vec<u64> {
        let rebuild: Rebuild = text.parse().unwrap();
        assert_eq!(rebuild.to_string(), text);
        (0..batches).filter(|&batch| rebuild.is_due(batch)).collect()
    }

    #[test]
    fn the_batches_that_are_due() {
        assert!(due("never", 1000).is_empty());
        assert_eq!(due("constant:3", 10), [3, 6, 9]);
        assert_eq!(due("constant:1", 4), [1, 2, 3]);
        assert_eq!(due("exponential:50:1", 220), [50, 100, 150, 200]);
        // Periods 10, 13, 16.9, 21.97, 28.561 rounded down.
        assert_eq!(due("exponential:10:1.3", 90), [10, 23, 39, 60, 88]);
    }

    #[test]
    fn extreme_schedules_end() {
        let steep = Rebuild::Exponential { first: 1, growth: 1e300 };
        assert!(steep.is_due(1));
        assert!(!steep.is_due(2) && !steep.is_due(u64::MAX));
        // Values that cannot be parsed from a text: a period is still at least one batch.
        assert!(Rebuild::Constant { every: 0 }.is_due(7));
        assert!(Rebuild::Exponential { first: 0, growth: f64::NAN }.is_due(7));
    }

    #[test]
    fn invalid_schedules() {
        for text in [
            "",
            "constant",
            "constant:0",
            "constant:-1",
            "constant:5:1",
            "exponential:50",
            "exponential:50:0.9",
            "exponential:50:nan",
            "exponential:50:inf",
            "exponential:0:2",
            "Never",
        ] {
            assert_eq!(text.parse::<Rebuild>().unwrap_err().found, text);
        }
    }
}
