//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use slide_core::data::Format;
use slide_core::data::synth::Shape;
use slide_core::metrics::{Accumulator, Propensity};
use slide_core::{EvaluateOptions, IndexConfig, Quantization, QuantizeConfig, Retrieval, RowBits};

use crate::choice::named;
use crate::config_file;
use crate::options::{DataOptions, OutputOptions, RuntimeOptions, UnknownOption};
use crate::settings::Settings;
use crate::tables::options::{self as table_options, TableOptions, TableReading};

/// Trains and uses sparse neural networks with very many outputs, on ordinary CPUs
#[derive(Parser, Debug)]
#[command(name = "slide", version, max_term_width = 100, after_help = "Example: slide demo")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub(crate) enum Verb {
    Train(TrainArgs),
    Tune(TuneArgs),
    Index(IndexArgs),
    Quantize(QuantizeArgs),
    Export(ExportArgs),
    Eval(EvalArgs),
    Predict(PredictArgs),
    Explain(ExplainArgs),
    Serve(ServeArgs),
    Info(InfoArgs),
    #[command(subcommand)]
    Data(DataVerb),
    Demo(DemoArgs),
}

impl Verb {
    /// Whether it may leave an unfinished file behind when it is ended.
    pub(crate) fn writes_files(&self) -> bool {
        match self {
            Self::Train(_)
            | Self::Tune(_)
            | Self::Index(_)
            | Self::Quantize(_)
            | Self::Export(_)
            | Self::Data(_)
            | Self::Demo(_) => true,
            Self::Eval(_) | Self::Predict(_) | Self::Explain(_) | Self::Serve(_) | Self::Info(_) => false,
        }
    }
}

/// Train a model on a data file or a table
///
/// Tables are CSV, TSV, JSON lines or files of fastText, compressed with gzip or zstd or not, or - for standard input; a few ways to learn are tried
/// on held-out rows, and the best is taken. Other files are in the bag-of-words format of the Extreme Classification Repository, libsvm, or a pair of
/// matrices (scipy .npz, numpy .npy, text), compressed with gzip, bzip2, xz or zstd or not. Ctrl-C finishes the batch, writes a checkpoint and exits; a second
/// Ctrl-C exits immediately. So do SIGTERM and SIGHUP. When the model is written, the checkpoint of its training is removed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide train reviews.csv --target label --text review -o model.slide
  slide train train.txt --test test.txt -o model.slide
  slide train train.txt --valid 0.1 --hidden 512 --epochs 15 -o model.slide --log run.jsonl
  slide train train.txt -o model.slide --resume model.slide.checkpoint
  slide train train.txt -o longer.slide --resume model.slide --epochs 20")]
pub(crate) struct TrainArgs {
    /// Training examples
    pub(crate) train: PathBuf,
    /// File of the model
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: PathBuf,
    /// Examples to evaluate on
    #[arg(long, value_name = "FILE", conflicts_with = "valid")]
    pub(crate) test: Option<PathBuf>,
    /// Evaluate on this share of the training examples, held out at random by the seed; not together with --test
    #[arg(long, value_name = "SHARE")]
    pub(crate) valid: Option<f64>,
    /// Labels of the file of --test, if it has only features; --labels is that of the training file
    #[arg(long, value_name = "FILE")]
    pub(crate) test_labels: Option<PathBuf>,
    /// Evaluate every EPOCHS epochs, and after the last
    #[arg(long, value_name = "EPOCHS")]
    pub(crate) eval_every: Option<NonZeroU32>,
    #[command(flatten)]
    pub(crate) metrics: MetricOptions,
    /// Read settings from a TOML file, in sections model, network, optimizer, sampling, hashing, linear, index; other long options are keys
    /// before the sections. The command line takes precedence
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Continue the interrupted training of a checkpoint, with its settings and on the same data. With --epochs N, more than it was to
    /// have: up to N epochs. From here on a checkpoint then has the learning rates of a training of N epochs. A finished model can be
    /// given, too: as it has no state of the optimizer, its moments start from 0, and warm-up and schedule are those of the additional
    /// epochs alone. Linear part and index are made anew; an index of `slide index` is dropped
    #[arg(long, value_name = "CHECKPOINT|MODEL")]
    pub(crate) resume: Option<PathBuf>,
    /// Where to write checkpoints [default: the model's path and .checkpoint]
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Write a checkpoint every BATCHES batches [default: only when interrupted]
    #[arg(long, value_name = "BATCHES")]
    pub(crate) checkpoint_every: Option<NonZeroU64>,
    /// Keep the last checkpoint when training has ended
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value = "false",
        hide_default_value = true,
        hide_possible_values = true,
        action = ArgAction::Set
    )]
    pub(crate) keep_checkpoint: bool,
    /// Round the weights when training has ended: --quantize is --quantize=bf16, half the memory of the network and about half the file;
    /// `slide quantize` says what int8 is
    #[arg(
        long,
        value_name = "TO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = Quantization::Bf16.name(),
        value_parser = named::<Quantization>(Quantization::NAMES.iter().copied())
    )]
    pub(crate) quantize: Option<Quantization>,
    /// Write a log: JSON objects, one per line (appended to when resuming)
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Write a line to the log every BATCHES batches, besides one per epoch
    #[arg(long, value_name = "BATCHES", default_value = "100")]
    pub(crate) log_every: NonZeroU64,
    #[command(flatten)]
    pub(crate) table: TableOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Write the settings that training would choose for a data file as a TOML file, with the reasons
