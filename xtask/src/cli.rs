//! The command line of `cargo xtask`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use regex::Regex;

use crate::bench;
use crate::graviton::Graviton;
use crate::program::Target;
use crate::versus;

/// What the command line calls a value.
pub(crate) fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().expect("no value is hidden").get_name().to_owned()
}

/// Development tasks of the slide workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Everything a change must pass: format, lints, documentation, machine code, instruction counts, tests on each instruction set
    #[command(
        long_about = "Everything a change must pass: format, lints, documentation, machine code, instruction counts, tests on each \
            instruction set.\n\n\
            With --full also what takes longer and finds less, for every night and before a release: other systems, sanitizers, \
            all tests on emulated Arm, each instruction set forced, ssh, emulated NUMA machines.\n\n\
            After each step stands what it took, in seconds and in seconds of processors; target/xtask/ci/times.md has it of all. \
            Nothing is printed after the last step, the tests, so that the output ends with their summary.",
        after_help = "Examples:\n  cargo xtask ci\n  cargo xtask ci --full              every step\n  \
            cargo xtask ci format numa         only these steps"
    )]
    Ci(CiArguments),

    /// The tests of the whole workspace, on the best instruction set or on chosen ones
    #[command(
        long_about = "The tests of the whole workspace, on the best instruction set or on chosen ones.\n\n\
            A level of 64-bit Arm on another machine is emulated: the tests of slide-kernels and the golden models of slide-core \
            are cross-built (`setup-cross` is run if need be) and run as Graviton3's processor, with the level forced and required. \
            The emulator is slow, hence the budget of --cases.\n\n\
            With --numa the tests of slide-mem and golden models of slide-core run on emulated machines with several NUMA \
            nodes (`setup-numa-vm` is run if need be): two nodes with reserved huge pages, too few of them on one node, a CPU \
            taken offline, a node without CPUs and one without memory.",
        after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --isa scalar -- golden\n  \
            cargo xtask test --isa all                          once for each level that this machine has\n  \
            cargo xtask test --isa neon                         emulated as Graviton3, or native on Arm\n  \
            cargo xtask test --isa sve --cases 100 -- dot       more of the tests whose names contain `dot`\n  \
            cargo xtask test --target graviton2                 emulated as another processor, on its best level\n  \
            cargo xtask test --isa neon --cpu neoverse-v2       or as one that has no name here\n  \
            cargo xtask test --numa                             on emulated machines with several NUMA nodes\n  \
            cargo xtask test --numa -- reserved                 the tests there whose names contain `reserved`"
    )]
    Test(TestArguments),

    /// How fast kernels, memory and networks are, from the build to the report
    #[command(
        long_about = "How fast kernels, memory and networks are, from the build to the report.\n\n\
            Targets:\n\
            \u{20} native       this machine, each kernel on the levels that have their own (scalar, a specification, apart)\n\
            \u{20} scalar, avx2, avx512, neon, sve    one level; avx512 with those that add instructions to it\n\
            \u{20} xeon         native beside llvm-mca's models of Xeons, with cycles by the multiply-adds' clock\n\
            \u{20} graviton, graviton2, graviton4     counted under emulation and modelled: Graviton3, 2 and 4\n\
            \u{20} ssh:HOST     another machine, x86-64 or 64-bit Arm: built here, run there, nothing left behind\n\n\
            Suites: kernels in the caches; memory, tables that do not fit them; network, training, rebuilding of hash tables, \
            evaluation and single predictions. Times of kernels are taken in turns with bare loops that show the limit; bits are \
            checked first.\n\n\
            The table goes to standard output. Records are kept as JSON and Markdown in benches/records/MACHINE, as TARGET-SUITE \
            if nothing was left out, and as NAME-SUITE with --save. $SLIDE_SSH is the command for ssh [default: ssh].",
        after_help = "Examples:\n  cargo xtask bench\n  \
            cargo xtask bench --suite all --save before\n  \
            cargo xtask bench --filter 'avx512 dot' --every-shape\n  \
            cargo xtask bench --suite network --compare before      with the ratio to what was saved\n  \
            cargo xtask bench --target graviton\n  \
            cargo xtask bench --target ssh:me@c7g.example --suite all --json"
    )]
    Bench(BenchArguments),

    /// The machine code of each kernel: expected instructions, no call in a loop, no spill in a hot loop
    #[command(
        long_about = "The machine code of each kernel on each level that has its own: its expected instructions are in a \
            loop (a hot one), no loop calls a function, no innermost loop over vectors moves them to or from the stack, and no \
            hot loop branches to a panic.\n\n\
            What is expected, and what is excepted for which reason: xtask/src/asm_check/expectations.rs.",
        after_help = "Examples:\n  cargo xtask asm-check\n  \
            cargo xtask asm-check --target graviton --filter 'dot|gemm' --verbose    print their hot loops"
    )]
    AsmCheck(AsmCheckArguments),

    /// Bring the tools that build for 64-bit Arm, emulate it and model its cores into a cache folder
    #[command(
        long_about = "Bring the tools that build for 64-bit Arm, emulate it and model its cores into a cache folder.\n\n\
            On Debian: rustc with the standard library of aarch64-unknown-linux-gnu, the cross GCC, LLVM's tools and qemu are \
            fetched as packages (about 280 MB) and unpacked (about 900 MB) into $SLIDE_CROSS_DIR, or else slide-cross in the \
            user's cache. Nothing is installed, the system's apt and rustup stay as they are, and to remove the folder is to \
            remove it all. Elsewhere the system's own tools are used: `rustup target add aarch64-unknown-linux-gnu`, \
            aarch64-linux-gnu-gcc, qemu-aarch64, llvm-mca and llvm-objdump; what is missing is named.",
        after_help = "Examples:\n  cargo xtask setup-cross\n  SLIDE_CROSS_DIR=/opt/cross cargo xtask setup-cross    into a folder of your choice"
    )]
    SetupCross,

    /// Bring an emulated machine with several NUMA nodes into a cache folder
    #[command(
        long_about = "Bring an emulated machine with several NUMA nodes into a cache folder, for `cargo xtask test --numa`.\n\n\
            On Debian: an emulator (qemu), a kernel and a small shell are fetched as packages (43 MB) and unpacked \
            (68 MB) into $SLIDE_NUMA_VM_DIR, or else slide-numa-vm in the user's cache. Nothing is installed, and to \
            remove the folder is to remove it all. The machine is emulated by software alone: no right to virtual \
            machines is needed.",
        after_help = "Examples:\n  cargo xtask setup-numa-vm\n  \
            SLIDE_NUMA_VM_DIR=/opt/vm cargo xtask setup-numa-vm    into a folder of your choice"
    )]
    SetupNumaVm,

    /// The largest errors of exp, ln and their kin, against f64, over every f32
    #[command(after_help = "Examples:\n  cargo run --release -p xtask -- ulp            minutes\n  \
                      cargo run --release -p xtask -- ulp exp ln --every 1000")]
    Ulp(UlpArguments),

    /// Exact instruction counts of the kernels, held against the committed ones
    #[command(
        long_about = "How many instructions each kernel executes, by the element: counted one by one on this machine, or \
            under emulation, and so the same whatever the load.\n\n\
            Counted are the functions of the back ends, with all that the compiler has put into them. What they call elsewhere is \
            not: memcpy and memset of the C library, which are other ones on other machines, and functions of the standard \
            library, such as the selection that top_k calls now and then. (asm-check lists the calls that loops may make.)\n\n\
            A count that differs by more than 0.5 % from benches/baseline/counts-*.json is a failure, unless that has none \
            for this compiler.",
        after_help = "Examples:\n  cargo xtask count\n  cargo xtask count --target graviton --filter 'neon dot'\n  \
            cargo xtask count --accept 'dot: two more accumulators'"
    )]
    Count(CountArguments),

    /// Whether a commit makes anything slower than another one did
    #[command(
        long_about = "Whether a commit makes anything slower than another one did, whatever else the machine is doing.\n\n\
            Both are built, in a folder of their own inside the target folder, and kept. Then\n\
            \u{20} - the machine code of HEAD is looked at, as by `cargo xtask asm-check`, for this machine and for Arm;\n\
            \u{20} - instructions are counted, as by `cargo xtask count`: more than 0.5 % more are a loss, unless HEAD has taken \
            that very count over into the committed table, with a reason (--accept);\n\
            \u{20} - a case of each family of kernels, three whose tables do not fit the caches, and two short trainings are timed, \
            both builds taking turns on one core, in processor time. What is too slow is learned from BASE against itself, and \
            counts if it is found twice.\n\n\
            The verdict is Markdown; the exit status is 1 if there is a loss. For what and why: docs/benchmarks.md; for kernels \
            of your own: docs/gating-your-kernels.md.",
        after_help = "Examples:\n  cargo xtask gate HEAD~1\n  cargo xtask gate main worktree              the files as they are, committed or not\n  \
            cargo xtask gate v0.1.0 HEAD --filter 'avx512 dot'\n  \
            cargo xtask gate --accept 'dot: tails without masks'    take the working tree's counts over\n  \
            cargo xtask gate --compare ./old ./new -- dot 1024      time two programs that take turns\n  \
            cargo xtask gate --self-test                planted losses are found"
    )]
    Gate(GateArguments),

    /// Modelled speed of the kernels' loops on chosen processors (llvm-mca)
    #[command(
        long_about = "Cycles an element that llvm-mca models for the loops of each kernel, on processors that are not at hand. \
            How often each loop is gone through is counted, as by `cargo xtask count`.\n\n\
            The model knows no caches: it says what the core can do with data in the first level.",
        after_help = "Examples:\n  cargo xtask mca --target graviton --filter dot\n  \
            cargo xtask mca --cpu sapphirerapids --cpu znver5 --markdown"
    )]
    Mca(McaArguments),

    /// How accurate and how fast other systems are, and at what cost
    #[command(
        long_about = "How accurate other systems are, and at what cost: with the suite `accuracy` slide and peers train and predict in \
            turns.\n\n\
            Peers run from a virtual environment of Python, in target/versus, into which what they need is installed. One that \
            cannot be installed is left out, with the reason. All have one thread, and the settings that the report lists; slide \
            has its defaults.\n\n\
            Processor time of training is that of the whole process, reading and preparing the text file and writing the model \
            included, but for the start of Python and its packages. Times of a prediction are of the processor too, without \
            reading: the mean over the test set together, and the median of 500 examples one by one. One evaluator measures all: \
            P@k, nDCG@k, and PSP@k with A = 0.55 and B = 1.5.\n\n\
            With the suite `retrieval`, searches of the output layer of a model: its index, its hash tables and its exact scan \
            beside NumPy, ONNX Runtime, hnswlib, faiss and ScaNN. All get the same vectors, and answer 2,000 queries one by one \
            on one core, in turns. A library that cannot be installed is reported as not available.\n\n\
            With the suite `text`, classifiers of texts with two threads each, in turns: fastText, Vowpal Wabbit and scikit-learn's tf-idf \
            with a linear support vector machine, on those of imdb, clinc150 and tibkat-titles that are in the folders of --data.\n\n\
            The report goes to standard output as Markdown.",
        after_help = "Examples:\n  cargo xtask versus --suite accuracy                             data/debian\n  \
            cargo xtask versus --suite accuracy --data data --data ~/xmc --sets debian,bibtex --rounds 3\n  \
            cargo xtask versus --suite accuracy --peers parabel,pytorch\n  \
            cargo xtask versus --suite accuracy --document docs/benchmarks.md --svg docs/accuracy.svg\n  \
            cargo xtask versus --suite retrieval --rounds 3 --document docs/inference.md\n  \
            cargo xtask versus --suite text --data ~/texts --rounds 3 --document docs/text.md"
    )]
    Versus(VersusArguments),

    /// How many requests `slide serve` answers on this machine, and what becomes of it when clients misbehave
    #[command(
        long_about = "How many requests `slide serve` answers on this machine, and what becomes of it when clients misbehave.\n\n\
            Single examples over connections that are kept: as fast as possible (wrk), at half of the rate that this gave (h2load), at \
            the same rate beside clients that are killed, that are slow and that send garbage, at twice the rate against a queue \
            of 64 examples, which must refuse some with status 503 and no other, and ended by SIGTERM under full load. The table \
            goes to standard output. Server and clients share the machine's processors.",
        after_help = "Example:\n  cargo xtask load target/demo.slide data/debian/test.txt.zst"
    )]
    Load(LoadArguments),

    /// Rebuild the data set that the repository ships, or make synthetic ones
    #[command(after_help = "Examples:\n  cargo xtask data debian\n  cargo xtask data synth amazon-670k")]
    Data {
        #[command(subcommand)]
        set: DataSet,
    },

    /// Make the tables of the documentation that come from the code and from the records of benchmarks
    #[command(
        long_about = "Make the tables of the documentation that come from the code and from the records of benchmarks.\n\n\
            The table of kernels is made of their list. In README.md and docs/*.md, the lines between \
            `<!-- record NAME[, NAME]: COLUMN[, COLUMN] [where REGEX] -->` and `<!-- end -->` are made of benches/records: NAME \
            is a file there without `.json`, and columns are kernel, shape, level, time, GFLOP/s, GB/s, limit, instructions, and \
            processors whose cycles were modelled.",
        after_help = "Examples:\n  cargo xtask docs\n  cargo xtask docs --check    fails if a table is out of date"
    )]
    Docs(DocsArguments),

    /// Package slide-kernels and slide-mem as for a registry, and build and run an example against what came of it
    #[command(after_help = "Example:\n  cargo xtask package")]
    Package,

    /// Check that Python's `safetensors` reads a model file as it is, and list its tensors
    #[command(after_help = "Example:\n  cargo xtask check-model-python model.safetensors")]
    CheckModelPython(CheckModelPythonArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CiArguments {
    /// Steps to run, in the order of the full run; none: those that a change must pass
    #[arg(value_name = "STEP")]
    pub(crate) steps: Vec<crate::ci::Step>,

    /// Run all steps
    #[arg(long, conflicts_with = "steps")]
    pub(crate) full: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// Instruction set to force (SLIDE_ISA): a name as `slide info` lists it, or `all`
    #[arg(long, value_name = "NAME")]
    pub(crate) isa: Option<String>,

    /// Emulated processor, on its best level
    #[arg(long, conflicts_with_all = ["isa", "cpu"])]
    pub(crate) target: Option<Graviton>,

    /// On emulated machines with several NUMA nodes
    #[arg(long, conflicts_with_all = ["isa", "cpu", "target"])]
    pub(crate) numa: bool,

    /// Random cases of a test at most, and golden models of all (SLIDE_TEST_CASES) [default: all of them; emulated: 8; --numa: 4]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cases: Option<u32>,

    /// Processor to emulate, by qemu's name [default: $SLIDE_QEMU_CPU, or neoverse-v1]
    #[arg(long, value_name = "NAME")]
    pub(crate) cpu: Option<String>,

    /// Passed on to `cargo test`, or to the emulated machine's test programs
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) rest: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// native, scalar, avx2, avx512, xeon, graviton, graviton2, graviton4 or ssh:HOST
    #[arg(long, value_name = "TARGET", default_value = "native")]
    pub(crate) target: bench::Target,

    /// What is measured
    #[arg(long, value_enum, default_value_t = bench::Suite::Kernels)]
    pub(crate) suite: bench::Suite,

    /// Only what this regular expression matches in `LEVEL SUBJECT SHAPE`, such as `avx2 dot::dot f32 1024`
    #[arg(long, value_name = "REGEX")]
    pub(crate) filter: Option<Regex>,

    /// Every shape of each kernel, not only one of each kind
    #[arg(long)]
    pub(crate) every_shape: bool,

    /// Keep the record under this name too
    #[arg(long, value_name = "NAME")]
    pub(crate) save: Option<String>,

    /// Show the ratio to the times of a record of the same machine and suite
    #[arg(long, value_name = "NAME")]
    pub(crate) compare: Option<String>,

    /// Print the record as JSON instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which kernels to look at.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// What they are built for
    #[arg(long, value_enum, default_value_t = Target::Native)]
    pub(crate) target: Target,

    /// Only kernels that this regular expression matches in `LEVEL FAMILY::NAME`, such as `avx2 dot::dot`
    #[arg(long, value_name = "REGEX")]
    pub(crate) filter: Option<Regex>,
}

