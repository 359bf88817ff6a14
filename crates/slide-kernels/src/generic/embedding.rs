//! Bodies of [`crate::api::embedding`].

use super::axpy::Axpy;
use super::tiles::{Tiled, for_tiles};
use super::{LANES, SimdF32x16, Storage, prefetch};
use crate::tuning::{ROWS_AHEAD, UPDATES_AHEAD};
use crate::{MatrixMut, RowIds, Values, views};

/// `MAX` vectors of the output are kept in registers.
///
/// # Safety
/// The contract of [`crate::api::embedding::Table::forward`].
#[inline(always)]
pub(crate) unsafe fn forward<L: SimdF32x16, const MAX: usize>(
    table: views::Table<'_>,
    rows: RowIds<'_>,
    values: &[f32],
    bias: &[f32],
    out: &mut [f32],
) {
    let (stride, rows, width) = (table.stride(), rows.ids(), table.width());
    // SAFETY: a `Kernels` value proves the level; `Kernels::embedding_forward` checked rows and lengths; tiles end at
    // the width.
    unsafe {
        match table.values() {
            Values::F32(weights) => {
                for_tiles::<L, MAX>(width, &mut Forward { weights: weights.as_ptr(), stride, rows, values, bias, out });
            }
            Values::Bf16(weights) => {
                for_tiles::<L, MAX>(width, &mut Forward { weights: weights.as_ptr(), stride, rows, values, bias, out });
            }
        }
    }
}

struct Forward<'a, S> {
    weights: *const S,
    stride: usize,
    rows: &'a [u32],
    values: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
}

impl<L: SimdF32x16, S: Storage> Tiled<L> for Forward<'_, S> {
    #[inline(always)]
    unsafe fn tile<const T: usize, const MASKED: bool>(&mut self, k: usize, count: usize) {
        // SAFETY: the caller of `forward` guaranteed the instruction set, that every row lies in `weights`, and that bias
        // and out have its width, of which `for_tiles` says that the tile is part.
        unsafe {
            let simd = L::token();
            let mask = L::first(count);
            let mut sums = [L::zero(simd); T];
            for (t, sum) in sums.iter_mut().enumerate() {
                let bias = self.bias.as_ptr().add(k + t * LANES);
                *sum = if MASKED { L::load_masked(bias, mask) } else { L::load(bias) };
            }
            for (i, (&row, &value)) in self.rows.iter().zip(self.values).enumerate() {
                let ahead = self.rows.get(i + ROWS_AHEAD).copied().unwrap_or(row);
                let ahead = self.weights.wrapping_add(ahead as usize * self.stride + k);
                let row = self.weights.add(row as usize * self.stride + k);
                let value = L::splat(simd, value);
                for (t, sum) in sums.iter_mut().enumerate() {
                    if (t * LANES).is_multiple_of(64 / size_of::<S>()) {
                        prefetch(ahead.wrapping_add(t * LANES));
                    }
                    let row = row.add(t * LANES);
                    let weights: L = if MASKED { S::load_masked(row, count) } else { S::load(row) };
                    *sum = weights.fma(value, *sum);
                }
            }
            for (t, sum) in sums.into_iter().enumerate() {
                let out = self.out.as_mut_ptr().add(k + t * LANES);
                if MASKED { sum.store_masked(out, mask) } else { sum.store(out) }
            }
        }
    }
}

/// # Safety
/// The contract of [`crate::api::embedding::Table::backward`].
#[inline(always)]
pub(crate) unsafe fn backward<L: SimdF32x16, const MAX: usize>(
    out_gradient: &[f32],
    rows: RowIds<'_>,
    values: &[f32],
    mut gradient: MatrixMut<'_>,
) {
    let (stride, width, rows) = (gradient.stride(), out_gradient.len(), rows.ids());
    let gradient = gradient.data_mut().as_mut_ptr();
    for (i, (&row, &value)) in rows.iter().zip(values).enumerate() {
        let ahead = rows.get(i + UPDATES_AHEAD).copied().unwrap_or(row);
        let ahead = gradient.wrapping_add(ahead as usize * stride);
        for k in (0..width).step_by(64 / size_of::<f32>()) {
            prefetch(ahead.wrapping_add(k));
        }
        // SAFETY: the caller guarantees that the instruction set is available, that every row lies in `gradient`, and that
        // `out_gradient` has its width.
        unsafe {
            let y = gradient.add(row as usize * stride);
            for_tiles::<L, MAX>(width, &mut Axpy { a: L::splat(L::token(), value), x: out_gradient.as_ptr(), y });
        }
    }
}
