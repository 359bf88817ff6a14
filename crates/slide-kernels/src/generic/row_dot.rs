//! Bodies of [`crate::api::row_dot`], and the dot products of several pairs at once that others use.

use core::marker::PhantomData;

use half::bf16;

use super::pairs::{PAIRED, PairProduct};
use super::{LANES, Lanes, Storage, Words, prefetch};
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
    let work = WithVector::<L>(vector, PhantomData);
    // SAFETY: passed on to the caller.
    unsafe {
        match table.values() {
            Values::F32(values) => for_blocks_of_rows::<_, N>(values, table.stride(), rows.ids(), out, work),
            Values::Bf16(values) => for_blocks_of_rows::<_, N>(values, table.stride(), rows.ids(), out, work),
        }
    }
}

/// The products of `N` rows with a vector. (A trait, because a closure cannot be made to be inlined.)
trait Sums<S, const N: usize> {
    /// # Safety
    /// The rows are valid for reading as many elements as the vector has.
    unsafe fn sums(&self, rows: [*const S; N], ahead: [*const S; N]) -> [f32; N];
}

/// Gives `N` rows and `N` to be prefetched to `work`, again and again, and writes what it returns.
///
/// # Safety
/// Every row of `ids` lies in `values` and is as long as the vector; `out` is as long as `ids`.
#[inline(always)]
unsafe fn for_blocks_of_rows<S, const N: usize>(
    values: &[S],
    stride: usize,
    ids: &[u32],
    out: &mut [f32],
    work: impl Sums<S, N>,
) {
    let Some(last) = ids.len().checked_sub(1) else { return };
    // The list repeats its last row where it would end, so that a short block needs no code of its own.
    // SAFETY: the caller's word that every row of `ids` lies in `values`; the index is at most `last`.
    let row = |i: usize| unsafe { values.as_ptr().add(*ids.get_unchecked(i.min(last)) as usize * stride) };
    let mut i = 0;
    while i < ids.len() {
        let rows = core::array::from_fn(|j| row(i + j));
        let ahead = core::array::from_fn(|j| row(i + j + ROWS_AHEAD));
        // SAFETY: the caller's word.
        let sums = unsafe { work.sums(rows, ahead) };
        for (out, sum) in out[i..].iter_mut().zip(sums) {
            *out = sum;
        }
        i += N;
    }
}

/// With an `f32` vector. Exists only where the instruction set of `L` is available.
#[derive(Clone, Copy)]
struct WithVector<'a, L>(&'a [f32], PhantomData<L>);

impl<L: Lanes, S: Storage, const N: usize> Sums<S, N> for WithVector<'_, L> {
    #[inline(always)]
    unsafe fn sums(&self, rows: [*const S; N], ahead: [*const S; N]) -> [f32; N] {
        // SAFETY: the caller's word; `self` proves the instruction set.
        unsafe { dots::<L, S, N>(rows, [self.0.as_ptr(); N], self.0.len(), Some(ahead)) }
    }
}

/// With a `bf16` vector, in pairs. Exists only where the instruction sets of `L` and `P` are available.
struct WithPairs<'a, L, P>(&'a [bf16], PhantomData<(L, P)>);

impl<L: Lanes, P: PairProduct<L>, const N: usize> Sums<bf16, N> for WithPairs<'_, L, P> {
    #[inline(always)]
    unsafe fn sums(&self, rows: [*const bf16; N], ahead: [*const bf16; N]) -> [f32; N] {
        let (width, vector) = (self.0.len(), self.0.as_ptr());
        // SAFETY: the caller's word; `self` proves the instruction sets.
        unsafe {
            let mut lanes = [L::zero(); N];
            let mut k = 0;
            while k + PAIRED <= width {
                let vector = L::Words::load_pairs(vector.add(k));
                for j in 0..N {
                    // They are a cache line.
                    prefetch(ahead[j].wrapping_add(k));
                    lanes[j] = P::add(L::Words::load_pairs(rows[j].add(k)), vector, lanes[j]);
                }
                k += PAIRED;
            }
            if k < width {
                let vector = L::Words::load_part_pairs(vector.add(k), width - k);
                for j in 0..N {
                    prefetch(ahead[j].wrapping_add(k));
                    let row = L::Words::load_part_pairs(rows[j].add(k), width - k);
                    lanes[j] = P::add_part(row, vector, lanes[j], width - k);
                }
            }
            L::fold_all(lanes)
        }
    }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::rows_dot_bf16`]; the instruction set of `P` is available.
#[inline(always)]
pub(crate) unsafe fn rows_dot_of_pairs<L: Lanes, P: PairProduct<L>, const N: usize>(
    table: Matrix<'_, bf16>,
    rows: RowIds<'_>,
    vector: &[bf16],
    out: &mut [f32],
) {
    let work = WithPairs::<L, P>(vector, PhantomData);
    // SAFETY: passed on to the caller.
    unsafe { for_blocks_of_rows::<_, N>(table.data(), table.stride(), rows.ids(), out, work) }
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
    unsafe {
        for_blocks_of_rows::<_, N>(vectors.data(), vectors.stride(), ids.ids(), out, WithVector::<L>(row, PhantomData))
    }
}
