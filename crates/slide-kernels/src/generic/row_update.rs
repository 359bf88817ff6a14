//! Bodies of [`crate::api::row_update`], and the optimiser step that ends the backward pass of [`super::sddmm`].

use half::bf16;

use super::optimiser::Step;
use super::storage::Rounder;
use super::{LANES, SimdF32x16, Storage, prefetch};
use crate::api::optimiser::{Decay, Target};
use crate::api::row_update::Rounding;
use crate::tuning::UPDATES_AHEAD;
use crate::{Matrix, RowIds, TableMut, ValuesMut};

/// The weights and the `N` states of one row.
#[derive(Clone, Copy)]
pub(crate) struct Row<W, S, const N: usize> {
    pub(crate) weights: *mut W,
    states: [*mut S; N],
}

impl<W: Storage, S: Storage, const N: usize> Row<W, S, N> {
    /// Prefetches the cache lines of elements `k..k + count`.
    #[inline(always)]
    pub(crate) fn prefetch(self, k: usize, count: usize) {
        let mut at = k;
        while at < k + count {
            if at.is_multiple_of(64 / size_of::<W>()) {
                prefetch(self.weights.wrapping_add(at));
            }
            if at.is_multiple_of(64 / size_of::<S>()) {
                for state in self.states {
                    prefetch(state.wrapping_add(at));
                }
            }
            at += LANES;
        }
    }

    /// One vector: elements `k..k + 16`, or `k..k + count` if `MASKED`. `weights` are those from before.
    ///
    /// # Safety
    /// The row has these elements, and there is no other reference to them.
    #[inline(always)]
    pub(crate) unsafe fn update<L: SimdF32x16, O: Step<L, N>, const MASKED: bool>(
        self,
        step: &O,
        weights: L,
        gradient: L,
        decay: [L; N],
        rounder: Rounder,
        k: usize,
        count: usize,
    ) {
        // SAFETY: upheld by the caller; `weights` proves the instruction set.
        unsafe {
            let mut states = [weights; N];
            for (lanes, state) in states.iter_mut().zip(self.states) {
                let from = state.add(k);
                *lanes = if MASKED { S::load_masked(from, count) } else { S::load(from) };
            }
            let (weights, states) = step.apply(weights, states, gradient, decay);
            let addends = rounder.addends::<L>(k);
            let to = self.weights.add(k);
            if MASKED {
                W::store_masked(to, weights, addends[0], count);
            } else {
                W::store(to, weights, addends[0]);
            }
            for (number, (lanes, state)) in states.into_iter().zip(self.states).enumerate() {
                let to = state.add(k);
                if MASKED {
                    S::store_masked(to, lanes, addends[1 + number], count);
                } else {
                    S::store(to, lanes, addends[1 + number]);
                }
            }
        }
    }
}

/// Weights and states of all rows: pointers with their strides.
#[derive(Clone, Copy)]
pub(crate) struct Rows<W, S, const N: usize> {
    start: Row<W, S, N>,
    weights_stride: usize,
    states_stride: [usize; N],
}

impl<W: Storage, S: Storage, const N: usize> Rows<W, S, N> {
    /// Row `i`, which need not exist unless it is used.
    #[inline(always)]
    pub(crate) fn row(&self, i: u32) -> Row<W, S, N> {
        let i = i as usize;
        let mut row = self.start;
        row.weights = row.weights.wrapping_add(i * self.weights_stride);
        for (state, stride) in row.states.iter_mut().zip(self.states_stride) {
            *state = state.wrapping_add(i * stride);
        }
        row
    }
}

/// Work on rows of either format.
pub(crate) trait OnRows<const N: usize> {
    /// # Safety
    /// That of what made the value; `rows` are the rows of the target, to which there is no other reference.
    unsafe fn run<W: Storage, S: Storage>(self, rows: Rows<W, S, N>, decay: Decay<'_, N>);
}

/// # Safety
/// That of `work`, for the rows of `target`.
#[inline(always)]
pub(crate) unsafe fn for_formats<const N: usize>(mut target: Target<'_, TableMut<'_>, N>, work: impl OnRows<N>) {
    let (weights_stride, decay) = (target.weights.stride(), target.decay);
    let (mut states_stride, mut states, mut bf16_states) = ([0; N], [core::ptr::null_mut::<u8>(); N], false);
    for (i, table) in target.states.iter_mut().enumerate() {
        states_stride[i] = table.stride();
        (states[i], bf16_states) = start(table);
    }
    let (weights, bf16_weights) = start(&mut target.weights);

    #[inline(always)]
    fn rows<W, S, const N: usize>(
        weights: *mut u8,
        weights_stride: usize,
        states: [*mut u8; N],
        states_stride: [usize; N],
    ) -> Rows<W, S, N> {
        let start = Row { weights: weights.cast(), states: states.map(<*mut u8>::cast) };
        Rows { start, weights_stride, states_stride }
    }
    // SAFETY: upheld by the caller; the formats are those of the pointers.
    unsafe {
        match (bf16_weights, bf16_states) {
            (false, false) => work.run::<f32, f32>(rows(weights, weights_stride, states, states_stride), decay),
            (false, true) => work.run::<f32, bf16>(rows(weights, weights_stride, states, states_stride), decay),
            (true, false) => work.run::<bf16, f32>(rows(weights, weights_stride, states, states_stride), decay),
            (true, true) => work.run::<bf16, bf16>(rows(weights, weights_stride, states, states_stride), decay),
        }
    }
}

/// Where the values of a table start, and whether they are `bf16`.
#[inline(always)]
fn start(table: &mut TableMut<'_>) -> (*mut u8, bool) {
    match table.values_mut() {
        ValuesMut::F32(values) => (values.as_mut_ptr().cast(), false),
        ValuesMut::Bf16(values) => (values.as_mut_ptr().cast(), true),
    }
}

/// # Safety
/// The contract of the functions of rows of [`crate::api::row_update::Table`].
#[inline(always)]
pub(crate) unsafe fn update_rows<L: SimdF32x16, O: Step<L, N>, const N: usize>(
    target: Target<'_, TableMut<'_>, N>,
    ids: RowIds<'_>,
    gradient: Matrix<'_>,
    rounding: Rounding,
    constants: &O::Constants,
) {
    // SAFETY: a `Kernels` value proves the level; the public method checked shapes, decays, and that rows are unique.
    unsafe {
        let step = O::new(L::token(), constants);
        for_formats(target, UpdateRows { ids, gradient, rounding, step, lanes: core::marker::PhantomData::<L> });
    }
}

struct UpdateRows<'a, L, O> {
    ids: RowIds<'a>,
    gradient: Matrix<'a>,
    rounding: Rounding,
    step: O,
    lanes: core::marker::PhantomData<L>,
}

