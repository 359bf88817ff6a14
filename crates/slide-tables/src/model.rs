//! What a model of a table has beside its weights: columns, features, and the names of its labels.

use serde::{Deserialize, Serialize};
use slide_core::data::{Dataset, Parts};
use slide_core::{Model, Prediction};
use slide_features::{Featurizer, Sparse, Table, Targets};

use crate::error::TableError;

/// Attachments of the model.
const SCHEMA: &str = "table";
const FEATURES: &str = "features";
/// Labels that a softmax is taken over, and that a model of single labels is asked for.
pub(crate) const COMPARED: usize = 64;
/// Logits that are told apart.
const LARGEST_LOGIT: f32 = 16.0;

/// What is stored as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Schema {
    pub(crate) target: String,
    pub(crate) target_delimiter: Option<char>,
    /// Whether each row has one label.
    pub(crate) single: bool,
    pub(crate) labels: Vec<String>,
    /// What logits are divided by.
    pub(crate) temperature: f32,
    /// What is then added to the logit of each label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) offsets: Option<Vec<f32>>,
}

/// What makes a model one of tables: how features are made of rows, and what its labels are called.
#[derive(Clone, Debug)]
pub struct TableModel {
    schema: Schema,
    featurizer: Featurizer,
}

impl TableModel {
    pub(crate) fn new(featurizer: Featurizer, schema: Schema) -> Self {
        Self { schema, featurizer }
    }

    /// That of a model which was trained on a table; `None` for another.
    ///
    /// # Errors
    /// What the file has of it is damaged.
    pub fn of(model: &Model) -> Result<Option<Self>, TableError> {
        let Some((schema, features)) = model.attachment(SCHEMA).zip(model.attachment(FEATURES)) else {
            return Ok(None);
        };
        let schema: Schema = serde_json::from_slice(schema)?;
        let featurizer = Featurizer::from_bytes(features)?;
        let (labels, names) = (model.label_numbering().width(), schema.labels.len());
        if names != labels || schema.offsets.as_ref().is_some_and(|offsets| offsets.len() != labels) {
            return Err(TableError::Names { labels, names });
        }
        Ok(Some(Self { schema, featurizer }))
    }

    /// What belongs to the model's file: to be given to [`slide_core::Trainer::attach`] before the training ends.
    ///
    /// # Panics
    /// Never: every schema can be written.
    #[must_use]
    pub fn attachments(&self) -> [(&'static str, Vec<u8>); 2] {
        let schema = serde_json::to_vec(&self.schema).expect("strings and numbers");
        [(SCHEMA, schema), (FEATURES, self.featurizer.to_bytes())]
    }

    /// The names of the labels.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.schema.labels
    }

    /// Whether each row has one label, so that its probabilities sum to 1.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.schema.single
    }

    /// The column with the labels.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.schema.target
    }

    /// What makes features of rows.
    #[must_use]
    pub fn featurizer(&self) -> &Featurizer {
        &self.featurizer
    }

    /// The names of the columns that features are made of.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        self.featurizer.config().columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The labels in the column of the target, by their numbers in this model.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn targets(&self, table: &Table, column: usize) -> Targets {
        Targets::with_names(table, column, self.schema.target_delimiter, self.schema.labels.clone())
    }

    /// Rows as examples, with labels if there are `targets`.
    ///
    /// # Errors
    /// The examples are more than a data set takes.
    pub fn dataset(&self, table: &Table, rows: &[u32], targets: Option<&Targets>) -> Result<Dataset, TableError> {
        dataset(&self.featurizer, table, rows, targets, self.schema.labels.len())
    }

    /// The probabilities of the `top` best labels, from the answer to a question for [`asked`](Self::asked) labels.
    pub fn probabilities(&self, predictions: &[Prediction], top: usize, out: &mut Vec<(u32, f32)>) {
        out.clear();
        let all = predictions.iter().map(|one| (one.label, one.probability));
        if self.schema.single {
            out.extend(all.map(|(label, probability)| (label, logit(probability))));
            softmax(out, self.schema.temperature, self.schema.offsets.as_deref());
        } else {
            out.extend(all);
        }
        out.truncate(top);
    }

    /// Labels to ask the model for, where `top` are wanted.
    #[must_use]
    pub fn asked(&self, top: usize) -> usize {
        if self.schema.single { top.max(COMPARED) } else { top }
    }
}

pub(crate) fn logit(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln().clamp(-LARGEST_LOGIT, LARGEST_LOGIT)
}

/// Logits become probabilities, best first.
pub(crate) fn softmax(logits: &mut [(u32, f32)], temperature: f32, offsets: Option<&[f32]>) {
    for (label, logit) in &mut *logits {
        *logit = *logit / temperature + offsets.map_or(0.0, |offsets| offsets[*label as usize]);
    }
    if offsets.is_some() {
        logits.sort_by(|a, b| b.1.total_cmp(&a.1));
    }
    let largest = logits.first().map_or(0.0, |&(_, logit)| logit);
    logits.iter_mut().for_each(|(_, logit)| *logit = (*logit - largest).exp());
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
) -> Result<Dataset, TableError> {
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
