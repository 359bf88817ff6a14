//! Texts and tables: what is learned of them, and predictions of their rows.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use serde_json::json;
use slide_core::{Predictions, TrainConfig};
use slide_features::{Column, Scratch, Sparse, Weighting};
use slide_tables::{Lengths, Progress, Source, TableConfig, TableError, TableModel, explain};

use crate::dataset::Dataset;
use crate::model::{Answers, Model, Places};
use crate::{errors, process, settings};

/// How often the thread that called looks for signals.
const POLL: Duration = Duration::from_millis(100);
/// Rows whose features one thread makes.
const FEW: usize = 256;
/// Rows predicted at a time.
const PIECE: usize = 4096;

/// Rows of named columns of strings.
#[pyclass(frozen, module = "slide._native")]
pub(crate) struct Table(slide_features::Table);

#[pymethods]
impl Table {
    /// Columns of one length; an empty string is a missing value.
    #[new]
    fn new(names: Vec<String>, columns: Vec<Vec<PyBackedStr>>) -> PyResult<Self> {
        let rows = columns.first().map_or(0, Vec::len);
        if names.len() != columns.len() || columns.iter().any(|column| column.len() != rows) {
            return Err(PyValueError::new_err("X: expected columns of one length"));
        }
        let mut table = slide_features::Table::new(names);
        for row in 0..rows {
            table.push(columns.iter().map(|column| &*column[row]));
        }
        Ok(Self(table))
    }
}

/// What is to be trained of a table.
#[pyclass(frozen, module = "slide._native")]
pub(crate) struct Plan {
    pub(crate) config: TrainConfig,
    pub(crate) table: TableModel,
    #[pyo3(get)]
    data: Py<Dataset>,
    /// The columns and why, the ways that were tried and the one that was chosen, as JSON.
    #[pyo3(get)]
    report: String,
}

fn of_table(error: TableError) -> PyErr {
    match error {
        TableError::Config(error) => errors::of_config(error),
        TableError::Train(error) => errors::of_training(error),
        TableError::Predict(error) => errors::of_prediction(error),
        TableError::Data(error) => errors::of_data(error),
        other => PyValueError::new_err(other.to_string()),
    }
}

/// Looks at a table and tries ways to learn on held-out rows.
#[pyfunction]
#[pyo3(signature = (table, target, changes, *, text=vec![], columns=vec![], crosses=vec![], word_ngrams=None, char_ngrams=None, pair_window=0, weighting=None, min_rows=None, balance=false, threads=None))]
pub(crate) fn plan(
    py: Python<'_>,
    table: &Table,
    target: String,
    changes: Vec<(String, String)>,
    text: Vec<String>,
    columns: Vec<(String, String, Option<char>)>,
    crosses: Vec<(String, String)>,
    word_ngrams: Option<usize>,
    char_ngrams: Option<(usize, usize)>,
    pair_window: usize,
    weighting: Option<&str>,
    min_rows: Option<u32>,
    balance: bool,
    threads: Option<NonZeroUsize>,
) -> PyResult<Plan> {
    let column = |(name, kind, delimiter): (String, String, Option<char>)| {
        Ok(Column { name, kind: kind.parse().map_err(PyValueError::new_err)?, delimiter })
    };
    let weighting = weighting.map(str::parse::<Weighting>).transpose().map_err(PyValueError::new_err)?;
    let config = TableConfig {
        target: Some(target),
        text,
        columns: columns.into_iter().map(column).collect::<PyResult<_>>()?,
        target_delimiter: None,
        crosses,
        word_ngrams,
        // No lengths are those of no n-grams.
        char_ngrams: char_ngrams.map(|lengths| Lengths((lengths != (0, 0)).then_some(lengths))),
        pair_window,
        weighting,
        min_rows,
        balance,
    };
    let changes = settings::values(&changes)?;
    let (runtime, pool) = (process::start(threads)?, process::pool(threads)?);
    let stop = AtomicBool::new(false);
    let mut tried = Vec::new();
    let mut watch = |progress: Progress<'_>| {
        match progress {
            Progress::Tried { way, accuracy, rows, time } => {
                let seconds = time.as_secs_f64();
                tried.push(json!({ "way": way, "accuracy": accuracy, "rows": rows, "seconds": seconds }));
            }
            Progress::Chosen { way, temperature } => {
                tried.push(json!({ "chosen": way, "temperature": temperature }));
            }
            _ => (),
        }
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let settings = |base: &TrainConfig| settings::put_over(base, &changes);
    let learn = || {
        let source = Source::new(&table.0, &config)?;
        let chosen = source.choose(&settings, &runtime, &mut watch)?;
        let columns: Vec<_> = source
            .columns()
            .iter()
            .map(|(column, reason)| json!({ "name": column.name, "kind": column.kind, "because": reason }))
            .collect();
        let (model, data) = source.featurize(&chosen)?;
        Ok::<_, TableError>((chosen.config, model, data, columns, source.rows_without_label()))
    };
    // Another thread works, and this one looks for signals.
    let (learned, interrupted) = std::thread::scope(|scope| {
        let (done, waits) = crossbeam_channel::bounded::<()>(0);
        let worker = scope.spawn(|| {
            let learned = pool.install(learn);
            drop(done);
            learned
        });
        let mut interrupted = None;
        while let Err(RecvTimeoutError::Timeout) = py.detach(|| waits.recv_timeout(POLL)) {
            if let Err(error) = py.check_signals() {
                stop.store(true, Ordering::Relaxed);
                interrupted = Some(error);
            }
        }
        (py.detach(|| worker.join()), interrupted)
    });
    if let Some(error) = interrupted {
        return Err(error);
    }
    let learned = learned.map_err(|_| PyRuntimeError::new_err("a thread of the trials panicked"))?;
    let (config, table, data, columns, without_label) = learned.map_err(of_table)?;
    let report = json!({ "columns": columns, "trials": tried, "rows_without_label": without_label }).to_string();
    Ok(Plan { config, table, data: Py::new(py, Dataset::of(data))?, report })
}

