//! Arrays of numpy: borrowed for a call, or held by a data set.

use std::sync::Arc;

use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// Whole numbers as scipy has them in `indices` and `indptr`.
pub(crate) enum Integers<'py> {
    Short(PyReadonlyArray1<'py, i32>),
    Long(PyReadonlyArray1<'py, i64>),
}

impl<'py> Integers<'py> {
    pub(crate) fn of(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(array) = array.cast::<PyArray1<i32>>() {
            return Ok(Self::Short(array.try_readonly()?));
        }
        match array.cast::<PyArray1<i64>>() {
            Ok(array) => Ok(Self::Long(array.try_readonly()?)),
            Err(_) => Err(PyTypeError::new_err("expected an array of int32 or int64 of one dimension")),
        }
    }

    /// As offsets: a copy, of a number for each row.
    pub(crate) fn offsets(&self) -> PyResult<Vec<u64>> {
        let offset = |value: i64| {
            u64::try_from(value)
                .map_err(|_| PyValueError::new_err(format!("indptr: expected no negative number, found {value}")))
        };
        match self {
            Self::Short(array) => array.as_slice()?.iter().map(|&value| offset(value.into())).collect(),
            Self::Long(array) => array.as_slice()?.iter().map(|&value| offset(value)).collect(),
        }
    }

    /// As columns of a matrix: a copy only of 64-bit numbers. A negative number becomes one that is no column.
    pub(crate) fn columns(&self) -> PyResult<Columns<'_>> {
        Ok(match self {
            Self::Short(array) => Columns::Borrowed(bytemuck::cast_slice(array.as_slice()?)),
            Self::Long(array) => Columns::Owned(
                array.as_slice()?.iter().map(|&value| u32::try_from(value).unwrap_or(u32::MAX)).collect(),
            ),
        })
    }
}

/// Columns of a matrix.
pub(crate) enum Columns<'a> {
    Borrowed(&'a [u32]),
    Owned(Arc<[u32]>),
}

impl AsRef<[u32]> for Columns<'_> {
    fn as_ref(&self) -> &[u32] {
        match self {
            Self::Borrowed(columns) => columns,
            Self::Owned(columns) => columns,
        }
    }
}

/// Columns that an object of Python holds, or a copy.
pub(crate) enum HeldColumns {
    Array(Py<PyArray1<i32>>),
    Copy(Arc<[u32]>),
}

impl HeldColumns {
    pub(crate) fn of(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        match array.cast::<PyArray1<i32>>() {
            Ok(short) if short.is_contiguous() => Ok(Self::Array(short.clone().unbind())),
            _ => match Integers::of(array)?.columns()? {
                Columns::Owned(columns) => Ok(Self::Copy(columns)),
                Columns::Borrowed(columns) => Ok(Self::Copy(columns.into())),
            },
        }
    }

    pub(crate) fn borrow<'py>(&self, py: Python<'py>) -> PyResult<BorrowedColumns<'py>> {
        Ok(match self {
            Self::Array(array) => BorrowedColumns::Array(array.bind(py).try_readonly()?),
            Self::Copy(columns) => BorrowedColumns::Copy(Arc::clone(columns)),
        })
    }

    pub(crate) fn len(&self, py: Python<'_>) -> usize {
        match self {
            Self::Array(array) => array.bind(py).len(),
            Self::Copy(columns) => columns.len(),
        }
    }

    pub(crate) fn copied_bytes(&self) -> usize {
        match self {
            Self::Array(_) => 0,
            Self::Copy(columns) => size_of_val(&columns[..]),
        }
    }
}

/// The same for a call.
pub(crate) enum BorrowedColumns<'py> {
    Array(PyReadonlyArray1<'py, i32>),
    Copy(Arc<[u32]>),
}

impl BorrowedColumns<'_> {
    pub(crate) fn as_slice(&self) -> PyResult<&[u32]> {
        Ok(match self {
            Self::Array(array) => bytemuck::cast_slice(array.as_slice()?),
            Self::Copy(columns) => columns,
        })
    }
}
