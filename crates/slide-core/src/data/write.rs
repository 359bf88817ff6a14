//! Data sets to files, in each format that can be read.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DataError, Dataset, Format, npz};
use crate::atomic_file::write_atomically;

/// Writes a data set under `path`, compressed when the name ends in `.gz` or `.zst`.
///
/// The write is atomic ([`write_atomically`]). For [`Format::Npz`], `path`
/// names the feature matrix; the labels go to the file beside it that [`read`](super::read) looks for. Values are written
/// with enough digits to restore the same `f32`.
///
/// # Errors
/// [`DataError::Io`]; [`DataError::Request`] where the format cannot hold the data: an example with neither labels nor features
/// in svmlight, or a name without `X` for `.npz`.
pub fn write(path: impl AsRef<Path>, data: &Dataset, format: Format) -> Result<(), DataError> {
    let path = path.as_ref();
    let parts = data.arrays();
    if format != Format::Npz {
        check(data, format)?;
        return atomically(path, |file| compressed(path, file, |writer| write_text(writer, data, format)));
    }
    let labels = label_file(path)?;
    atomically(&labels, |file| {
        npz::write_matrix(file, (&parts.label_indptr, &parts.label_indices, None), parts.label_count)
    })?;
    atomically(path, |file| {
        let features = (&parts.feature_indptr[..], &parts.feature_indices[..], Some(&parts.feature_values[..]));
        npz::write_matrix(file, features, parts.feature_count)
    })
}

/// The files that [`write()`] writes: `path` and, for [`Format::Npz`], that of the labels.
///
/// # Errors
/// [`DataError::Request`] for a name without `X` for `.npz`.
pub fn files(path: impl AsRef<Path>, format: Format) -> Result<Vec<PathBuf>, DataError> {
    let path = path.as_ref();
    let labels = (format == Format::Npz).then(|| label_file(path)).transpose()?;
    Ok([path.to_owned()].into_iter().chain(labels).collect())
}

fn label_file(path: &Path) -> Result<PathBuf, DataError> {
    npz::label_path(path).ok_or_else(|| {
        DataError::Request(format!("{}: the file of the feature matrix needs an X in its name", path.display()))
    })
}

/// Writes a data set as text to a pipe or a buffer, uncompressed.
///
/// # Errors
/// As [`write()`]; [`DataError::Request`] for [`Format::Npz`], which is not a text format.
pub fn write_to(writer: impl Write, data: &Dataset, format: Format) -> Result<(), DataError> {
    check(data, format)?;
    write_text(&mut BufWriter::new(writer), data, format).map_err(DataError::io(Path::new("-")))
}

fn check(data: &Dataset, format: Format) -> Result<(), DataError> {
    let empty = |example: usize| data.labels(example).is_empty() && data.features(example).0.is_empty();
    match format {
        Format::Xmc => Ok(()),
        Format::Npz => Err(DataError::Request("npz is not a text format: give it a file".into())),
        Format::Svmlight => match (0..data.examples()).find(|&example| empty(example)) {
            None => Ok(()),
            Some(example) => Err(DataError::Request(format!(
                "example {example} has neither labels nor features, which svmlight cannot represent: write xmc or npz"
            ))),
        },
    }
}

/// Examples formatted by one task.
const BLOCK: usize = 2048;

fn write_text(writer: &mut dyn Write, data: &Dataset, format: Format) -> io::Result<()> {
    if format == Format::Xmc {
        writeln!(writer, "{} {} {}", data.examples(), data.feature_count(), data.label_count())?;
    }
    // A window of blocks at a time, so that memory does not grow with the data.
    let window = BLOCK * 4 * rayon::current_num_threads();
    for start in (0..data.examples()).step_by(window) {
        let end = (start + window).min(data.examples());
        let blocks: Vec<Vec<u8>> = (start..end)
            .into_par_iter()
            .step_by(BLOCK)
            .map(|first| {
                let mut text = Vec::new();
                for example in first..(first + BLOCK).min(end) {
                    write_example(&mut text, data, example);
                }
                text
            })
            .collect();
        for block in blocks {
            writer.write_all(&block)?;
        }
    }
    writer.flush()
}

fn write_example(text: &mut Vec<u8>, data: &Dataset, example: usize) {
    use std::fmt::Write as _;
    let mut line = String::new();
    for (position, label) in data.labels(example).iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(line, "{}{label}", if position > 0 { "," } else { "" });
    }
    let (features, values) = data.features(example);
    for (feature, value) in features.iter().zip(values) {
        let size = value.abs();
        let _ = if size == 0.0 || (1e-5..1e16).contains(&size) {
            write!(line, " {feature}:{value}")
        } else {
            write!(line, " {feature}:{value:e}")
        };
    }
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
}

/// Runs `body` with a writer that compresses by the extension of `path`.
fn compressed(path: &Path, file: &mut File, body: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 18, file);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => {
            let mut encoder = flate2::write::GzEncoder::new(writer, flate2::Compression::default());
            body(&mut encoder)?;
            writer = encoder.finish()?;
        }
        Some("zst") => {
            let mut encoder = zstd::stream::write::Encoder::new(writer, 0)?;
            encoder.include_checksum(true)?;
            body(&mut encoder)?;
            writer = encoder.finish()?;
        }
        _ => body(&mut writer)?,
    }
    writer.flush()
}

/// As [`write_atomically`], with the error of this module.
fn atomically(path: &Path, body: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), DataError> {
    write_atomically(path, body).map_err(DataError::io(path))
}