///
/// Settings that depend on the data (such as the batch size) get the values that `slide train` would give them; nothing is trained.
/// The file is for `slide train --config`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide tune train.txt -o settings.toml
  slide tune train.txt --budget 14 -o thorough.toml")]
pub(crate) struct TuneArgs {
    /// Training examples
    pub(crate) train: PathBuf,
    /// The file, - for standard output, which is the default
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Give a model an index of its labels, by which predictions score a few thousand labels instead of all
///
/// The index is a partition of the labels into lists with a router that is trained on the queries of training examples. It is tuned
/// to find the asked share of the exact five best labels of examples that it has not seen, and stored in the model file.
#[derive(Args, Debug)]
#[command(after_help = "Example: slide index model.slide --data train.txt --recall 0.99")]
pub(crate) struct IndexArgs {
    pub(crate) model: PathBuf,
    /// The examples that the model was trained on
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Where to write the model with the index [default: the model's own file]
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: Option<PathBuf>,
    /// Share of the exact five best labels to find
    #[arg(long, value_name = "SHARE", default_value_t = IndexConfig::default().index_recall)]
    pub(crate) recall: f32,
    /// Examples that the index learns from [default: a third of them, but 10000 to 40000 if there are as many]
    #[arg(long, value_name = "N")]
    pub(crate) queries: Option<NonZeroUsize>,
    /// Lists of labels [default: about a 192nd of the labels]
    #[arg(long, value_name = "N")]
    pub(crate) lists: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) unknown: UnknownOption,
    #[command(flatten)]
    pub(crate) reading: DataOptions,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Round the weights of a model to fewer bits, and measure what that costs
///
/// To bf16: the network's weights to bfloat16. To int8: the weights of the output layer to integers of eight bits with a scale for each
/// row, those of the input layer to four bits, the linear part to eight; hidden layers between them to bfloat16. An index keeps its own
/// codes. With --data, P@k is measured before and after, and nothing is written if P@1 falls by more than --max-loss.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide quantize model.slide --to int8 --data test.txt -o small.slide
  slide quantize model.slide --to int8 --input-bits 8 --data test.txt --max-loss 0.05")]
pub(crate) struct QuantizeArgs {
    pub(crate) model: PathBuf,
    /// What the weights are rounded to
    #[arg(long, value_name = "TO", value_parser = named::<Quantization>(Quantization::NAMES.iter().copied()))]
    pub(crate) to: Quantization,
    /// Bits of the weights of the input layer, with --to int8
    #[arg(
        long,
        value_name = "BITS",
        default_value = QuantizeConfig::default().input_bits.name(),
        value_parser = named::<RowBits>(RowBits::NAMES.iter().copied())
    )]
    pub(crate) input_bits: RowBits,
    /// Drop this share of the weights of the linear part, the smallest
    #[arg(long, value_name = "SHARE", default_value = "0")]
    pub(crate) prune: f64,
    /// Examples to measure on, which the model was not trained on [default: nothing is measured]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Percentage points of P@1 that may be lost; if more are, nothing is written and the exit status is 1. Needs --data
    #[arg(long, value_name = "POINTS", default_value = "0.1")]
    pub(crate) max_loss: f64,
    /// Where to write the model [default: the model's own file]
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) unknown: UnknownOption,
    #[command(flatten)]
    pub(crate) retrieval: RetrievalOption,
    #[command(flatten)]
    pub(crate) reading: DataOptions,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Write the weights of a model as F32, in a safetensors file that programs read which do not know bfloat16 or integers with scales
