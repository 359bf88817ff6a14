//! The three products of a batch with a shared set, at the shapes of training, as shares of the multiply-add peak.
//!
//! ```text
//! cargo bench -p slide-benches --bench shared_set -- [examples of a block]...
//! ```
//!
//! A batch of 256 examples and 1,046 listed rows of 256 `f32` (what the default settings have on `data/debian`), block by block as a
//! worker of training runs it: logits, loss, the gradient back to the hidden layer; then, tile by tile, the gradient of the rows and
//! their step with Adam. The rows are scattered over tables of 49,531, which with both moments are 152 MB, and every batch has
//! others (`memory`), or all batches have the same (`caches`). Bare loops of multiply-adds run between the batches; printed are
//! medians of times, and of the shares of what the bare loop would need for the same multiply-adds.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use slide_benches::cases::ADAM_STEP;
use slide_benches::random::{Aligned, Random};
use slide_benches::statistics::median;
use slide_kernels::{Kernels, Matrix, MatrixMut, Optimiser, Rounding, RowIds, Table, TableMut};
use slide_kernels::{Values, ValuesMut};
use slide_mem::{Placement, RowTable};

const ROWS: usize = 49_531;
const WIDTH: usize = 256;
const LISTED: usize = 1046;
const LISTS: usize = 48;
const EXAMPLES: usize = 256;
/// As in training (`layer/dense.rs`).
const TILE: usize = 96;
const ROUNDS: usize = 144;
/// Multiply-adds of a call of the bare loop.
const PROBE: usize = 4096;

struct World {
    weights: RowTable<f32>,
    m: RowTable<f32>,
    v: RowTable<f32>,
    bias: Vec<f32>,
    lists: Vec<Vec<u32>>,
    /// `[columns][examples]` of each block, one after the other.
    transposed: Aligned<f32>,
    /// `[examples][columns]`.
    inputs: Aligned<f32>,
    /// `[rows][examples]` of each block.
    logits: Aligned<f32>,
    input_gradient: Aligned<f32>,
    loss: Vec<f32>,
    gradient: Aligned<f32>,
    decays: Vec<[f32; 2]>,
}

/// What is timed, in the order of a batch.
const PARTS: [&str; 5] = ["forward", "loss", "backward", "gradient", "step (Adam)"];

impl World {
    fn new() -> Result<Self> {
        let mut random = Random(1);
        let table = |low: f32| -> Result<RowTable<f32>> {
            let mut table = RowTable::zeroed(ROWS, WIDTH, Placement::default())?;
            table.as_mut_slice().iter_mut().enumerate().for_each(|(i, value)| *value = low + (i % 1000) as f32 / 1e4);
            Ok(table)
        };
        Ok(Self {
            weights: table(-0.05)?,
            m: table(0.1)?,
            v: table(0.1)?,
            bias: vec![0.0; ROWS],
            lists: (0..LISTS).map(|_| random.ascending(LISTED, ROWS)).collect(),
            transposed: random.values(EXAMPLES * WIDTH),
            inputs: random.values(EXAMPLES * WIDTH),
            logits: Aligned::filled(0.0, LISTED * EXAMPLES),
            input_gradient: Aligned::filled(0.0, EXAMPLES * WIDTH),
            loss: vec![0.0; EXAMPLES],
            gradient: Aligned::filled(0.0, TILE * WIDTH),
            decays: vec![[0.9, 0.999]; LISTED],
        })
    }

