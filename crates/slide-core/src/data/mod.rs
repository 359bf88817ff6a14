//! Extreme-classification data: files to compressed sparse rows and back.

mod csr;
mod error;
mod line;
mod number;
mod source;
mod text;
mod xmc;

use std::num::NonZeroUsize;
use std::path::Path;

pub use csr::{Dataset, Parts};
pub use error::DataError;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The Extreme Classification Repository's bag of words: a header `points features labels`, then `l1,l2 f:v f:v`.
    Xmc,
}

/// How to read a file. The default takes format and widths from the file.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The format; none: told by the content.
    pub format: Option<Format>,
    /// Width of the feature matrix, to fit a model: a larger feature number is an error. None: the file's own.
    pub feature_count: Option<usize>,
    /// Width of the label matrix, likewise.
    pub label_count: Option<usize>,
    /// Threads that parse; none: as many as rayon's pool has. The result does not depend on it.
    pub threads: Option<NonZeroUsize>,
}

/// Reads a data set from a file, compressed with gzip or zstd or not.
///
/// # Errors
/// [`DataError::Io`], and [`DataError::Malformed`] with the first defect of the file.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    let text = source::load(path)?;
    let parse = || xmc::read(&text, options).map_err(|defect| defect.locate(path, &text, 1));
    match options.threads {
        None => parse(),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build()
            .map_err(|error| DataError::Request(error.to_string()))?
            .install(parse),
    }
}
