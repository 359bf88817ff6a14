//! The hash tables of the output layer, and when and how they are rebuilt.

use slide_kernels::{Kernels, Matrix, Values};
use slide_mem::{Placement, Workers};

use crate::config::{ConfigError, TrainConfig};
use crate::layer::rows::LayerRows;
use crate::lsh::{HashFunctions, HashTables};

/// Hash functions and tables over the output rows.
#[derive(Debug)]
pub struct OutputTables {
    /// The functions; queries use them too.
    pub functions: HashFunctions,
    /// The tables, by internal row.
    pub tables: HashTables,
    /// The batch before which the tables were last rebuilt; decides what a reservoir keeps.
    rebuilt_at: u64,
}

impl OutputTables {
    /// Empty tables for `output`, if the configured sampler uses tables.
    pub fn new(config: &TrainConfig, output: &LayerRows, placement: Placement) -> Result<Option<Self>, ConfigError> {
        if !config.sampler.uses_tables() {
            return Ok(None);
        }
        let settings = config.hash_settings();
        let functions = HashFunctions::new(&settings, output.width(), config.seed)?;
        let tables = HashTables::empty(&settings, output.rows(), placement)?;
        Ok(Some(Self { functions, tables, rebuilt_at: 0 }))
    }

    /// The codes in the tables and the batch they were made before: what a checkpoint holds of the tables. (Tables
    /// rebuilt from the weights of the checkpoint would be newer than those the uninterrupted run goes on with.)
    pub fn state(&self) -> TableState {
        TableState { codes: self.tables.codes(), rebuilt_at: self.rebuilt_at }
    }

    /// Fills the tables as they were when `state` was taken.
    pub fn restore(
        &mut self,
        state: &TableState,
        config: &TrainConfig,
        kernels: &Kernels,
        workers: &Workers,
    ) -> Result<(), ConfigError> {
        let settings = config.hash_settings();
        self.tables = HashTables::from_codes(&settings, self.tables.rows(), &state.codes, self.tables.placement())?;
        self.rebuilt_at = state.rebuilt_at;
        self.tables.rebuild(kernels, workers, config.seed, self.rebuilt_at);
        Ok(())
    }

    /// Hashes all rows of `output` and fills the tables, before batch `step`.
    pub fn rebuild(
        &mut self,
        output: &LayerRows,
        step: u64,
        config: &TrainConfig,
        kernels: &Kernels,
        workers: &Workers,
    ) {
        let table = output.table();
        let (width, stride, functions) = (output.width(), table.stride(), &self.functions);
        let tables = self.tables.settings().tables;
        self.tables.each_block_of_codes(workers, |rows, codes| {
            let range = rows.start * stride..rows.end * stride;
            let widened: Vec<f32>;
            let values = match table.values() {
                Values::F32(values) => &values[range],
                Values::Bf16(values) => {
                    widened = values[range].iter().map(|value| value.to_f32()).collect();
                    &widened
                }
            };
            let vectors = Matrix::new(values, stride, width).expect("whole rows");
            debug_assert_eq!(codes.len(), rows.len() * tables);
            functions.codes(kernels, vectors, codes);
        });
        self.rebuilt_at = step;
        self.tables.rebuild(kernels, workers, config.seed, step);
    }
}

/// What determines the contents of the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableState {
    /// The codes of all output rows, `[internal row][tables]`.
    pub codes: Vec<u32>,
    /// The batch before which they were computed.
    pub rebuilt_at: u64,
}
