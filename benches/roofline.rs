//! The share of a core's peak rates that a kernel reaches on data in the caches.
//!
//! Rounds of the kernel alternate with rounds of bare loops that only load, multiply-add, or divide (`slide_kernels`, family
//! `probe`), so that both see the same clock rate and the same other load. A kernel cannot be faster than the slowest of the
//! resources it needs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use slide_kernels::{Isa, Kernels, Precision};
use slide_mem::{MemError, Placement, RowTable};

use crate::cases::Case;
use crate::random::Aligned;
use crate::record::{Limit, Roof};
use crate::statistics::{median, quartiles};

const NANOSECONDS_A_ROUND: f64 = 20_000.0;
/// Words that the bare loops over memory visit at least: 16 KiB, in the first-level cache.
const WORDS: usize = 4096;
/// And at most: 1 MiB, in the second-level cache.
const MOST_WORDS: usize = 1 << 18;
/// For the roof of the second-level cache: 512 KiB, which fits that of every server.
const SECOND_LEVEL: usize = 1 << 17;
/// 256 MiB: more than a core's share of any cache.
const MEMORY: usize = 1 << 26;

/// What bounds a kernel on data in the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Reading as many bytes in order, from the same level of cache.
    Loads,
    /// Bytes through load and store ports, half of them each.
    Updates,
    /// Multiply-adds.
    Arithmetic,
    /// Multiply-adds and whatever else takes their ports: widening of `bf16`, and the reduction of lanes; or products of bytes.
    Ports,
    /// One division and one square root per element.
    Divider,
    /// Loads again, for a kernel of which no closer bound is known.
    Bytes,
}

impl Bound {
    fn name(self) -> &'static str {
        match self {
            Self::Loads => "loads",
            Self::Updates => "updates",
            Self::Arithmetic => "arithmetic",
            Self::Ports => "ports",
            Self::Divider => "divider",
            Self::Bytes => "bytes",
        }
    }
}

/// The bounds of a kernel: the known one, or else the plain roofline of bytes and operations.
fn bounds(case: &Case, kernels: &Kernels) -> &'static [Bound] {
    use Bound::*;
    let (family, name) = case.kernel.split_once("::").unwrap_or(("", case.kernel));
    let has_port_share = !matches!(kernels.isa(), Isa::Scalar | Isa::Neon | Isa::NeonBf16 | Isa::Sve);
    match family {
        // Products of pairs use other ports.
        "dot" | "row_dot" if kernels.precision() == Precision::Native => &[Loads],
        "dot" | "row_dot" if !has_port_share => &[Loads, Arithmetic],
        "dot" | "row_dot" => &[Loads, Ports],
        "quant" if name.contains("dot") && has_port_share => &[Loads, Ports],
        "quant" if name.contains("dot") => &[Loads],
        // There is no bare loop for products of bytes or of `bf16` pairs.
        "byte_gemm" => &[],
        "gemm" if kernels.precision() == Precision::Native => &[],
        "gemm" => &[Arithmetic],
        "axpy" => &[Loads, Updates],
        "row_update" if name == "momentum_rows" => &[Updates],
        "row_update" if name.ends_with("_rows") => &[Updates, Divider],
        "probe" => &[],
        _ if case.cost.operations > 0 => &[Bytes, Arithmetic],
        _ if case.cost.bytes > 0 => &[Bytes],
        _ => &[],
    }
}

