//! Extreme-classification data: files to compressed sparse rows and back.
//!
//! | format | layout | read | streamed | written |
//! |---|---|---|---|---|
//! | [`Format::Xmc`] | header `examples features labels`, then `l1,l2 f:v f:v` | yes | yes | yes |
//! | [`Format::Svmlight`] | the same lines without a header, comments, `qid:` | yes | yes | yes |
//! | [`Format::Npz`] | SciPy sparse matrices `X.npz` and `Y.npz` | csr, csc, coo | no | csr |
//! | [`Format::Npy`] | dense numpy arrays `X.npy` and `Y.npy` | yes | no | no |
//! | [`Format::Matrix`] | text `X_Xf.txt` and `X_Y.txt`: header `rows columns`, then `c:v c:v` | yes | features | yes |
//!
//! The last three are pairs of files; see [`LabelFile`]. The two may have different formats.
//!
//! Each may be compressed with gzip or bzip2 (any number of members), xz or zstd (any number of frames); it is detected from the first
//! bytes.
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
//! | explicit zero | kept as a feature, dropped as a label (matrices) | as SciPy |
//! | a label of a value other than 0 and 1 (matrices) | error, unless [`Relevance::Any`] | training knows no grades |
//! | labels `1.0` (svmlight) | accepted | as Spark writes them |
//! | labels `-1` (svmlight) | accepted: labels count from -1 | binary sets |
//! | `#` behind a value without a space (svmlight) | a comment | scikit-learn |
//! | comments before the header | accepted: the lines are svmlight | |
//! | NaN, infinity, beyond `f32` | error | |
//! | below `f32` | rounds to a subnormal or 0 | IEEE |
//! | index out of range, negative, not an integer | error | |
//! | fewer or more examples than in the header | error at the end, or at the first surplus line | a truncated file |
//! | an empty file | error, except names and filters | |
//! | text behind the number of a column, header or value | error | |
//! | a compressed stream that ends early or fails its checksum | error ([`DataError::Io`]) | |
//! | zeros behind gzip data | ignored | as gunzip |
//! | other bytes behind gzip data | error | |
//! | a last line cut inside a number | not detectable; missing lines are, by the number in the header | |

mod array;
mod dataset;
mod error;
pub mod filter;
mod input_rows;
mod line;
mod matrix;
pub mod names;
mod npy;
mod npz;
mod numbering;
mod pair;
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
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use array::Array;
pub use dataset::{Arrays, Dataset, Parts, Slices};
pub use error::DataError;
pub use filter::Filter;
pub use input_rows::Normalize;
pub(crate) use input_rows::{FeatureRows, InputRows, unit_scale};
pub use numbering::Numbering;
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
    /// A pair of SciPy sparse matrices, as PECOS uses them: features `X.npz` and labels `Y.npz`.
    Npz,
    /// A pair of dense numpy arrays, features `X.npy` and labels `Y.npy`; labels may be a vector of one label for each example.
    Npy,
    /// A pair of sparse matrices in text, as the `LF-*` sets of the Extreme Classification Repository have them.
    Matrix,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Xmc, Self::Svmlight, Self::Npz, Self::Npy, Self::Matrix];

    /// Its name in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xmc => "xmc",
            Self::Svmlight => "svmlight",
            Self::Npz => "npz",
            Self::Npy => "npy",
            Self::Matrix => "matrix",
        }
    }

    /// The format detected from the content of a file: a zip archive, a numpy array, a header of three or two numbers, or none.
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(npz::MAGIC) {
            Self::Npz
        } else if bytes.starts_with(npy::MAGIC) {
            Self::Npy
        } else if xmc::header(bytes).is_ok() {
            Self::Xmc
        } else if matrix::header(bytes).is_ok() {
            Self::Matrix
        } else {
            Self::Svmlight
        }
    }

    /// Whether a data set in this format is a text in one file, with features and labels in each line; else it is a pair of files.
    pub fn is_one_text(self) -> bool {
        matches!(self, Self::Xmc | Self::Svmlight)
    }

    /// Whether `path` has arrays ([`Npz`](Self::Npz) or [`Npy`](Self::Npy)), which are not [streamed](stream). Only files have: a pipe is
    /// not looked at, since what is read from it is gone, nor is `-`.
    ///
    /// # Errors
    /// [`DataError::Io`].
    pub fn has_arrays(path: &Path) -> Result<bool, DataError> {
        if path.as_os_str() == "-" || !std::fs::metadata(path).map_err(DataError::io(path))?.is_file() {
            return Ok(false);
        }
        let mut start = Vec::new();
        let reader = std::fs::File::open(path).and_then(source::decompress);
        let read = reader.and_then(|reader| reader.take(npy::MAGIC.len() as u64).read_to_end(&mut start));
        read.map_err(DataError::io(path))?;
        Ok(matrix::is_arrays(&start))
    }

    /// The format that a file name suggests for writing: `.npz`; `.npy` (which cannot be written); `.svm`, `.svmlight` or `.libsvm`; a name with `X_Xf`; else XMC. An
    /// ending `.gz` or `.zst` is ignored.
    pub fn of_name(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit_once('.') {
            Some((_, "npz")) => Self::Npz,
            Some((_, "npy")) => Self::Npy,
            Some((_, "svm" | "svmlight" | "libsvm")) => Self::Svmlight,
            _ if name.contains("X_Xf") => Self::Matrix,
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
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            DataError::Request(format!("unknown format `{name}`, expected one of: {all}"))
        })
    }
}

