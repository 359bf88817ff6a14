//! Bodies of [`crate::api::row_dot`], and the dot products of several pairs at once that others use.

use core::marker::PhantomData;
use core::ops::Range;

use half::bf16;

use super::pairs::{PAIRED, PairProduct};
use super::{LANES, Lanes, Storage, Words, in_register, prefetch};
use crate::tuning::{CACHED, ROWS_AHEAD};
use crate::{Matrix, RowIds, Values, views};

/// `N` dot products at once, each in 16 virtual lanes.
///
/// # Safety
/// The instruction set of `L` is available; each pointer of `a` and `b` is valid for reading `width` elements.
#[inline(always)]
pub(crate) unsafe fn dots<L: Lanes, S: Storage, const N: usize>(
    a: [*const S; N],
    b: [*const f32; N],
    width: usize,
) -> [f32; N] {
    // SAFETY: the instruction set is the caller's word; every load is of elements `k..k + 16 <= width`, or of the
    // `width - k` that are left.
    unsafe {
        let mut lanes = [L::zero(); N];
        let mut k = 0;
        while k + LANES <= width {
            for j in 0..N {
                lanes[j] = S::load::<L>(a[j].add(k)).fma(L::load(b[j].add(k)), lanes[j]);
            }
            k += LANES;
        }
        if k < width {
            let mask = L::first(width - k);
            for j in 0..N {
                let a = S::load_part::<L>(a[j].add(k), width - k);
                let sum = a.fma(L::load_part(b[j].add(k), mask), lanes[j]);
                lanes[j] = sum.select(mask, lanes[j]);
            }
        }
        L::fold_all(lanes)
    }
}

/// What rows are multiplied with: a vector, of which a step takes as many columns as fill sixteen lanes. A value of the
/// type exists only where its instruction set is available.
trait Factor<L: Lanes, S> {
    /// Columns of a step.
    const STEP: usize;
    /// Steps that four rows take without a jump.
    const UNROLLED: usize;
    /// The columns of the vector that a step takes, in registers.
    type Part: Copy;

    /// Columns of the vector.
    fn width(&self) -> usize;

    /// # Safety
    /// `k + STEP <= width`.
    unsafe fn part(&self, k: usize) -> Self::Part;

    /// The columns that are left, fewer than a step has.
    ///
    /// # Safety
    /// `k < width < k + STEP`.
    unsafe fn last_part(&self, k: usize) -> Self::Part;

    /// `sum` and the products of a step.
    ///
    /// # Safety
    /// `row` is valid for reading `STEP` elements.
    unsafe fn add(&self, row: *const S, part: Self::Part, sum: L) -> L;

    /// The same of the `count` columns that are left.
    ///
    /// # Safety
    /// `row` is valid for reading `count` elements.
    unsafe fn add_last(&self, row: *const S, part: Self::Part, sum: L, count: usize) -> L;
}

/// A vector of `f32`.
struct Singles<'a, L>(&'a [f32], PhantomData<L>);

impl<L: Lanes, S: Storage> Factor<L, S> for Singles<'_, L> {
    const STEP: usize = LANES;
    const UNROLLED: usize = 4;
    type Part = L;

    #[inline(always)]
    fn width(&self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    unsafe fn part(&self, k: usize) -> L {
        // SAFETY: the caller's word; `self` proves the instruction set, here and below.
        unsafe { L::load(self.0.as_ptr().add(k)) }
    }
    #[inline(always)]
    unsafe fn last_part(&self, k: usize) -> L {
        // SAFETY: as above.
        unsafe { L::load_part(self.0.as_ptr().add(k), L::first(self.0.len() - k)) }
    }
    #[inline(always)]
    unsafe fn add(&self, row: *const S, part: L, sum: L) -> L {
        // SAFETY: as above.
        unsafe { S::load::<L>(row).fma(part, sum) }
    }
    #[inline(always)]
    unsafe fn add_last(&self, row: *const S, part: L, sum: L, count: usize) -> L {
        // SAFETY: as above.
        unsafe { S::load_part::<L>(row, count).fma(part, sum).select(L::first(count), sum) }
    }
}

/// A vector of `bf16`, in pairs.
struct Pairs<'a, L, P>(&'a [bf16], PhantomData<(L, P)>);

impl<L: Lanes, P: PairProduct<L>> Factor<L, bf16> for Pairs<'_, L, P> {
    const STEP: usize = PAIRED;
    /// More would not fit the sixteen registers of AVX2.
    const UNROLLED: usize = 1;
    type Part = L::Words;

    #[inline(always)]
    fn width(&self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    unsafe fn part(&self, k: usize) -> L::Words {
        // SAFETY: the caller's word; `self` proves the instruction sets, here and below.
        unsafe { L::Words::load_pairs(self.0.as_ptr().add(k)) }
    }
    #[inline(always)]
    unsafe fn last_part(&self, k: usize) -> L::Words {
        // SAFETY: as above.
        unsafe { L::Words::load_part_pairs(self.0.as_ptr().add(k), self.0.len() - k) }
    }
    #[inline(always)]
    unsafe fn add(&self, row: *const bf16, part: L::Words, sum: L) -> L {
        // SAFETY: as above.
        unsafe { P::add(L::Words::load_pairs(row), part, sum) }
    }
    #[inline(always)]
    unsafe fn add_last(&self, row: *const bf16, part: L::Words, sum: L, count: usize) -> L {
        // SAFETY: as above.
        unsafe { P::add_part(L::Words::load_part_pairs(row, count), part, sum, count) }
    }
}

/// Rows whose products are folded together.
const BLOCK: usize = LANES;

