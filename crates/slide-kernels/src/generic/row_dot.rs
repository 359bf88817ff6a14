//! Bodies of [`crate::api::row_dot`], and the dot products of several pairs at once that others use.

use super::{LANES, Lanes, Storage, prefetch};
use crate::tuning::ROWS_AHEAD;
use crate::{Matrix, RowIds, Values, views};

/// `N` dot products at once, each in 16 virtual lanes; the rows `ahead`, if any, are prefetched on the way.
///
/// # Safety
/// The instruction set of `L` is available; each pointer of `a` and `b` is valid for reading `width` elements.
#[inline(always)]
pub(crate) unsafe fn dots<L: Lanes, S: Storage, const N: usize>(
    a: [*const S; N],
    b: [*const f32; N],
    width: usize,
    ahead: Option<[*const S; N]>,
) -> [f32; N] {
    let line = 64 / size_of::<S>();
    // SAFETY: the instruction set is the caller's word; every load is of elements `k..k + 16 <= width`, or of the
    // `width - k` that are left.
    unsafe {
        let mut lanes = [L::zero(); N];
        let mut k = 0;
        while k + LANES <= width {
            for j in 0..N {
                if k.is_multiple_of(line)
                    && let Some(ahead) = ahead
                {
                    prefetch(ahead[j].wrapping_add(k));
                }
                lanes[j] = S::load::<L>(a[j].add(k)).fma(L::load(b[j].add(k)), lanes[j]);
            }
            k += LANES;
        }
        if k < width {
            let mask = L::first(width - k);
            for j in 0..N {
                if let Some(ahead) = ahead {
                    prefetch(ahead[j].wrapping_add(k));
                }
                let a = S::load_part::<L>(a[j].add(k), width - k);
                let sum = a.fma(L::load_part(b[j].add(k), mask), lanes[j]);
                lanes[j] = sum.select(mask, lanes[j]);
            }
        }
        L::fold_all(lanes)
    }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::rows_dot`].
#[inline(always)]
pub(crate) unsafe fn rows_dot<L: Lanes, const N: usize>(
    table: views::Table<'_>,
    rows: RowIds<'_>,
    vector: &[f32],
    out: &mut [f32],
) {
    // SAFETY: passed on to the caller.
    unsafe {
        match table.values() {
            Values::F32(values) => rows_dot_of::<L, f32, N>(values, table.stride(), rows.ids(), vector, out),
            Values::Bf16(values) => rows_dot_of::<L, half::bf16, N>(values, table.stride(), rows.ids(), vector, out),
        }
    }
}

/// # Safety
/// The instruction set of `L` is available; every row of `ids` lies in `values`; `out` is as long as `ids`.
#[inline(always)]
unsafe fn rows_dot_of<L: Lanes, S: Storage, const N: usize>(
    values: &[S],
    stride: usize,
    ids: &[u32],
    vector: &[f32],
    out: &mut [f32],
) {
    let Some(last) = ids.len().checked_sub(1) else { return };
    // The list repeats its last row where it would end, so that a short block needs no code of its own.
    // SAFETY: the caller's word that every row of `ids` lies in `values`; the index is at most `last`.
    let row = |i: usize| unsafe { values.as_ptr().add(*ids.get_unchecked(i.min(last)) as usize * stride) };
    let mut i = 0;
    while i < ids.len() {
        let rows = core::array::from_fn(|j| row(i + j));
        let ahead = core::array::from_fn(|j| row(i + j + ROWS_AHEAD));
        // SAFETY: the instruction set is the caller's word; rows and vector have `vector.len()` elements.
        let sums = unsafe { dots::<L, S, N>(rows, [vector.as_ptr(); N], vector.len(), Some(ahead)) };
        for (out, sum) in out[i..].iter_mut().zip(sums) {
            *out = sum;
        }
        i += N;
    }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::vectors_dot`].
#[inline(always)]
pub(crate) unsafe fn vectors_dot<L: Lanes, const N: usize>(
    row: &[f32],
    vectors: Matrix<'_>,
    ids: RowIds<'_>,
    out: &mut [f32],
) {
    // SAFETY: passed on to the caller.
    unsafe { rows_dot_of::<L, f32, N>(vectors.data(), vectors.stride(), ids.ids(), row, out) }
}
