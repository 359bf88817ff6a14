//! Bodies of [`crate::api::sddmm`].

use half::bf16;

use super::optimiser::Step;
use super::row_dot::dots;
use super::row_update::{OnRows, Row, Rows, for_formats, splat_all};
use super::storage::Rounder;
use super::tiles::{Tiled, for_tiles};
use super::{LANES, SimdF32x16, Storage, prefetch};
use crate::api::optimiser::{Decay, Target};
use crate::api::sddmm::Backward;
use crate::tuning::{ROWS_AHEAD, UPDATES_AHEAD};
use crate::{CscPattern, Matrix, Rounding, TableMut, Values, views};

/// # Safety
/// The contract of [`crate::api::sddmm::Table::forward`].
#[inline(always)]
pub(crate) unsafe fn forward<L: SimdF32x16, const N: usize>(
    table: views::Table<'_>,
    bias: &[f32],
    pattern: &CscPattern<'_>,
    vectors: Matrix<'_>,
    out: &mut [f32],
) {
    let stride = table.stride();
    // SAFETY: a `Kernels` value proves the level; `Kernels::sddmm_forward` checked pattern, rows and lengths.
    unsafe {
        match table.values() {
            Values::F32(weights) => forward_of::<L, f32, N>(weights.as_ptr(), stride, bias, pattern, vectors, out),
            Values::Bf16(weights) => forward_of::<L, bf16, N>(weights.as_ptr(), stride, bias, pattern, vectors, out),
        }
    }
}

/// Entries are worked `N` at a time while a row has that many, so that the row is loaded once for them. What is left
/// of each row waits until four entries have come together, of whatever rows.
///
/// # Safety
/// The instruction set of `L` is available; the conditions of the public method hold, `weights` being the table's.
#[inline(always)]
unsafe fn forward_of<L: SimdF32x16, S: Storage, const N: usize>(
    weights: *const S,
    stride: usize,
    bias: &[f32],
    pattern: &CscPattern<'_>,
    vectors: Matrix<'_>,
    out: &mut [f32],
) {
    const WAITING: usize = 4;
    let (rows, starts, examples, width) = (pattern.rows(), pattern.starts(), pattern.examples(), vectors.width());
    let Some(&last) = rows.last() else { return };
    let (mut waiting, mut waiting_rows) = (0, [(weights, 0.0_f32); WAITING]);
    let (mut waiting_vectors, mut waiting_entries) = ([vectors.data().as_ptr(); WAITING], [0_usize; WAITING]);
    // SAFETY: `CscPattern` holds lists that fit each other; the caller guaranteed that rows lie in the table and in bias,
    // examples in vectors and entries in out, and that table and vectors have one width.
    unsafe {
        for (i, &row) in rows.iter().enumerate() {
            let bias = *bias.get_unchecked(row as usize);
            let row = weights.add(row as usize * stride);
            let ahead = rows.get(i + ROWS_AHEAD).copied().unwrap_or(last);
            let ahead = weights.wrapping_add(ahead as usize * stride);
            let mut k = 0;
            while k < width {
                prefetch(ahead.wrapping_add(k));
                k += 64 / size_of::<S>();
            }
            let (mut e, end) = (*starts.get_unchecked(i) as usize, *starts.get_unchecked(i + 1) as usize);
            let vector = |e: usize| vectors.data().as_ptr().add(*examples.get_unchecked(e) as usize * vectors.stride());
            while e + N <= end {
                let sums = dots::<L, S, N>([row; N], core::array::from_fn(|j| vector(e + j)), width);
                for (j, sum) in sums.into_iter().enumerate() {
                    *out.get_unchecked_mut(e + j) = bias + sum;
                }
                e += N;
            }
            while e < end {
                waiting_rows[waiting] = (row, bias);
                waiting_vectors[waiting] = vector(e);
                waiting_entries[waiting] = e;
                waiting += 1;
                e += 1;
                if waiting == WAITING {
                    waiting = 0;
                    let sums = dots::<L, S, WAITING>(waiting_rows.map(|row| row.0), waiting_vectors, width);
                    for j in 0..WAITING {
                        *out.get_unchecked_mut(waiting_entries[j]) = waiting_rows[j].1 + sums[j];
                    }
                }
            }
        }
        for j in 0..waiting {
            let (row, bias) = waiting_rows[j];
            let [sum, ..] = dots::<L, S, 4>([row; 4], [waiting_vectors[j]; 4], width);
            *out.get_unchecked_mut(waiting_entries[j]) = bias + sum;
        }
    }
}

/// `MAX` vectors of a row and of its gradient are kept in registers.
///
/// # Safety
/// The contract of the backward passes of [`crate::api::sddmm::Table`].
#[inline(always)]
pub(crate) unsafe fn backward<L: SimdF32x16, O: Step<L, N>, const N: usize, const MAX: usize>(
    target: Target<'_, TableMut<'_>, N>,
    work: Backward<'_>,
    constants: &O::Constants,
) {
    let Backward { pattern, coefficients, vectors, mut input_gradient, rounding } = work;
    let input_gradient = input_gradient.as_mut().map(|gradient| (gradient.stride(), gradient.data_mut().as_mut_ptr()));
    // SAFETY: a `Kernels` value proves the level; the public method checked pattern, rows and shapes, and lends the
    // target alone.
    unsafe {
        let step = O::new(L::token(), constants);
        let lanes = core::marker::PhantomData::<L>;
        for_formats(
            target,
            Work::<L, O, MAX> { pattern, coefficients, vectors, input_gradient, rounding, step, lanes },
        );
    }
}

