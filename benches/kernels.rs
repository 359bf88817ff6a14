//! Every kernel on every level that implements it, on arguments that stay in the caches.
//!
//! ```text
//! cargo xtask bench                                                                 with a report, and a record
//! cargo bench -p slide-benches --bench kernels -- [OPTIONS OF CRITERION] [REGULAR EXPRESSION]
//! ```
//!
//! Before a case is timed, its result is compared bit for bit with the scalar level. Its calls alternate with bare loops that
//! measure the limits of the core (`roofline.rs`), so criterion's times and the share of the limit come from the same rounds.

use std::time::Duration;

use anyhow::{Result, ensure};
use criterion::{Criterion, Throughput};
use slide_benches::cases::{self, Case};
use slide_benches::counters::{Hardware, not_available};
use slide_benches::record::{Line, Measured, Recorder};
use slide_benches::roofline::{Memory, Probes, Rounds};
use slide_kernels::{Isa, Kernels, Precision};

/// Duration of the calls that are measured with hardware counters.
const WATCHED: Duration = Duration::from_millis(5);

fn main() -> Result<()> {
    let mut recorder = Recorder::from_env()?;
    let mut probes = Probes::default();
    let mut criterion = Criterion::default().warm_up_time(Duration::from_millis(100));
    criterion = if recorder.asked {
        criterion.measurement_time(Duration::from_millis(300)).sample_size(10).nresamples(2000).without_plots()
    } else {
        criterion.measurement_time(Duration::from_millis(500)).sample_size(20)
    };
    criterion = criterion.configure_from_args();
    let mut hardware = Hardware::open();
    let mut cases = if recorder.typical { cases::typical() } else { cases::all() };
    let chosen: Vec<Vec<&'static Kernels>> = cases.iter().map(|case| levels(case, &recorder)).collect();
    let (mut done, all) = (0, chosen.iter().map(Vec::len).sum::<usize>());
    ensure!(all > 0, "no case of a kernel on these levels matches the filter");
    if recorder.asked {
        write_roofs(&mut recorder, &probes)?;
        if let Err(reason) = &hardware {
            recorder.write(Line::Note(not_available(reason)))?;
        }
    }
    let scalar = Kernels::for_isa(Isa::Scalar)?;
    for (case, chosen) in cases.iter_mut().zip(chosen).filter(|(_, chosen)| !chosen.is_empty()) {
        let expected = case.result_of_one_call(scalar);
        for kernels in chosen {
            let same = kernels.precision() == Precision::Native || case.result_of_one_call(kernels) == expected;
            ensure!(same, "{} {} on {} has other bits than scalar", case.kernel, case.shape, level(kernels));
            if recorder.asked {
                done += 1;
                eprintln!("kernels: {done} of {all}: {} {} {}", level(kernels), case.kernel, case.shape);
            }
            if let Some(measured) = measure(&mut criterion, case, kernels, &mut probes, hardware.as_mut().ok())? {
                recorder.write(Line::Measured(measured))?;
            }
        }
    }
    criterion.final_summary();
    Ok(())
}

fn level(kernels: &Kernels) -> String {
    cases::level(kernels.isa(), kernels.precision())
}

/// The chosen levels with an own implementation.
fn levels(case: &Case, recorder: &Recorder) -> Vec<&'static Kernels> {
    let kernel = cases::kernel(case.kernel).expect("every case is of a listed kernel");
    let of = |isa: &Isa| Kernels::for_isa(*isa).expect("a chosen level is available");
    let available = |isa: &&Isa| recorder.has(**isa);
    let own = [Isa::Scalar].iter().chain(kernel.levels).filter(available).map(of);
    let native = kernel.native.iter().filter(available).map(|isa| of(isa).with_precision(Precision::Native));
    own.chain(native).filter(|kernels| recorder.chooses(&level(kernels), case.kernel, &case.shape)).collect()
}

fn write_roofs(recorder: &mut Recorder, probes: &Probes) -> Result<()> {
    let memory = Memory::new()?;
    // There are no bare loops for SVE.
    let levels: Vec<Isa> = recorder.main_levels().filter(|&isa| isa != Isa::Sve).collect();
    for isa in levels {
        for roof in probes.roofs(Kernels::for_isa(isa)?, &memory) {
            recorder.write(Line::Roof(roof))?;
        }
    }
    Ok(())
}

/// `None` if criterion's filter excludes the case.
fn measure(
    criterion: &mut Criterion,
    case: &mut Case,
    kernels: &'static Kernels,
    probes: &mut Probes,
    hardware: Option<&mut Hardware>,
) -> Result<Option<Measured>> {
    let level = level(kernels);
    let (subject, shape, cost) = (case.kernel.to_owned(), case.shape.clone(), case.cost);
    let mut group = criterion.benchmark_group(format!("{subject} {shape}"));
    match (cost.operations, cost.bytes) {
        (0, 0) => {}
        (0, bytes) => {
            group.throughput(Throughput::Bytes(bytes));
        }
        (operations, _) => {
            group.throughput(Throughput::Elements(operations));
        }
    }
    // Called for each of criterion's samples, and not at all if its own filter excludes the case.
    let mut rounds = None;
    group.bench_function(&level, |bencher| {
        let rounds = rounds.get_or_insert_with(|| Rounds::new(case, kernels, probes));
        bencher.iter_custom(|calls| rounds.run(case, kernels, probes, calls));
    });
    group.finish();
    let figures = rounds.and_then(|mut rounds| rounds.figures());
    let Some((nanoseconds, limit)) = figures else { return Ok(None) };
    if let Some(limit) = &limit {
        println!("{:24}{:.0} % of the limit, which is {}", "", 100.0 * limit.share, limit.name);
    }
    let calls = (WATCHED.as_nanos() as f64 / nanoseconds[1]).ceil() as u64;
    let counters = hardware.and_then(|hardware| hardware.count(calls, || case.call(kernels)));
    Ok(Some(Measured { subject, shape, level, cost, nanoseconds, p99: None, limit, counters }))
}
