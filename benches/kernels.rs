//! Kernels of the linear families, each on every instruction set of the machine.
//!
//! ```text
//! cargo bench -p slide-benches --bench kernels -- [PART OF A NAME]...
//! ```
//!
//! Every case first checks its own answer: the bits must be those of the scalar back end. Then rounds of a loop of
//! bare multiply-adds and rounds of the case take turns, many and short, so that on a machine whose clock and neighbours
//! change both find their undisturbed moments. Printed is the fastest round: its time per call, GFLOP/s and share of the
//! fastest round of the bare loop, and GB/s of the bytes that must move at least once.

use std::hint::black_box;
use std::time::Instant;

use slide_kernels::{ActiveRows, AdamStep, Isa, Kernels, Matrix, MatrixMut, Rounding, RowIds, Table, TableMut};
use slide_kernels::{Values, ValuesMut};
use slide_mem::{Placement, RowTable};

/// Rows of the table: the labels of Amazon-670K.
const ROWS: usize = 670_091;
const ROUNDS: usize = 80;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn value(&mut self) -> f32 {
        (self.word() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.value()).collect()
    }

    fn ascending(&mut self, count: usize, bound: usize) -> Vec<u32> {
        let mut ids = std::collections::BTreeSet::new();
        while ids.len() < count {
            ids.insert((self.word() % bound as u64) as u32);
        }
        ids.into_iter().collect()
    }
}

/// A table that does not fit the caches, with lists of random rows that together touch much of it.
struct World {
    weights: RowTable<f32>,
    narrow: Vec<half::bf16>,
    m: RowTable<f32>,
    v: RowTable<f32>,
    lists: Vec<Vec<u32>>,
}

const LIST: usize = 4096;

impl World {
    fn new(width: usize) -> World {
        let mut random = Random(1);
        let table = || RowTable::<f32>::zeroed(ROWS, width, Placement::default()).expect("memory for the tables");
        let (mut weights, m, v) = (table(), table(), table());
        weights.as_mut_slice().iter_mut().for_each(|weight| *weight = random.value());
        let narrow = weights.as_slice().iter().map(|&weight| half::bf16::from_f32(weight)).collect();
        let lists = (0..64).map(|_| random.ascending(LIST, ROWS)).collect();
        World { weights, narrow, m, v, lists }
    }

    fn rows(&self, call: usize, count: usize) -> RowIds<'_> {
        let list = &self.lists[call % self.lists.len()];
        // Any part of the list is as scattered as the whole.
        let first = (call / self.lists.len() * 97) % (list.len() - count + 1);
        RowIds::new(&list[first..first + count], ROWS).expect("rows of the table")
    }

    fn table(&self, bf16: bool) -> Table<'_> {
        let values = if bf16 { Values::Bf16(&self.narrow) } else { Values::F32(self.weights.as_slice()) };
        Table::new(values, self.weights.stride(), self.weights.width()).expect("the shape of the table")
    }
}

/// The work of one call, by its number (which chooses the rows); the digest is of what it wrote.
type Call<'a> = Box<dyn FnMut(&Kernels, &mut World, usize) -> u64 + 'a>;

struct Case<'a> {
    name: String,
    flops: usize,
    bytes: usize,
    call: Call<'a>,
}

fn digest(values: &[f32]) -> u64 {
    values.iter().fold(0xCBF2_9CE4_8422_2325, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// Digests cost more than some kernels: they are taken in the check only.
static CHECKING: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);

fn digest_if_checking(values: &[f32]) -> u64 {
    if CHECKING.load(std::sync::atomic::Ordering::Relaxed) { digest(values) } else { 0 }
}

fn matrix(data: &[f32], width: usize) -> Matrix<'_> {
    Matrix::new(data, width, width).expect("whole rows")
}

fn matrix_mut(data: &mut [f32], width: usize) -> MatrixMut<'_> {
    MatrixMut::new(data, width, width).expect("whole rows")
}

const STEP: AdamStep = AdamStep {
    beta1: 0.9,
    beta2: 0.999,
    step_size: 1e-3,
    inverse_sqrt_correction: 1.0,
    epsilon: 1e-8,
    rounding: Rounding::Nearest,
};

