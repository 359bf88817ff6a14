//! Reading text formats into memory.
//!
//! ```text
//! cargo bench -p slide-benches --bench parse [-- FILE]
//! ```
//!
//! Without a file: a synthetic set of the shape of Amazon-670K at a tenth of its size, in XMC text. Rounds of a plain pass
//! over the bytes (counting newlines) and rounds of the parser take turns; printed is the fastest round of each in MB/s
//! per core (all threads at work share the time) and the share of the parser's time that the plain pass takes.
//! Compressed files are decompressed first, outside the time.

use std::hint::black_box;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use slide_core::data::synth::{Part, Shape, Synth};
use slide_core::data::{self, Format, ReadOptions};
use slide_mem::MappedFile;

const ROUNDS: usize = 10;

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
    println!("{} points, {} non-zeros, {bytes} bytes", data.points(), data.parts().feature_indices.len());

    let all = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for threads in [NonZeroUsize::MIN, all] {
        let options = ReadOptions { threads: Some(threads), ..ReadOptions::default() };
        let (mut plain, mut parse) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            plain = plain.min(time(|| {
                let file = MappedFile::open(&path).expect("a file");
                memchr::memchr_iter(b'\n', &file).count()
            }));
            let mut read = None;
            parse = parse.min(time(|| read = data::read(&path, &options).ok()));
            // What the time was spent on is what was written.
            assert!(read.as_ref() == Some(&data), "the parser lost something");
        }
        let cores = threads.get() as f64;
        let rate = |time: Duration, cores: f64| bytes as f64 / 1e6 / time.as_secs_f64() / cores;
        println!(
            "{threads} threads: parse {:.0} MB/s per core, plain pass {:.0} MB/s: {:.1} % of the core time",
            rate(parse, cores),
            rate(plain, 1.0),
            100.0 * plain.as_secs_f64() / (parse.as_secs_f64() * cores),
        );
    }
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}