/// How much longer the vector ports need for all operations of a case than for its multiply-adds, on Intel's cores since Ice
/// Lake: AVX-512 has two ports, both for multiply-adds; AVX2 has three, of which two multiply.
fn port_share(case: &Case, isa: Isa) -> f64 {
    if let Some(name) = case.kernel.strip_prefix("quant::") {
        return byte_port_share(name, isa);
    }
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

/// The same for products of bytes: a register of them takes so many operations, and four multiply-adds as many elements.
fn byte_port_share(name: &str, isa: Isa) -> f64 {
    let (rows, unsigned) = (name.starts_with("rows"), name.contains("u8"));
    let operations = match (isa, unsigned, rows) {
        // Masks of a vector that meets four rows are made once.
        (Isa::Avx2 | Isa::Avx512, false, false) => 7.0,
        (Isa::Avx2 | Isa::Avx512, false, true) => 5.5,
        (Isa::Avx2 | Isa::Avx512, true, false) => 8.0,
        (Isa::Avx2 | Isa::Avx512, true, true) => 6.5,
        // VNNI.
        (_, false, false) => 3.0,
        (_, false, true) => 2.0,
        (_, true, _) => 1.0,
    };
    let ports = if isa == Isa::Avx2 { 3.0 } else { 2.0 };
    (operations / ports) / (4.0 / 2.0)
}

/// The arguments of the bare loops.
pub struct Probes {
    words: Aligned<u32>,
    slices: [Aligned<f32>; 3],
}

impl Default for Probes {
    fn default() -> Self {
        let slice = || Aligned::filled(1.0, WORDS / 3);
        Self { words: (0..MOST_WORDS as u32).collect(), slices: [slice(), slice(), slice()] }
    }
}

impl Probes {
    /// Nanoseconds that a bare loop needs for the work of one call of the case, by so many calls of the loop.
    fn nanoseconds(&mut self, bound: Bound, kernels: &Kernels, case: &Case, calls: usize) -> f64 {
        let each = match bound {
            Bound::Loads | Bound::Bytes => {
                self.loads(kernels, (case.cost.bytes as usize / 4).clamp(WORDS, MOST_WORDS), calls)
            }
            Bound::Updates => self.updates(kernels, calls),
            Bound::Arithmetic | Bound::Ports => multiply_adds(kernels, calls),
            Bound::Divider => time(calls, || kernels.probe_divisions(8).1 as f64),
        };
        // Optimisers write what they read, `axpy` one of its two vectors.
        let is_axpy = case.kernel == "axpy::axpy";
        let written = if is_axpy { 4 * case.cost.elements } else { case.cost.bytes / 2 };
        each * match bound {
            Bound::Loads if is_axpy => (case.cost.bytes - written) as f64,
            Bound::Loads | Bound::Bytes => case.cost.bytes as f64,
            Bound::Updates => 2.0 * written as f64,
            Bound::Arithmetic => case.cost.operations as f64,
            Bound::Ports => case.cost.operations as f64 * port_share(case, kernels.isa()),
            Bound::Divider => case.cost.elements as f64,
        }
    }

    /// How many calls of a bare loop make a round.
    fn calls_of_round(&mut self, bound: Bound, kernels: &Kernels, case: &Case) -> usize {
        let mut calls = 1;
        loop {
            let start = Instant::now();
            black_box(self.nanoseconds(bound, kernels, case, calls));
            let time = start.elapsed().as_nanos() as f64;
            if time >= NANOSECONDS_A_ROUND / 2.0 {
                return (calls as f64 * NANOSECONDS_A_ROUND / time).max(1.0) as usize;
            }
            calls *= 2;
        }
    }

    /// Nanoseconds per byte.
    fn loads(&self, kernels: &Kernels, words: usize, calls: usize) -> f64 {
        read(kernels, &self.words[..words], calls)
    }

    /// Nanoseconds per byte.
    fn updates(&mut self, kernels: &Kernels, calls: usize) -> f64 {
        let [a, b, c] = &mut self.slices;
        time(calls, || {
            kernels.probe_update(a, b, c, -1.0);
            24.0 * a.len() as f64
        })
    }

    /// The peak rates of a core with the instructions of a level; `memory` is streamed through.
    #[must_use]
    pub fn roofs(&self, kernels: &Kernels, memory: &Memory) -> Vec<Roof> {
        let best = |rounds: usize, time: &dyn Fn() -> f64| (0..rounds).map(|_| time()).fold(f64::INFINITY, f64::min);
        let roof = |name: &str, unit: &str, nanoseconds: f64| Roof {
            name: name.to_owned(),
            level: kernels.isa().name().to_owned(),
            value: 1.0 / nanoseconds,
            unit: unit.to_owned(),
        };
        vec![
            roof("multiply-adds", "GFLOP/s", best(50, &|| multiply_adds(kernels, 50))),
            roof("loads from L1", "GB/s", best(50, &|| self.loads(kernels, WORDS, 50))),
            roof("loads from L2", "GB/s", best(50, &|| self.loads(kernels, SECOND_LEVEL, 2))),
            roof("streaming from memory", "GB/s", best(5, &|| read(kernels, memory.0.as_slice(), 1))),
        ]
    }
}

/// More memory than the caches hold.
pub struct Memory(RowTable<u32>);

impl Memory {
    /// Every page of it is written.
    ///
    /// # Errors
    /// If there is not so much.
    pub fn new() -> Result<Self, MemError> {
        let mut table = RowTable::zeroed(1, MEMORY, Placement::default())?;
        table.as_mut_slice().iter_mut().step_by(1024).for_each(|word| *word = 1);
        Ok(Self(table))
    }
}

/// Nanoseconds by what the calls say that they have done.
fn time(calls: usize, mut call: impl FnMut() -> f64) -> f64 {
    let start = Instant::now();
    let done: f64 = (0..calls).map(|_| call()).sum();
    start.elapsed().as_nanos() as f64 / done
}

fn read(kernels: &Kernels, words: &[u32], calls: usize) -> f64 {
    time(calls, || {
        black_box(kernels.probe_read(words));
        4.0 * words.len() as f64
    })
}

/// Nanoseconds per operation.
fn multiply_adds(kernels: &Kernels, calls: usize) -> f64 {
    time(calls, || kernels.probe_multiply_adds(512).1 as f64)
}

/// The alternating rounds of a case on a level and of the bare loops.
pub struct Rounds {
    /// Each with the calls of its bare loop.
    bounds: Vec<(Bound, usize)>,
    calls: u64,
    nanoseconds: Vec<f64>,
    shares: Vec<f64>,
    binding: Option<Bound>,
}

impl Rounds {
    /// None yet; but the caches are warm then.
    pub fn new(case: &mut Case, kernels: &Kernels, probes: &mut Probes) -> Self {
        let mut calls = 1;
        let nanoseconds = loop {
            let each = time_of(case, kernels, calls);
            if each * calls as f64 >= NANOSECONDS_A_ROUND || calls >= 10_000 {
                break each;
            }
            calls *= 4;
        };
        let calls = (NANOSECONDS_A_ROUND / nanoseconds).clamp(1.0, 10_000.0) as u64;
        let bounds = bounds(case, kernels).iter();
        let bounds = bounds.map(|&bound| (bound, probes.calls_of_round(bound, kernels, case))).collect();
        Self { bounds, calls, nanoseconds: Vec::new(), shares: Vec::new(), binding: None }
    }

    /// Makes so many calls, in rounds of some 20 microseconds with the bare loops between. Returns what the calls took.
    pub fn run(&mut self, case: &mut Case, kernels: &Kernels, probes: &mut Probes, calls: u64) -> Duration {
        let mut sum = 0.0;
        let mut left = calls;
        while left > 0 {
            let limit = |&(bound, calls)| (probes.nanoseconds(bound, kernels, case, calls), bound);
            let limit = self.bounds.iter().map(limit).max_by(|a, b| a.0.total_cmp(&b.0));
            let calls = left.min(self.calls);
            let each = time_of(case, kernels, calls);
            sum += each * calls as f64;
            left -= calls;
            // Shorter rounds would measure the overhead of the clock.
            if calls == self.calls {
                self.nanoseconds.push(each);
                if let Some((limit, bound)) = limit {
                    self.shares.push(limit / each);
                    self.binding = Some(bound);
                }
            }
        }
        Duration::from_nanos(sum as u64)
    }

    /// Quartiles of a call's time, and the share of the limit; nothing if there was no round.
    pub fn figures(&mut self) -> Option<([f64; 3], Option<Limit>)> {
        if self.nanoseconds.is_empty() {
            return None;
        }
        let limit = self.binding.map(|bound| Limit { name: bound.name().to_owned(), share: median(&mut self.shares) });
        Some((quartiles(&mut self.nanoseconds), limit))
    }
}

/// Nanoseconds per call.
fn time_of(case: &mut Case, kernels: &Kernels, calls: u64) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        case.call(kernels);
    }
    start.elapsed().as_nanos() as f64 / calls as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn rounds_have_figures() {
        let kernels = Kernels::for_isa(Isa::Scalar).unwrap();
        let (mut case, mut probes) = (cases::find("dot::dot", "f32 1024").unwrap(), Probes::default());
        let mut rounds = Rounds::new(&mut case, kernels, &mut probes);
        assert_eq!(rounds.figures(), None);
        let calls = 3 * rounds.calls;
        let time = rounds.run(&mut case, kernels, &mut probes, calls);
        assert!(time > Duration::ZERO);
        let ([lower, median, upper], limit) = rounds.figures().unwrap();
        assert!(0.0 < lower && lower <= median && median <= upper);
        let limit = limit.unwrap();
        assert!(["loads", "arithmetic"].contains(&&*limit.name) && limit.share > 0.0, "{limit:?}");
    }

    #[test]
    fn what_binds_each_case_is_known() {
        let kernels = Kernels::for_isa(Isa::Scalar).unwrap();
        let of = |kernel, shape| bounds(&cases::find(kernel, shape).unwrap(), kernels);
        assert_eq!(of("dot::dot", "f32 1024"), [Bound::Loads, Bound::Arithmetic]);
        assert_eq!(of("gemm::gradient", "f32, 64 examples x 32 rows of 128"), [Bound::Arithmetic]);
        assert_eq!(of("codes::hamming_rows", "1024 x u64 8"), [Bound::Bytes]);
        assert!(of("probe::read", "u32 1024").is_empty());
    }
}
