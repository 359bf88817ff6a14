//! The command line.

use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Arg, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use slide_core::data::Format;
use slide_core::data::synth::Shape;

use crate::choice::named;
use crate::config_file;
use crate::options::{DataOptions, OutputOptions, RuntimeOptions};
use crate::settings::{self, Settings};

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
pub(crate) enum Verb {
    Train(TrainArgs),
    Eval(EvalArgs),
    Predict(PredictArgs),
    Info(InfoArgs),
    #[command(subcommand)]
    Data(DataVerb),
    Demo(DemoArgs),
}

/// Train a model on a data file
///
/// Files are in the bag-of-words format of the Extreme Classification Repository, libsvm, or a pair of scipy .npz
/// files, compressed with gzip or zstd or not. Ctrl-C finishes the batch, writes a checkpoint and ends; a second one
/// ends at once.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide train train.txt --test test.txt -o model.slide
  slide train train.txt --valid 0.1 --hidden 512 --epochs 15 -o model.slide --log run.jsonl
  slide train train.txt -o model.slide --resume model.slide.checkpoint")]
pub(crate) struct TrainArgs {
    /// Training points
    pub(crate) train: PathBuf,
    /// Where to write the model
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: PathBuf,
    /// Points to evaluate on
    #[arg(long, value_name = "FILE", overrides_with = "valid")]
    pub(crate) test: Option<PathBuf>,
    /// Evaluate on this share of the training points, which is held out: chosen by the seed
    #[arg(long, value_name = "SHARE", overrides_with = "test")]
    pub(crate) valid: Option<f64>,
    /// Evaluate after so many epochs each, besides the last
    #[arg(long, value_name = "EPOCHS")]
    pub(crate) eval_every: Option<NonZeroU32>,
    /// Read options from a TOML file: keys are the long options' names; options given here go before it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Continue the interrupted training of a checkpoint, with its settings and on the same data
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) resume: Option<PathBuf>,
    /// Where to write checkpoints [default: the model's path and .checkpoint]
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Write a checkpoint after so many batches each [default: only when interrupted]
    #[arg(long, value_name = "BATCHES")]
    pub(crate) checkpoint_every: Option<NonZeroU64>,
    /// Write a log: JSON objects, one a line (appended to when resuming)
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// A line of the log for so many batches each, besides one an epoch
    #[arg(long, value_name = "BATCHES", default_value = "100")]
    pub(crate) log_every: NonZeroU64,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Measure a model's P@k, nDCG@k, PSP@k and R@k on a data file
