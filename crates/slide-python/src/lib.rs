//! What the Python package `slide` is made of: data sets, models, training and evaluation of slide-core for Python. `python/slide` has
//! the interface that people use; this module is private to it.
//!
//! Whatever takes time releases the interpreter. Arrays of Python are borrowed for the time of a call and not copied.
#![forbid(unsafe_code)]

mod arrays;
mod dataset;
mod errors;
mod evaluation;
mod model;
mod process;
mod settings;
mod table;
mod training;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::dataset::{Dataset, read_names};
    #[pymodule_export]
    use crate::evaluation::evaluate;
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::settings::{machine, settings};
    #[pymodule_export]
    use crate::table::{Plan, Table, explain_row, label_names, plan, predict_rows, table_columns};
    #[pymodule_export]
    use crate::training::train;

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
