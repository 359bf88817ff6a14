//! Calls the kernel of one case: the program for instruction counters, emulators, disassemblers and profilers.
//!
//! The cases reference every kernel of every level, so this program contains them all.
#![forbid(unsafe_code)]

use std::hint::black_box;

use anyhow::{Context as _, Result};
use clap::Parser;
use slide_benches::cases::{self, Case};
use slide_benches::turns;
use slide_kernels::{Isa, Kernels, Precision};

/// Calls the kernel of one case of the benchmarks on one instruction-set level.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  run-case --list\n  run-case avx2 dot::dot 'f32 1024' 1000000\n  \
    perf stat run-case avx512 dot::dot 'f32 1024' 1000000")]
struct Arguments {
    /// List the cases: kernel, shape, and elements per call, separated by tabs
    #[arg(long, exclusive = true)]
    list: bool,

    /// Level whose kernels are called, such as `avx2`
    #[arg(required_unless_present = "list")]
    isa: Option<Isa>,

    /// Kernel, such as `dot::dot`
    #[arg(required_unless_present = "list")]
    kernel: Option<String>,

    /// Formats and sizes of the case, such as `f32 1024`
    #[arg(required_unless_present = "list")]
    shape: Option<String>,

    /// Number of calls
    #[arg(default_value_t = 1)]
    calls: u64,

    /// Use the kernels of `Precision::Native`
    #[arg(long)]
    native: bool,

    /// Read numbers of calls, one per line; for each, make the calls and print their processor time in nanoseconds
    #[arg(long, conflicts_with_all = ["marked", "traced"])]
    turns: bool,

    /// Print the address of the function `mark` first, and call it before the first and after the last call
    #[arg(long)]
    marked: bool,

    /// Like --marked, and let the parent process trace this one, which stops in each `mark`
    #[arg(long)]
    traced: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (Some(isa), Some(kernel), Some(shape)) = (arguments.isa, &arguments.kernel, &arguments.shape) else {
        for Case { kernel, shape, cost, .. } in cases::all() {
            println!("{kernel}\t{shape}\t{}", cost.elements);
        }
        for (kernel, shape, elements) in cases::from_memory() {
            println!("{kernel}\t{shape}\t{elements}");
        }
        return Ok(());
    };
    let precision = if arguments.native { Precision::Native } else { Precision::Reproducible };
    let kernels = Kernels::for_isa(isa)?.with_precision(precision);
    let mut case = cases::find(kernel, shape)
        .with_context(|| format!("no case `{kernel}` `{shape}`; `run-case --list` lists them"))?;
    if arguments.turns {
        return Ok(turns::serve(|calls| (0..calls).for_each(|_| black_box(&mut case).call(black_box(kernels))))?);
    }
    let marked = arguments.marked || arguments.traced;
    if arguments.traced {
        trace_me()?;
    }
    if marked {
        println!("{:#x}", mark as *const () as usize);
        mark(arguments.traced);
    }
    for _ in 0..arguments.calls {
        black_box(&mut case).call(black_box(kernels));
    }
    if marked {
        mark(arguments.traced);
    }
    Ok(())
}

/// Where counting begins, and where it ends. Its address tells where in memory the program lies.
#[inline(never)]
fn mark(stop: bool) {
    if black_box(stop) {
        raise_stop();
    }
}

#[cfg(target_os = "linux")]
fn raise_stop() {
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP).expect("a process may stop itself");
}

#[cfg(not(target_os = "linux"))]
fn raise_stop() {}

#[cfg(target_os = "linux")]
fn trace_me() -> Result<()> {
    nix::sys::ptrace::traceme().context("the parent process cannot trace this one")
}

#[cfg(not(target_os = "linux"))]
fn trace_me() -> Result<()> {
    anyhow::bail!("--traced needs Linux")
}
