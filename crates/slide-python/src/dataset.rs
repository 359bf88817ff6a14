//! Data sets: of files, or of arrays that Python holds.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use slide_core::data::{self, DataError, Format, IndexBase, LabelFile, ReadOptions, Relevance, Slices};

use crate::arrays::{HeldColumns, Integers};
use crate::{errors, process};

/// A data set.
#[pyclass(frozen, module = "slide._native")]
pub(crate) struct Dataset(Content);

enum Content {
    Read(Arc<slide_core::Dataset>),
    Arrays(Arrays),
}

/// Matrices in compressed rows: one of features, and the columns of one of labels.
struct Arrays {
    feature_indptr: Vec<u64>,
    feature_indices: HeldColumns,
    feature_values: Py<PyArray1<f32>>,
    label_indptr: Vec<u64>,
    label_indices: HeldColumns,
    feature_count: usize,
    label_count: usize,
}

type Copies<'py> = (
    Bound<'py, PyArray1<u64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<u64>>,
    Bound<'py, PyArray1<u32>>,
);

impl Dataset {
    pub(crate) fn of(data: slide_core::Dataset) -> Self {
        Self(Content::Read(Arc::new(data)))
    }

    /// Calls `f` with the data set, without the interpreter.
    pub(crate) fn with<R: Send>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&slide_core::Dataset) -> R + Send,
    ) -> PyResult<R> {
        let arrays = match &self.0 {
            Content::Read(data) => return Ok(py.detach(|| f(data))),
            Content::Arrays(arrays) => arrays,
        };
        let values = arrays.feature_values.bind(py).try_readonly()?;
        let [features, labels] = [arrays.feature_indices.borrow(py)?, arrays.label_indices.borrow(py)?];
        let slices = Slices {
            feature_indptr: &arrays.feature_indptr,
            feature_indices: features.as_slice()?,
            feature_values: values.as_slice()?,
            label_indptr: &arrays.label_indptr,
            label_indices: labels.as_slice()?,
            feature_count: arrays.feature_count,
            label_count: arrays.label_count,
        };
        py.detach(|| slide_core::Dataset::lent(slices, f)).map_err(|error| of_slices(error, &slices))
    }

    /// A data set that lives on: a copy of arrays.
    pub(crate) fn kept(&self, py: Python<'_>) -> PyResult<Arc<slide_core::Dataset>> {
        if let Content::Read(data) = &self.0 {
            return Ok(Arc::clone(data));
        }
        self.with(py, |data| {
            let all: Vec<u32> = (0..data.examples() as u32).collect();
            Arc::new(data.select(&all))
        })
    }
}

/// The error names the argument, the row and the value.
fn of_slices(error: DataError, slices: &Slices<'_>) -> PyErr {
    let DataError::Parts { array, position: Some(position), expected, found } = &error else {
        return errors::of_data(error);
    };
    let (name, indptr) =
        if array.starts_with("label") { ("Y", slices.label_indptr) } else { ("X", slices.feature_indptr) };
    let what = if array.ends_with("values") { "value" } else { "column" };
    if array.ends_with("indptr") {
        return PyValueError::new_err(format!("{name}: indptr[{position}]: expected {expected}, found {found}"));
    }
    let row = indptr.partition_point(|end| end <= position) - 1;
    PyValueError::new_err(format!("{name}: row {row}: expected {what} to be {expected}, found {found}"))
}

fn base(name: Option<i64>) -> PyResult<IndexBase> {
    match name {
        None => Ok(IndexBase::Auto),
        Some(0) => Ok(IndexBase::Zero),
        Some(1) => Ok(IndexBase::One),
        Some(-1) => Ok(IndexBase::MinusOne),
        Some(other) => {
            Err(PyValueError::new_err(format!("base: expected None, 0, 1 or, of labels, -1, found {other}")))
        }
    }
}

#[pymethods]
impl Dataset {
    #[staticmethod]
    fn of_arrays(
        features: (Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyArray1<f32>>, usize),
        labels: (Bound<'_, PyAny>, Bound<'_, PyAny>, usize),
    ) -> PyResult<Self> {
        let py = features.2.py();
        let data = Self(Content::Arrays(Arrays {
            feature_indptr: Integers::of(&features.0)?.offsets()?,
            feature_indices: HeldColumns::of(&features.1)?,
            feature_values: features.2.unbind(),
            label_indptr: Integers::of(&labels.0)?.offsets()?,
            label_indices: HeldColumns::of(&labels.1)?,
            feature_count: features.3,
            label_count: labels.2,
        }));
        data.with(py, |_| ())?;
        Ok(data)
    }