fn cases(width: usize) -> Vec<Case<'static>> {
    let mut random = Random(2);
    let mut cases = Vec::new();
    let mut add = |name: String, flops: usize, bytes: usize, call: Call<'static>| {
        cases.push(Case { name: format!("{name} x {width}"), flops, bytes, call });
    };

    let (a, b) = (random.values(width), random.values(width));
    add("dot".into(), 2 * width * 100, 0, {
        Box::new(move |kernels, _, _| {
            let sum: f32 = (0..100).map(|_| kernels.dot(black_box(&a), black_box(&b))).sum();
            u64::from(sum.to_bits())
        })
    });

    let half = ROWS / 2 * width;
    add(
        "dot of two halves of the table, rows in order,".into(),
        2 * half,
        8 * half,
        Box::new(move |kernels, world, _| {
            let (a, b) = world.weights.as_slice().split_at(half);
            u64::from(kernels.dot(a, &b[..half]).to_bits())
        }),
    );

    for bf16 in [false, true] {
        let (suffix, size) = if bf16 { (" bf16", 2) } else { ("", 4) };

        let (vector, mut out) = (random.values(width), vec![0.0; LIST]);
        add(
            format!("rows_dot{suffix} {LIST} rows"),
            2 * LIST * width,
            LIST * width * size,
            Box::new(move |kernels, world, call| {
                kernels.rows_dot(world.table(bf16), world.rows(call, LIST), &vector, &mut out);
                digest_if_checking(&out)
            }),
        );

        let (values, bias, mut out) = (random.values(75), random.values(width), vec![0.0; width]);
        add(
            format!("embedding_forward{suffix} 75 rows"),
            2 * 75 * width,
            75 * width * size,
            Box::new(move |kernels, world, call| {
                kernels.embedding_forward(world.table(bf16), world.rows(call, 75), &values, &bias, &mut out);
                digest_if_checking(&out)
            }),
        );

        for (samples, cached) in [(16, false), (32, false), (64, false), (64, true), (256, false)] {
            let rows = 1024;
            let rows_name = if cached { "cached rows" } else { "rows" };
            let list = move |call| if cached { 0 } else { call };
            let flops = 2 * rows * width * samples;
            let bias = random.values(ROWS);
            let (inputs, mut out) = (random.values(width * samples), vec![0.0; rows * samples]);
            add(
                format!("gemm_forward{suffix} {rows} {rows_name}, {samples} samples"),
                flops,
                rows * width * size,
                Box::new(move |kernels, world, call| {
                    let (inputs, out_matrix) = (matrix(&inputs, samples), matrix_mut(&mut out, samples));
                    kernels.gemm_forward(world.table(bf16), world.rows(list(call), rows), &bias, inputs, out_matrix);
                    digest_if_checking(&out)
                }),
            );
            let (deltas, mut out) = (random.values(rows * samples), vec![0.0; samples * width]);
            add(
                format!("gemm_backward{suffix} {rows} {rows_name}, {samples} samples"),
                flops,
                rows * width * size,
                Box::new(move |kernels, world, call| {
                    out.fill(0.0);
                    let (deltas, gradient) = (matrix(&deltas, samples), matrix_mut(&mut out, width));
                    kernels.gemm_backward(world.table(bf16), world.rows(list(call), rows), deltas, gradient);
                    digest_if_checking(&out)
                }),
            );
            if !bf16 && !cached {
                let (deltas, inputs) = (random.values(rows * samples), random.values(samples * width));
                let mut out = vec![0.0; rows * width];
                add(
                    format!("gemm_gradient {rows} {rows_name}, {samples} samples"),
                    flops,
                    rows * width * size,
                    Box::new(move |kernels, _, _| {
                        let (deltas, inputs) = (matrix(&deltas, samples), matrix(&inputs, width));
                        kernels.gemm_gradient(deltas, inputs, matrix_mut(&mut out, width));
                        if CHECKING.load(std::sync::atomic::Ordering::Relaxed) {
                            let sum = digest(&out);
                            out.fill(0.0);
                            return sum;
                        }
                        0
                    }),
                );
            }
        }
    }

    // One or two samples a row, as the active sets of a batch overlap.
    let samples = 256;
    let vectors = random.values(samples * width);
    let mut starts = vec![0_u32];
    let mut members = Vec::new();
    for i in 0..LIST {
        members.push((i * 31 % samples) as u32);
        if i % 2 == 1 && members[members.len() - 1] + 5 < samples as u32 {
            members.push(members[members.len() - 1] + 5);
        }
        starts.push(members.len() as u32);
    }
    let entries = members.len();
    let (bias, coefficients, mut out) = (vec![0.5; ROWS], random.values(entries), vec![0.0; entries]);
    {
        let (starts, members, vectors) = (starts.clone(), members.clone(), vectors.clone());
        add(
            format!("active_forward {LIST} rows, {entries} entries"),
            2 * entries * width,
            LIST * width * 4,
            Box::new(move |kernels, world, call| {
                let rows = world.rows(call, LIST);
                let active = ActiveRows::new(rows.ids(), &starts, &members, ROWS, samples).expect("fitting lists");
                kernels.active_forward(world.table(false), &bias, &active, matrix(&vectors, width), &mut out);
                digest_if_checking(&out)
            }),
        );
    }
    let (mut input_gradient, decay) = (vec![0.0; samples * width], vec![[0.9, 0.999]; LIST]);
    add(
        format!("active_backward {LIST} rows, {entries} entries"),
        4 * entries * width,
        LIST * width * 24,
        Box::new(move |kernels, world, call| {
            let rows = world.lists[call % world.lists.len()].clone();
            let active = ActiveRows::new(&rows, &starts, &members, ROWS, samples).expect("fitting lists");
            let (weights, m, v) = state(world);
            let gradient = Some(matrix_mut(&mut input_gradient, width));
            let vectors = matrix(&vectors, width);
            kernels.active_backward(weights, m, v, &active, &coefficients, vectors, gradient, &decay, &STEP);
            if CHECKING.load(std::sync::atomic::Ordering::Relaxed) {
                let sum = digest(&input_gradient) ^ digest_and_reset(world, &rows);
                input_gradient.fill(0.0);
                return sum;
            }
            0
        }),
    );

    let (gradient, decay) = (random.values(LIST * width), vec![[0.9, 0.999]; LIST]);
    add(
        format!("adam_rows {LIST} rows"),
        0,
        LIST * width * 28,
        Box::new(move |kernels, world, call| {
            let rows = world.lists[call % world.lists.len()].clone();
            let ids = RowIds::new(&rows, ROWS).expect("rows of the table");
            let (weights, m, v) = state(world);
            kernels.adam_rows(weights, m, v, ids, matrix(&gradient, width), &decay, &STEP);
            if CHECKING.load(std::sync::atomic::Ordering::Relaxed) { digest_and_reset(world, &rows) } else { 0 }
        }),
    );

    let (source, mut out) = (random.values(64 * width), vec![0.0; 64 * width]);
    add(
        "transpose 64 rows".into(),
        0,
        64 * width * 8,
        Box::new(move |kernels, _, _| {
            kernels.transpose(matrix(&source, width), matrix_mut(&mut out, 64));
            digest_if_checking(&out)
        }),
    );
    cases
}

