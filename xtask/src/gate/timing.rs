//! Two builds in turns: what one of them loses by, and not what the neighbours do, shows in the ratio of times.

mod players;
pub(super) mod training;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use slide_benches::cases;
use slide_kernels::Isa;

use super::builds::{Binary, Builder};
use super::statistics::{median, threshold};
use crate::cli::Selection;
use players::Player;

/// Levels that are timed where the machine has them: what most processors run.
const LEVELS: &[Isa] = &[Isa::Avx2, Isa::Avx512, Isa::Neon, Isa::Sve];

/// A case of each family of kernels, in the caches.
const CASES: &[(&str, &str)] = &[
    ("active::adam_backward", "f32, 32 rows of 128, 48 entries"),
    ("active::forward", "f32, 32 rows of 128, 48 entries"),
    ("axpy::axpy", "f32 1024"),
    ("codes::hamming_rows", "1024 x u64 8"),
    ("convert::bf16_to_f32", "4096"),
    ("counting_sort::scan", "256 x 64 of 50000"),
    ("dot::dot", "f32 1024"),
    ("elementwise::exp", "f32 1024, and a copy"),
    ("embedding::forward", "f32 75 x 128"),
    ("gemm::forward", "f32, 64 samples x 1024 rows of 128"),
    ("gemm::gradient", "f32, 64 samples x 1024 rows of 128"),
    ("hadamard::hadamard", "f32 1024"),
    ("hash::dwta_codes", "64 x 128, 6 x 50"),
    ("loss::binary_cross_entropy", "f32 1024"),
    ("projection::projection_codes", "f32 128, 9 x 50"),
    ("quant::rows_dot_u8_i8", "u8 x i8 1024 rows x 128"),
    ("random::random_words", "u32 1024"),
    ("row_dot::rows_dot", "f32, 1024 rows of 128"),
    ("row_update::adam_rows", "f32, 32 rows of 1024"),
    ("softmax::softmax", "f32 1024, and a copy"),
    ("sparse_dot::dot", "f32 75"),
    ("sparse_hash::dwta_codes_sparse", "75 of 1024, 6 x 50"),
    ("topk::top_k", "100 of f32 4096"),
    ("transpose::transpose", "f32 256 x 128"),
];

/// Measurements of a build and itself that a threshold is learned from.
const SAME: usize = 8;

/// How often, and how long at a time, the two builds have their turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// Pairs of processes: where their memory happens to lie is another chance for each.
    pairs: usize,
    rounds: usize,
    turn: Duration,
}

const IN_CACHE: Schedule = Schedule { pairs: 5, rounds: 6, turn: Duration::from_millis(5) };
/// Such a case takes long to be made ready.
const FROM_MEMORY: Schedule = Schedule { pairs: 3, rounds: 10, turn: Duration::from_millis(20) };

/// What two builds are timed at.
pub(super) enum Measurement {
    /// A program that takes turns, as `run-case --turns` does, with these arguments.
    Turns { name: String, arguments: Vec<String>, schedule: Schedule },
    /// `slide train`, with these arguments besides and this data.
    Training { name: String, arguments: Vec<String>, data: PathBuf },
}

/// How two builds compare at one measurement.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    pub(super) name: String,
    /// Logarithm of the time of the new build over that of the old one; measured again where it was too large at first.
    pub(super) ratio: f64,
    pub(super) threshold: f64,
    pub(super) again: bool,
}

impl Timed {
    pub(super) fn is_loss(&self) -> bool {
        self.ratio > self.threshold
    }

    pub(super) fn is_gain(&self) -> bool {
        self.ratio < -self.threshold
    }
}

