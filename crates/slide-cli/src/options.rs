//! Options shared by several verbs.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::Result;
use clap::{Args, ValueEnum};
use slide_core::data::{Format, IndexBase, ReadOptions};
use slide_core::{Model, ModelError, Runtime, RuntimeError};
use slide_kernels::Isa;
use slide_mem::{NumaPolicy, PagePolicy, Pinning, Placement};

use crate::choice::named;
use crate::usage::Usage;

const OUTPUT: &str = "Output";
const DATA: &str = "Data files";
const MACHINE: &str = "Machine (changes the time, never the result)";

/// Verbosity and format of the output.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct OutputOptions {
    /// Show no progress, only results and errors
    #[arg(long, short, global = true, help_heading = OUTPUT)]
    pub(crate) quiet: bool,
    /// Write results as JSON
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) json: bool,
}

/// How data files are read, where this cannot be detected.
#[derive(Args, Debug)]
#[command(next_help_heading = DATA)]
pub(crate) struct DataOptions {
    /// Format [default: detected from the content]
    #[arg(long, value_name = "FORMAT", value_parser = named::<Format>(Format::ALL.map(Format::name)))]
    data_format: Option<Format>,
    /// Number of the first feature in svmlight; auto: 1 unless a feature 0 occurs (in a stream: 0)
    #[arg(long, value_name = "NUMBER", default_value = "auto")]
    feature_base: Base,
    /// Number of the first label in svmlight; auto: 0
    #[arg(long, value_name = "NUMBER", default_value = "auto")]
    label_base: Base,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Base {
    Auto,
    #[value(name = "0")]
    Zero,
    #[value(name = "1")]
    One,
}

impl From<Base> for IndexBase {
    fn from(base: Base) -> Self {
        match base {
            Base::Auto => Self::Auto,
            Base::Zero => Self::Zero,
            Base::One => Self::One,
        }
    }
}

impl DataOptions {
    /// How a file of examples for `model` is read: it has the model's features and labels.
    pub(crate) fn reading_for(&self, model: &Model, threads: Option<NonZeroUsize>) -> ReadOptions {
        let (feature_count, label_count) = (Some(model.features()), Some(model.labels()));
        ReadOptions { feature_count, label_count, ..self.reading(threads) }
    }

    pub(crate) fn reading(&self, threads: Option<NonZeroUsize>) -> ReadOptions {
        ReadOptions {
            format: self.data_format,
            feature_base: self.feature_base.into(),
            label_base: self.label_base.into(),
            threads,
            ..ReadOptions::default()
        }
    }
}

/// Threads, instruction set and memory.
#[derive(Args, Debug)]
#[command(next_help_heading = MACHINE)]
pub(crate) struct RuntimeOptions {
    /// Worker threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Instruction set [default: SLIDE_ISA, else the best of the machine]
    #[arg(long, value_name = "LEVEL", value_parser = named::<Isa>(Isa::ALL.iter().map(|isa| isa.name())))]
    isa: Option<Isa>,
    /// Page size of tables; a model to predict with stays in its file with auto, and is copied with any other
    #[arg(long, value_name = "PAGES", default_value_t, value_parser = named::<PagePolicy>(PagePolicy::ALL.map(PagePolicy::name)))]
    pages: PagePolicy,
    /// NUMA nodes of tables: local, node:N, interleave or partition
    #[arg(long, value_name = "NODES", default_value_t)]
    numa: NumaPolicy,
}

impl RuntimeOptions {
    /// Pages and NUMA nodes of tables.
    pub(crate) fn placement(&self) -> Placement {
        Placement { pages: self.pages, numa: self.numa }
    }

    /// Opens a model to predict with, as [`open_model`].
    pub(crate) fn open_model(&self, path: &Path) -> Result<Model, ModelError> {
        open_model(path, &self.placement())
    }

    /// Starts the threads, each pinned to a CPU: the program owns the process.
    pub(crate) fn start(&self) -> Result<Runtime> {
        self.start_with(Pinning::All)
    }

    /// Starts the threads, for a program that has others beside them if they are not pinned.
    pub(crate) fn start_with(&self, pinning: Pinning) -> Result<Runtime> {
        let mut options = slide_core::RuntimeOptions::default();
        (options.threads, options.isa) = (self.threads, self.isa);
        (options.placement, options.pinning) = (self.placement(), pinning);
        Runtime::new(&options).map_err(|error| match error {
            RuntimeError::Isa(error) => Usage(error.to_string()).into(),
            error => error.into(),
        })
    }
}

/// Opens a model to predict with. It stays in its file, unless pages or nodes are asked for, which only a copy can have.
pub(crate) fn open_model(path: &Path, placement: &Placement) -> Result<Model, ModelError> {
    if *placement == Placement::default() { Model::open(path) } else { Model::load_placed(path, placement) }
}