/// Weights and moments to write.
fn state(world: &mut World) -> (TableMut<'_>, MatrixMut<'_>, MatrixMut<'_>) {
    let (stride, width) = (world.weights.stride(), world.weights.width());
    let weights = TableMut::new(ValuesMut::F32(world.weights.as_mut_slice()), stride, width);
    let m = MatrixMut::new(world.m.as_mut_slice(), stride, width);
    let v = MatrixMut::new(world.v.as_mut_slice(), stride, width);
    (weights.expect("whole rows"), m.expect("whole rows"), v.expect("whole rows"))
}

/// The digest of some rows, which are set back so that the next back end finds what this one found.
fn digest_and_reset(world: &mut World, rows: &[u32]) -> u64 {
    let mut sum = 0_u64;
    for &row in rows {
        let row = row as usize;
        let state = [world.weights.row_mut(row), world.m.row_mut(row), world.v.row_mut(row)];
        for (i, values) in state.into_iter().enumerate() {
            sum = sum.rotate_left(1) ^ digest(values);
            let mut random = Random(row as u64);
            values.iter_mut().for_each(|value| *value = if i == 0 { random.value() } else { 0.0 });
        }
    }
    sum
}

/// Nanoseconds and operations of a loop of independent multiply-adds: the peak of one core.
fn peak(isa: Isa) -> (f64, f64) {
    const CALLS: usize = 40_000;
    let start = Instant::now();
    let operations = match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: only levels that are available are measured.
        Isa::Avx512 => unsafe { peak::avx512(CALLS) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: only levels that are available are measured.
        Isa::Avx2 => unsafe { peak::avx2(CALLS) },
        _ => return (1.0, f64::NAN),
    };
    (start.elapsed().as_nanos() as f64, operations as f64)
}