    #[staticmethod]
    #[pyo3(signature = (path, *, format=None, features=None, labels=None, feature_base=None, label_base=None, label_file=None, without_labels=false, any_relevance=false, threads=None))]
    fn read(
        py: Python<'_>,
        path: PathBuf,
        format: Option<&str>,
        features: Option<usize>,
        labels: Option<usize>,
        feature_base: Option<i64>,
        label_base: Option<i64>,
        label_file: Option<PathBuf>,
        without_labels: bool,
        any_relevance: bool,
        threads: Option<NonZeroUsize>,
    ) -> PyResult<Self> {
        let options = ReadOptions {
            format: format.map(str::parse::<Format>).transpose().map_err(errors::of_data)?,
            feature_count: features,
            label_count: labels,
            feature_base: base(feature_base)?,
            label_base: base(label_base)?,
            labels: match (label_file, without_labels) {
                (Some(path), _) => LabelFile::At(path),
                (None, true) => LabelFile::None,
                (None, false) => LabelFile::Beside,
            },
            relevance: if any_relevance { Relevance::Any } else { Relevance::ZeroOrOne },
            // Never a pool that lives on: a child of this process would not have its threads.
            threads: threads.or_else(|| std::thread::available_parallelism().ok()),
        };
        let data = py.detach(|| data::read(path, &options)).map_err(errors::of_data)?;
        Ok(Self::of(data))
    }

    #[pyo3(signature = (path, format=None))]
    fn write(&self, py: Python<'_>, path: PathBuf, format: Option<&str>) -> PyResult<()> {
        let format = match format {
            Some(name) => name.parse::<Format>().map_err(errors::of_data)?,
            None => Format::of_name(&path),
        };
        let pool = process::pool(None)?;
        self.with(py, |data| pool.install(|| data::write(path, data, format)))?.map_err(errors::of_data)
    }

    /// The two parts of `Dataset::hold_out`.
    fn hold_out(&self, py: Python<'_>, share: f64, seed: u64) -> PyResult<(Self, Self)> {
        if !(0.0..=1.0).contains(&share) {
            return Err(PyValueError::new_err(format!("share: expected a number from 0 to 1, found {share}")));
        }
        let (rest, held_out) = self.with(py, |data| data.hold_out(share, seed))?;
        Ok((Self::of(rest), Self::of(held_out)))
    }

    fn select(&self, py: Python<'_>, examples: Vec<u32>) -> PyResult<Self> {
        let selected =
            self.with(py, |data| match examples.iter().find(|&&example| example as usize >= data.examples()) {
                Some(&example) => Err((example, data.examples())),
                None => Ok(data.select(&examples)),
            })?;
        match selected {
            Ok(data) => Ok(Self::of(data)),
            Err((example, count)) => Err(PyIndexError::new_err(format!("example {example} of {count}"))),
        }
    }

    /// Copies of all arrays.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Copies<'py>> {
        let kept = self.kept(py)?;
        let arrays = kept.arrays();
        Ok((
            PyArray1::from_slice(py, &arrays.feature_indptr),
            PyArray1::from_slice(py, &arrays.feature_indices),
            PyArray1::from_slice(py, &arrays.feature_values),
            PyArray1::from_slice(py, &arrays.label_indptr),
            PyArray1::from_slice(py, &arrays.label_indices),
        ))
    }

    #[getter]
    fn examples(&self) -> usize {
        match &self.0 {
            Content::Read(data) => data.examples(),
            Content::Arrays(arrays) => arrays.feature_indptr.len() - 1,
        }
    }

    #[getter]
    fn features(&self) -> usize {
        match &self.0 {
            Content::Read(data) => data.feature_count(),
            Content::Arrays(arrays) => arrays.feature_count,
        }
    }

    #[getter]
    fn labels(&self) -> usize {
        match &self.0 {
            Content::Read(data) => data.label_count(),
            Content::Arrays(arrays) => arrays.label_count,
        }
    }

    /// Entries of the two matrices.
    #[getter]
    fn entries(&self, py: Python<'_>) -> (usize, usize) {
        match &self.0 {
            Content::Read(data) => (data.arrays().feature_indices.len(), data.arrays().label_indices.len()),
            Content::Arrays(arrays) => (arrays.feature_values.bind(py).len(), arrays.label_indices.len(py)),
        }
    }

    /// Bytes of the arrays given that were copied.
    #[getter]
    fn copied_bytes(&self) -> usize {
        match &self.0 {
            Content::Read(_) => 0,
            Content::Arrays(arrays) => {
                size_of_val(&arrays.feature_indptr[..])
                    + size_of_val(&arrays.label_indptr[..])
                    + arrays.feature_indices.copied_bytes()
                    + arrays.label_indices.copied_bytes()
            }
        }
    }
}

/// The names in a file, one a line.
#[pyfunction]
#[pyo3(signature = (path, count=None))]
pub(crate) fn read_names(py: Python<'_>, path: PathBuf, count: Option<usize>) -> PyResult<Vec<String>> {
    py.detach(|| data::names::read(path, count)).map_err(errors::of_data)
}
