//! The kernels of slide compared with those of other libraries, in one process.
//!
//! ```text
//! RUSTFLAGS="-C target-cpu=native" cargo run --release --manifest-path benches/versus/Cargo.toml -- [PART OF A NAME]...
//! ```
//!
//! The kernels of slide choose their instructions when they run, and so do SimSIMD, NumKong, pulp and faer; the flag is for
//! *the compiler*: plain loops over slices, which it may vectorise for this very machine. Rounds of all
//! candidates alternate; printed, as a Markdown table, are the medians of their times, and the median over the rounds of the
//! ratio of each one's time to that of slide: above 1, slide is faster. Before anything is timed, the results are compared.

use std::hint::black_box;
use std::time::Instant;

use half::bf16;
use numkong::{Dot as _, SparseDot as _};
use simsimd::{BinarySimilarity as _, SpatialSimilarity as _};
use slide_benches::random::{Aligned, Random};
use slide_benches::statistics::median;
use slide_kernels::{Kernels, Matrix, MatrixMut, Precision, RowIds, SparseVector, Values};

const ROUNDS: usize = 301;
const NANOSECONDS_A_ROUND: f64 = 20_000.0;

/// One way to compute something.
struct Contestant<'a> {
    name: &'static str,
    /// Calls it this many times, and returns the last result.
    calls: Box<dyn FnMut(usize) -> f64 + 'a>,
}

fn by<'a>(name: &'static str, mut call: impl FnMut() -> f64 + 'a) -> Contestant<'a> {
    let calls = move |calls| (0..calls).fold(0.0, |_, _| black_box(call()));
    Contestant { name, calls: Box::new(calls) }
}

/// Checks that all agree to within `tolerance`, times them alternately, and prints a line for each; the first is slide.
fn contest(title: &str, tolerance: f64, mut contestants: Vec<Contestant<'_>>) {
    let filters: Vec<String> = std::env::args().skip(1).collect();
    if !filters.is_empty() && !filters.iter().any(|filter| title.contains(filter.as_str())) {
        return;
    }
    let expected = (contestants[0].calls)(1);
    for contestant in &mut contestants {
        let found = (contestant.calls)(1);
        let difference = (found - expected).abs();
        assert!(difference <= tolerance, "{title}: {} has {found}, slide has {expected}", contestant.name);
    }
    let time = |contestant: &mut Contestant<'_>, calls: usize| {
        let start = Instant::now();
        black_box((contestant.calls)(calls));
        start.elapsed().as_nanos() as f64 / calls as f64
    };
    let calls: Vec<usize> = contestants
        .iter_mut()
        .map(|contestant| (NANOSECONDS_A_ROUND / time(contestant, 100)).clamp(1.0, 10_000.0) as usize)
        .collect();
    let mut times = vec![Vec::new(); contestants.len()];
    for _ in 0..ROUNDS {
        for (i, contestant) in contestants.iter_mut().enumerate() {
            times[i].push(time(contestant, calls[i]));
        }
    }
    for (i, contestant) in contestants.iter().enumerate() {
        let mut ratios: Vec<f64> = times[i].iter().zip(&times[0]).map(|(theirs, ours)| theirs / ours).collect();
        let ratio = if i == 0 { "".into() } else { format!("{:.2}", median(&mut ratios)) };
        println!("| {title} | {} | {:.1} ns | {ratio} |", contestant.name, median(&mut times[i].clone()));
    }
}

fn main() {
    let kernels = Kernels::best();
    println!("slide: {}; compiler: {}\n", kernels.isa(), compiled_for());
    println!("| kernel | by | time | ratio to slide |\n|---|---|---|---|");
    let mut random = Random(1);
    for n in [128, 1024, 4096] {
        float_dots(kernels, &mut random, n);
        bf16_dots(kernels, &mut random, n);
        i8_dots(kernels, &mut random, n);
        axpy(kernels, &mut random, n);
        hamming(kernels, &mut random, n);
    }
    for (nonzeros, bound) in [(75, 1000), (75, 50_000), (1000, 10_000)] {
        sparse_dots(kernels, &mut random, nonzeros, bound);
    }
    products(kernels, &mut random);
}

fn compiled_for() -> &'static str {
    if cfg!(target_feature = "avx512f") {
        "AVX-512"
    } else if cfg!(target_feature = "avx2") {
        "AVX2"
    } else {
        "the baseline of the architecture"
    }
}