impl Selection {
    /// Every kernel.
    pub(crate) fn all(target: Target) -> Self {
        Self { target, filter: None }
    }

    /// Whether the filter lets `LEVEL FAMILY::NAME` through.
    pub(crate) fn chooses(&self, text: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(text))
    }
}

#[derive(Debug, Args)]
pub(crate) struct AsmCheckArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,

    /// Print the hot loops of those that pass too
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UlpArguments {
    /// Functions to measure; none: all of them
    #[arg(value_name = "FUNCTION")]
    pub(crate) functions: Vec<String>,

    /// Measure every N-th number only
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) every: u32,
}

#[derive(Debug, Args)]
pub(crate) struct CountArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,

    /// Take the counts over into the committed table, for this reason
    #[arg(long, value_name = "REASON")]
    pub(crate) accept: Option<String>,

    /// Count every shape of each kernel, not only one of each kind
    #[arg(long, conflicts_with = "accept")]
    pub(crate) every_shape: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GateArguments {
    /// Commit to hold HEAD against
    #[arg(required_unless_present_any = ["accept", "compare", "self_test"])]
    pub(crate) base: Option<String>,

    /// Commit to judge, or `worktree`: the files as they are
    #[arg(default_value = "HEAD")]
    pub(crate) head: String,

    /// Only kernels that this regular expression matches in `LEVEL FAMILY::NAME`, followed by the shape where it is timed
    #[arg(long, value_name = "REGEX", conflicts_with_all = ["compare", "self_test"])]
    pub(crate) filter: Option<Regex>,

    /// Take the working tree's counts over into the committed tables, for this reason
    #[arg(long, value_name = "REASON", conflicts_with_all = ["base", "compare", "self_test"])]
    pub(crate) accept: Option<String>,

    /// Time two programs that read numbers of calls and print nanoseconds
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["base", "self_test"])]
    pub(crate) compare: Vec<PathBuf>,

    /// Plant losses into copies of HEAD, and see that each is found
    #[arg(long, conflicts_with = "base")]
    pub(crate) self_test: bool,

    /// Arguments of the two programs
    #[arg(last = true, value_name = "ARGS", requires = "compare")]
    pub(crate) rest: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct McaArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,

    /// Processor, by LLVM's name; may be given several times [default: neoverse-n1, -v1, -v2, or three of x86]
    #[arg(long = "cpu", value_name = "NAME")]
    pub(crate) cpus: Vec<String>,

    /// Every shape of each kernel, not only one of each kind
    #[arg(long)]
    pub(crate) every_shape: bool,

    /// Print the table as Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VersusArguments {
    /// What is compared
    #[arg(long, value_enum)]
    pub(crate) suite: versus::Suite,

    /// Sets, by the names of their folders [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) sets: Vec<String>,

    /// Systems to compare the accuracy with
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',', default_values_t = versus::System::PEERS)]
    pub(crate) peers: Vec<versus::System>,

    /// Folder of sets, each a folder with train.txt and test.txt as the Extreme Classification Repository has them, compressed by
    /// zstd or not; may be given several times [default: data of the workspace]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Vec<PathBuf>,

    /// Folder of models for the suite `retrieval`, of the names SET.slide; one that is not there is trained [default: a folder in target]
    #[arg(long, value_name = "DIR")]
    pub(crate) models: Option<PathBuf>,

    /// Repeat everything (of the suite `retrieval`: the searches), and report the medians
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Write all that was found, each round with its commands, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draw P@1 against the processor time of training (suite `accuracy`)
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// Put the report into this document, between the lines `<!-- versus SUITE -->` and `<!-- end of versus SUITE -->`
    #[arg(long, value_name = "FILE")]
    pub(crate) document: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// Model file that `slide train` has written
    pub(crate) model: PathBuf,

    /// Examples to ask for, in the format of the Extreme Classification Repository, compressed by zstd or not
    pub(crate) data: PathBuf,

    /// Of each load
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataSet {
    /// What each package of a Debian release depends on, from its name, section and description
    #[command(
        long_about = "What each package of a Debian release depends on, from its name, section and description.\n\n\
            Needs a machine with apt and the keyring of Debian's archive; the system's own package lists are not touched.\n\
            The same index gives the same files, to the bit.",
        after_help = "Examples:\n  cargo xtask data debian\n  \
            cargo xtask data debian --index target/xtask/debian    from the index fetched last, without the network"
    )]
    Debian(DebianArguments),

    /// Synthetic sets with as many examples, features and labels as published ones
    #[command(
        long_about = "Synthetic sets with as many examples, features and labels as published ones, made by `slide data synth`: each \
            once with independent labels and once, as NAME-clustered, with labels in clusters of confusable siblings, which show \
            what hash tables are worth. The same options give the same files.",
        after_help = "Examples:\n  cargo xtask data synth                                     amazon-670k, into target/synth\n  \
            cargo xtask data synth wikilsht-325k delicious-200k --scale 0.1 --out /tmp/sets"
    )]
    Synth(SynthArguments),
}

