//! A data set in two files: a matrix of features and one of labels.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::dataset::{Dataset, Parts};
use super::error::DataError;
use super::matrix::{self, Matrix, fault};
use super::{LabelFile, ReadOptions, Relevance, source};

/// Where the labels of a feature matrix are: `X_Xf` in the name becomes `X_Y`, as in the `LF-*` sets, or else the first `X` becomes `Y`.
pub(crate) fn label_path(features: &Path) -> Option<PathBuf> {
    let name = features.file_name()?;
    let labels = replaced(name, b"X_Xf", b"X_Y").or_else(|| replaced(name, b"X", b"Y"))?;
    Some(features.with_file_name(labels))
}

/// A file name with the first `from` replaced.
fn replaced(name: &OsStr, from: &[u8], to: &[u8]) -> Option<OsString> {
    let replaced = |bytes: &[u8]| {
        let at = memchr::memmem::find(bytes, from)?;
        Some([&bytes[..at], to, &bytes[at + from.len()..]].concat())
    };
    cfg_if::cfg_if! {
        if #[cfg(unix)] {
            // A name is any bytes.
            use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
            replaced(name.as_bytes()).map(OsString::from_vec)
        } else {
            String::from_utf8(replaced(name.to_str()?.as_bytes())?).ok().map(Into::into)
        }
    }
}

/// The file of the labels: beside the features or, as PECOS has several feature matrices for one of labels, a folder above.
fn find_labels(features: &Path) -> Result<PathBuf, DataError> {
    let path = features.display();
    let beside = label_path(features).ok_or_else(|| {
        DataError::Request(format!("{path}: no X in the name to replace by Y: name the file of the labels"))
    })?;
    let above = || {
        let folder = beside.parent()?;
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Some(folder.join("..").join(beside.file_name()?)).filter(|above| above.is_file())
    };
    if beside.is_file() {
        return Ok(beside);
    }
    above().ok_or_else(|| {
        let beside = beside.display();
        DataError::Request(format!(
            "{path} has only features, and there is no {beside} with the labels: name their file"
        ))
    })
}

/// Reads the features in `bytes`, the content of `path`, and their labels.
pub(crate) fn read(path: &Path, bytes: &[u8], options: &ReadOptions) -> Result<Dataset, DataError> {
    let features = matrix::read(path, bytes, options.feature_count)?;
    let labels = match &options.labels {
        LabelFile::None => Matrix::empty(features.rows()),
        LabelFile::At(labels) => read_labels(labels, &features, options)?,
        LabelFile::Beside => read_labels(&find_labels(path)?, &features, options)?,
    };
    Ok(Dataset::from_checked(Parts {
        feature_indptr: features.indptr,
        feature_indices: features.indices,
        feature_values: features.values,
        label_indptr: labels.indptr,
        label_indices: labels.indices,
        feature_count: options.feature_count.unwrap_or(features.columns),
        label_count: options.label_count.unwrap_or(labels.columns),
    }))
}

fn read_labels(path: &Path, features: &Matrix, options: &ReadOptions) -> Result<Matrix, DataError> {
    let labels = source::with_bytes(path, |bytes| matrix::read(path, bytes, options.label_count))?;
    if labels.rows() != features.rows() {
        let expected = format!("{} rows, as in the feature matrix", features.rows());
        return Err(fault(path, "shape", None, expected, labels.rows()));
    }
    if let (Relevance::ZeroOrOne, Some((row, value))) = (options.relevance, labels.graded()) {
        let expected =
            "labels of value 0 or 1, as there is no training on graded relevance (but any value can count as 1)";
        return Err(fault(path, &format!("row {row}"), None, expected, value));
    }
    Ok(labels.without_zeros())
}