/// The arguments of a backward pass other than the rows.
struct Work<'a, L, O, const MAX: usize> {
    pattern: &'a CscPattern<'a>,
    coefficients: &'a [f32],
    vectors: Matrix<'a>,
    /// Stride and start.
    input_gradient: Option<(usize, *mut f32)>,
    rounding: Rounding,
    step: O,
    lanes: core::marker::PhantomData<L>,
}

impl<L: SimdF32x16, O: Step<L, N>, const N: usize, const MAX: usize> OnRows<N> for Work<'_, L, O, MAX> {
    #[inline(always)]
    unsafe fn run<W: Storage, S: Storage>(self, table: Rows<W, S, N>, decay: Decay<'_, N>) {
        let rows = self.pattern.rows();
        // SAFETY: `step` proves the instruction set; `CscPattern` holds lists that fit each other, and there is a decay for
        // each row.
        unsafe {
            for (i, &row) in rows.iter().enumerate() {
                let starts = self.pattern.starts();
                let entries = *starts.get_unchecked(i) as usize..*starts.get_unchecked(i + 1) as usize;
                let mut backward = RowBackward::<L, O, W, S, N> {
                    row: table.row(row),
                    ahead: table.row(rows.get(i + UPDATES_AHEAD).copied().unwrap_or(row)),
                    examples: self.pattern.examples().get_unchecked(entries.clone()),
                    coefficients: self.coefficients.get_unchecked(entries),
                    vectors: (self.vectors.stride(), self.vectors.data().as_ptr()),
                    input_gradient: self.input_gradient,
                    decay: splat_all(L::token(), decay.of(i)),
                    rounder: Rounder::new(self.rounding, row),
                    step: self.step,
                };
                for_tiles::<L, MAX>(self.vectors.width(), &mut backward);
            }
        }
    }
}

/// The backward pass of one row. Everything is element by element, so it may be cut into tiles.
struct RowBackward<'a, L, O, W, S, const N: usize> {
    row: Row<W, S, N>,
    ahead: Row<W, S, N>,
    examples: &'a [u32],
    coefficients: &'a [f32],
    vectors: (usize, *const f32),
    input_gradient: Option<(usize, *mut f32)>,
    decay: [L; N],
    rounder: Rounder,
    step: O,
}

impl<L: SimdF32x16, O: Step<L, N>, W: Storage, S: Storage, const N: usize> Tiled<L> for RowBackward<'_, L, O, W, S, N> {
    #[inline(always)]
    unsafe fn tile<const T: usize, const MASKED: bool>(&mut self, k: usize, count: usize) {
        // SAFETY: `step` proves the instruction set; the caller of `backward` guaranteed that rows lie in the tables, examples
        // in vectors and input_gradient, and equal widths, of which `for_tiles` says that the tile is part.
        unsafe {
            let simd = L::token();
            let mask = L::first(count);
            self.ahead.prefetch(k, if MASKED { count } else { T * LANES });
            let mut weights = [L::zero(simd); T];
            for (t, weights) in weights.iter_mut().enumerate() {
                let from = self.row.weights.add(k + t * LANES);
                *weights = if MASKED { W::load_masked(from, count) } else { W::load(from) };
            }
            let mut gradient = [L::zero(simd); T];
            for (&example, &coefficient) in self.examples.iter().zip(self.coefficients) {
                let (example, coefficient) = (example as usize, L::splat(simd, coefficient));
                if let Some((stride, start)) = self.input_gradient {
                    for (t, weights) in weights.iter().enumerate() {
                        let sum = start.add(example * stride + k + t * LANES);
                        if MASKED {
                            coefficient.fma(*weights, L::load_masked(sum, mask)).store_masked(sum, mask);
                        } else {
                            coefficient.fma(*weights, L::load(sum)).store(sum);
                        }
                    }
                }
                for (t, gradient) in gradient.iter_mut().enumerate() {
                    let from = self.vectors.1.add(example * self.vectors.0 + k + t * LANES);
                    let vector = if MASKED { L::load_masked(from, mask) } else { L::load(from) };
                    *gradient = coefficient.fma(vector, *gradient);
                }
            }
            for t in 0..T {
                let (k, decay, rounder) = (k + t * LANES, self.decay, self.rounder);
                // Two states and four registers a vector leave no room for the weights beside the gradient.
                if N == 2 && L::REGISTERS == 4 && !MASKED {
                    weights[t] = W::load(self.row.weights.add(k));
                }
                self.row.update::<L, O, MASKED>(&self.step, weights[t], gradient[t], decay, rounder, k, count);
            }
        }
    }
}
