//! Mutated inputs for every parser and for the model loader, on the stable toolchain: no input may panic, take long, or allocate far
//! more than its size.
//!
//! `cargo run --release --package slide-fuzz -- --seconds 60` runs each target so long; an input that fails is kept in
//! `fuzz/failures`, and `--input FILE` tries it again. What a target begins with lies in `fuzz/corpus/TARGET`. The inputs are a function
//! of `--seed`.
#![forbid(unsafe_code)]

mod mutate;
mod targets;

use std::alloc::System;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::mutate::Mutator;
use crate::targets::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// An input may take so long.
const LONGEST: Duration = Duration::from_secs(20);
/// Bytes that may be allocated for an input, all together: so many, and
const ALLOCATED: usize = 256 << 20;
/// so many for each of its bytes: compressed data are a thousand times larger at most.
const ALLOCATED_PER_BYTE: usize = 16 << 10;
/// Inputs of a target in the tests.
#[cfg(test)]
const TEST_INPUTS: u64 = 300;

/// Feed mutated inputs to the parsers and the model loader
#[derive(Parser, Debug)]
struct Arguments {
    /// Seconds for each target
    #[arg(long, default_value = "60")]
    seconds: u64,
    /// Only these targets
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Of the mutations
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Try this file with the targets, and nothing else
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let is_chosen =
        |target: &&Target| arguments.target.is_empty() || arguments.target.iter().any(|name| name == target.name);
    let chosen: Vec<&Target> = TARGETS.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        bail!("no target of this name, expected one of: {}", TARGETS.each_ref().map(|target| target.name).join(", "));
    }
    let watch = Watch::start();
    for target in chosen {
        if let Some(path) = &arguments.input {
            let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            watch.try_input(target, &bytes)?;
            println!("{}: nothing is wrong", target.name);
            continue;
        }
        let end = Instant::now() + Duration::from_secs(arguments.seconds);
        let inputs = watch.run(target, arguments.seed, |_| Instant::now() < end)?;
        println!("{}: {inputs} inputs, nothing is wrong", target.name);
    }
    Ok(())
}

/// The files that a target begins with.
fn corpus(target: &Target) -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    paths.iter().map(|path| Ok(fs::read(path)?)).collect()
}

/// When an input was begun, its target, and itself.
type Current = Arc<Mutex<Option<(Instant, &'static str, Vec<u8>)>>>;

/// The input that is being tried, for the thread that ends the program if it takes too long.
struct Watch {
    current: Current,
}

impl Watch {
    fn start() -> Self {
        let current = Current::default();
        let watched = current.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_secs(1));
                let current = watched.lock().expect("nothing panics with the lock");
                if let Some((start, target, input)) = &*current
                    && start.elapsed() > LONGEST
                {
                    eprintln!("{}", report(target, input, &format!("it takes more than {LONGEST:?}")));
                    std::process::exit(1);
                }
            }
        });
        Self { current }
    }

    /// Tries the corpus, and then mutations of it while `go_on`, which is given their number. Returns how many inputs there were.
    fn run(&self, target: &'static Target, seed: u64, go_on: impl Fn(u64) -> bool) -> Result<u64> {
        let corpus = corpus(target)?;
        corpus.iter().try_for_each(|input| self.try_input(target, input))?;
        let mut mutator = Mutator::new(corpus, seed);
        let mut inputs = 0;
        while go_on(inputs) {
            let input = mutator.next(inputs);
            self.try_input(target, &input)?;
            inputs += 1;
        }
        Ok(inputs)
    }

    fn try_input(&self, target: &'static Target, input: &[u8]) -> Result<()> {
        let set = |current| *self.current.lock().expect("nothing panics with the lock") = current;
        set(Some((Instant::now(), target.name, input.to_vec())));
        let region = Region::new(ALLOCATOR);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
        let allocated = region.change().bytes_allocated;
        set(None);
        match outcome {
            Ok(Ok(())) if allocated <= ALLOCATED + ALLOCATED_PER_BYTE * input.len() => Ok(()),
            Ok(Ok(())) => bail!(report(target.name, input, &format!("{allocated} bytes were allocated"))),
            Ok(Err(what)) => bail!(report(target.name, input, &what)),
            Err(_) => bail!(report(target.name, input, "it panicked")),
        }
    }
}

/// Keeps an input that fails, and says where.
fn report(target: &str, input: &[u8], what: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let path = folder.join(format!("{target}-{hash:016x}"));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    let kept = kept.map_or_else(|error| format!("and cannot be kept: {error}"), |()| path.display().to_string());
    format!("{target}: {what}, with an input of {} bytes: {kept}", input.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test: the allocations that are counted are those of all threads.
    #[test]
    fn targets_stand_mutations_and_what_is_wrong_is_found() {
        let watch = Watch::start();
        for target in &TARGETS {
            watch.run(target, 1, |inputs| inputs < TEST_INPUTS).unwrap();
        }
        static PANICS: Target =
            Target { name: "panics", run: |input| if input.len() > 2 { panic!("too long") } else { Ok(()) } };
        static ALLOCATES: Target = Target {
            name: "allocates",
            run: |_| {
                drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 30)));
                Ok(())
            },
        };
        watch.try_input(&PANICS, b"ab").unwrap();
        assert!(
            watch
                .try_input(&PANICS, b"abc")
                .unwrap_err()
                .to_string()
                .starts_with("panics: it panicked, with an input of 3 bytes")
        );
        assert!(watch.try_input(&ALLOCATES, b"").unwrap_err().to_string().contains("1073741824 bytes were allocated"));
    }
}