#[derive(Args, Debug)]
#[command(after_help = "Example: slide eval model.slide test.txt")]
pub(crate) struct EvalArgs {
    pub(crate) model: PathBuf,
    /// Points to evaluate on
    pub(crate) test: PathBuf,
    /// Pairs of point and label that do not count, as the Extreme Classification Repository gives them
    #[arg(long, value_name = "FILE")]
    pub(crate) filter: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Predict the labels of the points of a data file or of standard input
///
/// Reads, predicts and writes batch by batch, so input of any length takes the same memory. A line of output per
/// point, in order: label:probability pairs separated by tabs, best first (tsv), or one JSON object (jsonl).
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide predict model.slide points.txt --top 10 > predictions.tsv
  head -n 1 points.txt | slide predict model.slide - --format jsonl --names labels.txt")]
pub(crate) struct PredictArgs {
    pub(crate) model: PathBuf,
    /// Points to predict for, - for standard input
    pub(crate) input: PathBuf,
    /// Labels per point
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) top: NonZeroUsize,
    /// Format of the predictions [default: tsv, with --json jsonl]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<PredictionFormat>,
    /// Write names instead of numbers: line i of this file names label i
    #[arg(long, value_name = "FILE")]
    pub(crate) names: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PredictionFormat {
    Tsv,
    Jsonl,
}

/// Show what this machine offers, or what a model holds
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  slide info\n  slide info model.slide")]
pub(crate) struct InfoArgs {
    pub(crate) model: Option<PathBuf>,
}

/// Look at, convert and make data files
#[derive(Subcommand, Debug)]
#[command(after_help = "Example: slide data stats train.txt")]
pub(crate) enum DataVerb {
    Stats(StatsArgs),
    Convert(ConvertArgs),
    Synth(SynthArgs),
}

/// Count points, features, labels and their distribution
#[derive(Args, Debug)]
#[command(after_help = "Example: slide data stats train.txt.zst")]
pub(crate) struct StatsArgs {
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// Rewrite a data file in another format
#[derive(Args, Debug)]
#[command(after_help = "Example: slide data convert train.svm train.txt.zst")]
pub(crate) struct ConvertArgs {
    pub(crate) input: PathBuf,
    /// The new file; .gz or .zst compresses it
    pub(crate) output: PathBuf,
    /// Format of the new file [default: as its name says, else xmc]
    #[arg(long, value_name = "FORMAT", value_parser = named::<Format>(Format::ALL.map(Format::name)))]
    pub(crate) to: Option<Format>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// Make a synthetic data set that can be learnt
///
/// Labels are Zipf-distributed; each has features of its own. The same options make the same files.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  slide data synth --labels 50000 --points 100000 --clustered -o train.txt --test test.txt
  slide data synth --like amazon-670k -o train.txt.zst --test test.txt.zst")]
pub(crate) struct SynthArgs {
    /// Where to write the training points; the name says the format
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Where to write test points [default: none are made]
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,
    /// Take the published counts of a set
    #[arg(long, value_name = "NAME", value_parser = named::<String>(Shape::names()))]
    pub(crate) like: Option<String>,
    /// Multiply points, features and labels
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    pub(crate) scale: f64,
    #[command(flatten)]
    pub(crate) counts: SynthCounts,
    /// Let labels come in clusters of confusable siblings
    #[arg(long)]
    pub(crate) clustered: bool,
    /// Labels in a cluster [default: 16]
    #[arg(long, value_name = "N", requires = "clustered")]
    pub(crate) siblings: Option<usize>,
    /// Another seed makes another set
    #[arg(long, value_name = "NUMBER", default_value = "42")]
    pub(crate) seed: u64,
}

/// The counts of a set, where they shall not be those of `--like`.
#[derive(Args, Debug)]
pub(crate) struct SynthCounts {
    /// Training points [default: 10000]
    #[arg(long, value_name = "N")]
    pub(crate) points: Option<usize>,
    /// Test points [default: 2000]
    #[arg(long, value_name = "N")]
    pub(crate) test_points: Option<usize>,
    /// Features [default: 20000]
    #[arg(long, value_name = "N")]
    pub(crate) features: Option<usize>,
    /// Labels [default: 5000]
    #[arg(long, value_name = "N")]
    pub(crate) labels: Option<usize>,
    /// Mean labels of a point [default: 3]
    #[arg(long, value_name = "N")]
    pub(crate) labels_per_point: Option<f64>,
    /// Mean features of a point [default: 40]
    #[arg(long, value_name = "N")]
    pub(crate) features_per_point: Option<f64>,
}

/// Train on what Debian packages depend on, evaluate, and show predictions
#[derive(Args, Debug)]
#[command(after_help = "Example: slide demo")]
pub(crate) struct DemoArgs {
    /// Folder of train.txt.zst, test.txt.zst, features.txt.zst and labels.txt.zst [default: data/debian of the repository]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Where to write the model [default: target/demo.slide]
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: Option<PathBuf>,
    /// Test points to show with their predictions
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) show: usize,
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) runtime: RuntimeOptions,
}

/// Reads the command line, and the configuration file that it names.
pub(crate) fn parse(arguments: Vec<OsString>) -> anyhow::Result<Cli> {
    let matches = command().try_get_matches_from(&arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let Verb::Train(TrainArgs { config: Some(path), .. }) = &cli.verb else { return Ok(cli) };
    let with_file = config_file::insert(path, &arguments, &command())?;
    let matches = command().try_get_matches_from(with_file)?;
    Ok(Cli::from_arg_matches(&matches)?)
}

/// The command with the defaults of the settings in their help: they are not clap's, so that it is known what was set.
fn command() -> Command {
    let defaults = settings::defaults();
    let with_default = |arg: Arg| match defaults.get(&arg.get_id().as_str().replace('_', "-")) {
        None => arg,
        Some(value) => {
            let help = arg.get_help().expect("every setting has a help text");
            let help = format!("{help} [default: {value}]");
            arg.help(help)
        }
    };
    let mut command = Cli::command();
    for verb in ["train", "demo"] {
        // A later option replaces an earlier one, as those given replace those of the file.
        command = command.mut_subcommand(verb, |verb| verb.args_override_self(true).mut_args(&with_default));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_sound() {
        command().debug_assert();
    }
}
