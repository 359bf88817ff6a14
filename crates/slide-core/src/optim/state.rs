//! The states of a layer's rows, as the optimiser asks for them.

use slide_kernels::MatrixMut;
use slide_mem::{Arena, MemError, Placement, Report, RowTable, Slab};

use super::{KernelStep, Optimizer};

/// Most states that a weight has.
const MOST_STATES: usize = 2;

/// The states of all rows of a layer, and when each row was last touched.
#[derive(Debug)]
pub(crate) struct RowState {
    states: Vec<State>,
    /// 1 + the batch that last touched a row, 0 for never.
    pub(crate) last_step: Slab<u32>,
}

/// One state of each weight and bias.
#[derive(Debug)]
pub(crate) struct State {
    /// Its name in model files.
    pub(crate) name: &'static str,
    /// One row per row of weights.
    pub(crate) rows: RowTable<f32>,
    /// One number per bias; empty without biases.
    pub(crate) bias: Slab<f32>,
}

impl RowState {
    /// The bytes that [`new`](Self::new) takes from its arena for `rows` rows and `biases` biases.
    pub(crate) fn arena_bytes(optimizer: &dyn Optimizer, rows: usize, biases: usize) -> Result<usize, MemError> {
        Ok(optimizer.states().len() * Arena::bytes_for::<f32>(biases)? + Arena::bytes_for::<u32>(rows)?)
    }

    /// States of 0 for `rows` x `width` weights and `biases` biases.
    pub(crate) fn new(
        optimizer: &dyn Optimizer,
        rows: usize,
        width: usize,
        biases: usize,
        vectors: &Arena,
        placement: &Placement,
    ) -> Result<Self, MemError> {
        let state = |&name: &&'static str| {
            Ok(State { name, rows: RowTable::zeroed(rows, width, *placement)?, bias: vectors.slab(biases)? })
        };
        let states = optimizer.states().iter().map(state).collect::<Result<Vec<_>, MemError>>()?;
        assert!((1..=MOST_STATES).contains(&states.len()), "an optimiser has one or two states");
        Ok(Self { states, last_step: vectors.slab(rows)? })
    }

    /// The states, in the optimiser's order.
    pub(crate) fn states(&self) -> &[State] {
        &self.states
    }

    /// The states, to be set.
    pub(crate) fn states_mut(&mut self) -> &mut [State] {
        &mut self.states
    }

    /// What pages the tables lie on, added to `report`.
    pub(crate) fn add_to_report(&self, report: &mut Report) {
        self.states.iter().for_each(|state| report.merge(&state.rows.report()));
    }

    /// The states cut at the rows `starts`, each piece for the owner of its rows.
    pub(crate) fn cut<'a>(&'a mut self, starts: &[usize]) -> Vec<ShardState<'a>> {
        let mut shards: Vec<ShardState<'a>> = split(&mut self.last_step, starts)
            .into_iter()
            .map(|last_step| ShardState { last_step, ..ShardState::default() })
            .collect();
        for (number, state) in self.states.iter_mut().enumerate() {
            let stride = state.rows.stride();
            let (rows, bias) = (state.rows.shards_mut(starts), split(&mut state.bias, starts));
            for ((shard, rows), bias) in shards.iter_mut().zip(rows).zip(bias) {
                shard.stride = stride;
                shard.rows[number] = rows;
                shard.bias[number] = bias;
            }
        }
        shards
    }
}

/// The states of a shard's rows, for its owner.
#[derive(Debug, Default)]
pub(crate) struct ShardState<'a> {
    stride: usize,
    rows: [&'a mut [f32]; MOST_STATES],
    bias: [&'a mut [f32]; MOST_STATES],
    /// 1 + the batch that last touched a row, 0 for never.
    pub(crate) last_step: &'a mut [u32],
}

impl ShardState<'_> {
    /// The kernels' optimiser for rows of `columns` columns.
    pub(crate) fn of_rows<'a>(
        &'a mut self,
        step: KernelStep,
        columns: usize,
        decays: &'a [f32],
    ) -> slide_kernels::Optimiser<'a, slide_kernels::TableMut<'a>> {
        let states = self.rows.each_mut().map(|rows| {
            let matrix = MatrixMut::new(rows, self.stride, columns).expect("a shard is a whole number of rows");
            matrix.into()
        });
        step.optimiser(states, decays)
    }

    /// The kernels' optimiser for biases.
    pub(crate) fn of_biases<'a>(
        &'a mut self,
        step: KernelStep,
        decays: &'a [f32],
    ) -> slide_kernels::Optimiser<'a, &'a mut [f32]> {
        step.optimiser(self.bias.each_mut().map(|bias| &mut **bias), decays)
    }
}

/// `values` cut at `starts`; all pieces empty if there are no values.
pub(crate) fn split<'a, T>(mut values: &'a mut [T], starts: &[usize]) -> Vec<&'a mut [T]> {
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