#[derive(Debug, Args)]
pub(crate) struct SynthArguments {
    /// Sets whose counts are taken; `slide data synth --help` lists them
    #[arg(value_name = "NAME", default_value = "amazon-670k")]
    pub(crate) names: Vec<String>,

    /// Multiply examples, features and labels
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub(crate) scale: f64,

    /// Folder to write to [default: synth in the target folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DebianArguments {
    /// Folder to write to [default: data/debian of the workspace]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Take `InRelease`, `Packages` and `Translation-en` (uncompressed) from this folder instead of fetching them
    #[arg(long, value_name = "DIR")]
    pub(crate) index: Option<PathBuf>,

    /// Suite whose component main is taken, for amd64
    #[arg(long, default_value = "bookworm", conflicts_with = "index")]
    pub(crate) suite: String,

    /// Mirror to fetch the index from
    #[arg(long, value_name = "URL", default_value = "http://deb.debian.org/debian", conflicts_with = "index")]
    pub(crate) mirror: String,
}

#[derive(Debug, Args)]
pub(crate) struct DocsArguments {
    /// Write nothing; fail if a table is not what it should be
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckModelPythonArguments {
    /// Model file that `slide train` has written
    pub(crate) model: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::*;

    #[test]
    fn every_verb_has_an_example() {
        fn check(command: &Command) {
            for verb in command.get_subcommands() {
                let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.starts_with("Example"), "`{}` has none", verb.get_name());
                assert!(help.contains("cargo xtask") || help.contains("-p xtask"), "`{}`: {help}", verb.get_name());
                check(verb);
            }
        }
        let command = Arguments::command();
        command.clone().debug_assert();
        check(&command);
    }
}