impl<L: SimdF32x16, O: Step<L, N>, const N: usize> OnRows<N> for UpdateRows<'_, L, O> {
    #[inline(always)]
    unsafe fn run<W: Storage, S: Storage>(self, rows: Rows<W, S, N>, decay: Decay<'_, N>) {
        let (ids, width, step) = (self.ids.ids(), self.gradient.width(), self.step);
        // SAFETY: `step` proves the instruction set; the caller guarantees that the rows of `ids` lie in the tables and that there
        // is a row of gradients, as wide as the tables, and a decay for each; every tile ends at `width` at most.
        unsafe {
            for (i, &id) in ids.iter().enumerate() {
                let row = rows.row(id);
                let ahead = rows.row(ids.get(i + UPDATES_AHEAD).copied().unwrap_or(id));
                let gradient = self.gradient.data().as_ptr().add(i * self.gradient.stride());
                let rounder = Rounder::new(self.rounding, id);
                let decay = splat_all(L::token(), decay.of(i));
                let mut k = 0;
                while k + LANES <= width {
                    ahead.prefetch(k, LANES);
                    let (old, gradient) = (W::load(row.weights.add(k)), L::load(gradient.add(k)));
                    row.update::<L, O, false>(&step, old, gradient, decay, rounder, k, LANES);
                    k += LANES;
                }
                if k < width {
                    let count = width - k;
                    ahead.prefetch(k, count);
                    let old = W::load_masked(row.weights.add(k), count);
                    let gradient = L::load_masked(gradient.add(k), L::first(count));
                    row.update::<L, O, true>(&step, old, gradient, decay, rounder, k, count);
                }
            }
        }
    }
}

#[inline(always)]
pub(crate) fn splat_all<L: SimdF32x16, const N: usize>(simd: L::Token, values: [f32; N]) -> [L; N] {
    let mut lanes = [L::zero(simd); N];
    for (lanes, value) in lanes.iter_mut().zip(values) {
        *lanes = L::splat(simd, value);
    }
    lanes
}

/// Gathers, updates and scatters sixteen elements at a time; the row indices are unique, so no update is lost.
///
/// # Safety
/// The contract of the functions of elements of [`crate::api::row_update::Table`].
#[inline(always)]
pub(crate) unsafe fn update_scattered<L: SimdF32x16, O: Step<L, N>, const N: usize>(
    target: Target<'_, &mut [f32], N>,
    ids: RowIds<'_>,
    gradient: &[f32],
    constants: &O::Constants,
) {
    let Target { weights, states, decay } = target;
    // SAFETY: the instruction set is guaranteed by the caller, as is that every row index is an index of all slices and that there
    // is a decay for each; the buffers have 16 elements.
    unsafe {
        let step = O::new(L::token(), constants);
        for (block, (ids, gradient)) in ids.ids().chunks(LANES).zip(gradient.chunks(LANES)).enumerate() {
            let mut buffers = [[0.0_f32; LANES]; 2];
            let (mut state_buffers, mut decay_buffers) = ([[0.0_f32; LANES]; N], [[0.0_f32; LANES]; N]);
            for (j, (&id, &gradient)) in ids.iter().zip(gradient).enumerate() {
                let (id, decay) = (id as usize, decay.of(block * LANES + j));
                (buffers[0][j], buffers[1][j]) = (*weights.get_unchecked(id), gradient);
                for n in 0..N {
                    state_buffers[n][j] = *states[n].get_unchecked(id);
                    decay_buffers[n][j] = decay[n];
                }
            }
            let (old, gradient) = (L::load(buffers[0].as_ptr()), L::load(buffers[1].as_ptr()));
            let (mut old_states, mut decay) = ([old; N], [old; N]);
            for n in 0..N {
                old_states[n] = L::load(state_buffers[n].as_ptr());
                decay[n] = L::load(decay_buffers[n].as_ptr());
            }
            let (new, new_states) = step.apply(old, old_states, gradient, decay);
            new.store(buffers[0].as_mut_ptr());
            for (buffer, lanes) in state_buffers.iter_mut().zip(new_states) {
                lanes.store(buffer.as_mut_ptr());
            }
            for (j, &id) in ids.iter().enumerate() {
                let id = id as usize;
                *weights.get_unchecked_mut(id) = buffers[0][j];
                for n in 0..N {
                    *states[n].get_unchecked_mut(id) = state_buffers[n][j];
                }
            }
        }
    }
}
