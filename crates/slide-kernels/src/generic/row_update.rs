//! Bodies of [`crate::api::row_update`], and the step that the backward pass of active rows ends with.

use half::bf16;

use super::storage::Rounder;
use super::{LANES, Lanes, Storage, Words, prefetch};
use crate::api::row_update::AdamStep;
use crate::tuning::UPDATES_AHEAD;
use crate::{Matrix, MatrixMut, RowIds, TableMut, ValuesMut};

/// The constants of a step, in lanes.
#[derive(Clone, Copy)]
pub(crate) struct Adam<L: Lanes> {
    one_minus_beta1: L,
    one_minus_beta2: L,
    minus_step_size: L,
    correction: L,
    epsilon: L,
    magnitude: L::Words,
    largest_subnormal: L::Words,
}

impl<L: Lanes> Adam<L> {
    /// # Safety
    /// The instruction set of `L` is available.
    #[inline(always)]
    pub(crate) unsafe fn new(step: &AdamStep) -> Self {
        // SAFETY: passed on to the caller.
        unsafe {
            Adam {
                one_minus_beta1: L::splat(1.0 - step.beta1),
                one_minus_beta2: L::splat(1.0 - step.beta2),
                minus_step_size: L::splat(-step.step_size),
                correction: L::splat(step.inverse_sqrt_correction),
                epsilon: L::splat(step.epsilon),
                magnitude: L::Words::splat(0x7FFF_FFFF),
                largest_subnormal: L::Words::splat(0x007F_FFFF),
            }
        }
    }

    /// Subnormal values and -0 become +0.
    #[inline(always)]
    fn flush(&self, moment: L) -> L {
        let words = moment.to_words();
        let normal = words.and(self.magnitude).greater_signed(self.largest_subnormal);
        // `x xor x` is the vector of zeros that needs no further proof of the instruction set.
        words.select(normal, words.xor(words)).to_lanes()
    }

    /// The new weight, first and second moment.
    #[inline(always)]
    pub(crate) fn apply(&self, weight: L, m: L, v: L, gradient: L, decay: [L; 2]) -> [L; 3] {
        let m = self.flush(decay[0].fma(m, self.one_minus_beta1.mul(gradient)));
        let v = self.flush(decay[1].fma(v, self.one_minus_beta2.mul(gradient).mul(gradient)));
        let denominator = v.sqrt().fma(self.correction, self.epsilon);
        [self.minus_step_size.fma(m.div(denominator), weight), m, v]
    }
}

/// The weights and moments of one row.
#[derive(Clone, Copy)]
pub(crate) struct Row<S> {
    pub(crate) weights: *mut S,
    pub(crate) m: *mut f32,
    pub(crate) v: *mut f32,
}

impl<S: Storage> Row<S> {
    /// Asks for the cache lines of elements `k..k + count`.
    #[inline(always)]
    pub(crate) fn prefetch(self, k: usize, count: usize) {
        let mut at = k;
        while at < k + count {
            if at.is_multiple_of(64 / size_of::<S>()) {
                prefetch(self.weights.wrapping_add(at));
            }
            prefetch(self.m.wrapping_add(at));
            prefetch(self.v.wrapping_add(at));
            at += LANES;
        }
    }

    /// One vector: elements `k..k + 16`, or `k..k + count` if `PART`. `weights` are those from before.
    ///
    /// # Safety
    /// The row has these elements, and nobody else uses them.
    #[inline(always)]
    pub(crate) unsafe fn update<L: Lanes, const PART: bool>(
        self,
        adam: &Adam<L>,
        weights: L,
        gradient: L,
        decay: [L; 2],
        rounder: &Rounder,
        k: usize,
        count: usize,
    ) {
        // SAFETY: passed on to the caller; `weights` proves the instruction set.
        unsafe {
            let (m, v) = (self.m.add(k), self.v.add(k));
            if PART {
                let mask = L::first(count);
                let old = [L::load_part(m, mask), L::load_part(v, mask)];
                let [new_weights, new_m, new_v] = adam.apply(weights, old[0], old[1], gradient, decay);
                S::store_part(self.weights.add(k), new_weights, rounder, k, count);
                new_m.store_part(m, mask);
                new_v.store_part(v, mask);
            } else {
                let [new_weights, new_m, new_v] = adam.apply(weights, L::load(m), L::load(v), gradient, decay);
                S::store(self.weights.add(k), new_weights, rounder, k);
                new_m.store(m);
                new_v.store(v);
            }
        }
    }
}

/// Weights and moments of all rows: pointers with their strides.
#[derive(Clone, Copy)]
pub(crate) struct Rows<S> {
    pub(crate) start: Row<S>,
    pub(crate) weights_stride: usize,
    pub(crate) m_stride: usize,
    pub(crate) v_stride: usize,
}

impl<S: Storage> Rows<S> {
    /// Row `i`, which need not exist unless it is used.
    #[inline(always)]
    pub(crate) fn row(&self, i: u32) -> Row<S> {
        let i = i as usize;
        Row {
            weights: self.start.weights.wrapping_add(i * self.weights_stride),
            m: self.start.m.wrapping_add(i * self.m_stride),
            v: self.start.v.wrapping_add(i * self.v_stride),
        }
    }
}

