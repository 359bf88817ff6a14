//! What can be wrong with a data file, and where.

use std::path::{Path, PathBuf};

/// A data file, or arrays for a data set, cannot be used.
///
/// Lines and columns count from 1; a column counts bytes. They are positions in the decompressed text. Of several
/// defects the first in the file is reported, whatever the number of threads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// An error of the operating system or of the decompressor.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// The file could not be mapped, or changed while it was read.
    #[error(transparent)]
    Mapping(#[from] slide_mem::MemError),
    /// The text does not follow its format.
    #[error("{}:{line}:{column}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Byte in the line, from 1.
        column: u64,
        /// What the format requires here.
        expected: String,
        /// What was found here.
        found: String,
    },
    /// A member of an `.npz` archive has other contents than expected.
    #[error("{}: {member}{}: expected {expected}, found {found}", path.display(), At(*position))]
    Array {
        /// The archive.
        path: PathBuf,
        /// The array in it.
        member: String,
        /// Element of the array, from 0, if the error is in one.
        position: Option<u64>,
        /// What the format requires.
        expected: String,
        /// What was found.
        found: String,
    },
    /// Arrays given to build a [`Dataset`](super::Dataset) contradict each other.
    #[error("{array}{}: expected {expected}, found {found}", At(*position))]
    Parts {
        /// Name of the field of [`Arrays`](super::Arrays).
        array: &'static str,
        /// Element, from 0, if the error is in one.
        position: Option<u64>,
        /// What a data set requires.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The request cannot be fulfilled: an unknown name, a format that cannot hold the data, no file beside another.
    #[error("{0}")]
    Request(String),
    /// The requested threads could not be started.
    #[error("cannot start the threads that parse: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

struct At(Option<u64>);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |position| write!(f, "[{position}]"))
    }
}

impl DataError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn parts(
        array: &'static str,
        position: Option<usize>,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> Self {
        let position = position.map(|position| position as u64);
        Self::Parts { array, position, expected: expected.into(), found: found.to_string() }
    }
}

/// A defect at a byte of a text, before its line is determined.
#[derive(Debug)]
pub(crate) struct Defect {
    /// Offset of the offending byte.
    pub(crate) at: usize,
    pub(crate) expected: String,
}

impl Defect {
    #[cold]
    pub(crate) fn new(at: usize, expected: impl Into<String>) -> Self {
        Self { at, expected: expected.into() }
    }

    /// The error for this defect of `text`, whose first byte is in line `first_line`, column 1.
    #[cold]
    pub(crate) fn locate(self, path: &Path, text: &[u8], first_line: u64) -> DataError {
        let at = self.at.min(text.len());
        let line_start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1);
        let newlines = memchr::memchr_iter(b'\n', &text[..line_start]).count();
        DataError::Malformed {
            path: path.to_owned(),
            line: first_line + newlines as u64,
            column: (at - line_start) as u64 + 1,
            expected: self.expected,
            found: describe(&text[at..]),
        }
    }
}

/// The first token of `rest` for an error message: quoted, printable and short.
fn describe(rest: &[u8]) -> String {
    const LONGEST: usize = 40;
    match rest {
        [] => return "the end of the file".into(),
        [b'\n', ..] | [b'\r', b'\n', ..] => return "the end of the line".into(),
        _ => {}
    }
    // A space is shown alone, any other byte with its token.
    let rest = if rest[0].is_ascii_whitespace() { &rest[..1] } else { rest };
    let length = 1 + rest[1..].iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len() - 1);
    let token = rest[..length.min(LONGEST)].escape_ascii();
    if length > LONGEST { format!("\"{token}...\"") } else { format!("\"{token}\"") }
}