///
/// numpy is one of them. The file is no model: slide does not read it. Its tensors are input.weight (features x hidden 0), input.bias,
/// hidden.I.weight and .bias, output.weight (labels x last hidden), output.bias, label_frequency; and the linear part as compressed sparse
/// rows of features x labels: linear.weight, linear.indices (U32), linear.indptr (I64), and linear.bias.
#[derive(Args, Debug)]
#[command(after_help = "Example: slide export model.slide -o weights.safetensors --dtype f32")]
pub(crate) struct ExportArgs {
    pub(crate) model: PathBuf,
    /// The new file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Type of the weights
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub(crate) dtype: ExportType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportType {
    F32,
}

/// Measure a model's P@k, nDCG@k, PSP@k and R@k on a data file, or compare two models
///
/// With 95 % intervals by bootstrap over the examples, and macro averages over labels that are frequent, less frequent and rare in the
/// training examples (head, torso and tail: each has about a third of all occurrences of labels).
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide eval model.slide test.txt
  slide eval model.slide test.txt --parts --at 1,3,5,10 --propensity 0.6,2.6
  slide eval model.slide test.txt --compare other.slide")]
pub(crate) struct EvalArgs {
    pub(crate) model: PathBuf,
    /// Examples to evaluate on
    pub(crate) test: PathBuf,
    /// Compare with another model of the same features and labels: differences with 95 % intervals by paired bootstrap. PSP and
    /// the groups of labels are by the training examples of the first
    #[arg(long, value_name = "MODEL")]
    pub(crate) compare: Option<PathBuf>,
    /// Show also how good each part of the model is alone, without the other
    #[arg(long)]
    pub(crate) parts: bool,
    /// Show also how long single predictions take, one after another on one thread
    #[arg(long)]
    pub(crate) latency: bool,
    /// Resamples of the examples, of which intervals are computed
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(crate) resamples: NonZeroUsize,
    /// Pairs of example and label to take out of the predictions, in the format of the Extreme Classification Repository; the labels of
    /// the examples stay as they are, as in the repository's scripts
    #[arg(long, value_name = "FILE")]
    pub(crate) filter: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) unknown: UnknownOption,
    #[command(flatten)]
    pub(crate) metrics: MetricOptions,
    #[command(flatten)]
    pub(crate) retrieval: RetrievalOption,
    #[command(flatten)]
    pub(crate) table: TableReading,
    /// Leave bad rows of a table out, and report how many, instead of ending at the first
    #[arg(long, help_heading = table_options::HEADING)]
    pub(crate) skip_bad_rows: bool,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Predict the labels of the examples of a data file or of standard input
///
/// Reads, predicts and writes in batches, in constant memory. One line of output per
/// example, in order: label:probability pairs separated by tabs, best first (tsv), or one JSON object (jsonl). Labels have the numbers
/// of the training file. Files of arrays are read as a whole, without their labels.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide predict model.slide new.txt --top 10 > predictions.tsv
  head -n 1 new.txt | slide predict model.slide - --format jsonl --names labels.txt")]
pub(crate) struct PredictArgs {
    pub(crate) model: PathBuf,
    /// Examples to predict for, - for standard input
    #[arg(required_unless_present_any = ["text", "field"])]
    pub(crate) input: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) row: RowOptions,
    /// Labels per example
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) top: NonZeroUsize,
    /// Format of the predictions [default: tsv, with --json jsonl]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<PredictionFormat>,
    /// Write names instead of numbers: line i of this file, from 0, is the name of label i
    #[arg(long, value_name = "FILE")]
    pub(crate) names: Option<PathBuf>,
    /// Answer a malformed line with an empty line (jsonl: an object with the key error) and report it, instead of ending there
    #[arg(long)]
    pub(crate) skip_bad_lines: bool,
    #[command(flatten)]
    pub(crate) unknown: UnknownOption,
    #[command(flatten)]
    pub(crate) retrieval: RetrievalOption,
    #[command(flatten)]
    pub(crate) table: TableReading,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Show which words and values drove a prediction of a model of a table