/// The products of scattered rows with a vector, in blocks of sixteen rows: first the lanes of each, then their sums,
/// folded together. As long as `HELD` steps of the vector are left they stay in registers, and row after row is
/// multiplied with them; the rest, or everything where registers are few, is done for four rows at once, which share each
/// step of the vector.
///
/// # Safety
/// Every row of `ids` lies in `values` and is as long as the vector; `out` is as long as `ids`.
#[inline(always)]
unsafe fn products<L: Lanes, S, F: Factor<L, S>, const HELD: usize>(
    values: &[S],
    stride: usize,
    ids: &[u32],
    factor: F,
    out: &mut [f32],
) {
    let (width, panel) = (factor.width(), HELD * F::STEP);
    let row = |id: u32| values.as_ptr().wrapping_add(id as usize * stride);
    // SAFETY: rows lie in the table and are as long as the vector, of which no more than its `width` columns are taken;
    // `factor` proves the instruction set.
    unsafe {
        let mut lanes = [L::zero(); BLOCK];
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let (ids, later) = ids.get_unchecked(block * BLOCK..).split_at_unchecked(out.len());
            // A table that is in a cache is not asked for ahead: asking takes the place of loads.
            let later = if size_of_val(values) > CACHED { later } else { &[] };
            let ask = |j: usize, columns: Range<usize>| {
                if let Some(&id) = later.get(j + ROWS_AHEAD - BLOCK) {
                    for k in columns.step_by(64 / size_of::<S>()) {
                        prefetch(row(id).wrapping_add(k));
                    }
                }
            };
            let mut done = 0;
            while HELD > 0 && done + panel <= width {
                let mut parts = [factor.part(done); HELD];
                for (h, part) in parts.iter_mut().enumerate() {
                    *part = factor.part(done + h * F::STEP);
                }
                for (j, &id) in ids.iter().enumerate() {
                    ask(j, done..done + panel);
                    let mut sum = if done == 0 { L::zero() } else { lanes[j] };
                    let row = in_register(row(id).add(done));
                    for (h, &part) in parts.iter().enumerate() {
                        sum = factor.add(row.add(h * F::STEP), part, sum);
                    }
                    lanes[j] = sum;
                }
                done += panel;
            }
            if done < width || width == 0 {
                let last = ids.len() - 1;
                for j in (0..ids.len()).step_by(4) {
                    let id = |c: usize| *ids.get_unchecked((j + c).min(last));
                    let rows = [row(id(0)), row(id(1)), row(id(2)), row(id(3))];
                    let mut sums = [lanes[j], lanes[j + 1], lanes[j + 2], lanes[j + 3]];
                    if done == 0 {
                        sums = [L::zero(); 4];
                    }
                    for c in 0..4 {
                        ask(j + c, done..width);
                    }
                    let mut k = done;
                    while F::UNROLLED > 1 && k + F::UNROLLED * F::STEP <= width {
                        let rows = [0, 1, 2, 3].map(|c| in_register(rows[c].add(k)));
                        for h in 0..F::UNROLLED {
                            let part = factor.part(k + h * F::STEP);
                            for c in 0..4 {
                                sums[c] = factor.add(rows[c].add(h * F::STEP), part, sums[c]);
                            }
                        }
                        k += F::UNROLLED * F::STEP;
                    }
                    while k + F::STEP <= width {
                        let part = factor.part(k);
                        for c in 0..4 {
                            sums[c] = factor.add(in_register(rows[c].add(k)), part, sums[c]);
                        }
                        k += F::STEP;
                    }
                    if k < width {
                        let part = factor.last_part(k);
                        for c in 0..4 {
                            sums[c] = factor.add_last(rows[c].add(k), part, sums[c], width - k);
                        }
                    }
                    lanes[j..j + 4].copy_from_slice(&sums);
                }
            }
            let sums = L::fold16(&lanes);
            match out.len() {
                BLOCK => sums.store(out.as_mut_ptr()),
                rest => sums.store_part(out.as_mut_ptr(), L::first(rest)),
            }
        }
    }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::rows_dot`]; the instruction set of `L` is available.
#[inline(always)]
pub(crate) unsafe fn rows_dot<L: Lanes, const HELD: usize>(
    table: views::Table<'_>,
    rows: RowIds<'_>,
    vector: &[f32],
    out: &mut [f32],
) {
    let factor = Singles::<L>(vector, PhantomData);
    // SAFETY: passed on to the caller.
    unsafe {
        match table.values() {
            Values::F32(values) => products::<L, _, _, HELD>(values, table.stride(), rows.ids(), factor, out),
            Values::Bf16(values) => products::<L, _, _, HELD>(values, table.stride(), rows.ids(), factor, out),
        }
    }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::rows_dot_bf16`]; the instruction sets of `L` and `P` are available.
#[inline(always)]
pub(crate) unsafe fn rows_dot_of_pairs<L: Lanes, P: PairProduct<L>, const HELD: usize>(
    table: Matrix<'_, bf16>,
    rows: RowIds<'_>,
    vector: &[bf16],
    out: &mut [f32],
) {
    let factor = Pairs::<L, P>(vector, PhantomData);
    // SAFETY: passed on to the caller.
    unsafe { products::<L, _, _, HELD>(table.data(), table.stride(), rows.ids(), factor, out) }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::vectors_dot`]; the instruction set of `L` is available.
#[inline(always)]
pub(crate) unsafe fn vectors_dot<L: Lanes, const HELD: usize>(
    row: &[f32],
    vectors: Matrix<'_>,
    ids: RowIds<'_>,
    out: &mut [f32],
) {
    let factor = Singles::<L>(row, PhantomData);
    // SAFETY: passed on to the caller.
    unsafe { products::<L, _, _, HELD>(vectors.data(), vectors.stride(), ids.ids(), factor, out) }
}
