//! A table that is learned from: its columns, its labels and the rows that have one.

use std::ops::ControlFlow;

use slide_core::{ConfigError, Dataset, Runtime, TrainConfig};
use slide_features::{Column, Featurizer, Kind, Table, Targets, infer};

use crate::choose::{self, Chosen, Progress};
use crate::config::TableConfig;
use crate::error::TableError;
use crate::model::{Schema, TableModel};

/// Columns that are the target if none is said.
const TARGETS: [&str; 5] = ["label", "labels", "target", "class", "y"];

/// A table with what it is said and seen to have.
#[derive(Debug)]
pub struct Source<'a> {
    pub(crate) table: &'a Table,
    pub(crate) config: &'a TableConfig,
    pub(crate) targets: Targets,
    pub(crate) rows: Vec<u32>,
    target: usize,
    columns: Vec<(Column, String)>,
}

impl<'a> Source<'a> {
    /// Looks at a table.
    ///
    /// # Errors
    /// It has not the columns of `config`, none for the labels or none for features, or fewer than two labels.
    pub fn new(table: &'a Table, config: &'a TableConfig) -> Result<Self, TableError> {
        let no_column = |name: &str| TableError::NoColumn { name: name.into(), has: table.names().to_vec() };
        let target = match &config.target {
            Some(name) => table.column(name).ok_or_else(|| no_column(name))?,
            None => TARGETS
                .iter()
                .find_map(|name| table.column(name))
                .ok_or_else(|| TableError::NoTarget { has: table.names().to_vec() })?,
        };
        for name in config.text.iter().chain(config.columns.iter().map(|column| &column.name)) {
            if table.column(name).ok_or_else(|| no_column(name))? == target {
                return Err(TableError::TargetAsFeature { name: name.clone() });
            }
        }
        let columns = columns(table, config, target);
        if columns.iter().all(|(column, _)| column.kind == Kind::Id) {
            return Err(TableError::NoFeatures);
        }
        let targets = Targets::new(table, target, config.target_delimiter);
        if targets.names.len() < 2 {
            let (column, labels) = (table.names()[target].clone(), targets.names.len());
            return Err(TableError::FewLabels { column, labels });
        }
        if config.balance && !targets.are_single() {
            return Err(TableError::Balance);
        }
        let rows = (0..targets.rows() as u32).filter(|&row| !targets.of(row as usize).is_empty()).collect();
        Ok(Self { table, config, targets, rows, target, columns })
    }

    /// The column of the labels.
    #[must_use]
    pub fn target(&self) -> usize {
        self.target
    }

    /// The other columns, and why each is taken for what it is.
    #[must_use]
    pub fn columns(&self) -> &[(Column, String)] {
        &self.columns
    }

    /// Rows without a label, which are left out.
    #[must_use]
    pub fn rows_without_label(&self) -> usize {
        self.table.rows() - self.rows.len()
    }

    /// Tries a few ways to learn on held-out rows. `settings` puts what is decided over the settings of a way; `watch` is told what
    /// happens and may end it.
    ///
    /// # Errors
    /// Impossible settings, a training that fails, or `watch` ended it.
    pub fn choose(
        &self,
        settings: &dyn Fn(&TrainConfig) -> Result<TrainConfig, ConfigError>,
        runtime: &Runtime,
        watch: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Chosen, TableError> {
        choose::choose(self, settings, runtime, watch)
    }

    /// Makes the features of all rows, and what the model is to know of them.
    ///
    /// # Errors
    /// The examples are more than a data set takes.
    pub fn featurize(&self, chosen: &Chosen) -> Result<(TableModel, Dataset), TableError> {
        let featurizer = Featurizer::fit(&chosen.features, self.table, &self.rows, Some(&self.targets));
        let (name, names) = (self.table.names()[self.target].clone(), self.targets.names.clone());
        let schema = Schema {
            target: name,
            target_delimiter: self.config.target_delimiter,
            single: self.targets.are_single(),
            labels: names,
            temperature: chosen.temperature,
            offsets: self.offsets(),
        };
        let model = TableModel::new(featurizer, schema);
        let data = model.dataset(self.table, &self.rows, Some(&self.targets))?;
        Ok((model, data))
    }

    /// What is added to the logits of labels where all are to count the same: they were learned with the frequencies that they have
    /// (Menon et al., "Long-tail learning via logit adjustment", ICLR 2021).
    pub(crate) fn offsets(&self) -> Option<Vec<f32>> {
        if !self.config.balance {
            return None;
        }
        let mut counts = vec![0_u32; self.targets.names.len()];
        self.targets.indices.iter().for_each(|&label| counts[label as usize] += 1);
        let mean = self.rows.len() as f64 / counts.len() as f64;
        Some(counts.iter().map(|&count| (mean / f64::from(count.max(1))).ln() as f32).collect())
    }

    /// The columns that features are made of.
    pub(crate) fn used(&self) -> Vec<Column> {
        self.columns.iter().map(|(column, _)| column.clone()).filter(|column| column.kind != Kind::Id).collect()
    }

    /// The pairs of columns that are crossed, by their numbers in `columns`.
    pub(crate) fn crosses(&self, columns: &[Column]) -> Result<Vec<(usize, usize)>, TableError> {
        let number = |name: &String| {
            let has = || columns.iter().map(|column| column.name.clone()).collect();
            let found = columns.iter().position(|column| column.name == *name);
            found.ok_or_else(|| TableError::NoColumn { name: name.clone(), has: has() })
        };
        self.config.crosses.iter().map(|(a, b)| Ok((number(a)?, number(b)?))).collect()
    }
}

fn columns(table: &Table, config: &TableConfig, target: usize) -> Vec<(Column, String)> {
    let mut columns = Vec::new();
    for number in (0..table.names().len()).filter(|&number| number != target) {
        let name = &table.names()[number];
        if let Some(column) = config.columns.iter().rev().find(|column| column.name == *name) {
            columns.push((column.clone(), "given".into()));
        } else if config.text.contains(name) {
            columns.push((Column { name: name.clone(), kind: Kind::Text, delimiter: None }, "given".into()));
        } else if config.text.is_empty() {
            let inferred = infer(table, number);
            columns.push((inferred.column, inferred.reason));
        }
    }
    columns
}