///
/// What each adds to the score of the label, summed over all features that it is in: exact, through both parts of the model.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide explain reviews.slide --text \"A film to see twice\"
  slide explain offers.slide --field title=Lamp --field price=12.5 --label accepted")]
pub(crate) struct ExplainArgs {
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) row: RowOptions,
    /// The label to explain [default: the best]
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Option<String>,
    /// Features to show
    #[arg(long, value_name = "N", default_value = "15")]
    pub(crate) top: NonZeroUsize,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// One row of a table, on the command line.
#[derive(Args, Clone, Debug)]
pub(crate) struct RowOptions {
    /// The text of the model's only column of texts: a row to predict for
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// A field of that row. May be given several times
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = field)]
    pub(crate) field: Vec<(String, String)>,
}

fn field(text: &str) -> Result<(String, String), String> {
    let field = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    field.ok_or_else(|| "expected COLUMN=VALUE".into())
}

/// Answer requests for predictions over HTTP
///
/// POST /predict takes one or many examples as JSON, or a stream of them as NDJSON; / is a page to try the model on; /openapi.json
/// describes everything. Prints the address once it listens. SIGTERM or Ctrl-C ends it when what it has accepted is answered;
/// SIGHUP takes over a new model file without dropping a request.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide serve model.slide
  slide serve model.slide --names labels.txt --feature-names features.txt --watch
  curl -H 'Content-Type: application/json' -d '{\"features\": {\"12\": 0.5}}' http://127.0.0.1:8080/predict")]
pub(crate) struct ServeArgs {
    pub(crate) model: PathBuf,
    /// Address and port to listen on; port 0: one that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Allow an address that other machines reach. There is neither TLS nor a log-in: whoever reaches it may use it
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Names of labels: line i of this file, from 0, is the name of label i
    #[arg(long, value_name = "FILE")]
    pub(crate) names: Option<PathBuf>,
    /// Names of features, in the same way, so that requests may use them
    #[arg(long, value_name = "FILE")]
    pub(crate) feature_names: Option<PathBuf>,
    /// Take over a new model file as soon as it is there, without SIGHUP
    #[arg(long)]
    pub(crate) watch: bool,
    /// Answer requests with features that the model does not know as if they were not there, instead of refusing them
    #[arg(long)]
    pub(crate) ignore_unknown_features: bool,
    #[command(flatten)]
    pub(crate) limits: ServeLimits,
    #[command(flatten)]
    pub(crate) retrieval: RetrievalOption,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Which metrics are computed.
#[derive(Args, Clone, Debug)]
pub(crate) struct MetricOptions {
    /// The k of P@k and of the other metrics: different numbers from 1 to 1000, separated by commas
    #[arg(long, value_name = "K,K,...", default_value = "1,3,5", value_parser = cutoffs)]
    at: Cutoffs,
    /// The constants of the propensities that PSP@k weighs labels with. The Extreme Classification Repository uses 0.6,2.6 for
    /// Amazon sets, 0.5,0.4 for Wikipedia sets, and the default for all others
    #[arg(long, value_name = "A,B", default_value = "0.55,1.5", value_parser = constants)]
    propensity: (f64, f64),
}

#[derive(Clone, Debug)]
struct Cutoffs(Vec<usize>);

impl Default for MetricOptions {
    fn default() -> Self {
        Self { at: Cutoffs(Accumulator::CUTOFFS.to_vec()), propensity: (Propensity::A, Propensity::B) }
    }
}

impl MetricOptions {
    /// Options of an evaluation with these metrics.
    pub(crate) fn evaluation(&self) -> EvaluateOptions<'_> {
        let mut options = EvaluateOptions::default();
        (options.cutoffs, options.propensity) = (Some(self.at.0.as_slice()), Some(self.propensity));
        options
    }