/// The number of the first feature or label in an svmlight file. The other formats count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexBase {
    /// As the comment says that [`write()`] puts before svmlight where it is needed. Without it, features: 1 if no feature 0 occurs in the
    /// whole file, else 0, as scikit-learn guesses; labels: 0. The guess may differ between a training and a test file, so a
    /// [`Dataset`] and a [model](crate::Model::feature_numbering) know their base: files that belong together are read with the same.
    #[default]
    Auto,
    /// Numbers from 0.
    Zero,
    /// Numbers from 1.
    One,
    /// Labels from -1, as binary sets have them. [`Auto`](Self::Auto) means this where a label -1 occurs; features cannot count so.
    MinusOne,
}

impl IndexBase {
    /// The number of column 0.
    pub(crate) fn first(self) -> i64 {
        match self {
            Self::Auto | Self::Zero => 0,
            Self::One => 1,
            Self::MinusOne => -1,
        }
    }

    /// The base in which column 0 has the number `first`.
    pub(crate) fn of_first(first: i64) -> Self {
        match first {
            0 => Self::Zero,
            -1 => Self::MinusOne,
            _ => Self::One,
        }
    }
}

/// Where the labels of a file that has only features are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelFile {
    /// In the file whose name has `X_Y` for `X_Xf`, or else `Y` for the first `X`, in the same folder or in the one above.
    #[default]
    Beside,
    /// In this file.
    At(PathBuf),
    /// There are none: every example is without labels.
    None,
}

/// What the values of a label matrix mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relevance {
    /// 1: the example has the label; 0: it does not. Others are an error.
    #[default]
    ZeroOrOne,
    /// 0: the example does not have the label; all others: it has.
    Any,
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
    /// Label file of a file that has only features; [`LabelFile::At`] is an error for others.
    pub labels: LabelFile,
    /// Values of label matrices.
    pub relevance: Relevance,
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
/// [`DataError::Request`] where the labels of a file of features cannot be found, or are given to one that has labels.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    let parse = |text: &[u8]| {
        let format = options.format.unwrap_or_else(|| Format::of(text));
        if let (true, LabelFile::At(labels)) = (format.is_one_text(), &options.labels) {
            let (path, labels) = (path.display(), labels.display());
            return Err(DataError::Request(format!("{labels}: {path} is {format}, which has its labels in its lines")));
        }
        let parsed = match format {
            Format::Xmc => xmc::read(text, options),
            Format::Svmlight => svmlight::read(text, options),
            Format::Npz | Format::Npy | Format::Matrix => return pair::read(path, text, options),
        };
        parsed.map_err(|defect| defect.locate(path, text, 1))
    };
    source::with_bytes(path, |text| match options.threads {
        None => parse(text),
        Some(threads) => rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build()?.install(|| parse(text)),
    })
}
