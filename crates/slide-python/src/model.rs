//! Models, and predictions with them.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use slide_core::data::Numbering;
use slide_core::{
    BuildIndex, Example, IndexConfig, Parts, PredictError, Prediction, Predictions, Predictor, QuantizeConfig,
    Retrieval, Runtime,
};
use slide_tables::TableModel;

use crate::arrays::Integers;
use crate::dataset::Dataset;
use crate::process::{self, OfProcess};
use crate::{errors, settings};

/// Examples predicted at a time. Between them the interpreter looks for signals.
const PIECE: usize = 4096;
/// Examples that are not worth waking other threads for.
const FEW: usize = 16;

/// A model, whose predictors are made when they are first needed.
#[pyclass(frozen, module = "slide._native")]
pub(crate) struct Model {
    pub(crate) model: Arc<slide_core::Model>,
    /// What it has of the table that it was trained on, if that was one; once it is needed.
    pub(crate) table: OnceLock<Option<Arc<TableModel>>>,
    threads: Option<NonZeroUsize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    runtime: Option<OfProcess<Runtime>>,
    predictors: Vec<(Parts, Retrieval, Arc<OfProcess<Shared>>)>,
}

/// A predictor that threads share.
pub(crate) struct Shared {
    pub(crate) predictor: Predictor,
    /// Calls at present that want all threads: the first has them, and the others work on their own.
    calls: AtomicUsize,
}

/// Labels and scores, in arrays of Python.
pub(crate) type Answers<'py> = (Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f32>>);

/// `k` places for the best labels of each row, filled from the front; -1 and 0 where there are fewer.
pub(crate) struct Places {
    rows: usize,
    k: usize,
    labels: Vec<i64>,
    scores: Vec<f32>,
}

impl Places {
    pub(crate) fn new(rows: usize, k: usize) -> PyResult<Self> {
        let places = rows.checked_mul(k).filter(|&places| places < isize::MAX as usize / 16);
        let places = places.ok_or_else(|| PyMemoryError::new_err(format!("{rows} rows of {k} labels")))?;
        Ok(Self { rows, k, labels: vec![-1; places], scores: vec![0.0; places] })
    }

    /// The best labels of a row, with their scores.
    pub(crate) fn fill(&mut self, row: usize, best: impl Iterator<Item = (u32, f32)>) {
        for ((label, score), place) in best.zip(row * self.k..(row + 1) * self.k) {
            (self.labels[place], self.scores[place]) = (label.into(), score);
        }
    }

    pub(crate) fn into_arrays(self, py: Python<'_>) -> PyResult<Answers<'_>> {
        let shape = (self.rows, self.k);
        let shaped = |_| PyValueError::new_err("the shape does not fit");
        let labels = Array2::from_shape_vec(shape, self.labels).map_err(shaped)?;
        let scores = Array2::from_shape_vec(shape, self.scores).map_err(shaped)?;
        Ok((labels.into_pyarray(py), scores.into_pyarray(py)))
    }
}

/// What is wrong with the examples of a call.
enum Fault {
    /// Columns of a row that do not ascend: the caller sorts and adds up.
    Order,
    Offsets,
    Column {
        row: usize,
        column: i64,
    },
    Prediction(PredictError),
}

/// The matrix of a call, and where its answers go.
struct Call<'a> {
    offsets: &'a [u64],
    columns: &'a [u32],
    values: &'a [f32],
    width: usize,
    k: usize,
}

