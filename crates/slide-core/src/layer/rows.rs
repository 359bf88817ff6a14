//! The rows of one layer: weights, bias and Adam's state, lent out chunk by chunk to their owners.

use half::bf16;
use slide_kernels::{Matrix, MatrixMut, Optimiser, Rounding, RowIds, Table, TableMut, Values, ValuesMut};
use slide_mem::{Arena, MemError, Placement, Report, RowTable, Slab};

use super::partition::Partition;
use crate::config::Precision;
use crate::optim::adam::Adam;

/// Stored weights, one row per neuron, in internal row order.
#[derive(Debug)]
pub enum Weights {
    /// 32-bit floats.
    F32(RowTable<f32>),
    /// bfloat16.
    Bf16(RowTable<bf16>),
}

/// First and second moments of Adam, and when each row was last touched.
#[derive(Debug)]
pub struct Moments {
    /// First moments, one row per row of weights.
    pub first: RowTable<f32>,
    /// Second moments.
    pub second: RowTable<f32>,
    /// First moments of the bias (empty without bias).
    pub bias_first: Slab<f32>,
    /// Second moments of the bias.
    pub bias_second: Slab<f32>,
    /// 1 + the batch that last touched a row, 0 for never.
    pub last_step: Slab<u32>,
}

/// The rows of one layer.
#[derive(Debug)]
pub struct LayerRows {
    number: u32,
    partition: Partition,
    width: usize,
    weights: Weights,
    bias: Slab<f32>,
    moments: Option<Moments>,
    /// What biases, their moments and the last steps are cut from.
    vectors: Arena,
}

impl LayerRows {
    /// `rows` x `width` zeros for the network's table number `number`, with one bias per row if `with_bias`, and moments if it is to be trained.
    pub fn zeroed(
        number: u32,
        rows: usize,
        width: usize,
        with_bias: bool,
        trainable: bool,
        precision: Precision,
        placement: &Placement,
    ) -> Result<Self, MemError> {
        let weights = match precision {
            Precision::F32 => Weights::F32(RowTable::zeroed(rows, width, *placement)?),
            Precision::Bf16 => Weights::Bf16(RowTable::zeroed(rows, width, *placement)?),
        };
        let biases = if with_bias { rows } else { 0 };
        let (bias_bytes, step_bytes) = (Arena::bytes_for::<f32>(biases)?, Arena::bytes_for::<u32>(rows)?);
        let vectors = Arena::new(if trainable { 3 * bias_bytes + step_bytes } else { bias_bytes }, *placement)?;
        let moments = trainable
            .then(|| -> Result<_, MemError> {
                Ok(Moments {
                    first: RowTable::zeroed(rows, width, *placement)?,
                    second: RowTable::zeroed(rows, width, *placement)?,
                    bias_first: vectors.slab(biases)?,
                    bias_second: vectors.slab(biases)?,
                    last_step: vectors.slab(rows)?,
                })
            })
            .transpose()?;
        let partition = Partition::new(rows);
        Ok(Self { number, partition, width, weights, bias: vectors.slab(biases)?, moments, vectors })
    }

    /// How rows are dealt to chunks.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.partition.rows()
    }

    /// Number of weights in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Columns that the kernels work on: the width rounded up to whole vectors of 16. The columns past the width
    /// are 0 and stay 0.
    pub fn columns(&self) -> usize {
        self.width.next_multiple_of(16)
    }

    /// One bias per row in internal order, or nothing.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The biases, to be set.
    pub fn bias_mut(&mut self) -> &mut [f32] {
        &mut self.bias
    }

    /// The stored weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The stored weights, to be set.
    pub fn weights_mut(&mut self) -> &mut Weights {
        &mut self.weights
    }

    /// Adam's state, if there is any.
    pub fn moments(&self) -> Option<&Moments> {
        self.moments.as_ref()
    }

    /// Adam's state, to be set.
    pub fn moments_mut(&mut self) -> Option<&mut Moments> {
        self.moments.as_mut()
    }

    /// All weights as the kernels read them: `columns` of each row.
    pub fn table(&self) -> Table<'_> {
        match &self.weights {
            Weights::F32(table) => padded_table(Values::F32(table.as_slice()), table.stride(), self.columns()),
            Weights::Bf16(table) => padded_table(Values::Bf16(table.as_slice()), table.stride(), self.columns()),
        }
    }

    /// What pages the tables lie on.
    pub fn report(&self) -> Report {
        let mut report = match &self.weights {
            Weights::F32(table) => table.report(),
            Weights::Bf16(table) => table.report(),
        };
        report.merge(&self.vectors.report());
        if let Some(moments) = &self.moments {
            report.merge(&moments.first.report());
            report.merge(&moments.second.report());
        }
        report
    }

    /// The chunks, each to be written by its owner alone. Empty for a layer without moments: it is not trained.
    pub fn chunks_mut(&mut self) -> Vec<Chunk<'_>> {
        self.cut(&self.partition.starts())
    }

    /// The rows cut evenly, and finer than the chunks where these are few: for passes that add nothing up over rows,
    /// and whose bits so do not depend on the cuts.
    pub fn runs_mut(&mut self) -> Vec<Chunk<'_>> {
        let (rows, runs) = (self.rows(), (self.rows() / 16).clamp(1, 64));
        let starts: Vec<usize> = (0..=runs).map(|run| run * rows / runs).collect();
        self.cut(&starts)
    }

    fn cut(&mut self, starts: &[usize]) -> Vec<Chunk<'_>> {
        let Some(moments) = &mut self.moments else { return Vec::new() };
        let columns = self.width.next_multiple_of(16);
        let (weight_stride, moment_stride) = match &self.weights {
            Weights::F32(table) => (table.stride(), moments.first.stride()),
            Weights::Bf16(table) => (table.stride(), moments.first.stride()),
        };
        let weights: Vec<ChunkWeights> = match &mut self.weights {
            Weights::F32(table) => table.shards_mut(starts).into_iter().map(ChunkWeights::F32).collect(),
            Weights::Bf16(table) => table.shards_mut(starts).into_iter().map(ChunkWeights::Bf16).collect(),
        };
        let first = moments.first.shards_mut(starts);
        let second = moments.second.shards_mut(starts);
        let mut bias = split(&mut self.bias, starts);
        let mut bias_first = split(&mut moments.bias_first, starts);
        let mut bias_second = split(&mut moments.bias_second, starts);
        let mut last_step = split(&mut moments.last_step, starts);
        let mut chunks = Vec::with_capacity(starts.len() - 1);
        for (index, ((weights, first), second)) in weights.into_iter().zip(first).zip(second).enumerate() {
            chunks.push(Chunk {
                layer: self.number,
                index,
                first_row: starts[index],
                columns,
                weight_stride,
                moment_stride,
                weights,
                first,
                second,
                bias: std::mem::take(&mut bias[index]),
                bias_first: std::mem::take(&mut bias_first[index]),
                bias_second: std::mem::take(&mut bias_second[index]),
                last_step: std::mem::take(&mut last_step[index]),
            });
        }
        chunks
    }
}

