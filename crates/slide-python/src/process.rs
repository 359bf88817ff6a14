//! Threads that end with a process: after a fork the child has none of them.

use std::mem;
use std::num::NonZeroUsize;

use pyo3::PyErr;
use pyo3::exceptions::PyRuntimeError;
use slide_core::{Runtime, RuntimeOptions};

use crate::errors;

/// A value that has threads, of the process that made it. In a child of that process it is neither used nor dropped: dropping would wait
/// for threads that are not there.
pub(crate) struct OfProcess<T> {
    process: u32,
    value: Option<T>,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { process: std::process::id(), value: Some(value) }
    }

    /// None in a child of the process.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.process == std::process::id())
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            mem::forget(self.value.take());
        }
    }
}

/// Threads for a call or a model; `None` is one for each core.
pub(crate) fn start(threads: Option<NonZeroUsize>) -> Result<Runtime, PyErr> {
    let mut options = RuntimeOptions::default();
    options.threads = threads;
    Runtime::new(&options).map_err(errors::of_runtime)
}

/// Threads of rayon for as long as a call: those that live on a child of this process would not have. `None` is one for each core.
pub(crate) fn pool(threads: Option<NonZeroUsize>) -> Result<rayon::ThreadPool, PyErr> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, NonZeroUsize::get)).build();
    pool.map_err(|error| PyRuntimeError::new_err(error.to_string()))
}
