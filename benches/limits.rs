//! How near the kernels come to what a core can do with data in its caches.
//!
//! ```text
//! cargo bench -p slide-benches --bench limits -- [PART OF A NAME]...
//! ```
//!
//! Rounds of the kernel take turns with rounds of bare loops that do nothing but load, multiply-add, or divide
//! (`slide_kernels`, family `probe`), so that both see the same clock and the same neighbours. A kernel cannot be faster
//! than the slowest of what it needs; printed, as a Markdown table, are the medians over the rounds of its time and of
//! the share of that limit which it reaches.

use std::time::Instant;

use slide_benches::cases::{self, Case};
use slide_benches::random::Aligned;
use slide_kernels::{Isa, Kernels, list};

const ROUNDS: usize = 301;
const NANOSECONDS_A_ROUND: f64 = 20_000.0;
/// Words that the bare loops over memory visit at least: 16 KiB, in the first-level cache.
const WORDS: usize = 4096;
/// And at most: 1 MiB, in the second-level cache.
const MOST_WORDS: usize = 1 << 18;

/// What a kernel of the caches can be bound by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// Reading as many bytes in order, from the same level of cache.
    Loads,
    /// Bytes through load and store ports, half of them each.
    Updates,
    /// Multiply-adds.
    Arithmetic,
    /// Multiply-adds and whatever else takes their ports: widening of `bf16`, and the folding of lanes.
    Ports,
    /// One division and one square root an element.
    Divider,
}

/// What binds each kernel that is bound by something that a bare loop can show.
fn bounds(kernel: &str) -> &'static [Bound] {
    use Bound::*;
    match kernel.split_once("::").map_or("", |(family, _)| family) {
        "dot" | "row_dot" => &[Loads, Ports],
        "sparse_dot" => &[],
        "quant" if kernel.contains("dot") => &[Loads],
        "gemm" => &[Arithmetic],
        "axpy" => &[Updates],
        "row_update" if kernel.ends_with("momentum_rows") => &[Updates],
        "row_update" if kernel.ends_with("_rows") => &[Updates, Divider],
        _ => &[],
    }
}

/// How much longer the vector ports need for all operations of a case than for its multiply-adds, on Intel's cores since Ice
/// Lake: AVX-512 has two ports, both for multiply-adds; AVX2 has three, of which two multiply.
fn port_share(case: &Case, isa: Isa) -> f64 {
    let wide = isa != Isa::Avx2;
    let rows = case.kernel.starts_with("row_dot");
    let words: Vec<&str> = case.shape.split([' ', ',']).collect();
    let products_and_widening = match (&words[..], rows, wide) {
        // A shuffle for each multiply-add.
        (["bf16", "x", ..], _, true) => 2.0,
        (["bf16", "x", ..], _, false) => 4.0 / 3.0,
        // A shift and a mask for both elements of a pair; for those of a vector that meets many rows but once.
        (["bf16", ..], true, true) => 2.0,
        (["bf16", ..], true, false) => 1.5,
        (["bf16", ..], false, true) => 3.0,
        (["bf16", ..], false, false) => 2.0,
        _ => 1.0,
    };
    // Of 128 elements each: 15 additions and 30 shuffles for sixteen rows.
    products_and_widening + if rows && wide { 45.0 / 128.0 } else { 0.0 }
}

/// The bare loops, each with the number of calls that fill a round.
struct Probes {
    words: Aligned<u32>,
    slices: [Aligned<f32>; 3],
}

impl Probes {
    fn new() -> Probes {
        let slice = || Aligned::new(&vec![1.0; WORDS / 3]);
        let words: Vec<u32> = (0..MOST_WORDS as u32).collect();
        Probes { words: Aligned::new(&words), slices: [slice(), slice(), slice()] }
    }