fn float_dots(kernels: &Kernels, random: &mut Random, n: usize) {
    let (a, b) = (random.values(n), random.values(n));
    let arch = pulp::Arch::new();
    contest(
        &format!("dot f32 {n}"),
        1e-2,
        vec![
            by("slide", || f64::from(kernels.dot(black_box(&a), black_box(&b)))),
            by("SimSIMD", || {
                <f32 as simsimd::SpatialSimilarity>::dot(black_box(&a), black_box(&b)).unwrap_or(f64::NAN)
            }),
            by("NumKong", || <f32 as numkong::Dot>::dot(black_box(&a), black_box(&b)).unwrap_or(f64::NAN)),
            by("pulp", || f64::from(arch.dispatch(PulpDot { a: black_box(&a), b: black_box(&b) }))),
            by("the compiler", || {
                f64::from(
                    black_box(&a).iter().zip(black_box(&b).iter()).fold(0.0, |sum: f32, (a, b)| a.mul_add(*b, sum)),
                )
            }),
        ],
    );
}

/// A dot product in four chains, written with pulp.
struct PulpDot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl pulp::WithSimd for PulpDot<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> f32 {
        let (a, a_tail) = S::as_simd_f32s(self.a);
        let (b, b_tail) = S::as_simd_f32s(self.b);
        let mut sums = [simd.splat_f32s(0.0); 4];
        let (a4, a1) = pulp::as_arrays::<4, _>(a);
        let (b4, b1) = pulp::as_arrays::<4, _>(b);
        for (a, b) in a4.iter().zip(b4) {
            for j in 0..4 {
                sums[j] = simd.mul_add_f32s(a[j], b[j], sums[j]);
            }
        }
        for (a, b) in a1.iter().zip(b1) {
            sums[0] = simd.mul_add_f32s(*a, *b, sums[0]);
        }
        let [s0, s1, s2, s3] = sums;
        let sum = simd.add_f32s(simd.add_f32s(s0, s1), simd.add_f32s(s2, s3));
        let tail: f32 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
        simd.reduce_sum_f32s(sum) + tail
    }
}

fn bf16_dots(kernels: &Kernels, random: &mut Random, n: usize) {
    let [a, b] = [0; 2].map(|_| random.values(n).iter().map(|&value| bf16::from_f32(value)).collect::<Aligned<_>>());
    let native = kernels.with_precision(Precision::Native);
    let [nk_a, nk_b] = [&a, &b].map(|x| x.iter().map(|x| numkong::bf16(x.to_bits())).collect::<Aligned<_>>());
    let [simd_a, simd_b] = [&a, &b].map(|x| x.iter().map(|x| simsimd::bf16(x.to_bits())).collect::<Aligned<_>>());
    contest(
        &format!("dot bf16 {n}"),
        5e-2,
        vec![
            by("slide, native precision", || f64::from(native.dot_bf16(black_box(&a), black_box(&b)))),
            by("slide, reproducible", || f64::from(kernels.dot_bf16(black_box(&a), black_box(&b)))),
            by("SimSIMD", || simsimd::bf16::dot(black_box(&simd_a), black_box(&simd_b)).unwrap_or(f64::NAN)),
            by("NumKong", || f64::from(numkong::bf16::dot(black_box(&nk_a), black_box(&nk_b)).unwrap_or(f32::NAN))),
        ],
    );
}

fn i8_dots(kernels: &Kernels, random: &mut Random, n: usize) {
    let [a, b] = [0; 2].map(|_| (0..n).map(|_| random.word() as i8).collect::<Aligned<_>>());
    contest(
        &format!("dot i8 {n}"),
        0.0,
        vec![
            by("slide", || f64::from(kernels.dot_i8(black_box(&a), black_box(&b)))),
            by("SimSIMD", || <i8 as simsimd::SpatialSimilarity>::dot(black_box(&a), black_box(&b)).unwrap_or(f64::NAN)),
            by("NumKong", || f64::from(<i8 as numkong::Dot>::dot(black_box(&a), black_box(&b)).unwrap_or(0))),
            by("the compiler", || {
                let products =
                    black_box(&a).iter().zip(black_box(&b).iter()).map(|(&a, &b)| i32::from(a) * i32::from(b));
                f64::from(products.sum::<i32>())
            }),
        ],
    );
}

fn axpy(kernels: &Kernels, random: &mut Random, n: usize) {
    let x = random.values(n);
    let [mut ours, mut theirs] = [0; 2].map(|_| Aligned::filled(0.5, n));
    contest(
        &format!("axpy f32 {n}"),
        1e-3,
        vec![
            by("slide", || {
                kernels.axpy(black_box(1e-9), Values::F32(black_box(&x)), &mut ours);
                f64::from(ours[0])
            }),
            by("the compiler", || {
                let a = black_box(1e-9_f32);
                theirs.iter_mut().zip(black_box(&x).iter()).for_each(|(y, x)| *y = a.mul_add(*x, *y));
                f64::from(theirs[0])
            }),
        ],
    );
}