    /// The cutoffs.
    pub(crate) fn cutoffs(&self) -> &[usize] {
        &self.at.0
    }

    /// A and B.
    pub(crate) fn propensity(&self) -> (f64, f64) {
        self.propensity
    }
}

fn cutoffs(text: &str) -> Result<Cutoffs, String> {
    let range = 1..=Accumulator::LARGEST_CUTOFF;
    let number = |text: &str| text.trim().parse().ok().filter(|k| range.contains(k));
    let numbers: Option<Vec<usize>> = text.split(',').map(number).collect();
    let expected = || format!("expected numbers from 1 to {}, separated by commas", Accumulator::LARGEST_CUTOFF);
    let mut numbers = numbers.ok_or_else(expected)?;
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} is given twice", pair[0])),
        None => Ok(Cutoffs(numbers)),
    }
}

fn constants(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let pair = text.split_once(',').and_then(|(a, b)| number(a).zip(number(b)));
    let pair = pair.filter(|&(a, b)| Propensity::are_constants(a, b));
    pair.ok_or_else(|| "expected A from 0 to 2 and B from 0.01 to 100, separated by a comma".into())
}

/// What a client may ask for.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ServeLimits {
    /// Largest body of a request; of a stream: longest line
    #[arg(long, value_name = "BYTES", default_value = "8388608")]
    pub(crate) max_body: NonZeroUsize,
    /// Most examples of a request that is no stream
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(crate) max_examples: NonZeroUsize,
    /// Most labels per example
    #[arg(long, value_name = "N", default_value = "100")]
    pub(crate) max_k: NonZeroUsize,
    /// Examples that wait or are being predicted, of all requests; what would be more is refused with status 503. Streams wait, and
    /// have half as many beside these
    #[arg(long, value_name = "N", default_value = "2000")]
    pub(crate) queue: NonZeroUsize,
    /// Connections at the same time; more wait to be accepted
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(crate) max_connections: NonZeroUsize,
    /// For a client to send a request or the next part of a stream, to use a connection again, or to take an answer
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// For requests in progress to be answered after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) grace: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "expected a number of seconds above 0".into())
}

