//! A model as it is served: its predictor and the names that go with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};
use slide_core::data::names;
use slide_core::{Model, Predictor, Retrieval, Runtime};
use slide_mem::Placement;
use slide_tables::TableModel;

use crate::options::open_model;

/// Where models come from, again and again.
pub(crate) struct Source {
    pub(crate) model: PathBuf,
    pub(crate) label_names: Option<PathBuf>,
    pub(crate) feature_names: Option<PathBuf>,
    pub(crate) retrieval: Retrieval,
    pub(crate) ignores_unknown_features: bool,
    pub(crate) placement: Placement,
    pub(crate) runtime: Runtime,
}

/// A model that is served.
pub(crate) struct Served {
    pub(crate) predictor: Predictor,
    /// 1 for the first model, 2 for the one that was taken over next.
    pub(crate) generation: u64,
    pub(crate) ignores_unknown_features: bool,
    path: PathBuf,
    loaded: SystemTime,
    /// The name of each label, as JSON.
    label_names: Option<Vec<Box<str>>>,
    /// If it was trained on a table.
    table: Option<TableModel>,
    feature_numbers: Option<HashMap<Box<str>, u32>>,
}

impl Source {
    /// Reads the model and its names.
    pub(crate) fn load(&self, generation: u64) -> Result<Served> {
        let model = open_model(&self.model, &self.placement)?;
        let read = |path: &Option<PathBuf>, count| path.as_ref().map(|path| names::read(path, Some(count))).transpose();
        let table = TableModel::of(&model)?;
        let of_table = || table.as_ref().map(|table| table.labels().to_vec());
        let labels = read(&self.label_names, model.label_numbering().width())?.or_else(of_table);
        let features = read(&self.feature_names, model.feature_numbering().width())?;
        let quoted = |name: String| Value::from(name).to_string().into_boxed_str();
        let predictor = Predictor::with(model, self.retrieval, &self.runtime)?;
        // Rows have words that no other row has.
        let ignores_unknown_features = self.ignores_unknown_features || table.is_some();
        Ok(Served {
            ignores_unknown_features,
            predictor: if ignores_unknown_features { predictor.ignoring_unknown_features() } else { predictor },
            generation,
            table,
            path: self.model.clone(),
            loaded: SystemTime::now(),
            label_names: labels.map(|names| names.into_iter().map(quoted).collect()),
            feature_numbers: features
                .map(|names| names.into_iter().map(String::into_boxed_str).zip(0..).collect::<HashMap<_, _>>()),
        })
    }
}

impl Served {
    pub(crate) fn model(&self) -> &Model {
        self.predictor.model()
    }

    /// What makes features of rows, if the model was trained on a table.
    pub(crate) fn table(&self) -> Option<&TableModel> {
        self.table.as_ref()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of a label, as JSON.
    pub(crate) fn label_name(&self, label: u32) -> Option<&str> {
        Some(self.label_names.as_ref()?.get(label as usize)?)
    }

    /// The columns of features by their names; none if the server was given no names.
    pub(crate) fn feature_numbers(&self) -> Option<&HashMap<Box<str>, u32>> {
        self.feature_numbers.as_ref()
    }

    /// What `/model` says.
    pub(crate) fn description(&self) -> Value {
        let model = self.model();
        json!({
            "file": self.path.display().to_string(),
            "generation": self.generation,
            "loaded_unix_seconds": self.loaded.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
            "features": model.features(),
            "labels": model.labels(),
            "first_feature": model.feature_numbering().number(0),
            "first_label": model.label_numbering().number(0),
            "parameters": model.parameters(),
            "linear_weights": model.linear_weights(),
            "training_examples": model.examples(),
            "columns": self.table.as_ref().map(TableModel::columns),
            "has_label_names": self.label_names.is_some(),
            "has_feature_names": self.feature_numbers.is_some(),
            "config": model.config(),
        })
    }
}
