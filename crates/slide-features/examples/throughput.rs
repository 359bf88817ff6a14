//! Megabytes of text a second on one thread: `cargo run --release -p slide-features --example throughput -- FILE COLUMN`.

use std::path::Path;
use std::time::Instant;

use slide_features::read::{ReadOptions, Reader};
use slide_features::{Column, FeatureConfig, Featurizer, Kind, Table, Tokens};

/// Times that each is done; the fastest counts.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "expected FILE COLUMN";
    let (file, column) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let mut table = Table::default();
    let read = fastest(|| {
        table = Reader::open(Path::new(&file), &ReadOptions::default()).and_then(|mut r| r.read_all()).expect("a table")
    });
    let number = table.column(&column).ok_or("no such column")?;
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let bytes: usize = (0..table.rows()).map(|row| table.field(row, number).len()).sum();
    let say = |what: &str, seconds: f64| println!("{what:44}{:8.0} MB/s", bytes as f64 / seconds / 1e6);
    println!("{} rows, {:.1} MB of text", rows.len(), bytes as f64 / 1e6);
    say("reading (with decompression)", read);
    let mut tokens = Tokens::default();
    let mut count = 0;
    let seconds = fastest(|| {
        (0..table.rows()).for_each(|row| {
            tokens.read(table.field(row, number));
            count += tokens.len();
        })
    });
    say("words", seconds);
    let config = FeatureConfig::new(vec![Column { name: column, kind: Kind::Text, delimiter: None }]);
    let hashed = Featurizer::hashed(&config, 20);
    say("words and pairs, hashed to 2^20, scaled", fastest(|| count += hashed.transform(&table, &rows).indices.len()));
    let mut fitted = hashed;
    say("words and pairs, fitting", fastest(|| fitted = Featurizer::fit(&config, &table, &rows, None)));
    say("words and pairs, tf-idf", fastest(|| count += fitted.transform(&table, &rows).indices.len()));
    println!("{} features; {count} counted", fitted.width());
    Ok(())
}

fn fastest(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = (Instant::now(), processor_time());
        work();
        match (start.1, processor_time()) {
            (Some(start), Some(end)) => end - start,
            _ => start.0.elapsed().as_secs_f64(),
        }
    };
    (0..ROUNDS).map(time).fold(f64::INFINITY, f64::min)
}

/// Seconds that the process has had a processor, from Linux: other processes do not count.
fn processor_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}
