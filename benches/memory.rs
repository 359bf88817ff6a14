//! The share of the memory bandwidth that kernels reach on tables that do not fit the caches.
//!
//! ```text
//! cargo xtask bench --suite memory                              with a report, and a record
//! cargo bench -p slide-benches --bench memory -- [PART OF A NAME]...
//! ```
//!
//! The table is that of Amazon-670K: 670,091 rows of 128 `f32`, 343 MB, on huge pages where the machine has them. Every call
//! of a kernel uses other random rows, and alternates with a bare loop of the same mix of reads and writes over as many
//! bytes: in order (`probe_read`, `probe_update`) or, for single rows and lines, at random with ideal prefetch
//! (`probe_read_rows`). Printed, as a Markdown table, are the medians of times and of ratios.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use half::bf16;
use slide_benches::cases::{self, ADAM_STEP, Cost};
use slide_benches::counters::{Hardware, not_available};
use slide_benches::random::{Aligned, Random};
use slide_benches::record::{Limit, Line, Measured, Recorder, Roof};
use slide_benches::statistics::{median, quartiles};
use slide_kernels::{CodeBlocks, CscPattern, Isa, Kernels, Matrix, Optimiser, Rounding, RowIds, Table, TableMut};
use slide_kernels::{Values, ValuesMut};
use slide_mem::{Placement, RowTable};

const ROWS: usize = 670_091;
const WIDTH: usize = 128;
/// Rows of a list, and lists: together most of the table.
const LIST: usize = 4096;
const LISTS: usize = 64;
const ROUNDS: usize = 129;
/// Calls that are measured with hardware counters.
const WATCHED: u64 = 16;
/// Non-zeros of an input.
const NONZEROS: usize = 75;
const EXAMPLES: usize = 256;

/// The tables, the other inputs, and the lists of rows.
struct World {
    weights: RowTable<f32>,
    m: RowTable<f32>,
    v: RowTable<f32>,
    narrow: RowTable<bf16>,
    lists: Vec<Vec<u32>>,
    vector: Aligned<f32>,
    vectors: Aligned<f32>,
    gradient: Aligned<f32>,
    decay: Vec<[f32; 2]>,
    out: Vec<f32>,
    /// One example a row, as few active sets overlap.
    starts: Vec<u32>,
    examples: Vec<u32>,
    /// Lists of codes that were scanned: each is read once, until there are no more.
    scanned: usize,
}

impl World {
    fn new() -> World {
        let mut random = Random(1);
        let table = || RowTable::<f32>::zeroed(ROWS, WIDTH, Placement::default()).expect("memory for the tables");
        let (mut weights, mut m, mut v) = (table(), table(), table());
        let mut narrow = RowTable::zeroed(ROWS, WIDTH, Placement::default()).expect("memory for the tables");
        // Every page of every table is written, so that none is the shared zero page.
        for (slice, low) in [(weights.as_mut_slice(), -1.0), (m.as_mut_slice(), 0.1), (v.as_mut_slice(), 0.1)] {
            slice.iter_mut().enumerate().for_each(|(i, value)| *value = low + (i % 1000) as f32 / 1000.0);
        }
        narrow.as_mut_slice().iter_mut().enumerate().for_each(|(i, value)| *value = bf16::from_f32((i % 100) as f32));
        World {
            weights,
            m,
            v,
            narrow,
            lists: (0..LISTS).map(|_| random.ascending(LIST, ROWS)).collect(),
            vector: random.values(WIDTH),
            vectors: random.values(EXAMPLES * WIDTH),
            gradient: random.values(LIST * WIDTH),
            decay: vec![[0.9, 0.999]; LIST],
            out: vec![0.0; LIST],
            starts: (0..=LIST as u32).collect(),
            examples: (0..LIST as u32).map(|i| i * 31 % EXAMPLES as u32).collect(),
            scanned: 0,
        }
    }

    fn table(&self, bf16: bool) -> Table<'_> {
        let (values, stride) = if bf16 {
            (Values::Bf16(self.narrow.as_slice()), self.narrow.stride())
        } else {
            (Values::F32(self.weights.as_slice()), self.weights.stride())
        };
        Table::new(values, stride, WIDTH).expect("the shape of the table")
    }

    /// Weights, Adam with their moments, and what an update reads beside them.
    fn state(&mut self) -> (TableMut<'_>, Optimiser<'_, TableMut<'_>>, Read<'_>) {
        let stride = self.weights.stride();
        let table = |values| TableMut::new(ValuesMut::F32(values), stride, WIDTH).expect("whole rows");
        let [weights, m, v] = [&mut self.weights, &mut self.m, &mut self.v].map(|rows| table(rows.as_mut_slice()));
        let read = Read {
            lists: &self.lists,
            gradient: matrix(&self.gradient),
            vectors: matrix(&self.vectors),
            coefficients: &self.gradient[..LIST],
            starts: &self.starts,
            examples: &self.examples,
        };
        (weights, Optimiser::Adam { step: ADAM_STEP, m, v, decay: Some(&self.decay) }, read)
    }
}

