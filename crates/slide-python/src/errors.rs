//! Errors of slide-core as exceptions.

use std::io;

use pyo3::PyErr;
use pyo3::exceptions::{PyArithmeticError, PyMemoryError, PyOSError, PyRuntimeError, PyValueError};
use slide_core::data::DataError;
use slide_core::{ConfigError, ModelError, PredictError, RuntimeError, TrainError};
use slide_mem::MemError;

/// The subclass of `OSError` that belongs to the kind of `source`, with a message that names the file.
fn of_system(source: &io::Error, message: String) -> PyErr {
    io::Error::new(source.kind(), message).into()
}

pub(crate) fn of_data(error: DataError) -> PyErr {
    let message = error.to_string();
    match error {
        DataError::Io { source, .. } => of_system(&source, message),
        DataError::Mapping(error) => of_memory(error),
        DataError::Threads(_) => PyRuntimeError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}

pub(crate) fn of_config(error: ConfigError) -> PyErr {
    PyValueError::new_err(match error {
        ConfigError::Value { key, reason } => format!("{}: {reason}", key.replace('-', "_")),
        other => other.to_string(),
    })
}

pub(crate) fn of_model(error: ModelError) -> PyErr {
    let message = error.to_string();
    match error {
        ModelError::Io { source, .. } => of_system(&source, message),
        ModelError::Memory(error) => of_memory(error),
        _ => PyValueError::new_err(message),
    }
}

pub(crate) fn of_memory(error: MemError) -> PyErr {
    let message = error.to_string();
    match error {
        MemError::File { source, .. } => of_system(&source, message),
        MemError::NotRegular { .. } | MemError::Resized { .. } | MemError::Lost { .. } => PyOSError::new_err(message),
        MemError::Thread { .. } => PyRuntimeError::new_err(message),
        _ => PyMemoryError::new_err(message),
    }
}

pub(crate) fn of_runtime(error: RuntimeError) -> PyErr {
    match error {
        RuntimeError::Memory(error) => of_memory(error),
        other => PyValueError::new_err(other.to_string()),
    }
}

pub(crate) fn of_prediction(error: PredictError) -> PyErr {
    match error {
        PredictError::File(error) => of_memory(error),
        PredictError::Runtime(error) => of_runtime(error),
        other => PyValueError::new_err(other.to_string()),
    }
}

pub(crate) fn of_training(error: TrainError) -> PyErr {
    match error {
        TrainError::Config(error) => of_config(error),
        TrainError::Memory(error) => of_memory(error),
        TrainError::Runtime(error) => of_runtime(error),
        TrainError::Diverged { .. } => PyArithmeticError::new_err(error.to_string()),
        other => PyValueError::new_err(other.to_string()),
    }
}