#[cfg(target_arch = "x86_64")]
mod peak {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// # Safety
    /// AVX-512F is available.
    #[target_feature(enable = "avx512f")]
    pub(crate) unsafe fn avx512(calls: usize) -> usize {
        let factor = _mm512_set1_ps(black_box(0.999));
        let mut sums = [_mm512_set1_ps(1.0); 16];
        for _ in 0..calls {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        calls * 16 * 16 * 2
    }

    /// # Safety
    /// AVX2 and FMA are available.
    #[target_feature(enable = "avx2,fma")]
    pub(crate) unsafe fn avx2(calls: usize) -> usize {
        let factor = _mm256_set1_ps(black_box(0.999));
        let mut sums = [_mm256_set1_ps(1.0); 12];
        for _ in 0..calls {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        calls * 12 * 8 * 2
    }
}

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let scalar = Kernels::for_isa(Isa::Scalar).expect("the scalar back end is everywhere");
    for width in [128, 256] {
        let mut cases = cases(width);
        cases.retain(|case| filters.is_empty() || filters.iter().any(|filter| case.name.contains(filter.as_str())));
        if cases.is_empty() {
            continue;
        }
        let mut world = World::new(width);
        println!("\ntable {ROWS} x {width}: {}", world.weights.report());
        println!("{:<52} {:>8} {:>11} {:>9} {:>7} {:>7}", "case", "isa", "us", "GFLOP/s", "peak", "GB/s");
        for case in &mut cases {
            CHECKING.store(true, std::sync::atomic::Ordering::Relaxed);
            // The first call sets back what earlier cases left behind.
            (case.call)(scalar, &mut world, 0);
            let expected = (case.call)(scalar, &mut world, 0);
            for isa in Isa::available().filter(|&isa| isa != Isa::Scalar) {
                let kernels = Kernels::for_isa(isa).expect("an available level");
                CHECKING.store(true, std::sync::atomic::Ordering::Relaxed);
                (case.call)(kernels, &mut world, 0);
                let found = (case.call)(kernels, &mut world, 0);
                assert_eq!(found, expected, "{} on {isa} differs from the scalar back end", case.name);
                CHECKING.store(false, std::sync::atomic::Ordering::Relaxed);
                measure(case, kernels, &mut world);
            }
        }
    }
}

/// Times one case on one instruction set and prints a line.
fn measure(case: &mut Case<'_>, kernels: &Kernels, world: &mut World) {
    let mut number = 0;
    let mut time = |calls: usize| {
        let start = Instant::now();
        for _ in 0..calls {
            number += 1;
            black_box((case.call)(kernels, world, number));
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    };
    let calls = (2e5 / time(2)).clamp(1.0, 10_000.0) as usize;
    let (mut best, mut most) = (f64::INFINITY, 0.0_f64);
    for _ in 0..ROUNDS {
        let (nanoseconds, operations) = peak(kernels.isa());
        most = most.max(operations / nanoseconds);
        best = best.min(time(calls));
    }
    let rate = case.flops as f64 / best;
    println!(
        "{:<52} {:>8} {:>11.2} {:>9.1} {:>6.0}% {:>7.1}",
        case.name,
        kernels.isa(),
        best / 1e3,
        rate,
        100.0 * rate / most,
        case.bytes as f64 / best
    );
}