struct Read<'a> {
    lists: &'a [Vec<u32>],
    gradient: Matrix<'a>,
    vectors: Matrix<'a>,
    coefficients: &'a [f32],
    starts: &'a [u32],
    examples: &'a [u32],
}

fn matrix(data: &[f32]) -> Matrix<'_> {
    Matrix::new(data, WIDTH, WIDTH).expect("whole rows")
}

fn list(lists: &[Vec<u32>], call: usize) -> RowIds<'_> {
    RowIds::new(&lists[call % lists.len()], ROWS).expect("rows of the table")
}

/// The first element of `count`, other ones for each call, in order through the table.
fn part(call: usize, count: usize, length: usize) -> std::ops::Range<usize> {
    let start = call % (length / count) * count;
    start..start + count
}

/// A kernel on other rows for every call, and the bare loop that it is compared with; both move `bytes`.
struct Comparison {
    subject: &'static str,
    format: &'static str,
    /// Rows that the kernel gets at a time; together they are those of a list.
    rows: usize,
    /// Rows of the table.
    of: usize,
    limit: &'static str,
    bytes: usize,
    kernel: fn(&Kernels, &mut World, usize),
    bare: fn(&Kernels, &mut World, usize),
}

/// Reads as many bytes as a list of rows of `f32` has, in order.
fn stream(kernels: &Kernels, world: &mut World, call: usize) {
    let words = bytemuck::cast_slice(world.weights.as_slice());
    black_box(kernels.probe_read(&words[part(call, LIST * WIDTH, words.len())]));
}

/// The same for rows of `bf16`.
fn stream_narrow(kernels: &Kernels, world: &mut World, call: usize) {
    let words = bytemuck::cast_slice(world.narrow.as_slice());
    black_box(kernels.probe_read(&words[part(call, LIST * WIDTH / 2, words.len())]));
}

/// Reads and writes weights and moments of as many rows as a list has, in order.
fn stream_update(kernels: &Kernels, world: &mut World, call: usize) {
    let part = part(call, LIST * WIDTH, ROWS * WIDTH);
    let [a, b, c] =
        [&mut world.weights, &mut world.m, &mut world.v].map(|table| &mut table.as_mut_slice()[part.clone()]);
    kernels.probe_update(a, b, c, -1.0);
}

/// Reads `words` words of each row of a list, with ideal prefetch.
fn scattered(kernels: &Kernels, world: &mut World, call: usize, words: usize) {
    let table = bytemuck::cast_slice(world.weights.as_slice());
    // Another list than the kernel's, whose rows would be in the caches.
    let rows = list(&world.lists, call + LISTS / 2);
    black_box(kernels.probe_read_rows(table, world.weights.stride(), words, rows));
}

fn rows_dot(kernels: &Kernels, world: &mut World, call: usize, bf16: bool) {
    let mut out = std::mem::take(&mut world.out);
    kernels.rows_dot(world.table(bf16), list(&world.lists, call), &world.vector, &mut out);
    world.out = out;
}

/// A list of rows as the non-zeros of inputs, one after the other.
fn embeddings(kernels: &Kernels, world: &mut World, call: usize, bf16: bool) {
    let (rows, mut out) = (list(&world.lists, call), std::mem::take(&mut world.out));
    for i in 0..LIST / NONZEROS {
        let rows = rows.slice(i * NONZEROS..(i + 1) * NONZEROS);
        let values = &world.gradient[..NONZEROS];
        kernels.embedding_forward(world.table(bf16), rows, values, &world.vector, &mut out[..WIDTH]);
    }
    world.out = out;
}

/// Bytes of codes: the table of `bf16`.
const CODES: usize = 2 * ROWS * WIDTH;

/// Bytes that a list of rows of codes of `bits` bits has, with scales and offsets.
const fn scanned_bytes(bits: usize) -> usize {
    LIST * (WIDTH * bits / 8 + 8)
}

