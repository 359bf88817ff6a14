//! The effect of page size and prefetching: random reads of rows, and the time to create and touch a table, per kind of page.
//!
//! ```text
//! cargo bench -p slide-benches --bench pages -- [read] [touch]
//! ```
//!
//! Pages of 2 MiB and 1 GiB must be reserved before; what each table got is printed. The kinds
//! alternate, since other load on the machine changes the times; printed are medians, and medians of the ratios to base pages in
//! the same round.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Instant;

use slide_benches::random::Random;
use slide_benches::statistics::median;
use slide_kernels::{Kernels, RowIds};
use slide_mem::{NumaPolicy, PagePolicy, Pinning, Placement, RowTable, Topology, Workers};

/// Elements of a row: 512 bytes.
const WIDTH: usize = 128;
const ROW: usize = 4 * WIDTH;
/// 343 MB, as Amazon-670K has, and 1.4 GB.
const TABLES: [usize; 2] = [670_091, 2_734_375];
/// Rows of a call, so few that most calls end within a time slice of a busy machine; calls of a kind.
const READS: usize = 1 << 11;
const READ_ROUNDS: usize = 401;
/// 4 GB.
const TOUCHED: usize = 7_812_500;
const TOUCH_ROUNDS: usize = 3;
const KINDS: [PagePolicy; 5] = PagePolicy::ALL;

fn table(rows: usize, pages: PagePolicy) -> RowTable<u32> {
    RowTable::zeroed(rows, WIDTH, Placement { pages, numa: NumaPolicy::Local }).expect("memory for the table")
}

/// The rows in random order.
fn scattered(random: &mut Random, rows: usize) -> Vec<u32> {
    (0..READS).map(|_| (random.word() % rows as u64) as u32).collect()
}

/// Medians of the times of variants `0..count`, and of their ratios: how many times faster than the variant `base(variant)`.
/// `time` gets a round and a variant.
fn compare(
    rounds: usize,
    count: usize,
    base: impl Fn(usize) -> usize,
    mut time: impl FnMut(usize, usize) -> f64,
) -> Vec<(f64, f64)> {
    let mut times = vec![vec![0.0; count]; rounds];
    for (round, times) in times.iter_mut().enumerate() {
        // Another one first in each round.
        for variant in (0..count).map(|turn| (round + turn) % count) {
            times[variant] = time(round, variant);
        }
    }
    let of = |figure: &dyn Fn(&Vec<f64>) -> f64| median(&mut times.iter().map(figure).collect::<Vec<_>>());
    let figures = |variant: usize| (of(&|times| times[variant]), of(&|times| times[base(variant)] / times[variant]));
    (0..count).map(figures).collect()
}

/// Where base pages stand among the kinds.
fn small() -> usize {
    KINDS.iter().position(|&kind| kind == PagePolicy::Small).expect("one of all")
}

fn read(kernels: &Kernels, rows: usize) {
    let mut random = Random(1);
    let tables = KINDS.map(|kind| {
        let mut table = table(rows, kind);
        table.as_mut_slice().iter_mut().enumerate().for_each(|(i, value)| *value = i as u32);
        println!("{kind}: {}", table.report());
        table
    });
    // The second half of the variants prefetches.
    let lists: Vec<Vec<u32>> = (0..READ_ROUNDS).map(|_| scattered(&mut random, rows)).collect();
    let base = |variant| small() + variant / KINDS.len() * KINDS.len();
    let figures = compare(READ_ROUNDS, 2 * KINDS.len(), base, |round, variant| {
        // Another list for each variant, or the second would find rows in the caches.
        let (table, list) = (&tables[variant % KINDS.len()], &lists[(round + variant * 37) % READ_ROUNDS]);
        let ids = RowIds::new(list, rows).expect("rows of the table");
        let start = Instant::now();
        black_box(if variant < KINDS.len() {
            list.iter().fold(0, |sum, &row| sum ^ kernels.probe_read(table.row(row as usize)))
        } else {
            kernels.probe_read_rows(table.as_slice(), table.stride(), WIDTH, ids)
        });
        start.elapsed().as_nanos() as f64 / READS as f64
    });
    println!(
        "\n| {rows} rows, pages | ns per row | GB/s | against 4k | with prefetch: ns per row | GB/s | against 4k |"
    );
    println!("|---|---|---|---|---|---|---|");
    let (plain, ahead) = figures.split_at(KINDS.len());
    for ((kind, (time, ratio)), (time_ahead, ratio_ahead)) in KINDS.iter().zip(plain).zip(ahead) {
        let speed = |time: f64| ROW as f64 / time;
        println!(
            "| {kind} | {time:.1} | {:.1} | {ratio:.2} | {time_ahead:.1} | {:.1} | {ratio_ahead:.2} |",
            speed(*time),
            speed(*time_ahead)
        );
    }
    println!();
}

fn touch(threads: usize) {
    let workers = Workers::new(NonZeroUsize::new(threads), Pinning::All, &Topology::detect()).expect("threads");
    let bounds: Vec<usize> = (0..=threads).map(|worker| worker * TOUCHED / threads).collect();
    let mut reports = KINDS.map(|_| String::new());
    let figures = compare(
        TOUCH_ROUNDS,
        KINDS.len(),
        |_| small(),
        |_, kind| {
            let start = Instant::now();
            let mut table = table(TOUCHED, KINDS[kind]);
            // One element of every base page.
            workers.each(&mut table.shards_mut(&bounds), |_, rows| rows.iter_mut().step_by(1024).for_each(|x| *x = 1));
            let time = start.elapsed().as_secs_f64();
            reports[kind] = table.report().to_string();
            time
        },
    );
    for (kind, report) in KINDS.iter().zip(reports) {
        println!("{kind}: {report}");
    }
    println!("\n| 4 GB by {threads} thread(s), pages | s | against 4k |\n|---|---|---|");
    for (kind, (time, ratio)) in KINDS.iter().zip(figures) {
        println!("| {kind} | {time:.2} | {ratio:.2} |");
    }
    println!();
}

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_chosen = |part: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == part);
    if is_chosen("read") {
        let kernels = Kernels::from_env().expect("a level that this machine has");
        TABLES.iter().for_each(|&rows| read(kernels, rows));
    }
    if is_chosen("touch") {
        [1, 2].iter().for_each(|&threads| touch(threads));
    }
}
