//! Reading text formats into memory.
//!
//! ```text
//! cargo bench -p slide-benches --bench parse [-- FILE]
//! ```
//!
//! Without a file: a synthetic set of the shape of Amazon-670K at a tenth of its size, in XMC text. Printed is MB/s per
//! core, counted in CPU time so that neighbours on the machine matter little, and the share of the parser's time
//! that a plain pass over the bytes (counting newlines) takes. Compressed files are decompressed first, outside the time.

use std::hint::black_box;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::data::{self, Format, ReadOptions};
use slide_mem::MappedFile;

const ROUNDS: usize = 10;
const PASSES: usize = 20;

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).map(PathBuf::from);
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let path = folder.path().join("data.txt");
    let data = match &given {
        Some(file) => data::read(file, &ReadOptions::default()).expect("a readable file"),
        None => {
            let shape = Shape::like("amazon-670k").expect("a known name").scaled(0.1);
            let synth = Synth { shape, siblings: Synth::SIBLINGS, seed: 1 };
            synth.generate(Part::Train).expect("a possible shape")
        }
    };
    match &given {
        // As it was written, with its own digits.
        Some(file) => {
            let mut text = std::fs::File::create(&path).expect("a file");
            let bytes = data::names::read(file, None).expect("a text").join("\n");
            text.write_all(bytes.as_bytes()).and_then(|()| text.write_all(b"\n")).expect("a file");
        }
        None => data::write(&path, &data, Format::Xmc).expect("a file"),
    }
    let bytes = MappedFile::open(&path).expect("a file").len();
    println!("{} examples, {} non-zeros, {bytes} bytes", data.examples(), data.arrays().feature_indices.len());

    let all = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for threads in [NonZeroUsize::MIN, all] {
        let options = ReadOptions { threads: Some(threads), ..ReadOptions::default() };
        // The clock ticks every 10 ms: many passes, and all rounds together.
        let plain = time(ROUNDS * PASSES, || {
            let file = MappedFile::open(&path).expect("a file");
            black_box(memchr::memchr_iter(b'\n', &file).count());
        });
        let parse = time(ROUNDS, || drop(black_box(data::read(&path, &options))));
        // What the time was spent on is what was written.
        assert!(data::read(&path, &options).ok().as_ref() == Some(&data), "the parser lost something");
        let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
        println!(
            "{threads} threads: parse {:.0} MB/s per core, plain pass {:.0} MB/s: {:.1} % of the parser's core time",
            rate(parse),
            rate(plain),
            100.0 * plain / parse,
        );
    }
}

/// Seconds of CPU time of one of `rounds` runs of `work`.
fn time(rounds: usize, mut work: impl FnMut()) -> f64 {
    let start = cpu_seconds();
    for _ in 0..rounds {
        work();
    }
    (cpu_seconds() - start) / rounds as f64
}

/// CPU time of this process so far, all threads, user and system; Linux only.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc/self/stat: this benchmark needs Linux");
    // Behind the name, which may hold anything, in parentheses: fields 3 and on. 14 and 15 are user and system ticks.
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
}
