//! An archive of numpy arrays that is a sparse matrix, as PECOS and `scipy.sparse.save_npz` write it.
//!
//! Each file is a zip archive, its members stored or deflated, of the arrays `format` (`csr`, `csc` or `coo`), `shape`, `data`, and
//! `indptr` and `indices`, or `row` and `col`.

use std::io::{Cursor, Seek, Write};
use std::path::Path;

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::dataset::MOST_COLUMNS;
use super::error::DataError;
use super::matrix::{Matrix, fault};
use super::npy::{self, Array};

/// The first bytes of a zip archive.
pub(crate) const MAGIC: &[u8] = b"PK\x03\x04";

/// So many rows are believed in csc and coo, however few entries there are.
const MOST_ROWS: i64 = 1 << 24;
/// What an archive without a format may be.
const DENSE: &str = "the sparse matrix of scipy.sparse.save_npz (a dense array: as the .npy file of numpy.save)";

/// Reads a matrix, whose numbers of columns must be below `most_columns`.
pub(crate) fn read(path: &Path, bytes: &[u8], most_columns: Option<usize>) -> Result<Matrix, DataError> {
    let failed = |error: zip::result::ZipError| DataError::io(path)(std::io::Error::other(error));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(failed)?;
    if archive.index_for_name("format.npy").is_none() {
        let names: Vec<String> = archive.file_names().flatten().map(Into::into).collect();
        return Err(fault(path, "format", None, DENSE, format!("an archive of {}", names.join(", "))));
    }
    let mut array = |member: &str| {
        let file = archive.by_name(&format!("{member}.npy"));
        let file = file.map_err(|error| fault(path, member, None, "an array of this name", error))?;
        let array = Array::read(file).map_err(|error| fault(path, member, None, "an array in .npy format", error))?;
        match array.shape.len() {
            0 | 1 => Ok(array),
            dimensions => Err(fault(path, member, None, "one dimension", dimensions)),
        }
    };
    let format = array("format")?.text().unwrap_or_default();
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
    let end = most_columns.map_or(columns, |most| columns.min(most as i64));
    let [first, second] = match &*format {
        "csr" | "csc" => ["indptr", "indices"],
        "coo" => ["row", "col"],
        _ => return Err(fault(path, "format", None, "csr, csc or coo", format!("{format:?}"))),
    };
    let (left, right) = (integers(first)?, integers(second)?);
    let array = array("data")?;
    let values = array.floats().ok_or_else(|| fault(path, "data", None, "numbers", &array.descr))?;
    if right.len() != values.len() {
        return Err(fault(path, "data", None, format!("{} numbers, as {second}", right.len()), values.len()));
    }
    if let Some(position) = values.iter().position(|value| !value.is_finite()) {
        let expected = "a finite number that a 32-bit float can hold";
        return Err(fault(path, "data", Some(position), expected, values[position]));
    }
    let indices = |member: &str, indices: Vec<i64>, end: i64| -> Result<Vec<u32>, DataError> {
        match indices.iter().position(|index| !(0..end).contains(index)) {
            None => Ok(indices.into_iter().map(|index| index as u32).collect()),
            Some(position) => {
                let expected = format!("an index from 0 and below {end}");
                Err(fault(path, member, Some(position), expected, indices[position]))
            }
        }
    };
    // Nothing but the shape says that rows without entries are there.
    let most_rows = MOST_ROWS.max(256 * values.len() as i64).min(MOST_COLUMNS as i64);
    if format != "csr" && rows > most_rows {
        let expected = format!("at most {most_rows} rows for {} entries", values.len());
        return Err(fault(path, "shape", None, expected, rows));
    }
    let columns = columns as usize;
    let mut matrix = match &*format {
        "csr" => {
            check_starts(path, rows as usize, &left, right.len())?;
            let indptr = left.into_iter().map(|start| start as u64).collect();
            Matrix { indptr, indices: indices(second, right, end)?, values, columns }
        }
        "csc" => {
            check_starts(path, columns, &left, right.len())?;
            let indptr: Vec<u64> = left.into_iter().map(|start| start as u64).collect();
            if let Some(column) = (end as usize..columns).find(|&column| indptr[column + 1] > indptr[column]) {
                return Err(fault(
                    path,
                    first,
                    Some(column),
                    format!("no entries in the columns from {end} on"),
                    indptr[column],
                ));
            }
            Matrix::of_columns(&indptr, &indices(second, right, rows)?, &values, rows as usize)
        }
        _ => {
            if left.len() != values.len() {
                return Err(fault(path, first, None, format!("{} numbers, as data", values.len()), left.len()));
            }
            let (rows_of, columns_of) = (indices(first, left, rows)?, indices(second, right, end)?);
            Matrix::of_entries(&rows_of, columns_of.into_iter(), &values, rows as usize, columns)
        }
    };
    matrix.sort_rows().map_err(|(position, row)| {
        let index = matrix.indices[position];
        match &*format {
            "csr" => fault(path, second, Some(position), "each index once per row", index),
            _ => fault(path, &format!("row {row}"), None, "each index once per row", index),
        }
    })?;
    Ok(matrix)
}

fn check_starts(path: &Path, rows: usize, indptr: &[i64], indices: usize) -> Result<(), DataError> {
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
