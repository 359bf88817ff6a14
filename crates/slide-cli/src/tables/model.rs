//! What a model of a table has beside its weights: columns, features, and the names of its labels.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use slide_core::data::{Dataset, Parts};
use slide_core::{Model, Prediction};
use slide_features::read::{Format, Reader};
use slide_features::{Featurizer, Sparse, Table, Targets};

use crate::usage::Usage;

/// Attachments of the model.
const SCHEMA: &str = "table";
const FEATURES: &str = "features";
/// Labels that a softmax is taken over, and that a model of single labels is asked for.
pub(super) const COMPARED: usize = 64;
/// Logits that are told apart.
const LARGEST_LOGIT: f32 = 16.0;

/// What is stored as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Schema {
    /// The column with the labels.
    pub(crate) target: String,
    pub(crate) target_delimiter: Option<char>,
    /// Whether each row has one label.
    pub(crate) single: bool,
    /// The name of each label.
    pub(crate) labels: Vec<String>,
    /// What logits are divided by before the softmax.
    pub(crate) temperature: f32,
}

/// A model of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableModel {
    pub(crate) schema: Schema,
    pub(crate) featurizer: Featurizer,
}

impl TableModel {
    /// That of a model which was trained on a table.
    pub(crate) fn of(model: &Model) -> Result<Option<Self>> {
        let Some((schema, features)) = model.attachment(SCHEMA).zip(model.attachment(FEATURES)) else {
            return Ok(None);
        };
        let schema: Schema = serde_json::from_slice(schema).context("the table of the model cannot be read")?;
        let featurizer = Featurizer::from_bytes(features)?;
        let labels = model.label_numbering().width();
        ensure!(schema.labels.len() == labels, "the model has {labels} labels and {} names", schema.labels.len());
        Ok(Some(Self { schema, featurizer }))
    }

    /// What belongs to the model's file.
    pub(crate) fn attachments(&self) -> Result<[(&'static str, Vec<u8>); 2]> {
        Ok([(SCHEMA, serde_json::to_vec(&self.schema)?), (FEATURES, self.featurizer.to_bytes())])
    }

    /// The names of the columns that features are made of.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.featurizer.config().columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Checks that a file has all columns, if it says which it has.
    pub(crate) fn check_columns(&self, reader: &Reader, path: &Path) -> Result<()> {
        if reader.format() == Format::Jsonl {
            return Ok(());
        }
        let missing = |name: &&String| !reader.names().contains(name);
        match self.columns().iter().find(missing) {
            Some(name) => {
                let (path, has) = (path.display(), reader.names().join("`, `"));
                Err(Usage(format!("{path}: no column `{name}`, which the model was trained with; it has `{has}`"))
                    .into())
            }
            None => Ok(()),
        }
    }

    /// Rows as examples with labels.
    pub(crate) fn dataset(&self, table: &Table, rows: &[u32], targets: Option<&Targets>) -> Result<Dataset> {
        dataset(&self.featurizer, table, rows, targets, self.schema.labels.len())
    }

    /// The probabilities of the best labels, of the answer to [`asked`](Self::asked) labels.
    pub(crate) fn probabilities(&self, predictions: &[Prediction], top: usize, out: &mut Vec<(u32, f32)>) {
        out.clear();
        let all = predictions.iter().map(|one| (one.label, one.probability));
        if self.schema.single {
            out.extend(all.map(|(label, probability)| (label, logit(probability))));
            softmax(out, self.schema.temperature);
        } else {
            out.extend(all);
        }
        out.truncate(top);
    }

    /// Labels to ask the model for, where `top` are wanted.
    pub(crate) fn asked(&self, top: usize) -> usize {
        if self.schema.single { top.max(COMPARED) } else { top }
    }
}

pub(crate) fn logit(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln().clamp(-LARGEST_LOGIT, LARGEST_LOGIT)
}

/// Logits become probabilities.
pub(crate) fn softmax(logits: &mut [(u32, f32)], temperature: f32) {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |largest, &(_, logit)| largest.max(logit));
    logits.iter_mut().for_each(|(_, logit)| *logit = ((*logit - largest) / temperature).exp());
    let sum: f32 = logits.iter().map(|&(_, one)| one).sum();
    logits.iter_mut().for_each(|(_, one)| *one /= sum);
}

/// Rows of features with labels.
pub(crate) fn dataset(
    featurizer: &Featurizer,
    table: &Table,
    rows: &[u32],
    targets: Option<&Targets>,
    labels: usize,
) -> Result<Dataset> {
    let Sparse { indptr, indices, values } = featurizer.transform(table, rows);
    let (mut label_indptr, mut label_indices) = (vec![0], Vec::new());
    for &row in rows {
        label_indices.extend(targets.map_or(&[][..], |targets| targets.of(row as usize)));
        label_indptr.push(label_indices.len() as u64);
    }
    Ok(Dataset::try_from(Parts {
        feature_indptr: indptr,
        feature_indices: indices,
        feature_values: values,
        label_indptr,
        label_indices,
        feature_count: featurizer.width(),
        label_count: labels,
    })?)
}
