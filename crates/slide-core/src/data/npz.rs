//! A pair of SciPy sparse matrices, features `X.npz` and labels `Y.npz`, as PECOS and `scipy.sparse.save_npz` write them.
//!
//! Each file is a zip archive, its members stored or deflated, of the arrays `format` (`csr`), `shape`, `indptr`, `indices`
//! and `data`. Explicit zeros are kept as features and dropped as labels.

use std::io::{Cursor, Seek, Write};
use std::path::{Path, PathBuf};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::dataset::{Dataset, MOST_COLUMNS, Parts};
use super::error::DataError;
use super::npy::{self, Array};
use super::{LabelFile, ReadOptions, source};

/// The first bytes of a zip archive.
pub(crate) const MAGIC: &[u8] = b"PK\x03\x04";

/// Where the labels of a feature matrix are: beside it, with the first `X` of the name turned into `Y`.
pub(crate) fn label_path(features: &Path) -> Option<PathBuf> {
    let name = features.file_name()?;
    #[cfg(unix)]
    {
        use std::ffi::OsString;
        use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
        // A name is any bytes.
        let mut name = name.as_bytes().to_vec();
        let place = memchr::memchr(b'X', &name)?;
        name[place] = b'Y';
        Some(features.with_file_name(OsString::from_vec(name)))
    }
    #[cfg(not(unix))]
    {
        let name = name.to_str()?;
        name.contains('X').then(|| features.with_file_name(name.replacen('X', "Y", 1)))
    }
}

