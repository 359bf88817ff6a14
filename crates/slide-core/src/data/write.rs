//! Data sets to files, in each format that can be read.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::dataset::Bases;
use super::{DataError, Dataset, Format, IndexBase, npz, pair, svmlight};
use crate::atomic_file::write_atomically;

/// Writes a data set under `path`, compressed when the name ends in `.gz` or `.zst`.
///
/// The write is atomic ([`write_atomically`]). For a pair of files, `path`
/// names the feature matrix; the labels go to the file beside it that [`read`](super::read) looks for. Values are written
/// with enough digits to restore the same `f32`. svmlight is written in the bases that the data set was read with; where the lines
/// alone do not say the bases and widths, a comment before them does.
///
/// # Errors
/// [`DataError::Io`]; [`DataError::Request`] for a name without `X` for a pair of files, and for [`Format::Npy`].
pub fn write(path: impl AsRef<Path>, data: &Dataset, format: Format) -> Result<(), DataError> {
    let path = path.as_ref();
    let parts = data.arrays();
    if format.is_one_text() {
        return atomically(path, |file| compressed(path, file, |writer| write_text(writer, data, format)));
    }
    let labels = label_file(path, format)?;
    if format == Format::Matrix {
        for (path, part) in [(&*labels, Part::Labels), (path, Part::Features)] {
            atomically(path, |file| compressed(path, file, |writer| write_lines(writer, data, part)))?;
        }
        return Ok(());
    }
    atomically(&labels, |file| {
        npz::write_matrix(file, (&parts.label_indptr, &parts.label_indices, None), parts.label_count)
    })?;
    atomically(path, |file| {
        let features = (&parts.feature_indptr[..], &parts.feature_indices[..], Some(&parts.feature_values[..]));
        npz::write_matrix(file, features, parts.feature_count)
    })
}

/// The files that [`write()`] writes: `path` and, for a pair of files, that of the labels.
///
/// # Errors
/// [`DataError::Request`] for a name without `X` for a pair of files, and for [`Format::Npy`].
pub fn files(path: impl AsRef<Path>, format: Format) -> Result<Vec<PathBuf>, DataError> {
    let path = path.as_ref();
    let mut files = vec![path.to_owned()];
    if !format.is_one_text() {
        files.push(label_file(path, format)?);
    }
    Ok(files)
}

/// The file of the labels of a pair.
fn label_file(path: &Path, format: Format) -> Result<PathBuf, DataError> {
    if format == Format::Npy {
        return Err(DataError::Request(format!("{}: dense arrays are read, not written: write npz", path.display())));
    }
    pair::label_path(path).ok_or_else(|| {
        DataError::Request(format!("{}: the file of the feature matrix needs an X in its name", path.display()))
    })
}

/// Writes a data set as text to a pipe or a buffer, uncompressed.
///
/// # Errors
/// As [`write()`]; [`DataError::Request`] for what is no text in one file.
pub fn write_to(writer: impl Write, data: &Dataset, format: Format) -> Result<(), DataError> {
    if !format.is_one_text() {
        return Err(DataError::Request(format!("{format} is not text in one file: give it a file")));
    }
    write_text(&mut BufWriter::new(writer), data, format).map_err(DataError::io(Path::new("-")))
}

/// Examples formatted by one task.
const BLOCK: usize = 2048;

/// What the lines of a text have.
#[derive(Clone, Copy)]
enum Part {
    /// Labels and features, in these bases.
    Both(Bases),
    Features,
    Labels,
}

fn write_text(writer: &mut dyn Write, data: &Dataset, format: Format) -> io::Result<()> {
    // The other text format counts from 0.
    let mut bases = Bases::default();
    if format == Format::Xmc {
        writeln!(writer, "{} {} {}", data.examples(), data.feature_count(), data.label_count())?;
    } else {
        bases = data.bases();
        if svmlight::needs_comment(data) {
            svmlight::write_comment(writer, data)?;
        }
    }
    write_lines(writer, data, Part::Both(bases))
}

/// Writes a line for each example, and before it the header of a matrix.
fn write_lines(writer: &mut dyn Write, data: &Dataset, part: Part) -> io::Result<()> {
    match part {
        Part::Both(_) => {}
        Part::Features => writeln!(writer, "{} {}", data.examples(), data.feature_count())?,
        Part::Labels => writeln!(writer, "{} {}", data.examples(), data.label_count())?,
    }
    // A window of blocks at a time, so that memory does not grow with the data.
    let window = BLOCK * 4 * rayon::current_num_threads();
    for start in (0..data.examples()).step_by(window) {
        let end = (start + window).min(data.examples());
        let blocks: Vec<Vec<u8>> = (start..end)
            .into_par_iter()
            .step_by(BLOCK)
            .map(|first| {
                let mut text = String::new();
                for example in first..(first + BLOCK).min(end) {
                    write_example(&mut text, data, example, part);
                }
                text.into_bytes()
            })
            .collect();
        for block in blocks {
            writer.write_all(&block)?;
        }
    }
    writer.flush()
}

fn write_example(text: &mut String, data: &Dataset, example: usize, part: Part) {
    let (labels, (features, values)) = (data.labels(example), data.features(example));
    match part {
        Part::Both(bases) => {
            let [first_feature, first_label] = [bases.features, bases.labels].map(IndexBase::first);
            let numbers = labels.iter().map(|&label| i64::from(label) + first_label);
            write_joined(text, numbers, ',');
            features.iter().zip(values).for_each(|(&feature, &value)| {
                text.push(' ');
                write_pair(text, i64::from(feature) + first_feature, value);
            });
        }
        Part::Features => {
            for (place, (&feature, &value)) in features.iter().zip(values).enumerate() {
                *text += if place > 0 { " " } else { "" };
                write_pair(text, feature.into(), value);
            }
        }
        Part::Labels => write_joined(text, labels.iter().map(|label| format!("{label}:1")), ' '),
    }
    text.push('\n');
}

fn write_joined(text: &mut String, items: impl Iterator<Item = impl Display>, separator: char) {
    for (place, item) in items.enumerate() {
        if place > 0 {
            text.push(separator);
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{item}");
    }
}

fn write_pair(text: &mut String, feature: i64, value: f32) {
    let size = value.abs();
    let _ = if size == 0.0 || (1e-5..1e16).contains(&size) {
        write!(text, "{feature}:{value}")
    } else {
        write!(text, "{feature}:{value:e}")
    };
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