impl Call<'_> {
    fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The examples of some rows.
    fn examples(&self, rows: Range<usize>) -> Result<Vec<Example<'_>>, Fault> {
        rows.map(|row| {
            let range = self.offsets[row] as usize..self.offsets[row + 1] as usize;
            let columns = self.columns.get(range.clone()).ok_or(Fault::Offsets)?;
            let values = self.values.get(range).ok_or(Fault::Offsets)?;
            let is_ascending = columns.is_sorted_by(|left, right| left < right);
            if is_ascending && columns.last().is_none_or(|&last| (last as usize) < self.width) {
                return Ok((columns, values));
            }
            match columns.iter().find(|&&column| column as usize >= self.width) {
                Some(&column) => Err(Fault::Column { row, column: i64::from(column as i32) }),
                None => Err(Fault::Order),
            }
        })
        .collect()
    }

    /// Predicts some rows.
    fn answer(&self, shared: &Shared, rows: Range<usize>, places: &mut Places) -> Result<(), Fault> {
        let first = rows.start;
        let examples = self.examples(rows)?;
        let mut place = |row: usize, found: &[Prediction]| {
            places.fill(first + row, found.iter().map(|best| (best.label, best.probability)));
        };
        let predictor = &shared.predictor;
        let answered = match &examples[..] {
            [example] => {
                let mut found = Vec::with_capacity(self.k.min(predictor.model().labels()));
                predictor.predict_into(*example, self.k, &mut found).map(|()| place(0, &found))
            }
            _ => {
                let mut found = Predictions::default();
                shared
                    .answer_all(&examples, self.k, &mut found)
                    .map(|()| found.iter().enumerate().for_each(|(row, found)| place(row, found)))
            }
        };
        answered.map_err(|error| Fault::Prediction(later_by(error, first)))
    }
}

impl Shared {
    /// Predicts examples, with all threads if they are worth it and no other call has them.
    pub(crate) fn answer_all(
        &self,
        examples: &[Example<'_>],
        k: usize,
        found: &mut Predictions,
    ) -> Result<(), PredictError> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let done = if calls > 0 || examples.len() < FEW {
            self.predictor.session().predict_batch_into(examples, k, found)
        } else {
            self.predictor.predict_batch_into(examples, k, found)
        };
        self.calls.fetch_sub(1, Ordering::Relaxed);
        done
    }
}

/// The same error for an example whose number is greater by `rows`.
fn later_by(mut error: PredictError, rows: usize) -> PredictError {
    if let PredictError::NotFinite { example, .. } | PredictError::Lengths { example, .. } = &mut error {
        *example += rows;
    }
    error
}

impl Fault {
    /// None for what the caller can do something about.
    fn raise(self, width: usize) -> Option<PyErr> {
        Some(match self {
            Self::Order => return None,
            Self::Offsets => PyValueError::new_err("X: indptr: expected ascending offsets of indices"),
            Self::Column { row, column } => PyValueError::new_err(format!(
                "X: row {row}: expected columns from 0 and below {width}, found {column}"
            )),
            Self::Prediction(PredictError::NotFinite { example, feature, value }) => PyValueError::new_err(format!(
                "X: row {example}: expected finite values, found {value} in column {feature}"
            )),
            Self::Prediction(error) => errors::of_prediction(error),
        })
    }
}

impl Model {
    pub(crate) fn new(model: slide_core::Model, threads: Option<NonZeroUsize>) -> Self {
        Self { model: Arc::new(model), table: OnceLock::new(), threads, state: Mutex::default() }
    }

