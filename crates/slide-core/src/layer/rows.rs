//! The rows of one layer: weights, bias and the optimiser's state, borrowed shard by shard by their owners.

use std::ops::Range;

use half::bf16;
use slide_kernels::{Kernels, Rounding, Table, TableMut, Values, ValuesMut};
use slide_mem::{Arena, MemError, Placement, Report, RowTable, Slab};

use super::partition::Partition;
use super::quantized::{QuantizedRows, RowBits};
use crate::choice::choices;
use crate::optim::{Optimizer, RowDecays, RowState, ShardState, Step, split};
use crate::views::row_ids;

choices! {
    /// How weights are stored. Arithmetic is always f32.
    pub enum Precision ("precision") {
        /// 32-bit floats.
        F32 = "f32",
        /// bfloat16, rounded stochastically after each update; the optimiser's state is f32.
        Bf16 = "bf16",
    }
}

/// Stored weights, one row per neuron, in internal row order.
#[derive(Debug)]
pub(crate) enum Weights {
    F32(RowTable<f32>),
    Bf16(RowTable<bf16>),
    Quantized(QuantizedRows),
}

/// How the rows of a layer are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Floats(Precision),
    /// For layers that are not trained.
    Quantized(RowBits),
}

/// The shape of the rows of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Number of the table in the network.
    pub(crate) number: u32,
    /// The rows, and their order.
    pub(crate) partition: Partition,
    /// Weights in a row.
    pub(crate) width: usize,
    /// Whether a row has a bias.
    pub(crate) has_bias: bool,
}

impl Weights {
    /// Zeros.
    pub(crate) fn zeroed(storage: Storage, rows: usize, width: usize, placement: &Placement) -> Result<Self, MemError> {
        Ok(match storage {
            Storage::Floats(Precision::F32) => Self::F32(RowTable::zeroed(rows, width, *placement)?),
            Storage::Floats(Precision::Bf16) => Self::Bf16(RowTable::zeroed(rows, width, *placement)?),
            Storage::Quantized(bits) => Self::Quantized(QuantizedRows::zeroed(rows, width, bits, placement)?),
        })
    }
}

/// The rows of one layer.
#[derive(Debug)]
pub(crate) struct LayerRows {
    number: u32,
    partition: Partition,
    width: usize,
    weights: Weights,
    bias: Slab<f32>,
    state: Option<RowState>,
    /// The arena of biases, their states and the last steps.
    vectors: Arena,
}

impl LayerRows {
    /// These weights, with biases of 0, and with the state of `optimizer` if the layer is to be trained.
    pub(crate) fn new(
        shape: Shape,
        weights: Weights,
        optimizer: Option<&dyn Optimizer>,
        placement: &Placement,
    ) -> Result<Self, MemError> {
        let Shape { number, partition, width, has_bias } = shape;
        let rows = partition.rows();
        let biases = if has_bias { rows } else { 0 };
        let state_bytes = optimizer.map_or(Ok(0), |optimizer| RowState::arena_bytes(optimizer, rows, biases))?;
        let vectors = Arena::new(Arena::bytes_for::<f32>(biases)? + state_bytes, *placement)?;
        let state = optimizer
            .map(|optimizer| RowState::new(optimizer, rows, width, biases, &vectors, placement))
            .transpose()?;
        Ok(Self { number, partition, width, weights, bias: vectors.slab(biases)?, state, vectors })
    }

    /// Adds a state of `optimizer`, of 0, so that the layer can be trained.
    pub(crate) fn begin_training(&mut self, optimizer: &dyn Optimizer, placement: &Placement) -> Result<(), MemError> {
        let (rows, biases) = (self.rows(), self.bias.len());
        let state_bytes = RowState::arena_bytes(optimizer, rows, biases)?;
        let vectors = Arena::new(Arena::bytes_for::<f32>(biases)? + state_bytes, *placement)?;
        let state = RowState::new(optimizer, rows, self.width, biases, &vectors, placement)?;
        let mut bias = vectors.slab(biases)?;
        bias.copy_from_slice(&self.bias);
        (self.state, self.bias, self.vectors) = (Some(state), bias, vectors);
        Ok(())
    }

    /// How rows are assigned to shards.
    pub(crate) fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The rows in the order in which sums over them are computed.
    pub(crate) fn in_order_of_sums(&self, rows: Range<usize>) -> impl Iterator<Item = u32> {
        let (order, partition) = (Partition::new(self.rows()), self.partition);
        let is_sharded = order == partition;
        rows.map(move |row| if is_sharded { row as u32 } else { partition.to_internal(order.to_logical(row as u32)) })
    }

    /// The place of a row in that order.
    pub(crate) fn place_in_sums(&self, row: u32) -> u32 {
        Partition::new(self.rows()).to_internal(self.partition.to_logical(row))
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.partition.rows()
    }

