//! The output layer of a model by itself: its vectors for other libraries, and how well and how fast slide searches it.
//!
//! ```text
//! cargo run --release -p slide-benches --example output_layer -- export MODEL TRAIN TEST FOLDER
//! cargo run --release -p slide-benches --example output_layer -- search MODEL TRAIN FOLDER exact|lsh|index|index:RECALL ...
//! ```
//!
//! `export` writes NumPy files: `weights.npy`, `bias.npy`, and the last hidden layers of examples spread over each part of the data,
//! `training.npy` and `queries.npy`, whose examples are listed in `examples.txt`. `search` answers the queries in the way that
//! `retrieval.py` describes, for `cargo xtask versus --suite retrieval`, which compares other libraries in the same way.
#![forbid(unsafe_code)]

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use serde_json::json;
use slide_benches::statistics::median;
use slide_benches::turns::processor_time;
use slide_core::data::{self, ReadOptions};
use slide_core::{
    Dataset, HashingConfig, IndexConfig, Model, OutputLayer, Parts, Predictor, Retrieval, Runtime, RuntimeOptions,
};

/// Labels of an answer.
const BEST: usize = 5;
/// Queries that are exported at most.
const QUERIES: usize = 2000;
/// Queries before the first that is counted.
const WARM_UP: usize = 20;
/// Training examples whose queries are exported at most.
const TRAINING: usize = 40_000;

#[derive(Debug, Parser)]
enum Arguments {
    /// Write the vectors
    Export { model: PathBuf, train: PathBuf, test: PathBuf, folder: PathBuf },
    /// Answer the queries of a folder, once for each line `round` of standard input
    Search { model: PathBuf, train: PathBuf, folder: PathBuf, methods: Vec<String> },
}

fn main() -> Result<()> {
    let mut options = RuntimeOptions::default();
    options.threads = Some(1.try_into()?);
    let runtime = Runtime::new(&options)?;
    match Arguments::parse() {
        Arguments::Export { model, train, test, folder } => export(&model, &train, &test, &folder, &runtime),
        Arguments::Search { model, train, folder, methods } => search(&model, &train, &folder, &methods, &runtime),
    }
}

fn read(path: &Path, model: &Model) -> Result<Dataset> {
    let mut options = ReadOptions::default();
    (options.feature_count, options.label_count) = (Some(model.features()), Some(model.labels()));
    Ok(data::read(path, &options)?)
}

fn network(model: Model, retrieval: Retrieval, runtime: &Runtime) -> Result<Predictor> {
    Ok(Predictor::of_parts(model, Parts::Network, retrieval, runtime)?)
}

fn export(model: &Path, train: &Path, test: &Path, folder: &Path, runtime: &Runtime) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let predictor = network(Model::load(model)?, Retrieval::Exact, runtime)?;
    let layer = OutputLayer::of(&predictor).context("the model has no network")?;
    let width = layer.width();
    for (path, most, name) in [(train, TRAINING, "training.npy"), (test, QUERIES, "queries.npy")] {
        let data = read(path, predictor.model())?;
        let examples = spread(data.examples(), most);
        let all = layer.queries(&data)?;
        let queries: Vec<f32> = examples.iter().flat_map(|&i| &all[i as usize * width..][..width]).copied().collect();
        write_npy(&folder.join(name), &[examples.len(), width], &queries)?;
        if path == test {
            let path = folder.join("examples.txt");
            let text: String = examples.iter().map(|example| format!("{example}\n")).collect();
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    write_npy(&folder.join("weights.npy"), &[layer.labels(), width], &layer.weights())?;
    write_npy(&folder.join("bias.npy"), &[layer.labels()], &layer.bias())
}

/// At most `most` of the numbers below `count`, evenly spread.
fn spread(count: usize, most: usize) -> Vec<u32> {
    let wanted = most.min(count);
    (0..wanted).map(|i| (i * count / wanted) as u32).collect()
}

/// An array of `f32` in NumPy's format, version 1.0.
fn write_npy(path: &Path, shape: &[usize], values: &[f32]) -> Result<()> {
    const PREFIX: usize = 10;
    let shape: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let padded = (PREFIX + header.len() + 1).next_multiple_of(64) - PREFIX;
    header = format!("{header:<0$}\n", padded - 1);
    let length = u16::try_from(header.len())?.to_le_bytes();
    let bytes = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytemuck::cast_slice(values)].concat();
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The numbers of a file of [`write_npy`].
fn read_npy(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(bytes.len() >= 10, "{} is cut short", path.display());
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    Ok(bytes[start..].as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect())
}

/// A way to search.
struct Method {
    name: String,
    predictor: Predictor,
}

fn search(model: &Path, train: &Path, folder: &Path, methods: &[String], runtime: &Runtime) -> Result<()> {
    let queries = read_npy(&folder.join("queries.npy"))?;
    let mut built = Vec::new();
    for name in methods {
        let mut model = Model::load(model)?;
        let (retrieval, bytes, seconds) = prepare(&mut model, name, train, runtime)?;
        let bytes_per_label = bytes as f64 / model.labels() as f64;
        println!("{}", json!({ "method": name, "build_seconds": seconds, "bytes_per_label": bytes_per_label }));
        built.push(Method { name: name.clone(), predictor: network(model, retrieval, runtime)? });
    }
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        ensure!(line? == "round", "a line `round` was expected");
        for method in &built {
            round(method, &queries, folder)?;
        }
        println!("done");
    }
    Ok(())
}