/// `values` cut at `starts`; all pieces empty if there are no values.
fn split<'a, T>(mut values: &'a mut [T], starts: &[usize]) -> Vec<&'a mut [T]> {
    starts
        .windows(2)
        .map(|bounds| {
            let length = (bounds[1] - bounds[0]).min(values.len());
            let (piece, rest) = std::mem::take(&mut values).split_at_mut(length);
            values = rest;
            piece
        })
        .collect()
}

fn padded_table(values: Values<'_>, stride: usize, columns: usize) -> Table<'_> {
    Table::new(values, stride, columns).expect("a row table is a whole number of rows")
}

/// `data` as rows of `stride` columns, all of them used.
pub fn matrix(data: &[f32], stride: usize) -> Matrix<'_> {
    Matrix::new(data, stride, stride).expect("buffers are a whole number of rows")
}

/// `data` as rows of `stride` columns, to be written.
pub fn matrix_mut(data: &mut [f32], stride: usize) -> MatrixMut<'_> {
    MatrixMut::new(data, stride, stride).expect("buffers are a whole number of rows")
}

/// Row numbers below `bound`.
pub fn row_ids(rows: &[u32], bound: usize) -> RowIds<'_> {
    RowIds::new(rows, bound).expect("row lists are made from the layer's own rows")
}

#[derive(Debug)]
enum ChunkWeights<'a> {
    F32(&'a mut [f32]),
    Bf16(&'a mut [bf16]),
}

/// One chunk of a layer, lent to its owner for a phase. Rows are numbered from the chunk's first.
#[derive(Debug)]
pub struct Chunk<'a> {
    layer: u32,
    /// Number of the chunk in its layer.
    pub index: usize,
    /// Internal row number of the chunk's first row.
    pub first_row: usize,
    columns: usize,
    weight_stride: usize,
    moment_stride: usize,
    weights: ChunkWeights<'a>,
    first: &'a mut [f32],
    second: &'a mut [f32],
    bias: &'a mut [f32],
    bias_first: &'a mut [f32],
    bias_second: &'a mut [f32],
    /// 1 + the batch that last touched a row, 0 for never.
    pub last_step: &'a mut [u32],
}

impl Chunk<'_> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.last_step.len()
    }

    /// Columns of a row, padding included.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The weights, to be read.
    pub fn table(&self) -> Table<'_> {
        match &self.weights {
            ChunkWeights::F32(values) => padded_table(Values::F32(values), self.weight_stride, self.columns),
            ChunkWeights::Bf16(values) => padded_table(Values::Bf16(values), self.weight_stride, self.columns),
        }
    }

    /// One bias per row, or nothing.
    pub fn bias(&self) -> &[f32] {
        self.bias
    }

    /// The weights, to be updated, and Adam with their moments and the `decay` of the rows to come.
    pub fn target<'a>(&'a mut self, adam: &Adam, decay: &'a [[f32; 2]]) -> (TableMut<'a>, Optimiser<'a, TableMut<'a>>) {
        const WHOLE: &str = "a chunk is a whole number of rows";
        let values = match &mut self.weights {
            ChunkWeights::F32(values) => ValuesMut::F32(values),
            ChunkWeights::Bf16(values) => ValuesMut::Bf16(values),
        };
        let weights = TableMut::new(values, self.weight_stride, self.columns).expect(WHOLE);
        let m = MatrixMut::new(self.first, self.moment_stride, self.columns).expect(WHOLE).into();
        let v = MatrixMut::new(self.second, self.moment_stride, self.columns).expect(WHOLE).into();
        (weights, Optimiser::Adam { step: adam.kernel_step(), m, v, decay: Some(decay) })
    }

    /// The rounding of this batch's step for this chunk.
    pub fn rounding(&self, adam: &Adam) -> Rounding {
        adam.rounding(self.layer, self.first_row as u32)
    }

    /// Adam on the biases of `rows` (ascending, from the chunk's first).
    pub fn update_bias(
        &mut self,
        kernels: &slide_kernels::Kernels,
        rows: &[u32],
        gradient: &[f32],
        decay: &[[f32; 2]],
        adam: &Adam,
    ) {
        let optimiser = Optimiser::Adam {
            step: adam.kernel_step(),
            m: &mut *self.bias_first,
            v: &mut *self.bias_second,
            decay: Some(decay),
        };
        kernels.update_scattered(self.bias, optimiser, row_ids(rows, self.last_step.len()), gradient);
    }
}