/// How labels are found.
#[derive(Args, Debug)]
pub(crate) struct RetrievalOption {
    /// Which labels the network scores: all (exact), those that the linear part ranks high and the most frequent (linear), those that
    /// the model's index finds (index), those in the buckets of its hash tables (lsh); auto is linear if the model has both parts,
    /// else index if it has one, else exact
    #[arg(long, value_name = "HOW", default_value = "auto", value_parser = retrieval())]
    pub(crate) retrieval: Retrieval,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PredictionFormat {
    Tsv,
    Jsonl,
    /// Of models of tables
    Csv,
}

/// Show the hardware and instruction sets of this machine, or the contents of a model
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  slide info\n  slide info model.slide")]
pub(crate) struct InfoArgs {
    pub(crate) model: Option<PathBuf>,
}

/// Inspect, convert and generate data files
#[derive(Subcommand, Debug)]
#[command(after_help = "Example: slide data stats train.txt")]
pub(crate) enum DataVerb {
    Stats(StatsArgs),
    Convert(ConvertArgs),
    Synth(SynthArgs),
}

/// Count examples, features, labels and their distribution
#[derive(Args, Debug)]
#[command(after_help = "Example: slide data stats train.txt.zst")]
pub(crate) struct StatsArgs {
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// Rewrite a data file in another format
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide data convert train.svm train.txt.zst
  slide data convert train.txt - --to svmlight | head")]
pub(crate) struct ConvertArgs {
    pub(crate) input: PathBuf,
    /// The new file, - for standard output; .gz or .zst compresses it
    pub(crate) output: PathBuf,
    /// Format of the new file [default: by its name, else xmc]
    #[arg(long, value_name = "FORMAT", value_parser = named::<Format>(Format::ALL.map(Format::name)))]
    pub(crate) to: Option<Format>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// Generate a synthetic data set that a model can learn
///
/// Labels are Zipf-distributed; each has its own features. The same options give the same files.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide data synth --labels 50000 --examples 100000 --clustered -o train.txt --test test.txt
  slide data synth --like amazon-670k -o train.txt.zst --test test.txt.zst")]
pub(crate) struct SynthArgs {
    /// Where to write the training examples, - for standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Where to write test examples [default: none are generated]
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,
    /// Format of the files [default: by their names, else xmc]
    #[arg(long, value_name = "FORMAT", value_parser = named::<Format>(Format::ALL.map(Format::name)))]
    pub(crate) to: Option<Format>,
    /// Use the published counts of a data set
    #[arg(long, value_name = "NAME", value_parser = named::<String>(Shape::names()))]
    pub(crate) like: Option<String>,
    /// Multiply the numbers of examples, features and labels
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    pub(crate) scale: f64,
    #[command(flatten)]
    pub(crate) counts: SynthCounts,
    /// Group labels in clusters of similar ones
    #[arg(long)]
    pub(crate) clustered: bool,
    /// Labels in a cluster [default: 16]
    #[arg(long, value_name = "N", requires = "clustered")]
    pub(crate) siblings: Option<usize>,
    /// Seed of the random numbers
    #[arg(long, value_name = "NUMBER", default_value = "42")]
    pub(crate) seed: u64,
}

/// The counts of a set, where they differ from those of `--like`.
#[derive(Args, Debug)]
pub(crate) struct SynthCounts {
    /// Training examples [default: 10000]
    #[arg(long, value_name = "N", alias = "points")]
    pub(crate) examples: Option<usize>,
    /// Test examples [default: 2000]
    #[arg(long, value_name = "N", alias = "test-points")]
    pub(crate) test_examples: Option<usize>,
    /// Features [default: 20000]
    #[arg(long, value_name = "N")]
    pub(crate) features: Option<usize>,
    /// Labels [default: 5000]
    #[arg(long, value_name = "N")]
    pub(crate) labels: Option<usize>,
    /// Mean labels per example [default: 3]
    #[arg(long, value_name = "N", alias = "labels-per-point")]
    pub(crate) labels_per_example: Option<f64>,
    /// Mean features per example [default: 40]
    #[arg(long, value_name = "N", alias = "features-per-point")]
    pub(crate) features_per_example: Option<f64>,
}

/// Train on the dependencies of Debian packages, evaluate, and show predictions
#[derive(Args, Debug)]
#[command(after_help = "Example: slide demo")]
pub(crate) struct DemoArgs {
    /// Folder of train.txt.zst, test.txt.zst, features.txt.zst and labels.txt.zst [default: data/debian of the repository]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Where to write the model [default: target/demo.slide]
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: Option<PathBuf>,
    /// Test examples to show with their predictions
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) show: usize,
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

fn retrieval() -> impl clap::builder::TypedValueParser<Value = Retrieval> {
    named::<Retrieval>(Retrieval::NAMES.iter().copied())
}

/// Reads the command line, and the configuration file that it names.
pub(crate) fn parse(arguments: Vec<OsString>) -> anyhow::Result<Cli> {
    let matches = command().try_get_matches_from(&arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let Verb::Train(TrainArgs { config: Some(path), .. }) = &cli.verb else { return Ok(cli) };
    let command = command();
    let file = config_file::read(path, command.find_subcommand("train").expect("a verb"))?;
    // Global options may precede the verb.
    let mut words = arguments.iter().skip(1);
    let behind_verb = 2 + words.position(|argument| argument == "train").expect("parsed as this verb");
    let (before, behind) = arguments.split_at(behind_verb);
    let with_file = before.iter().cloned().chain(file.arguments).chain(behind.iter().cloned());
    let mut cli = Cli::from_arg_matches(&command.try_get_matches_from(with_file)?)?;
    if let Verb::Train(train) = &mut cli.verb {
        train.settings.file = Some(file.settings);
    }
    Ok(cli)
}

/// The command; a later option replaces an earlier one, and so those of the command line replace those of the file.
fn command() -> Command {
    ["train", "demo", "tune"]
        .into_iter()
        .fold(Cli::command(), |command, verb| command.mut_subcommand(verb, |verb| verb.args_override_self(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_valid() {
        command().debug_assert();
    }
}