    /// Nanoseconds of each part of a batch.
    fn batch(&mut self, kernels: &Kernels, list: usize, block: usize) -> [f64; PARTS.len()] {
        let mut times = [0.0; PARTS.len()];
        let mut last = Instant::now();
        let mut lap = |part: usize| {
            let now = Instant::now();
            times[part] += (now - last).as_nanos() as f64;
            last = now;
        };
        let rows = RowIds::new(&self.lists[list], ROWS).expect("rows of the table");
        let stride = self.weights.stride();
        let blocks = (0..EXAMPLES).step_by(block);
        for first in blocks.clone() {
            let table = Table::new(Values::F32(self.weights.as_slice()), stride, WIDTH).expect("whole rows");
            let logits = &mut self.logits[first * LISTED..(first + block) * LISTED];
            let inputs = &self.transposed[first * WIDTH..(first + block) * WIDTH];
            kernels.gemm_forward(table, rows, &self.bias, matrix(inputs, block), matrix_mut(logits, block));
            lap(0);
            kernels.sigmoid_columns(matrix_mut(logits, block), &mut self.loss[..block]);
            lap(1);
            let gradient = &mut self.input_gradient[first * WIDTH..(first + block) * WIDTH];
            gradient.fill(0.0);
            kernels.gemm_backward(table, rows, matrix(logits, block), matrix_mut(gradient, WIDTH));
            lap(2);
        }
        for tile in (0..LISTED).step_by(TILE) {
            let tile = tile..LISTED.min(tile + TILE);
            let gradient = &mut self.gradient[..tile.len() * WIDTH];
            gradient.fill(0.0);
            for first in blocks.clone() {
                let deltas = &self.logits[first * LISTED..(first + block) * LISTED];
                let deltas = &deltas[tile.start * block..tile.end * block];
                let inputs = &self.inputs[first * WIDTH..(first + block) * WIDTH];
                kernels.gemm_gradient(matrix(deltas, block), matrix(inputs, WIDTH), matrix_mut(gradient, WIDTH));
            }
            lap(3);
            let table = |values| TableMut::new(ValuesMut::F32(values), stride, WIDTH).expect("whole rows");
            let [weights, m, v] = [&mut self.weights, &mut self.m, &mut self.v].map(|rows| table(rows.as_mut_slice()));
            let optimiser = Optimiser::Adam { step: ADAM_STEP, m, v, decay: Some(&self.decays[tile.clone()]) };
            kernels.update_rows(weights, optimiser, rows.slice(tile), matrix(gradient, WIDTH), Rounding::Nearest);
            lap(4);
        }
        times
    }
}

fn matrix(data: &[f32], width: usize) -> Matrix<'_> {
    Matrix::new(data, width, width).expect("whole rows")
}

fn matrix_mut(data: &mut [f32], width: usize) -> MatrixMut<'_> {
    MatrixMut::new(data, width, width).expect("whole rows")
}

/// Nanoseconds per operation.
fn multiply_adds(kernels: &Kernels) -> f64 {
    let start = Instant::now();
    let mut operations = 0;
    for _ in 0..20 {
        operations += black_box(kernels.probe_multiply_adds(PROBE)).1;
    }
    start.elapsed().as_nanos() as f64 / operations as f64
}

fn main() -> Result<()> {
    let blocks: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let blocks = if blocks.is_empty() { vec![64] } else { blocks };
    let kernels = Kernels::best();
    let mut world = World::new()?;
    let mut measured = vec![[(); PARTS.len()].map(|()| (Vec::new(), Vec::new())); 2 * blocks.len()];
    let mut peaks = Vec::new();
    let operations = (2 * LISTED * WIDTH * EXAMPLES) as f64;
    for round in 0..ROUNDS {
        for (number, &block) in blocks.iter().enumerate() {
            for in_memory in [true, false] {
                let lists = if in_memory { 1..LISTS } else { 0..1 };
                let list = lists.start + round % lists.len();
                if !in_memory {
                    world.batch(kernels, list, block);
                }
                let mut each = multiply_adds(kernels);
                let times = world.batch(kernels, list, block);
                each = each.min(multiply_adds(kernels));
                peaks.push(1.0 / each);
                for (time, (times, shares)) in
                    times.into_iter().zip(&mut measured[2 * number + usize::from(!in_memory)])
                {
                    times.push(time);
                    shares.push(each * operations / time);
                }
            }
        }
    }
    println!("{}, {:.1} GFLOP/s of multiply-adds", kernels.isa(), median(&mut peaks));
    println!("| examples of a block | rows from | part | us per batch | of the multiply-add peak |");
    println!("|---|---|---|---|---|");
    for (number, parts) in measured.iter_mut().enumerate() {
        let (block, from) = (blocks[number / 2], ["memory", "caches"][number % 2]);
        for (name, (times, shares)) in PARTS.iter().zip(parts) {
            let share = match *name {
                "forward" | "backward" | "gradient" => format!("{:.0} %", 100.0 * median(shares)),
                _ => String::new(),
            };
            println!("| {block} | {from} | {name} | {:.0} | {share} |", median(times) / 1e3);
        }
    }
    Ok(())
}
