//! Extreme-classification data: files to compressed sparse rows and back.
//!
//! | format | layout | read | streamed | written |
//! |---|---|---|---|---|
//! | [`Format::Xmc`] | header `examples features labels`, then `l1,l2 f:v f:v` | yes | yes | yes |
//! | [`Format::Svmlight`] | the same lines without a header, comments, `qid:` | yes | yes | yes |
//! | [`Format::Npz`] | SciPy CSR matrices `X.npz` and `Y.npz` | yes | no | yes |
//!
//! Each may be compressed with gzip (any number of members) or zstd (any number of frames); it is detected from the first bytes.
//! Every defect is an error with its place, what was expected and what was found. Of several defects the first in
//! the file is reported, whatever the number of threads. Special cases:
//!
//! | case | result | reason |
//! |---|---|---|
//! | examples without labels or features | accepted | they occur in published sets |
//! | an empty line | XMC: an example with neither; after the last example: ignored. svmlight without header: skipped | scikit-learn |
//! | CRLF; no newline at the end; tabs and runs of spaces; spaces at line ends | accepted | as other readers |
//! | no space before the features of an example without labels | accepted | `f:v` cannot be a label |
//! | features not ascending | sorted | as omikuji |
//! | a feature twice in an example | error | readers disagree: sum, last, error |
//! | labels not ascending, or twice | sorted, duplicates removed | they are a set |
//! | explicit zero | kept as a feature, dropped as a label (npz) | as SciPy |
//! | NaN, infinity, beyond `f32` | error | |
//! | below `f32` | rounds to a subnormal or 0 | IEEE |
//! | index out of range, negative, not an integer | error | |
//! | fewer or more examples than in the header | error at the end, or at the first surplus line | a truncated file |
//! | an empty file | error, except names and filters | |
//! | text behind the number of a column, header or value | error | |
//! | a compressed stream that ends early or fails its checksum | error ([`DataError::Io`]) | |
//! | a last line cut inside a number | not detectable; missing lines are, by the number in the header | |

mod array;
mod dataset;
mod error;
pub mod filter;
mod input_rows;
mod line;
pub mod names;
mod npy;
mod npz;
mod number;
mod source;
pub mod stats;
pub mod stream;
mod svmlight;
pub mod synth;
mod text;
mod training_set;
mod write;
mod xmc;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use array::Array;
pub use dataset::{Arrays, Dataset, Parts};
pub use error::DataError;
pub use filter::Filter;
pub use input_rows::Normalize;
pub(crate) use input_rows::{InputRows, unit_scale};
pub use stats::Stats;
pub(crate) use training_set::TrainingSet;
pub use write::{files, write, write_to};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The Extreme Classification Repository's bag of words: a header `examples features labels`, then `l1,l2 f:v f:v`.
    Xmc,
    /// svmlight or libsvm: such lines without a header, or with one; comments and `qid:` allowed.
    Svmlight,
    /// A pair of SciPy CSR matrices, as PECOS uses them: features `X.npz` and labels `Y.npz`.
    Npz,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Xmc, Self::Svmlight, Self::Npz];

    /// Its name in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xmc => "xmc",
            Self::Svmlight => "svmlight",
            Self::Npz => "npz",
        }
    }

    /// The format detected from the content of a file: a zip archive, a header of three numbers, or neither.
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(npz::MAGIC) {
            Self::Npz
        } else if xmc::header(bytes).is_ok() {
            Self::Xmc
        } else {
            Self::Svmlight
        }
    }

    /// The format that a file name suggests for writing: `.npz`; `.svm`, `.svmlight` or `.libsvm`; else XMC. An ending `.gz`
    /// or `.zst` is ignored.
    pub fn of_name(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit_once('.') {
            Some((_, "npz")) => Self::Npz,
            Some((_, "svm" | "svmlight" | "libsvm")) => Self::Svmlight,
            _ => Self::Xmc,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| DataError::Request(format!("unknown format `{name}`, expected one of: xmc, svmlight, npz")))
    }
}

/// The number of the first feature or label in an svmlight file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexBase {
    /// Features: 1 if no feature 0 occurs in the whole file, else 0, as scikit-learn guesses. Labels: 0. The guess may differ
    /// between a training and a test file: set the base if it is known.
    #[default]
    Auto,
    /// Numbers from 0.
    Zero,
    /// Numbers from 1.
    One,
}

/// Where the labels of an `.npz` feature matrix are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelFile {
    /// In the file whose name has `Y` for the first `X`.
    #[default]
    Beside,
    /// In this file.
    At(PathBuf),
    /// There are none: every example is without labels.
    None,
}

/// How to read a file. By default everything is detected from the file.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The format; none: detected from the content.
    pub format: Option<Format>,
    /// Width of the feature matrix, to match a model: a larger feature number is an error. None: that of the file.
    pub feature_count: Option<usize>,
    /// Width of the label matrix, in the same way.
    pub label_count: Option<usize>,
    /// First feature number of svmlight.
    pub feature_base: IndexBase,
    /// First label number of svmlight.
    pub label_base: IndexBase,
    /// Label file of npz.
    pub labels: LabelFile,
    /// Threads that parse; none: rayon's global pool. The result does not depend on it.
    pub threads: Option<NonZeroUsize>,
}

/// Reads a data set from a file, compressed with gzip or zstd or not.
///
/// Files are mapped: they must not be written in place while they are read. One that changes its length meanwhile is an
/// error (on Linux; see [`MappedFile`](slide_mem::MappedFile)).
///
/// # Errors
/// [`DataError::Io`] and [`DataError::Mapping`]; [`DataError::Malformed`] or [`DataError::Array`] with the first defect;
/// [`DataError::Request`] where the labels of an `.npz` file cannot be found.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    let parse = |text: &[u8]| {
        let parsed = match options.format.unwrap_or_else(|| Format::of(text)) {
            Format::Xmc => xmc::read(text, options),
            Format::Svmlight => svmlight::read(text, options),
            Format::Npz => return npz::read(path, text, options),
        };
        parsed.map_err(|defect| defect.locate(path, text, 1))
    };
    source::with_bytes(path, |text| match options.threads {
        None => parse(text),
        Some(threads) => rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build()?.install(|| parse(text)),
    })
}