fn hamming(kernels: &Kernels, random: &mut Random, bits: usize) {
    let [a, b] = [0; 2].map(|_| (0..bits / 64).map(|_| random.word()).collect::<Aligned<_>>());
    let [a_bytes, b_bytes] = [&a, &b].map(|x| x.iter().flat_map(|word| word.to_le_bytes()).collect::<Aligned<_>>());
    contest(
        &format!("hamming {bits} bits"),
        0.0,
        vec![
            by("slide", || kernels.hamming(black_box(&a), black_box(&b)) as f64),
            by("SimSIMD", || u8::hamming(black_box(&a_bytes), black_box(&b_bytes)).unwrap_or(f64::NAN)),
            by("the compiler", || {
                let ones = black_box(&a).iter().zip(black_box(&b).iter()).map(|(a, b)| (a ^ b).count_ones());
                f64::from(ones.sum::<u32>())
            }),
        ],
    );
}

fn sparse_dots(kernels: &Kernels, random: &mut Random, nonzeros: usize, bound: u64) {
    let [a, b] = [0; 2].map(|_| (random.ascending(nonzeros, bound as usize), random.values(nonzeros)));
    let [ours_a, ours_b] = [&a, &b].map(|(ids, values)| {
        let ids = RowIds::new(ids, bound as usize).expect("numbers below the bound");
        SparseVector::new(ids, values).expect("one value a number")
    });
    contest(
        &format!("sparse dot, {nonzeros} and {nonzeros} of {bound}"),
        1e-3,
        vec![
            by("slide", || f64::from(kernels.sparse_sparse_dot(black_box(ours_a), black_box(ours_b)))),
            by("NumKong", || u32::sparse_dot(black_box(&a.0), &b.0, &a.1, &b.1)),
            by("a merge in plain Rust", || {
                let (mut i, mut j, mut sum) = (0, 0, 0.0_f32);
                let (a, b) = (black_box(&a), black_box(&b));
                while i < nonzeros && j < nonzeros {
                    match a.0[i].cmp(&b.0[j]) {
                        std::cmp::Ordering::Less => i += 1,
                        std::cmp::Ordering::Greater => j += 1,
                        std::cmp::Ordering::Equal => {
                            sum = a.1[i].mul_add(b.1[j], sum);
                            (i, j) = (i + 1, j + 1);
                        }
                    }
                }
                f64::from(sum)
            }),
        ],
    );
}

/// 64 examples x 1,024 rows x 128, in cache: scattered rows for slide, rows in order for faer.
fn products(kernels: &Kernels, random: &mut Random) {
    const EXAMPLES: usize = 64;
    const ROWS: usize = 1024;
    const WIDTH: usize = 128;
    let (weights, inputs) = (random.values(ROWS * WIDTH), random.values(WIDTH * EXAMPLES));
    let bias = vec![0.0; ROWS];
    let ids: Vec<u32> = (0..ROWS as u32).map(|i| i * 389 % ROWS as u32).collect();
    let rows = RowIds::new(&ids, ROWS).expect("rows of the table");
    let [mut ours, mut theirs] = [0; 2].map(|_| Aligned::filled(0.0, ROWS * EXAMPLES));
    contest(
        "product of 1,024 rows of 128 and 64 examples",
        1e-3,
        vec![
            by("slide, scattered rows", || {
                let table = Matrix::new(&weights, WIDTH, WIDTH).expect("whole rows");
                let inputs = Matrix::new(&inputs, EXAMPLES, EXAMPLES).expect("whole rows");
                let out = MatrixMut::new(&mut ours, EXAMPLES, EXAMPLES).expect("whole rows");
                kernels.gemm_forward(table.into(), rows, &bias, inputs, out);
                f64::from(ours[0])
            }),
            by("faer, rows in order", || {
                let left = faer::MatRef::from_row_major_slice(&weights, ROWS, WIDTH);
                let right = faer::MatRef::from_row_major_slice(&inputs, WIDTH, EXAMPLES);
                let out = faer::MatMut::from_row_major_slice_mut(&mut theirs, ROWS, EXAMPLES);
                faer::linalg::matmul::matmul(out, faer::Accum::Replace, left, right, 1.0, faer::Par::Seq);
                f64::from(theirs[0])
            }),
        ],
    );
}
