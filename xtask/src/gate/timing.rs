//! Two builds in turns: what one of them loses by, and not what the neighbours do, shows in the ratio of times.

mod players;
mod same;
pub(super) mod training;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use slide_benches::cases;
use slide_benches::statistics::median;
use slide_kernels::Isa;

use super::builds::{Binary, Builder, Cases};
use super::renamed;
use crate::cli::Selection;
use players::Player;
pub(super) use same::Same;

/// Levels that are timed where the machine has them: what most processors run.
const LEVELS: &[Isa] = &[Isa::Avx2, Isa::Avx512, Isa::Neon, Isa::Sve];

/// A case of each family of kernels, in the caches.
const CASES: &[(&str, &str)] = &[
    ("axpy::axpy", "f32 1024"),
    ("blocks::score_nibble_blocks", "4 bits x i8, 2048 rows of 256"),
    ("byte_gemm::gemm_u8_i8", "u8 x i8, 64 vectors x 1024 rows of 128"),
    ("codes::hamming_rows", "1024 x u64 8"),
    ("convert::bf16_to_f32", "4096"),
    ("csr_to_csc::scan", "256 x 64 of 50000"),
    ("dot::dot", "f32 1024"),
    ("elementwise::exp", "f32 1024, and a copy"),
    ("embedding::forward", "f32 75 x 128"),
    ("gemm::forward", "f32, 64 examples x 1024 rows of 128"),
    ("gemm::gradient", "f32, 64 examples x 1024 rows of 128"),
    ("hadamard::hadamard", "f32 1024"),
    ("hash::dwta_codes", "64 x 128, 6 x 50"),
    ("loss::binary_cross_entropy", "f32 1024"),
    ("projection::projection_codes", "f32 128, 9 x 50"),
    ("quant::rows_dot_u8_i8", "u8 x i8 1024 rows x 128"),
    ("random::random_words", "u32 1024"),
    ("row_dot::rows_dot", "f32, 1024 rows of 128"),
    ("row_update::adam_rows", "f32, 32 rows of 1024"),
    ("sddmm::adam_backward", "f32, 32 rows of 128, 48 entries"),
    ("sddmm::forward", "f32, 32 rows of 128, 48 entries"),
    ("softmax::softmax", "f32 1024, and a copy"),
    ("sparse_dot::dot", "f32 75"),
    ("sparse_hash::dwta_codes_sparse", "75 of 1024, 6 x 50"),
    ("topk::top_k", "100 of f32 4096"),
    ("transpose::transpose", "f32 256 x 128"),
];

/// How often, and how long at a time, the two builds have their turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// Pairs of processes: where their memory happens to lie is another chance for each. An odd number.
    pairs: usize,
    rounds: usize,
    turn: Duration,
}

const IN_CACHE: Schedule = Schedule { pairs: 5, rounds: 6, turn: Duration::from_millis(5) };
/// Such a case takes long to be made ready.
const FROM_MEMORY: Schedule = Schedule { pairs: 3, rounds: 10, turn: Duration::from_millis(20) };

