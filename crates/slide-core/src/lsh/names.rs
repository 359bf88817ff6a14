//! The words by which settings are written, in files and on the command line.

use std::fmt;

/// A word that names none of the choices; the message lists them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {subject} `{found}`, expected one of: {expected}")]
pub struct UnknownName {
    /// What was to be chosen.
    pub subject: &'static str,
    /// The word that was found.
    pub found: String,
    /// The words that are known, separated by commas.
    pub expected: String,
}

/// The choice of `all` that is written `word`.
pub(crate) fn parse<T: Copy + fmt::Display>(subject: &'static str, all: &[T], word: &str) -> Result<T, UnknownName> {
    all.iter().copied().find(|choice| choice.to_string() == word).ok_or_else(|| UnknownName {
        subject,
        found: word.to_owned(),
        expected: all.iter().map(T::to_string).collect::<Vec<_>>().join(", "),
    })
}
