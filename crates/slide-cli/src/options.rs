//! Options shared by several verbs.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use slide_core::data::{Format, IndexBase, LabelFile, ReadOptions, Relevance};
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
    /// Number of the first feature in svmlight; auto: that of the model, which is that of its training file; without a model 1 unless a
    /// feature 0 occurs
    #[arg(long, value_name = "NUMBER", default_value = "auto")]
    feature_base: Base,
    /// Number of the first label in svmlight; auto: that of the model, without a model 0
    #[arg(long, value_name = "NUMBER", default_value = "auto")]
    label_base: Base,
    /// Labels of a file that has only features (npz, npy, matrix) [default: X_Y in its name for X_Xf, or Y for the first X, in its folder
    /// or the one above]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Values in a file of labels: 0-1: others than these are an error, as there is no graded relevance; any: all but 0 count as 1
    #[arg(long, value_enum, value_name = "VALUES", default_value = "0-1")]
    label_values: LabelValues,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LabelValues {
    #[value(name = "0-1")]
    ZeroOrOne,
    Any,
}

/// What becomes of features that the training examples did not have.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct UnknownOption {
    /// Features that the model does not know: leave them out and report how many, or end with an error at the first
    #[arg(long, value_enum, value_name = "WHAT", default_value = "ignore", help_heading = DATA)]
    unknown_features: UnknownFeatures,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum UnknownFeatures {
    Ignore,
    Error,
}

impl UnknownOption {
    /// Whether they are left out.
    pub(crate) fn ignores(self) -> bool {
        self.unknown_features == UnknownFeatures::Ignore
    }
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
    /// How a file of examples for `model` is read: with the model's bases. Unless unknown features are left out, it may have no others
    /// than those below the width of the training file.
    pub(crate) fn reading_for(
        &self,
        model: &Model,
        unknown: UnknownOption,
        threads: Option<NonZeroUsize>,
    ) -> ReadOptions {
        let (features, labels) = (model.feature_numbering(), model.label_numbering());
        let options = self.reading_with(features.base(), labels.base(), threads);
        ReadOptions { feature_count: (!unknown.ignores()).then_some(features.width()), ..options }
    }

    /// How a file is read that belongs to one with these bases.
    pub(crate) fn reading_with(
        &self,
        feature_base: IndexBase,
        label_base: IndexBase,
        threads: Option<NonZeroUsize>,
    ) -> ReadOptions {
        let options = self.reading(threads);
        let or = |option, other| if option == IndexBase::Auto { other } else { option };
        let (feature_base, label_base) = (or(options.feature_base, feature_base), or(options.label_base, label_base));
        ReadOptions { feature_base, label_base, ..options }
    }

    pub(crate) fn reading(&self, threads: Option<NonZeroUsize>) -> ReadOptions {
        ReadOptions {
            format: self.data_format,
            feature_base: self.feature_base.into(),
            label_base: self.label_base.into(),
            labels: self.labels.clone().map_or(LabelFile::Beside, LabelFile::At),
            relevance: match self.label_values {
                LabelValues::ZeroOrOne => Relevance::ZeroOrOne,
                LabelValues::Any => Relevance::Any,
            },
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
    if *placement != Placement::default() {
        return Model::load_placed(path, placement);
    }
    let model = Model::open(path)?;
    model.check_values()?;
    Ok(model)
}