/// Scores of the rows of a list, in order.
fn scan<const BITS: usize>(
    kernels: &Kernels,
    world: &mut World,
    score: fn(&Kernels, CodeBlocks<'_, BITS>, &[i8], f32, f32, &mut [f32]),
) {
    let rows = part(world.scanned, LIST, CODES / (WIDTH * BITS / 8));
    let codes: &[u8] = bytemuck::cast_slice(world.narrow.as_slice());
    let codes = &codes[rows.start * WIDTH * BITS / 8..rows.end * WIDTH * BITS / 8];
    let (scales, offsets) = (&world.weights.as_slice()[rows.clone()], &world.v.as_slice()[rows]);
    let blocks = CodeBlocks::new(codes, scales, offsets, WIDTH).expect("whole blocks");
    score(kernels, blocks, &[77; WIDTH], 0.5, 0.25, &mut world.out);
    world.scanned += 1;
}

/// Reads as many bytes, in order.
fn stream_codes<const BITS: usize>(kernels: &Kernels, world: &mut World, call: usize) {
    let words = bytemuck::cast_slice(world.m.as_slice());
    black_box(kernels.probe_read(&words[part(call, scanned_bytes(BITS) / 4, words.len())]));
}

const ROW: usize = 4 * WIDTH;

/// What the bare loops do.
const READING: &str = "reading in order";
const UPDATING: &str = "updating in order";
const RANDOM: &str = "reading at random";

const COMPARISONS: &[Comparison] = &[
    Comparison {
        subject: "blocks::score_nibble_blocks",
        format: "4 bits x i8",
        rows: LIST,
        of: CODES / (WIDTH / 2),
        limit: READING,
        bytes: scanned_bytes(4),
        kernel: |kernels, world, _| scan(kernels, world, Kernels::score_nibble_blocks),
        bare: stream_codes::<4>,
    },
    Comparison {
        subject: "blocks::score_bit_blocks",
        format: "1 bit x i8",
        rows: LIST,
        of: CODES / (WIDTH / 8),
        limit: READING,
        bytes: scanned_bytes(1),
        kernel: |kernels, world, _| scan(kernels, world, Kernels::score_bit_blocks),
        bare: stream_codes::<1>,
    },
    Comparison {
        subject: "row_dot::rows_dot",
        format: "f32",
        rows: LIST,
        of: ROWS,
        limit: READING,
        bytes: LIST * ROW,
        kernel: |kernels, world, call| rows_dot(kernels, world, call, false),
        bare: stream,
    },
    Comparison {
        subject: "row_dot::rows_dot",
        format: "bf16",
        rows: LIST,
        of: ROWS,
        limit: READING,
        bytes: LIST * ROW / 2,
        kernel: |kernels, world, call| rows_dot(kernels, world, call, true),
        bare: stream_narrow,
    },
    Comparison {
        subject: "sddmm::forward",
        format: "f32",
        rows: LIST,
        of: ROWS,
        limit: READING,
        bytes: LIST * ROW,
        kernel: |kernels, world, call| {
            let (bias, mut out) = (std::mem::take(&mut world.gradient), std::mem::take(&mut world.out));
            let rows = &world.lists[call % LISTS];
            let pattern = CscPattern::new(rows, &world.starts, &world.examples, ROWS, EXAMPLES).expect("fitting lists");
            // Any array with an element per row can be the bias.
            let bias_of_rows = &world.v.as_slice()[..ROWS];
            kernels.sddmm_forward(world.table(false), bias_of_rows, &pattern, matrix(&world.vectors), &mut out);
            (world.gradient, world.out) = (bias, out);
        },
        bare: stream,
    },
    Comparison {
        subject: "sddmm::adam_backward",
        format: "f32",
        rows: LIST,
        of: ROWS,
        limit: UPDATING,
        bytes: 6 * LIST * ROW,
        kernel: |kernels, world, call| {
            let (weights, optimiser, read) = world.state();
            let rows = &read.lists[call % LISTS];
            let pattern = CscPattern::new(rows, read.starts, read.examples, ROWS, EXAMPLES).expect("fitting lists");
            let (coefficients, vectors) = (read.coefficients, read.vectors);
            kernels.sddmm_backward(weights, optimiser, &pattern, coefficients, vectors, None, Rounding::Nearest);
        },
        bare: stream_update,
    },
    Comparison {
        subject: "row_update::adam_rows",
        format: "f32",
        rows: LIST,
        of: ROWS,
        limit: UPDATING,
        bytes: 6 * LIST * ROW,
        kernel: |kernels, world, call| {
            let (weights, optimiser, read) = world.state();
            kernels.update_rows(weights, optimiser, list(read.lists, call), read.gradient, Rounding::Nearest);
        },
        bare: stream_update,
    },
    Comparison {
        subject: "embedding::forward",
        format: "f32",
        rows: NONZEROS,
        of: ROWS,
        limit: RANDOM,
        bytes: LIST / NONZEROS * NONZEROS * ROW,
        kernel: |kernels, world, call| embeddings(kernels, world, call, false),
        bare: |kernels, world, call| scattered(kernels, world, call, WIDTH),
    },
];

impl Comparison {
    fn shape(&self) -> String {
        format!("{}, {} of {} rows of {WIDTH}", self.format, self.rows, self.of)
    }

    /// The kernel and the bare loop in turns. Also returns the shortest time of the bare loop.
    fn measure(&self, kernels: &Kernels, world: &mut World, hardware: Option<&mut Hardware>) -> (Measured, f64) {
        let mut time = |work: fn(&Kernels, &mut World, usize), call| {
            let start = Instant::now();
            work(kernels, world, call);
            start.elapsed().as_nanos() as f64
        };
        let (mut times, mut limits, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for call in 0..ROUNDS {
            limits.push(time(self.bare, call));
            times.push(time(self.kernel, call));
            shares.push(limits[call] / times[call]);
        }
        let mut call = 0;
        let counters = hardware.and_then(|hardware| {
            hardware.count(WATCHED, || {
                (self.kernel)(kernels, world, call);
                call += 1;
            })
        });
        let measured = Measured {
            subject: self.subject.to_owned(),
            shape: self.shape(),
            level: kernels.isa().name().to_owned(),
            cost: Cost {
                elements: (LIST / self.rows * self.rows * WIDTH) as u64,
                bytes: self.bytes as u64,
                operations: 0,
            },
            nanoseconds: quartiles(&mut times),
            p99: None,
            limit: Some(Limit { name: self.limit.to_owned(), share: median(&mut shares) }),
            counters,
        };
        (measured, limits.into_iter().fold(f64::INFINITY, f64::min))
    }
}

fn main() -> Result<()> {
    let mut recorder = Recorder::from_env()?;
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let mut world = World::new();
    let mut report = world.weights.report();
    for table in [&world.m, &world.v] {
        report.merge(&table.report());
    }
    report.merge(&world.narrow.report());
    let report = format!("four tables of {ROWS} x {WIDTH}: {report}");
    println!("{report}\n");
    recorder.write(Line::Note(report.replace("\n  ", "; ")))?;
    let mut hardware = Hardware::open();
    if let Err(reason) = &hardware {
        recorder.write(Line::Note(not_available(reason)))?;
    }
    println!("| kernel | shape | level | time per call | GB/s | bare loop | GB/s at best | of the limit |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut roofs = BTreeMap::new();
    // Only the levels that differ here: higher levels inherit these kernels from AVX-512 and NEON, all but products of bytes.
    let main: Vec<Isa> = recorder.main_levels().collect();
    for comparison in COMPARISONS {
        let (subject, shape) = (comparison.subject, comparison.shape());
        let name = format!("{subject} {shape}");
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        let own = cases::kernel(subject).map_or(&[][..], |kernel| kernel.levels);
        let more =
            own.iter().filter(|&&isa| subject.starts_with("blocks") && recorder.has(isa) && !main.contains(&isa));
        let levels: Vec<Isa> = main.iter().chain(more).copied().collect();
        for isa in levels {
            if !recorder.chooses(isa.name(), subject, &shape) {
                continue;
            }
            let kernels = Kernels::for_isa(isa)?;
            let (measured, least) = comparison.measure(kernels, &mut world, hardware.as_mut().ok());
            let (time, best) = (measured.nanoseconds[1], comparison.bytes as f64 / least);
            let share = measured.limit.as_ref().map_or(f64::NAN, |limit| 100.0 * limit.share);
            println!(
                "| {subject} | {shape} | {isa} | {:.1} us | {:.1} | {} | {best:.1} | {share:.0} % |",
                time / 1e3,
                comparison.bytes as f64 / time,
                comparison.limit,
            );
            let roof: &mut f64 = roofs.entry((isa, comparison.limit)).or_default();
            *roof = roof.max(best);
            recorder.write(Line::Measured(measured))?;
        }
    }
    for ((isa, name), value) in roofs {
        let (name, level) = (name.to_owned(), isa.name().to_owned());
        recorder.write(Line::Roof(Roof { name, level, value, unit: "GB/s".to_owned() }))?;
    }
    Ok(())
}