/// Those of the chosen kernels.
pub(super) fn of_kernels(selection: &Selection) -> Vec<Measurement> {
    let levels: Vec<Isa> = LEVELS.iter().copied().filter(|isa| isa.is_available()).collect();
    let turns = |isa: Isa, kernel: &str, shape: &str, schedule| Measurement::Turns {
        name: format!("{isa} {kernel} {shape}"),
        arguments: [isa.name(), kernel, shape, "--turns"].map(str::to_owned).to_vec(),
        schedule,
    };
    let mut measurements = Vec::new();
    for &(kernel, shape) in CASES {
        measurements.extend(levels.iter().map(|&isa| turns(isa, kernel, shape, IN_CACHE)));
    }
    for (kernel, shape) in cases::from_memory() {
        measurements.extend(levels.last().map(|&isa| turns(isa, kernel, &shape, FROM_MEMORY)));
    }
    measurements.retain(|one| selection.chooses(one.name()));
    measurements
}

/// Any two programs that take turns, with their arguments.
pub(super) fn any(arguments: &[String]) -> Measurement {
    Measurement::Turns { name: arguments.join(" "), arguments: arguments.to_vec(), schedule: IN_CACHE }
}

impl Measurement {
    pub(super) fn name(&self) -> &str {
        let (Self::Turns { name, .. } | Self::Training { name, .. }) = self;
        name
    }

    /// The logarithm of how much longer the new build takes than the old one: the median over the pairs.
    fn log_ratio(&self, programs: [&Binary; 2]) -> Result<f64> {
        let programs = programs.map(|program| &*program.path);
        let ratios: Result<Vec<f64>> = match self {
            Self::Turns { arguments, schedule, .. } => {
                (0..schedule.pairs).map(|pair| in_turns(programs, arguments, schedule, pair)).collect()
            }
            Self::Training { arguments, data, .. } => training::log_ratios(programs, arguments, data),
        };
        Ok(median(&ratios.with_context(|| format!("timing `{}`", self.name()))?))
    }
}

/// Whether this `run-case` is no older than the turns.
pub(super) fn takes_turns(run_case: &Binary) -> bool {
    let Some((kernel, shape)) = CASES.first() else { return false };
    let arguments = ["scalar", kernel, shape, "--turns"].map(str::to_owned);
    Player::start(&run_case.path, &arguments).and_then(|mut player| player.turn(1)).is_ok()
}

/// The median over the rounds of one pair of processes, which swap places in each.
fn in_turns(programs: [&Path; 2], arguments: &[String], schedule: &Schedule, pair: usize) -> Result<f64> {
    let mut players = programs.map(|program| Player::start(program, arguments));
    if pair % 2 == 1 {
        players.reverse();
    }
    let [first, second] = players;
    let mut players = [first?, second?];
    let calls = players[0].calls_of(schedule.turn)?;
    players[1].turn(calls)?;
    let mut ratios = Vec::new();
    for round in 0..schedule.rounds {
        let mut times = [0.0; 2];
        for i in [round % 2, 1 - round % 2] {
            times[i] = players[i].turn(calls)?;
        }
        let ratio = (times[1] / times[0]).ln();
        ratios.push(if pair % 2 == 1 { -ratio } else { ratio });
    }
    Ok(median(&ratios))
}

/// Ratios of programs and themselves, by program and measurement: learned on this machine, and kept.
pub(super) struct Same {
    path: PathBuf,
    ratios: BTreeMap<String, Vec<f64>>,
}

impl Same {
    pub(super) fn open(builder: &Builder) -> Result<Self> {
        Self::open_at(builder.folder.join(format!("thresholds-{}.json", machine())))
    }