pub(crate) fn read(path: &Path, bytes: &[u8], options: &ReadOptions) -> Result<Dataset, DataError> {
    let features = Matrix::read(path, bytes, options.feature_count)?;
    let examples = features.indptr.len() - 1;
    let labels = match &options.labels {
        LabelFile::None => Matrix { indptr: vec![0; examples + 1], ..Matrix::default() },
        file => {
            let path = match file {
                LabelFile::At(path) => path.clone(),
                _ => label_path(path).ok_or_else(|| {
                    let path = path.display();
                    DataError::Request(format!("{path}: no X in the name to replace by Y: name the file of the labels"))
                })?,
            };
            let labels = source::with_bytes(&path, |bytes| Matrix::read(&path, bytes, options.label_count))?;
            if labels.indptr.len() - 1 != examples {
                let expected = format!("{examples} rows, as in the feature matrix");
                return Err(fault(&path, "shape", None, expected, labels.indptr.len() - 1));
            }
            labels.without_zeros()
        }
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

fn fault(
    path: &Path,
    member: &str,
    position: Option<usize>,
    expected: impl Into<String>,
    found: impl ToString,
) -> DataError {
    DataError::Array {
        path: path.to_owned(),
        member: member.into(),
        position: position.map(|position| position as u64),
        expected: expected.into(),
        found: found.to_string(),
    }
}

/// A checked matrix in compressed sparse rows, indices ascending in each row.
#[derive(Default)]
struct Matrix {
    indptr: Vec<u64>,
    indices: Vec<u32>,
    values: Vec<f32>,
    columns: usize,
}

impl Matrix {
    fn read(path: &Path, bytes: &[u8], most_columns: Option<usize>) -> Result<Self, DataError> {
        let failed = |error: zip::result::ZipError| DataError::io(path)(std::io::Error::other(error));
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(failed)?;
        let mut array = |member: &str| {
            let file = archive.by_name(&format!("{member}.npy"));
            let file = file.map_err(|error| fault(path, member, None, "an array of this name", error))?;
            Array::read(file).map_err(|error| fault(path, member, None, "an array in .npy format", error))
        };
        let format = array("format")?.text().unwrap_or_default();
        if format != "csr" {
            return Err(fault(path, "format", None, "csr", format!("{format:?}")));
        }
        let mut integers = |member: &str| {
            let array = array(member)?;
            let descr = array.descr.clone();
            array.integers().ok_or_else(|| fault(path, member, None, "integers", descr))
        };
        let shape = integers("shape")?;
        let &[rows, columns] = &shape[..] else {
            return Err(fault(path, "shape", None, "two numbers", format!("{shape:?}")));
        };
        if !(0..=MOST_COLUMNS as i64).contains(&columns) || rows < 0 {
            return Err(fault(path, "shape", None, "rows and at most 2^32 columns", format!("{shape:?}")));
        }
        let indptr = integers("indptr")?;
        let indices = integers("indices")?;
        let array = array("data")?;
        let values = array.floats().ok_or_else(|| fault(path, "data", None, "numbers", &array.descr))?;
        check_rows(path, rows as usize, &indptr, indices.len(), values.len())?;
        let end = most_columns.map_or(columns, |most| columns.min(most as i64));
        if let Some(position) = indices.iter().position(|index| !(0..end).contains(index)) {
            let expected = format!("an index from 0 and below {end}");
            return Err(fault(path, "indices", Some(position), expected, indices[position]));
        }
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            let expected = "a finite number that a 32-bit float can hold";
            return Err(fault(path, "data", Some(position), expected, values[position]));
        }
        let indptr = indptr.into_iter().map(|start| start as u64).collect();
        let indices = indices.into_iter().map(|index| index as u32).collect();
        let mut matrix = Self { indptr, indices, values, columns: columns as usize };
        matrix.sort_rows().map_err(|position| {
            fault(path, "indices", Some(position), "each index once per row", matrix.indices[position])
        })?;
        Ok(matrix)
    }

    /// Sorts each row by index; `Err` is the place of an index that comes twice.
    fn sort_rows(&mut self) -> Result<(), usize> {
        for row in self.indptr.windows(2) {
            let (start, end) = (row[0] as usize, row[1] as usize);
            let indices = &mut self.indices[start..end];
            if indices.is_sorted_by(|a, b| a < b) {
                continue;
            }
            let mut order: Vec<usize> = (0..indices.len()).collect();
            order.sort_by_key(|&position| indices[position]);
            let twice = order.windows(2).filter(|pair| indices[pair[0]] == indices[pair[1]]).map(|pair| pair[1]).min();
            if let Some(position) = twice {
                return Err(start + position);
            }
            let values = &mut self.values[start..end];
            let sorted: Vec<(u32, f32)> = order.iter().map(|&position| (indices[position], values[position])).collect();
            for (position, (index, value)) in sorted.into_iter().enumerate() {
                (indices[position], values[position]) = (index, value);
            }
        }
        Ok(())
    }

    fn without_zeros(mut self) -> Self {
        if self.values.contains(&0.0) {
            let (mut kept, mut row_start) = (0, 0);
            for row in 1..self.indptr.len() {
                let row_end = self.indptr[row] as usize;
                for position in row_start..row_end {
                    self.indices[kept] = self.indices[position];
                    kept += usize::from(self.values[position] != 0.0);
                }
                row_start = row_end;
                self.indptr[row] = kept as u64;
            }
            self.indices.truncate(kept);
        }
        self
    }
}

fn check_rows(path: &Path, rows: usize, indptr: &[i64], indices: usize, values: usize) -> Result<(), DataError> {
    let fault = |position, expected: String, found: i64| Err(fault(path, "indptr", position, expected, found));
    if indptr.len() != rows.saturating_add(1) {
        return fault(None, format!("{rows} + 1 entries"), indptr.len() as i64);
    }
    if indptr[0] != 0 {
        return fault(Some(0), "0".into(), indptr[0]);
    }
    if let Some(row) = indptr.windows(2).position(|pair| pair[0] > pair[1]) {
        return fault(Some(row + 1), format!("at least {}", indptr[row]), indptr[row + 1]);
    }
    if indptr[rows] != indices as i64 {
        return fault(Some(rows), format!("the number of indices, {indices}"), indptr[rows]);
    }
    if indices != values {
        return Err(self::fault(path, "data", None, format!("{indices} numbers, as indices"), values));
    }
    Ok(())
}

/// Writes one matrix; `values` none are ones.
pub(crate) fn write_matrix(
    writer: impl Write + Seek,
    (indptr, indices, values): (&[u64], &[u32], Option<&[f32]>),
    columns: usize,
) -> std::io::Result<()> {
    let mut archive = ZipWriter::new(writer);
    let options = SimpleFileOptions::default().large_file(true);
    let mut array = |name: &str, descr: &str, shape: Option<usize>, items: &[u8]| {
        archive.start_file(format!("{name}.npy"), options).map_err(std::io::Error::other)?;
        npy::write(&mut archive, descr, shape, items)
    };
    let bytes = |numbers: &mut dyn Iterator<Item = u64>| numbers.flat_map(u64::to_le_bytes).collect::<Vec<u8>>();
    // SciPy and PECOS expect 32-bit indices; both index arrays have the same type where 32 bits do not suffice.
    let wide = columns > i32::MAX as usize || indices.len() > i32::MAX as usize;
    let narrow = |numbers: &mut dyn Iterator<Item = u64>| {
        numbers.flat_map(|number| (number as u32).to_le_bytes()).collect::<Vec<u8>>()
    };
    let descr = if wide { "<i8" } else { "<i4" };
    let pack = |numbers: &mut dyn Iterator<Item = u64>| if wide { bytes(numbers) } else { narrow(numbers) };
    array("indices", descr, Some(indices.len()), &pack(&mut indices.iter().map(|&index| u64::from(index))))?;
    array("indptr", descr, Some(indptr.len()), &pack(&mut indptr.iter().copied()))?;
    array("format", "|S3", None, b"csr")?;
    array("shape", "<i8", Some(2), &bytes(&mut [indptr.len() as u64 - 1, columns as u64].into_iter()))?;
    let ones = |position: usize| values.map_or(1.0, |values| values[position]);
    let data: Vec<u8> = (0..indices.len()).flat_map(|position| ones(position).to_le_bytes()).collect();
    array("data", "<f4", Some(indices.len()), &data)?;
    archive.finish().map_err(std::io::Error::other)?;
    Ok(())
}