/// # Safety
/// The contract of [`crate::api::row_update::Table::adam_rows`].
#[inline(always)]
pub(crate) unsafe fn adam_rows<L: Lanes>(
    mut weights: TableMut<'_>,
    mut m: MatrixMut<'_>,
    mut v: MatrixMut<'_>,
    rows: RowIds<'_>,
    gradient: Matrix<'_>,
    decay: &[[f32; 2]],
    step: &AdamStep,
) {
    let (weights_stride, m_stride, v_stride) = (weights.stride(), m.stride(), v.stride());
    let (m, v) = (m.data_mut().as_mut_ptr(), v.data_mut().as_mut_ptr());
    // SAFETY: passed on to the caller.
    unsafe {
        match weights.values_mut() {
            ValuesMut::F32(weights) => {
                let start = Row { weights: weights.as_mut_ptr(), m, v };
                adam_rows_of::<L, f32>(Rows { start, weights_stride, m_stride, v_stride }, rows, gradient, decay, step);
            }
            ValuesMut::Bf16(weights) => {
                let start = Row { weights: weights.as_mut_ptr(), m, v };
                adam_rows_of::<L, bf16>(
                    Rows { start, weights_stride, m_stride, v_stride },
                    rows,
                    gradient,
                    decay,
                    step,
                );
            }
        }
    }
}

/// # Safety
/// The instruction set of `L` is available; the rows of `ids` lie in `table`, which nobody else uses;
/// `gradient` and `decay` have one row (pair) each per row number, as wide as the table.
#[inline(always)]
unsafe fn adam_rows_of<L: Lanes, S: Storage>(
    table: Rows<S>,
    ids: RowIds<'_>,
    gradient: Matrix<'_>,
    decay: &[[f32; 2]],
    step: &AdamStep,
) {
    let (ids, width) = (ids.ids(), gradient.width());
    // SAFETY: the caller's word; every tile ends at `width` at most.
    unsafe {
        let adam = Adam::<L>::new(step);
        for (i, (&id, decay)) in ids.iter().zip(decay).enumerate() {
            let row = table.row(id);
            let ahead = table.row(ids.get(i + UPDATES_AHEAD).copied().unwrap_or(id));
            let gradient = gradient.data().as_ptr().add(i * gradient.stride());
            let rounder = Rounder::new(step.rounding, id);
            let decay = [L::splat(decay[0]), L::splat(decay[1])];
            let mut k = 0;
            while k + LANES <= width {
                ahead.prefetch(k, LANES);
                let (old, gradient) = (S::load(row.weights.add(k)), L::load(gradient.add(k)));
                row.update::<L, false>(&adam, old, gradient, decay, &rounder, k, LANES);
                k += LANES;
            }
            if k < width {
                let count = width - k;
                let old = S::load_part(row.weights.add(k), count);
                let gradient = L::load_part(gradient.add(k), L::first(count));
                row.update::<L, true>(&adam, old, gradient, decay, &rounder, k, count);
            }
        }
    }
}

/// Sixteen elements at a time are collected, updated and put back; the row numbers are unique, so none is lost.
///
/// # Safety
/// The contract of [`crate::api::row_update::Table::adam_scattered`].
#[inline(always)]
pub(crate) unsafe fn adam_scattered<L: Lanes>(
    weights: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
    rows: RowIds<'_>,
    gradient: &[f32],
    decay: &[[f32; 2]],
    step: &AdamStep,
) {
    // SAFETY: the instruction set is the caller's word, as is that every row number is an index of the three slices;
    // the buffers have 16 elements.
    unsafe {
        let adam = Adam::<L>::new(step);
        for ((ids, gradient), decay) in rows.ids().chunks(LANES).zip(gradient.chunks(LANES)).zip(decay.chunks(LANES)) {
            let mut buffer = [[0.0_f32; LANES]; 6];
            for (j, ((&id, &gradient), decay)) in ids.iter().zip(gradient).zip(decay).enumerate() {
                let id = id as usize;
                let element = [
                    *weights.get_unchecked(id),
                    *m.get_unchecked(id),
                    *v.get_unchecked(id),
                    gradient,
                    decay[0],
                    decay[1],
                ];
                for (buffer, value) in buffer.iter_mut().zip(element) {
                    buffer[j] = value;
                }
            }
            let [old, old_m, old_v, gradient] = [
                L::load(buffer[0].as_ptr()),
                L::load(buffer[1].as_ptr()),
                L::load(buffer[2].as_ptr()),
                L::load(buffer[3].as_ptr()),
            ];
            let decay = [L::load(buffer[4].as_ptr()), L::load(buffer[5].as_ptr())];
            let updated = adam.apply(old, old_m, old_v, gradient, decay);
            for (values, lanes) in buffer.iter_mut().zip(updated) {
                lanes.store(values.as_mut_ptr());
            }
            for (j, &id) in ids.iter().enumerate() {
                let id = id as usize;
                *weights.get_unchecked_mut(id) = buffer[0][j];
                *m.get_unchecked_mut(id) = buffer[1][j];
                *v.get_unchecked_mut(id) = buffer[2][j];
            }
        }
    }
}
