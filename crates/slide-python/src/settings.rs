//! Settings of a training by name, and what the machine offers.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;
use slide_core::{ConfigError, Setting, TrainConfig};
use slide_kernels::{Isa, Kernels};

use crate::errors;

/// The name of a setting as a keyword.
pub(crate) fn keyword(setting: &Setting) -> String {
    setting.key().replace('-', "_")
}

/// Values of settings, given as the program takes them.
pub(crate) fn values(settings: &[(String, String)]) -> PyResult<Vec<(String, Value)>> {
    let known = TrainConfig::settings();
    let value = |(name, text): &(String, String)| {
        let setting = known.iter().find(|setting| keyword(setting) == *name);
        let setting = setting.ok_or_else(|| PyValueError::new_err(format!("unknown setting `{name}`")))?;
        let value = setting.parse(text).map_err(|reason| PyValueError::new_err(format!("{name}: {reason}")))?;
        Ok((setting.key(), value))
    };
    settings.iter().map(value).collect()
}

/// `base` with other values of some settings.
pub(crate) fn put_over(base: &TrainConfig, values: &[(String, Value)]) -> Result<TrainConfig, ConfigError> {
    let config = base.with(values.iter().cloned())?;
    config.validate()?;
    Ok(config)
}

/// The same of values that are given as the program takes them.
pub(crate) fn changed(base: &TrainConfig, settings: &[(String, String)]) -> PyResult<TrainConfig> {
    put_over(base, &values(settings)?).map_err(errors::of_config)
}

/// Every setting: name, section, help, default as JSON, choices, and the samplers or optimizers that have it.
#[pyfunction]
pub(crate) fn settings(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let describe = |setting: Setting| {
        let entry = PyDict::new(py);
        entry.set_item("name", keyword(&setting))?;
        entry.set_item("section", setting.section)?;
        entry.set_item("help", setting.help())?;
        entry.set_item("default", setting.default())?;
        entry.set_item("choices", setting.choices.to_vec())?;
        entry.set_item("variants", TrainConfig::variants_with(&setting))?;
        Ok(entry)
    };
    TrainConfig::settings().into_iter().map(describe).collect()
}

/// The instruction sets of this machine, and the one that is used.
#[pyfunction]
pub(crate) fn machine() -> PyResult<(Vec<&'static str>, &'static str)> {
    let kernels = Kernels::from_env().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok((Isa::available().map(Isa::name).collect(), kernels.isa().name()))
}