    /// Number of weights in a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Columns that the kernels work on: the width rounded up to whole vectors of 16. The columns past the width
    /// are always 0.
    pub(crate) fn columns(&self) -> usize {
        self.width.next_multiple_of(16)
    }

    /// One bias per row in internal order, or nothing.
    pub(crate) fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The biases, to be set.
    pub(crate) fn bias_mut(&mut self) -> &mut [f32] {
        &mut self.bias
    }

    /// The stored weights.
    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The stored weights, to be set.
    pub(crate) fn weights_mut(&mut self) -> &mut Weights {
        &mut self.weights
    }

    /// Rounds weights that are stored as f32 to bfloat16, to nearest. The state of the optimiser, if there is any, stays.
    pub(crate) fn round_to_bf16(&mut self, kernels: &Kernels, placement: &Placement) -> Result<(), MemError> {
        let Weights::F32(weights) = &self.weights else { return Ok(()) };
        let mut rounded = RowTable::<bf16>::zeroed(self.rows(), self.width, *placement)?;
        let (from, to) = (weights.stride(), rounded.stride());
        let rows = weights.as_slice().chunks_exact(from).zip(rounded.as_mut_slice().chunks_exact_mut(to));
        rows.for_each(|(row, out)| kernels.f32_to_bf16(&row[..self.width], Rounding::Nearest, &mut out[..self.width]));
        self.weights = Weights::Bf16(rounded);
        Ok(())
    }

    /// Rounds the stored weights to integers of `bits` bits, unless they have no more. A state of the optimiser is dropped.
    pub(crate) fn quantize(&mut self, bits: RowBits, placement: &Placement) -> Result<(), MemError> {
        self.state = None;
        if self.quantized().is_some_and(|rows| rows.bits == bits || rows.bits == RowBits::Four) {
            return Ok(());
        }
        let mut rounded = QuantizedRows::zeroed(self.rows(), self.width, bits, placement)?;
        let mut row = vec![0.0; self.columns()];
        for number in 0..self.rows() {
            self.copy_row(number, &mut row);
            rounded.set_row(number, &row[..self.width]);
        }
        rounded.finish();
        self.weights = Weights::Quantized(rounded);
        Ok(())
    }

    /// The rows, if they are stored as integers.
    pub(crate) fn quantized(&self) -> Option<&QuantizedRows> {
        if let Weights::Quantized(rows) = &self.weights { Some(rows) } else { None }
    }

    /// The optimiser's state, if the layer is trained.
    pub(crate) fn state(&self) -> Option<&RowState> {
        self.state.as_ref()
    }

    /// The optimiser's state, to be set.
    pub(crate) fn state_mut(&mut self) -> Option<&mut RowState> {
        self.state.as_mut()
    }

    /// All weights as the kernels read them: `columns` of each row.
    ///
    /// # Panics
    /// If they are [quantised](Self::quantized).
    pub(crate) fn table(&self) -> Table<'_> {
        match &self.weights {
            Weights::F32(table) => padded_table(Values::F32(table.as_slice()), table.stride(), self.columns()),
            Weights::Bf16(table) => padded_table(Values::Bf16(table.as_slice()), table.stride(), self.columns()),
            Weights::Quantized(_) => unreachable!("rows of integers have products of their own"),
        }
    }

    /// Writes the weights of a row, zeros past the width, to `out`: as many as there are [`columns`](Self::columns).
    pub(crate) fn copy_row(&self, row: usize, out: &mut [f32]) {
        match &self.weights {
            Weights::F32(table) => out.copy_from_slice(&table.as_slice()[row * table.stride()..][..out.len()]),
            Weights::Bf16(table) => {
                let row = &table.as_slice()[row * table.stride()..][..out.len()];
                out.iter_mut().zip(row).for_each(|(out, x)| *out = x.to_f32());
            }
            Weights::Quantized(rows) => rows.copy_row(row, out),
        }
    }

    /// The pages and nodes of the tables.
    pub(crate) fn report(&self) -> Report {
        let mut report = match &self.weights {
            Weights::F32(table) => table.report(),
            Weights::Bf16(table) => table.report(),
            Weights::Quantized(rows) => rows.values.report(),
        };
        report.merge(&self.vectors.report());
        if let Some(state) = &self.state {
            state.add_to_report(&mut report);
        }
        report
    }

    /// The shards, each to be written by its owner alone. Empty for a layer without state: it is not trained.
    pub(crate) fn shards_mut(&mut self) -> Vec<Shard<'_>> {
        self.cut(&self.partition.starts())
    }

    /// The rows in `runs` even runs: for passes without sums over rows, whose bits do not depend on the runs.
    pub(crate) fn runs_mut(&mut self, runs: usize) -> Vec<Shard<'_>> {
        self.cut(&even_runs(self.rows(), runs).collect::<Vec<_>>())
    }

    /// The rows in at most `runs` runs, each with as many of `listed`, which ascend: for the same passes.
    pub(crate) fn runs_of_listed_mut(&mut self, listed: &[u32], runs: usize) -> Vec<Shard<'_>> {
        let runs = runs.clamp(1, listed.len().max(1));
        let inner = (1..runs).map(|run| listed[run * listed.len() / runs] as usize);
        let starts: Vec<usize> = std::iter::once(0).chain(inner).chain([self.rows()]).collect();
        self.cut(&starts)
    }

    fn cut(&mut self, starts: &[usize]) -> Vec<Shard<'_>> {
        let columns = self.columns();
        let Some(state) = &mut self.state else { return Vec::new() };
        let (weight_stride, weights): (usize, Vec<ShardWeights<'_>>) = match &mut self.weights {
            Weights::F32(table) => {
                (table.stride(), table.shards_mut(starts).into_iter().map(ShardWeights::F32).collect())
            }
            Weights::Bf16(table) => {
                (table.stride(), table.shards_mut(starts).into_iter().map(ShardWeights::Bf16).collect())
            }
            Weights::Quantized(_) => unreachable!("rows of integers have no state"),
        };
        let states = state.cut(starts);
        let biases = split(&mut self.bias, starts);
        let layer = self.number;
        let pieces = weights.into_iter().zip(states).zip(biases).enumerate();
        pieces
            .map(|(index, ((weights, state), bias))| Shard {
                layer,
                index,
                first_row: starts[index],
                columns,
                weight_stride,
                weights,
                bias,
                state,
            })
            .collect()
    }
}