    /// The threads of this model in this process. The lock is held for a moment only, by threads that hold the interpreter: so a fork
    /// never finds it locked.
    pub(crate) fn runtime(&self) -> PyResult<Runtime> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.runtime_of(&mut state)
    }

    fn runtime_of(&self, state: &mut State) -> PyResult<Runtime> {
        if let Some(runtime) = state.runtime.as_ref().and_then(OfProcess::get) {
            return Ok(runtime.clone());
        }
        let runtime = process::start(self.threads)?;
        state.runtime = Some(OfProcess::new(runtime.clone()));
        Ok(runtime)
    }

    pub(crate) fn shared(&self, part: &str, retrieval: &str) -> PyResult<Arc<OfProcess<Shared>>> {
        let unknown = |error: slide_core::UnknownName| PyValueError::new_err(error.to_string());
        let (part, retrieval) =
            (part.parse::<Parts>().map_err(unknown)?, retrieval.parse::<Retrieval>().map_err(unknown)?);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = state.predictors.iter().find(|known| (known.0, known.1) == (part, retrieval));
        if let Some((.., shared)) = known.filter(|(.., shared)| shared.get().is_some()) {
            return Ok(Arc::clone(shared));
        }
        state.predictors.retain(|(.., shared)| shared.get().is_some());
        let runtime = self.runtime_of(&mut state)?;
        let predictor = Predictor::of_parts(Arc::clone(&self.model), part, retrieval, &runtime);
        let predictor = predictor.map_err(errors::of_prediction)?.ignoring_unknown_features();
        let shared = Arc::new(OfProcess::new(Shared { predictor, calls: AtomicUsize::new(0) }));
        state.predictors.push((part, retrieval, Arc::clone(&shared)));
        Ok(shared)
    }

    /// A copy of the model that can be changed.
    fn copy(&self, py: Python<'_>) -> PyResult<slide_core::Model> {
        py.detach(|| {
            let file = tempfile::NamedTempFile::new()?;
            self.model.save(file.path()).map_err(errors::of_model)?;
            slide_core::Model::load(file.path()).map_err(errors::of_model)
        })
    }
}

/// The columns that have places, ascending.
fn known(numbering: &Numbering, py: Python<'_>) -> Py<PyArray1<u32>> {
    let all = || (0..numbering.places() as u32).map(|place| numbering.column(place)).collect();
    PyArray1::from_vec(py, all()).unbind()
}

#[pymethods]
impl Model {
    /// A model in its file, or a copy of it.
    #[staticmethod]
    #[pyo3(signature = (path, *, map=true, threads=None))]
    fn load(py: Python<'_>, path: PathBuf, map: bool, threads: Option<NonZeroUsize>) -> PyResult<Self> {
        let load = |path: &Path| if map { slide_core::Model::open(path) } else { slide_core::Model::load(path) };
        py.detach(|| load(&path)).map(|model| Self::new(model, threads)).map_err(errors::of_model)
    }

