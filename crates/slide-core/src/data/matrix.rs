//! A matrix of features or of labels in a file of its own: a scipy or numpy archive, a dense numpy array, or text.
//!
//! | content | read |
//! |---|---|
//! | `.npz` of `scipy.sparse.save_npz` | formats csr, csc and coo; indices in any order, each once |
//! | `.npy` of `numpy.save` | two dimensions: what is not 0; one dimension: the column of each row that has an entry |
//! | text with a header `rows columns` | lines `column:value column:value`, as the `LF-*` sets have them |

use std::path::Path;

use super::dataset::MOST_COLUMNS;
use super::error::{DataError, Defect};
use super::line::{Grammar, byte, integer};
use super::npy::{self, Array};
use super::xmc::{self, Header};
use super::{npz, text};

/// A checked matrix in compressed sparse rows, indices ascending in each row.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) indptr: Vec<u64>,
    pub(crate) indices: Vec<u32>,
    pub(crate) values: Vec<f32>,
    pub(crate) columns: usize,
}

/// An error about an array.
pub(crate) fn fault(
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

/// Whether the content begins as that of a file of arrays.
pub(crate) fn is_arrays(bytes: &[u8]) -> bool {
    bytes.starts_with(npz::MAGIC) || bytes.starts_with(npy::MAGIC)
}

/// The header of a matrix in text, `rows columns`, and where the line behind it starts.
pub(crate) fn header(text: &[u8]) -> Result<(Header, usize), Defect> {
    let mut position = 0;
    let mut numbers = [0; 2];
    for (number, name) in numbers.iter_mut().zip(["rows", "columns"]) {
        while matches!(byte(text, position), b' ' | b'\t') {
            position += 1;
        }
        let start = position;
        let most = if name == "rows" { u64::MAX - 1 } else { MOST_COLUMNS };
        *number = integer(text, &mut position)
            .filter(|&number| number <= most && byte(text, position).is_ascii_whitespace())
            .ok_or_else(|| Defect::new(start, format!("a header, 'rows columns': the number of {name}")))?;
    }
    while matches!(byte(text, position), b' ' | b'\t' | b'\r') {
        position += 1;
    }
    if byte(text, position) != b'\n' {
        return Err(Defect::new(position, "the end of the header, 'rows columns'"));
    }
    let [examples, features] = numbers;
    Ok((Header { examples, features, labels: 0 }, (position + 1).min(text.len())))
}

/// Reads a matrix, whose numbers of columns must be below `most_columns`.
pub(crate) fn read(path: &Path, bytes: &[u8], most_columns: Option<usize>) -> Result<Matrix, DataError> {
    if bytes.starts_with(npz::MAGIC) {
        return npz::read(path, bytes, most_columns);
    }
    if bytes.starts_with(npy::MAGIC) {
        let array = Array::read(bytes).map_err(|error| fault(path, "array", None, "an array in .npy format", error))?;
        return dense(path, &array, most_columns);
    }
    of_text(bytes, most_columns).map_err(|defect| defect.locate(path, bytes, 1))
}

fn of_text(text: &[u8], most_columns: Option<usize>) -> Result<Matrix, Defect> {
    let (header, body) = header(text)?;
    let grammar = grammar(header, most_columns);
    let pieces = xmc::read_counted(text, body, header, grammar)?;
    let parts = text::join(pieces, header.features as usize, 0);
    Ok(Matrix {
        indptr: parts.feature_indptr,
        indices: parts.feature_indices,
        values: parts.feature_values,
        columns: parts.feature_count,
    })
}

/// The grammar of the lines behind `header`.
pub(crate) fn grammar(header: Header, most_columns: Option<usize>) -> Grammar {
    let options = super::ReadOptions { feature_count: most_columns, ..super::ReadOptions::default() };
    Grammar { feature_word: "column", ..xmc::grammar(header, &options) }
}

/// A dense array: its entries that are not 0, or of one dimension the column of each row that has an entry.
fn dense(path: &Path, array: &Array, most_columns: Option<usize>) -> Result<Matrix, DataError> {
    let limit = most_columns.unwrap_or(MOST_COLUMNS as usize);
    let not_numbers = || fault(path, "array", None, "numbers", &array.descr);
    if let &[rows] = &array.shape[..] {
        let columns = array.integers().ok_or_else(not_numbers)?;
        let columns = columns.iter().enumerate().map(|(row, &column)| {
            let column = usize::try_from(column).ok().filter(|&column| column < limit);
            column.ok_or_else(|| {
                let expected = format!("a number from 0 and below {limit}");
                fault(path, "array", Some(row), expected, array.integers().unwrap_or_default()[row])
            })
        });
        let indices = columns.map(|column| column.map(|column| column as u32)).collect::<Result<Vec<u32>, _>>()?;
        let columns = indices.iter().max().map_or(0, |&largest| largest as usize + 1);
        return Ok(Matrix { indptr: (0..=rows).collect(), values: vec![1.0; indices.len()], indices, columns });
    }
    let &[rows, columns] = &array.shape[..] else {
        return Err(fault(path, "array", None, "one or two dimensions", array.shape.len()));
    };
    if columns > MOST_COLUMNS {
        return Err(fault(path, "array", None, "at most 2^32 columns", columns));
    }
    let values = array.floats().ok_or_else(not_numbers)?;
    let mut matrix = Matrix { indptr: vec![0], columns: columns as usize, ..Matrix::default() };
    for row in 0..rows as usize {
        for column in 0..columns as usize {
            let at = if array.is_fortran { column * rows as usize + row } else { row * columns as usize + column };
            let value = values[at];
            if !value.is_finite() {
                return Err(fault(path, "array", Some(at), "a finite number that a 32-bit float can hold", value));
            }
            if value != 0.0 {
                if column >= limit {
                    return Err(fault(path, "array", Some(at), format!("0 in the columns from {limit} on"), value));
                }
                matrix.indices.push(column as u32);
                matrix.values.push(value);
            }
        }
        matrix.indptr.push(matrix.indices.len() as u64);
    }
    Ok(matrix)
}

impl Matrix {
    /// A matrix without columns.
    pub(crate) fn empty(rows: usize) -> Self {
        Self { indptr: vec![0; rows + 1], ..Self::default() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// The entries in compressed columns (`indptr` of the columns, `indices` of rows) by rows: a stable counting sort.
    pub(crate) fn of_columns(indptr: &[u64], indices: &[u32], values: &[f32], rows: usize) -> Self {
        let columns = indptr.len() - 1;
        let column_of = (0..columns as u32).flat_map(|column| {
            std::iter::repeat_n(column, (indptr[column as usize + 1] - indptr[column as usize]) as usize)
        });
        Self::of_entries(indices, column_of, values, rows, columns)
    }

    /// The entries `(row, column, value)` by rows, in their order.
    pub(crate) fn of_entries(
        row_of: &[u32],
        column_of: impl Iterator<Item = u32>,
        values: &[f32],
        rows: usize,
        columns: usize,
    ) -> Self {
        let mut indptr = vec![0_u64; rows + 1];
        row_of.iter().for_each(|&row| indptr[row as usize + 1] += 1);
        (0..rows).for_each(|row| indptr[row + 1] += indptr[row]);
        let mut next = indptr.clone();
        let (mut indices, mut sorted) = (vec![0; row_of.len()], vec![0.0; row_of.len()]);
        for ((&row, column), &value) in row_of.iter().zip(column_of).zip(values) {
            let at = next[row as usize] as usize;
            (indices[at], sorted[at]) = (column, value);
            next[row as usize] += 1;
        }
        Self { indptr, indices, values: sorted, columns }
    }

    /// Sorts each row by index; `Err` is the place of an index that comes twice, and its row.
    pub(crate) fn sort_rows(&mut self) -> Result<(), (usize, usize)> {
        for (row, ends) in self.indptr.windows(2).enumerate() {
            let (start, end) = (ends[0] as usize, ends[1] as usize);
            let indices = &mut self.indices[start..end];
            if indices.is_sorted_by(|a, b| a < b) {
                continue;
            }
            let mut order: Vec<usize> = (0..indices.len()).collect();
            order.sort_by_key(|&position| indices[position]);
            let twice = order.windows(2).filter(|pair| indices[pair[0]] == indices[pair[1]]).map(|pair| pair[1]).min();
            if let Some(position) = twice {
                return Err((start + position, row));
            }
            let values = &mut self.values[start..end];
            let sorted: Vec<(u32, f32)> = order.iter().map(|&position| (indices[position], values[position])).collect();
            for (position, (index, value)) in sorted.into_iter().enumerate() {
                (indices[position], values[position]) = (index, value);
            }
        }
        Ok(())
    }

    /// The first entry that is neither 0 nor 1, and its row.
    pub(crate) fn graded(&self) -> Option<(usize, f32)> {
        let position = self.values.iter().position(|&value| value != 0.0 && value != 1.0)?;
        Some((self.indptr.partition_point(|&end| end <= position as u64) - 1, self.values[position]))
    }

    pub(crate) fn without_zeros(mut self) -> Self {
        if self.values.contains(&0.0) {
            let (mut kept, mut row_start) = (0, 0);
            for row in 1..self.indptr.len() {
                let row_end = self.indptr[row] as usize;
                for position in row_start..row_end {
                    self.indices[kept] = self.indices[position];
                    self.values[kept] = self.values[position];
                    kept += usize::from(self.values[position] != 0.0);
                }
                row_start = row_end;
                self.indptr[row] = kept as u64;
            }
            self.indices.truncate(kept);
            self.values.truncate(kept);
        }
        self
    }
}