/// The first row of each of `runs` even runs of `rows` rows, and the number of rows at the end.
pub(crate) fn even_runs(rows: usize, runs: usize) -> impl Iterator<Item = usize> {
    (0..=runs).map(move |run| run * rows / runs)
}

fn padded_table(values: Values<'_>, stride: usize, columns: usize) -> Table<'_> {
    Table::new(values, stride, columns).expect("a row table is a whole number of rows")
}

#[derive(Debug)]
enum ShardWeights<'a> {
    F32(&'a mut [f32]),
    Bf16(&'a mut [bf16]),
}

/// One shard of a layer, borrowed by its owner for a phase. Rows are numbered from the shard's first.
#[derive(Debug)]
pub(crate) struct Shard<'a> {
    layer: u32,
    /// Number of the shard in its layer.
    pub(crate) index: usize,
    /// Internal row number of the shard's first row.
    pub(crate) first_row: usize,
    columns: usize,
    weight_stride: usize,
    weights: ShardWeights<'a>,
    bias: &'a mut [f32],
    state: ShardState<'a>,
}

impl Shard<'_> {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.state.last_step.len()
    }

    /// Internal row numbers of its rows.
    pub(crate) fn range(&self) -> Range<usize> {
        self.first_row..self.first_row + self.rows()
    }

    /// Columns of a row, padding included.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The weights, to be read.
    pub(crate) fn table(&self) -> Table<'_> {
        match &self.weights {
            ShardWeights::F32(values) => padded_table(Values::F32(values), self.weight_stride, self.columns),
            ShardWeights::Bf16(values) => padded_table(Values::Bf16(values), self.weight_stride, self.columns),
        }
    }

    /// One bias per row, or nothing.
    pub(crate) fn bias(&self) -> &[f32] {
        self.bias
    }

    /// Records that the batch touches `rows`, and looks up the decays of their states.
    pub(crate) fn touch(&mut self, rows: &[u32], step: &Step, decays: &mut RowDecays) {
        step.touch(rows, self.state.last_step, decays);
    }

    /// The weights, to be updated, and the optimiser with their states and the `decays` of the rows to come.
    pub(crate) fn target<'a>(
        &'a mut self,
        step: &Step,
        decays: &'a [f32],
    ) -> (TableMut<'a>, slide_kernels::Optimiser<'a, TableMut<'a>>) {
        let values = match &mut self.weights {
            ShardWeights::F32(values) => ValuesMut::F32(values),
            ShardWeights::Bf16(values) => ValuesMut::Bf16(values),
        };
        let weights = TableMut::new(values, self.weight_stride, self.columns);
        let weights = weights.expect("a shard is a whole number of rows");
        (weights, self.state.of_rows(step.kernel(), self.columns, decays))
    }

    /// The rounding of this batch's step for this shard.
    pub(crate) fn rounding(&self, step: &Step) -> Rounding {
        step.rounding(self.layer, self.first_row as u32)
    }

    /// The step of the biases of `rows` (ascending, from the shard's first).
    pub(crate) fn update_bias(
        &mut self,
        kernels: &Kernels,
        rows: &[u32],
        gradient: &[f32],
        decays: &RowDecays,
        step: &Step,
    ) {
        let rows = row_ids(rows, self.rows());
        let optimiser = self.state.of_biases(step.kernel(), decays.all());
        kernels.update_scattered(self.bias, optimiser, rows, gradient);
    }
}