/// What two builds are timed at.
pub(super) enum Measurement {
    /// A program that takes turns, as `run-case --turns` does, with these arguments of the old and of the new build.
    Turns { name: String, arguments: [Vec<String>; 2], schedule: Schedule },
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

/// Those of the chosen kernels, as far as both builds know the cases.
pub(super) fn of_kernels(selection: &Selection, known: &[Cases; 2]) -> Vec<Measurement> {
    let levels: Vec<Isa> = LEVELS.iter().copied().filter(|isa| isa.is_available()).collect();
    // None if a build does not know the case.
    let turns = |isa: Isa, kernel: &str, shape: &str, schedule| {
        let arguments = |cases| {
            let (kernel, shape) = renamed::name_in(cases, kernel, shape)?;
            Some(vec![isa.name().to_owned(), kernel, shape, "--turns".to_owned()])
        };
        let [Some(old), Some(new)] = known.each_ref().map(arguments) else { return None };
        Some(Measurement::Turns { name: format!("{isa} {kernel} {shape}"), arguments: [old, new], schedule })
    };
    let mut measurements = Vec::new();
    for &(kernel, shape) in CASES {
        measurements.extend(levels.iter().filter_map(|&isa| turns(isa, kernel, shape, IN_CACHE)));
    }
    for (kernel, shape, _) in cases::from_memory() {
        measurements.extend(levels.last().and_then(|&isa| turns(isa, kernel, &shape, FROM_MEMORY)));
    }
    measurements.retain(|one| selection.chooses(one.name()));
    measurements
}

/// Any two programs that take turns, with their arguments; thresholds go by the program's name.
pub(super) fn any(program: &str, arguments: &[String]) -> Measurement {
    let name = [&[program.to_owned()], arguments].concat().join(" ");
    Measurement::Turns { name, arguments: [arguments.to_vec(), arguments.to_vec()], schedule: IN_CACHE }
}

impl Measurement {
    pub(super) fn name(&self) -> &str {
        let (Self::Turns { name, .. } | Self::Training { name, .. }) = self;
        name
    }

    /// Pairs of processes whose median is the result.
    fn pairs(&self) -> usize {
        match self {
            Self::Turns { schedule, .. } => schedule.pairs,
            Self::Training { .. } => training::PAIRS,
        }
    }

    /// Logarithms of how much longer the new build takes than the old one, by so many pairs of processes.
    fn log_ratios(&self, programs: [&Binary; 2], pairs: usize) -> Result<Vec<f64>> {
        // A build that is compared with itself is the old one.
        let new = usize::from(programs[0].hash != programs[1].hash);
        let programs = programs.map(|program| &*program.path);
        let ratio = |pair| match self {
            Self::Turns { arguments, schedule, .. } => {
                in_turns([0, new].map(|i| (programs[i], &*arguments[i])), schedule, pair)
            }
            Self::Training { arguments, data, .. } => training::log_ratio(programs, arguments, data, pair),
        };
        (0..pairs).map(ratio).collect::<Result<_>>().with_context(|| format!("timing `{}`", self.name()))
    }

    /// The median of the pairs.
    fn log_ratio(&self, programs: [&Binary; 2]) -> Result<f64> {
        Ok(median(&mut self.log_ratios(programs, self.pairs())?))
    }
}

/// Whether this `run-case` is no older than the turns.
pub(super) fn takes_turns(run_case: &Binary) -> bool {
    let Some((kernel, shape)) = CASES.first() else { return false };
    let arguments = ["scalar", kernel, shape, "--turns"].map(str::to_owned);
    Player::start(&run_case.path, &arguments, Stdio::null()).and_then(|mut player| player.turn(1)).is_ok()
}

/// The median over the rounds of one pair of processes, which swap places in each.
fn in_turns(programs: [(&Path, &[String]); 2], schedule: &Schedule, pair: usize) -> Result<f64> {
    let mut players = programs.map(|(program, arguments)| Player::start(program, arguments, Stdio::inherit()));
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
            ensure!(times[i] > 0.0, "{} does nothing in {calls} calls", players[i].program.display());
        }
        let ratio = (times[1] / times[0]).ln();
        ratios.push(if pair % 2 == 1 { -ratio } else { ratio });
    }
    Ok(median(&mut ratios))
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
        let all: Cases = CASES.iter().map(|&(kernel, shape)| (kernel.to_owned(), shape.to_owned())).collect();
        let known = [all.clone(), all];
        let some = of_kernels(&Selection { target: Target::Native, filter }, &known);
        assert!(some.iter().all(|one| one.name().contains("dot::dot f32")), "and no other kernel");
        assert!(some.len() < of_kernels(&Selection::all(Target::Native), &known).len());
        let [all, _] = known;
        let renamed = of_kernels(&Selection::all(Target::Native), &[all, Cases::new()]);
        assert!(renamed.is_empty(), "what only one of the builds knows cannot be compared");
    }
}