    fn open_at(path: PathBuf) -> Result<Self> {
        let ratios = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{}", path.display()))?,
            Err(_) => BTreeMap::new(),
        };
        Ok(Self { path, ratios })
    }

    /// The threshold of a program, which is learned if it is not known.
    fn threshold(&mut self, measurement: &Measurement, program: &Binary, anew: bool) -> Result<f64> {
        let key = format!("{} {}", program.hash, measurement.name());
        let ratios = self.ratios.entry(key).or_default();
        if anew || ratios.is_empty() {
            for _ in 0..SAME {
                ratios.push(measurement.log_ratio([program; 2])?);
            }
            let threshold = threshold(ratios);
            fs::write(&self.path, serde_json::to_string_pretty(&self.ratios)?)?;
            return Ok(threshold);
        }
        Ok(threshold(ratios))
    }

    /// Times two builds. What seems to be a loss is measured again, after the noise of the moment has been learned too.
    pub(super) fn compare(&mut self, measurement: &Measurement, [old, new]: [&Binary; 2]) -> Result<Timed> {
        let mut threshold = self.threshold(measurement, old, false)?;
        let (mut ratio, mut again) = (measurement.log_ratio([old, new])?, false);
        if ratio > threshold {
            threshold = self.threshold(measurement, old, true)?;
            (ratio, again) = (measurement.log_ratio([old, new])?, true);
        }
        Ok(Timed { name: measurement.name().to_owned(), ratio, threshold, again })
    }
}

/// Stands for the processors of this machine.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let constant = |line: &&str| ["model", "stepping", "cache size", "CPU"].iter().any(|name| line.starts_with(name));
    let text: String = processors.lines().filter(constant).collect();
    Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use slide_kernels::list::KERNELS;

    use super::*;
    use crate::program::Target;

    #[test]
    fn every_family_but_the_yardsticks_is_timed() {
        for kernel in KERNELS.iter().filter(|kernel| kernel.family != "probe") {
            assert!(
                CASES.iter().any(|(name, _)| name.split("::").next() == Some(kernel.family)),
                "no case of {} is timed",
                kernel.family
            );
        }
        for (kernel, shape) in CASES {
            assert!(cases::find(kernel, shape).is_some(), "there is no case {kernel} {shape}");
        }
    }

    #[test]
    fn a_filter_chooses_kernels() {
        let filter = Some(regex::Regex::new("dot::dot f32").unwrap());
        let some = of_kernels(&Selection { target: Target::Native, filter });
        assert!(some.iter().all(|one| one.name().contains("dot::dot f32")), "and no other kernel");
        assert!(some.len() < of_kernels(&Selection::all(Target::Native)).len());
    }

    /// A program that says of each call that it took so many nanoseconds.
    #[cfg(unix)]
    fn fake(folder: &Path, nanoseconds: u32) -> Binary {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join(nanoseconds.to_string());
        let script = format!("#!/bin/sh\nwhile read calls; do echo $((calls * {nanoseconds})); done\n");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Binary::open(path).unwrap()
    }

    #[test]
    #[cfg(unix)]
    fn slower_programs_are_losses_in_whatever_order_they_run() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = [1000, 1200].map(|nanoseconds| fake(folder.path(), nanoseconds));
        let mut same = Same::open_at(folder.path().join("same.json")).unwrap();
        let loss = same.compare(&any(&[]), [&old, &new]).unwrap();
        assert!((loss.ratio.exp() - 1.2).abs() < 1e-9, "{loss:?}");
        assert!(loss.is_loss() && loss.again, "{loss:?}");
        let gain = same.compare(&any(&[]), [&new, &old]).unwrap();
        assert!(!gain.is_loss() && gain.is_gain() && !gain.again, "{gain:?}");

        let mut same = Same::open_at(folder.path().join("same.json")).unwrap();
        let learned: Vec<usize> = same.ratios.values().map(Vec::len).collect();
        assert_eq!(learned.iter().sum::<usize>(), 3 * SAME, "twice for the loss, once for the gain, and kept");
        let equal = same.compare(&any(&[]), [&old, &old]).unwrap();
        assert_eq!((equal.ratio, equal.again), (0.0, false));
    }

    #[test]
    #[cfg(unix)]
    fn programs_that_take_no_turns_are_named() {
        let silent = Binary::open("/bin/true".into()).unwrap();
        let error = any(&["--turns".to_owned()]).log_ratio([&silent; 2]).unwrap_err();
        assert!(format!("{error:#}").contains("/bin/true takes no turns"), "{error:#}");
    }
}