/// Gives the model what a method needs; returns its retrieval, its bytes beside the weights, and the processor's seconds.
fn prepare(model: &mut Model, method: &str, train: &Path, runtime: &Runtime) -> Result<(Retrieval, usize, f64)> {
    let clock = || processor_time().map(|time| time.as_secs_f64());
    Ok(match method.split_once(':') {
        None if method == "exact" => (Retrieval::Exact, 0, 0.0),
        // That of the model as it is; `build_seconds` are not known.
        None if method == "index" => (Retrieval::Index, 0, 0.0),
        None if method == "lsh" => {
            let hashing = HashingConfig::default();
            let start = clock()?;
            model.build_tables(&hashing, runtime)?;
            // The rows in the buckets of each table; what finds the buckets is less.
            (Retrieval::Lsh, hashing.tables * 4 * model.labels(), clock()? - start)
        }
        Some(("index", recall)) => {
            let data = read(train, model)?;
            let mut config = IndexConfig::default();
            config.index_recall = recall.parse()?;
            let start = clock()?;
            let report = model.build_index(&data, &config, runtime)?;
            (Retrieval::Index, report.bytes, clock()? - start)
        }
        _ => bail!("`{method}` is none of exact, lsh, index, index:RECALL"),
    })
}

/// Microseconds that reading the clock takes.
fn clock_time() -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..1000 {
        let start = processor_time()?;
        times.push((processor_time()? - start).as_secs_f64() * 1e6);
    }
    Ok(median(&mut times))
}

/// Answers all queries one by one, writes the answers, and prints the times.
fn round(method: &Method, queries: &[f32], folder: &Path) -> Result<()> {
    let mut layer = OutputLayer::of(&method.predictor).context("the model has no network")?;
    let width = layer.width();
    let (mut times, mut answers) = (Vec::new(), String::new());
    let nothing = clock_time()?;
    let first = queries.chunks_exact(width).take(WARM_UP);
    for (number, query) in first.chain(queries.chunks_exact(width)).enumerate() {
        layer.set_query(query);
        let start = processor_time()?;
        let best = layer.best(BEST);
        let time = processor_time()? - start;
        if number >= WARM_UP {
            times.push(time.as_secs_f64() * 1e6 - nothing);
            let words: Vec<String> = best.map(|(label, logit)| format!("{label}:{logit}")).collect();
            answers += &(words.join(" ") + "\n");
        }
    }
    let path = folder.join(format!("answers-slide-{}", method.name));
    fs::write(&path, answers).with_context(|| format!("cannot write {}", path.display()))?;
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{}", json!({ "method": method.name, "microseconds": at(50), "microseconds_99th": at(99) }));
    Ok(std::io::stdout().flush()?)
}