type Explained = (String, Option<f32>, f32, f32, Vec<(String, f32)>);

/// What a model has of the table that it was trained on, read once.
fn table_of(model: &Model) -> PyResult<Option<Arc<TableModel>>> {
    if let Some(known) = model.table.get() {
        return Ok(known.clone());
    }
    let table = TableModel::of(&model.model).map_err(of_table)?.map(Arc::new);
    Ok(model.table.get_or_init(|| table).clone())
}

fn needed(model: &Model) -> PyResult<Arc<TableModel>> {
    table_of(model)?.ok_or_else(|| PyValueError::new_err("the model was not trained on a table or on texts"))
}

/// The columns that rows need; None if the model was not trained on a table.
#[pyfunction]
pub(crate) fn table_columns(model: &Model) -> PyResult<Option<Vec<String>>> {
    Ok(table_of(model)?.map(|table| table.columns()))
}

/// The names of the labels; None if the model was not trained on a table.
#[pyfunction]
pub(crate) fn label_names(model: &Model) -> PyResult<Option<Vec<String>>> {
    Ok(table_of(model)?.map(|table| table.labels().to_vec()))
}

/// The best labels of each row and their probabilities; -1 and 0 where there are fewer.
#[pyfunction]
pub(crate) fn predict_rows<'py>(py: Python<'py>, model: &Model, rows: &Table, k: usize) -> PyResult<Answers<'py>> {
    let (engine, model, shared) = (model, needed(model)?, model.shared("both", "auto")?);
    let Some(shared) = shared.get() else { return Err(PyValueError::new_err("the process was forked meanwhile")) };
    let (table, count) = (fitted(&rows.0, &model)?, rows.0.rows());
    let numbers: Vec<u32> = (0..count as u32).collect();
    let pool =
        (count > FEW).then(|| process::pool(NonZeroUsize::new(engine.runtime()?.workers().count()))).transpose()?;
    let mut places = Places::new(count, k)?;
    let (mut found, mut best) = (Predictions::default(), Vec::new());
    for piece in numbers.chunks(PIECE) {
        py.check_signals()?;
        let answered = py.detach(|| {
            let Sparse { indptr, indices, values } = match &pool {
                Some(pool) => pool.install(|| model.featurizer().transform(&table, piece)),
                None => alone(&model, &table, piece),
            };
            let examples: Vec<_> = indptr
                .windows(2)
                .map(|pair| pair[0] as usize..pair[1] as usize)
                .map(|range| (&indices[range.clone()], &values[range]))
                .collect();
            shared.answer_all(&examples, model.asked(k), &mut found)
        });
        answered.map_err(errors::of_prediction)?;
        for (&row, predictions) in piece.iter().zip(found.iter()) {
            model.probabilities(predictions, k, &mut best);
            places.fill(row as usize, best.iter().copied());
        }
    }
    places.into_arrays(py)
}

/// What each feature of the first row adds to the score of a label: label, probability, score, constant, features.
#[pyfunction]
#[pyo3(signature = (model, row, label=None))]
pub(crate) fn explain_row(py: Python<'_>, model: &Model, row: &Table, label: Option<String>) -> PyResult<Explained> {
    let (model, shared) = (needed(model)?, model.shared("both", "auto")?);
    let Some(shared) = shared.get() else { return Err(PyValueError::new_err("the process was forked meanwhile")) };
    let table = fitted(&row.0, &model)?;
    let number = label.map(|name| {
        let number = model.labels().iter().position(|label| *label == name);
        number.map(|number| number as u32).ok_or_else(|| PyValueError::new_err(format!("label: no label {name:?}")))
    });
    let number = number.transpose()?;
    let explained = py.detach(|| explain(&model, &shared.predictor, |column| table.field(0, column), number));
    let explained = explained.map_err(of_table)?;
    let name = model.labels()[explained.label as usize].clone();
    Ok((name, explained.probability, explained.score, explained.constant, explained.features))
}

/// The columns that the model wants, in its order.
fn fitted(rows: &slide_features::Table, model: &TableModel) -> PyResult<slide_features::Table> {
    let columns = model.columns();
    let number = |name: &String| {
        let has = || rows.names().join("`, `");
        rows.column(name).ok_or_else(|| PyValueError::new_err(format!("X: no column `{name}`; it has `{}`", has())))
    };
    let numbers = columns.iter().map(number).collect::<PyResult<Vec<_>>>()?;
    let mut table = slide_features::Table::new(columns);
    for row in 0..rows.rows() {
        table.push(numbers.iter().map(|&column| rows.field(row, column)));
    }
    Ok(table)
}

/// The features of a few rows.
fn alone(model: &TableModel, table: &slide_features::Table, rows: &[u32]) -> Sparse {
    let (mut scratch, mut sparse) = (Scratch::default(), Sparse { indptr: vec![0], ..Sparse::default() });
    for &row in rows {
        let field = |column| table.field(row as usize, column);
        model.featurizer().row(field, &mut scratch, &mut sparse.indices, &mut sparse.values);
        sparse.indptr.push(sparse.indices.len() as u64);
    }
    sparse
}