    /// Nanoseconds that a bare loop needs for what one call of the case does.
    fn nanoseconds(&mut self, bound: Bound, kernels: &Kernels, case: &Case) -> f64 {
        const BYTES: usize = 50 * 4 * WORDS;
        let words = &self.words[..(case.cost.bytes as usize / 4).clamp(WORDS, MOST_WORDS)];
        let repeats = match bound {
            Bound::Loads => BYTES.div_ceil(4 * words.len()),
            _ => 50,
        };
        let start = Instant::now();
        let mut done = 0.0;
        for _ in 0..repeats {
            done += match bound {
                Bound::Loads => {
                    std::hint::black_box(kernels.probe_read(words));
                    4.0 * words.len() as f64
                }
                Bound::Updates => {
                    let [a, b, c] = &mut self.slices;
                    kernels.probe_update(a, b, c, -1.0);
                    24.0 * a.len() as f64
                }
                Bound::Arithmetic | Bound::Ports => kernels.probe_multiply_adds(512).1 as f64,
                Bound::Divider => kernels.probe_divisions(8).1 as f64,
            };
        }
        let nanoseconds = start.elapsed().as_nanos() as f64 / done;
        nanoseconds
            * match bound {
                Bound::Loads | Bound::Updates => case.cost.bytes as f64,
                Bound::Arithmetic => case.cost.operations as f64,
                Bound::Ports => case.cost.operations as f64 * port_share(case, kernels.isa()),
                Bound::Divider => case.cost.elements as f64,
            }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure(case: &mut Case, kernels: &Kernels, probes: &mut Probes) {
    let mut time = |calls: usize| {
        let start = Instant::now();
        for _ in 0..calls {
            case.call(kernels);
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    };
    let calls = (NANOSECONDS_A_ROUND / time(10)).clamp(1.0, 10_000.0) as usize;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        times.push(time(calls));
    }
    let bounds = bounds(case.kernel);
    let mut shares = Vec::with_capacity(ROUNDS);
    let mut binding = None;
    if !bounds.is_empty() {
        times.clear();
        for _ in 0..ROUNDS {
            let limits = bounds.iter().map(|&bound| (probes.nanoseconds(bound, kernels, case), bound));
            let (limit, bound) = limits.max_by(|a, b| a.0.total_cmp(&b.0)).expect("a bound");
            let start = Instant::now();
            for _ in 0..calls {
                case.call(kernels);
            }
            let time = start.elapsed().as_nanos() as f64 / calls as f64;
            times.push(time);
            shares.push(limit / time);
            binding = Some(bound);
        }
    }
    let time = median(&mut times);
    let rate = |amount: u64| if amount == 0 { "".into() } else { format!("{:.1}", amount as f64 / time) };
    let share = if shares.is_empty() { "".into() } else { format!("{:.0} %", 100.0 * median(&mut shares)) };
    println!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        case.kernel,
        case.shape,
        kernels.isa(),
        if time < 1e4 { format!("{time:.1} ns") } else { format!("{:.1} us", time / 1e3) },
        rate(case.cost.bytes),
        rate(case.cost.operations),
        share,
        binding.map_or("".into(), |bound| format!("{bound:?}").to_lowercase()),
    );
}

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let scalar = Kernels::for_isa(Isa::Scalar).expect("the scalar level is everywhere");
    let mut probes = Probes::new();
    println!("| kernel | shape | level | time a call | GB/s | Gop/s | of the limit | which is |");
    println!("|---|---|---|---|---|---|---|---|");
    for mut case in cases::all() {
        let name = format!("{} {}", case.kernel, case.shape);
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        let kernel = list::KERNELS.iter().find(|kernel| format!("{}::{}", kernel.family, kernel.name) == case.kernel);
        let levels = kernel.expect("every case is of a listed kernel").levels;
        let expected = case.result_of_one_call(scalar);
        for isa in Isa::available().filter(|isa| levels.contains(isa)) {
            let kernels = Kernels::for_isa(isa).expect("an available level");
            assert!(case.result_of_one_call(kernels) == expected, "{name} on {isa} has other bits than scalar");
            measure(&mut case, kernels, &mut probes);
        }
    }
}