    #[staticmethod]
    #[pyo3(signature = (content, threads=None))]
    fn of_bytes(py: Python<'_>, content: &[u8], threads: Option<NonZeroUsize>) -> PyResult<Self> {
        let model = py.detach(|| {
            let file = tempfile::NamedTempFile::new()?;
            std::fs::write(file.path(), content)?;
            slide_core::Model::load(file.path()).map_err(errors::of_model)
        })?;
        Ok(Self::new(model, threads))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.model.save(path)).map_err(errors::of_model)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let content = py.detach(|| {
            let file = tempfile::NamedTempFile::new()?;
            self.model.save(file.path()).map_err(errors::of_model)?;
            Ok::<_, PyErr>(std::fs::read(file.path())?)
        })?;
        Ok(PyBytes::new(py, &content))
    }

    /// Labels and scores of the best labels, best first; -1 and 0 where there are fewer. None if columns of a row do not ascend.
    #[pyo3(signature = (indptr, indices, values, k, part, retrieval))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        indptr: &Bound<'py, PyAny>,
        indices: &Bound<'py, PyAny>,
        values: &Bound<'py, PyArray1<f32>>,
        k: usize,
        part: &str,
        retrieval: &str,
    ) -> PyResult<Option<Answers<'py>>> {
        let shared = self.shared(part, retrieval)?;
        let Some(shared) = shared.get() else { return Err(PyValueError::new_err("the process was forked meanwhile")) };
        let (indices, values) = (Integers::of(indices)?, values.try_readonly()?);
        let (offsets, columns) = (Integers::of(indptr)?.offsets()?, indices.columns()?);
        if offsets.is_empty() {
            return Err(PyValueError::new_err("X: indptr: expected at least one number"));
        }
        let width = self.model.feature_numbering().width();
        let call = Call { offsets: &offsets, columns: columns.as_ref(), values: values.as_slice()?, width, k };
        if call.values.len() != call.columns.len() {
            let (values, columns) = (call.values.len(), call.columns.len());
            return Err(PyValueError::new_err(format!(
                "X: expected as many values as indices, found {values} and {columns}"
            )));
        }
        let rows = call.rows();
        let mut places = Places::new(rows, k)?;
        for start in (0..rows).step_by(PIECE) {
            let piece = start..rows.min(start + PIECE);
            if start > 0 {
                py.check_signals()?;
            }
            if let Err(fault) = py.detach(|| call.answer(shared, piece, &mut places)) {
                return fault.raise(width).map_or(Ok(None), Err);
            }
        }
        places.into_arrays(py).map(Some)
    }

    /// The model with fewer bits a weight.
    #[pyo3(signature = (to, input_bits, prune))]
    fn quantized(&self, py: Python<'_>, to: &str, input_bits: &str, prune: f64) -> PyResult<Self> {
        let unknown = |error: slide_core::UnknownName| PyValueError::new_err(error.to_string());
        if !(0.0..1.0).contains(&prune) {
            return Err(PyValueError::new_err(format!("prune: expected a share from 0 to less than 1, found {prune}")));
        }
        let mut config = QuantizeConfig::default();
        config.to = to.parse().map_err(unknown)?;
        config.input_bits = input_bits.parse().map_err(unknown)?;
        config.prune = prune;
        let (mut model, runtime) = (self.copy(py)?, self.runtime()?);
        py.detach(|| model.quantize(&config, &runtime)).map_err(errors::of_memory)?;
        Ok(Self::new(model, self.threads))
    }

    /// The model with an index of its labels, and what it finds, as JSON.
    #[pyo3(signature = (data, recall=None, queries=None, lists=None))]
    fn indexed(
        &self,
        py: Python<'_>,
        data: &Dataset,
        recall: Option<f32>,
        queries: Option<usize>,
        lists: Option<usize>,
    ) -> PyResult<Self> {
        let mut config = IndexConfig::default();
        config.index = BuildIndex::Always;
        config.index_recall = recall.unwrap_or(config.index_recall);
        (config.index_queries, config.index_lists) = (queries, lists);
        let (mut model, runtime) = (self.copy(py)?, self.runtime()?);
        data.with(py, |data| model.build_index(data, &config, &runtime).map(|_| model))?
            .map(|model| Self::new(model, self.threads))
            .map_err(errors::of_config)
    }

    /// What the index finds, as JSON.
    #[getter]
    fn index_report(&self) -> Option<String> {
        self.model.index().and_then(|report| serde_json::to_string(report).ok())
    }

    /// Settings that have a value, and the values as JSON.
    #[getter]
    fn settings(&self) -> Vec<(String, String)> {
        let values = self.model.config().values();
        values.into_iter().map(|(setting, value)| (settings::keyword(&setting), value)).collect()
    }

    #[getter]
    fn features(&self) -> usize {
        self.model.feature_numbering().width()
    }

    #[getter]
    fn labels(&self) -> usize {
        self.model.label_numbering().width()
    }

    /// The columns of labels that the model has.
    #[getter]
    fn known_labels(&self, py: Python<'_>) -> Py<PyArray1<u32>> {
        known(self.model.label_numbering(), py)
    }

    /// The training examples of each of `known_labels`.
    #[getter]
    fn label_frequencies(&self, py: Python<'_>) -> Py<PyArray1<u32>> {
        PyArray1::from_slice(py, self.model.label_frequencies()).unbind()
    }

    #[getter]
    fn examples(&self) -> usize {
        self.model.examples()
    }

    #[getter]
    fn parameters(&self) -> usize {
        self.model.parameters()
    }

    #[getter]
    fn has_network(&self) -> bool {
        self.model.has_network()
    }

    #[getter]
    fn has_linear(&self) -> bool {
        self.model.has_linear()
    }

    #[getter]
    fn is_resumable(&self) -> bool {
        self.model.is_resumable()
    }

    #[getter]
    fn threads(&self) -> PyResult<usize> {
        Ok(self.runtime()?.workers().count())
    }
}
