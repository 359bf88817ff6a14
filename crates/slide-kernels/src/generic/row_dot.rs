//! Bodies of [`crate::api::row_dot`], and the dot products of several pairs at once that others use.

use core::marker::PhantomData;
use core::ops::Range;

use half::bf16;

use super::pairs::{PAIRED, PairProduct};
use super::{LANES, SimdF32x16, SimdU32x16, Storage, in_register, prefetch};
use crate::tuning::{self, ROWS_AHEAD};
use crate::{Matrix, RowIds, Values, views};

/// `N` dot products at once, each in 16 virtual lanes.
///
/// # Safety
/// The instruction set of `L` is available; each pointer of `a` and `b` is valid for reading `width` elements.
#[inline(always)]
pub(crate) unsafe fn dots<L: SimdF32x16, S: Storage, const N: usize>(
    a: [*const S; N],
    b: [*const f32; N],
    width: usize,
) -> [f32; N] {
    // SAFETY: the instruction set is guaranteed by the caller; every load is of elements `k..k + 16 <= width`, or of the
    // `width - k` that are left.
    unsafe {
        let mut lanes = [L::zero(L::token()); N];
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
                let a = S::load_masked::<L>(a[j].add(k), width - k);
                let sum = a.fma(L::load_masked(b[j].add(k), mask), lanes[j]);
                lanes[j] = sum.select(mask, lanes[j]);
            }
        }
        L::reduce_sum_each(lanes)
    }
}

/// The vector that rows are multiplied with; a step takes as many of its columns as fill sixteen lanes. A value of the
/// type exists only where its instruction set is available.
trait Factor<L: SimdF32x16, S> {
    /// Columns of a step.
    const STEP: usize;
    /// Unrolled steps.
    const UNROLLED: usize;
    /// Whether a row is multiplied before the next one is loaded: what all need at once would not fit the registers of AVX2
    /// and NEON.
    const IN_ORDER: bool;
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

impl<L: SimdF32x16, S: Storage> Factor<L, S> for Singles<'_, L> {
    const STEP: usize = LANES;
    const UNROLLED: usize = 4;
    /// `f32` is read where it is multiplied.
    const IN_ORDER: bool = size_of::<S>() < size_of::<f32>();
    type Part = L;

    #[inline(always)]
    fn width(&self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    unsafe fn part(&self, k: usize) -> L {
        // SAFETY: guaranteed by the caller; `self` proves the instruction set, here and below.
        unsafe { L::load(self.0.as_ptr().add(k)) }
    }
    #[inline(always)]
    unsafe fn last_part(&self, k: usize) -> L {
        // SAFETY: `self` proves the instruction set; the caller has fewer than a whole step from `k` on.
        unsafe { L::load_masked(self.0.as_ptr().add(k), L::first(self.0.len() - k)) }
    }
    #[inline(always)]
    unsafe fn add(&self, row: *const S, part: L, sum: L) -> L {
        // SAFETY: `part` proves the instruction set; the caller has 16 elements of the row.
        unsafe { S::load::<L>(row).fma(part, sum) }
    }
    #[inline(always)]
    unsafe fn add_last(&self, row: *const S, part: L, sum: L, count: usize) -> L {
        // SAFETY: `part` proves the instruction set; the caller has `count` elements of the row.
        unsafe { S::load_masked::<L>(row, count).fma(part, sum).select(L::first(count), sum) }
    }
}

/// A vector of `bf16`, in pairs.
struct Pairs<'a, L, P>(&'a [bf16], PhantomData<(L, P)>);

impl<L: SimdF32x16, P: PairProduct<L>> Factor<L, bf16> for Pairs<'_, L, P> {
    const STEP: usize = PAIRED;
    const UNROLLED: usize = if P::WIDENS { 1 } else { 2 };
    const IN_ORDER: bool = P::WIDENS;
    type Part = L::U32;

    #[inline(always)]
    fn width(&self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    unsafe fn part(&self, k: usize) -> L::U32 {
        // SAFETY: guaranteed by the caller; `self` proves the instruction sets, here and below.
        unsafe { L::U32::load_pairs(self.0.as_ptr().add(k)) }
    }
    #[inline(always)]
    unsafe fn last_part(&self, k: usize) -> L::U32 {
        // SAFETY: `self` proves the instruction set; the caller has fewer than a whole step from `k` on.
        unsafe { L::U32::load_masked_pairs(self.0.as_ptr().add(k), self.0.len() - k) }
    }
    #[inline(always)]
    unsafe fn add(&self, row: *const bf16, part: L::U32, sum: L) -> L {
        // SAFETY: `part` proves the instruction set, `self` that of the products; the caller has 32 elements of the
        // row.
        unsafe { P::add(L::U32::load_pairs(row), part, sum) }
    }
    #[inline(always)]
    unsafe fn add_last(&self, row: *const bf16, part: L::U32, sum: L, count: usize) -> L {
        // SAFETY: `part` proves the instruction set, `self` that of the products; the caller has `count` elements of
        // the row.
        unsafe { P::add_masked(L::U32::load_masked_pairs(row, count), part, sum, count) }
    }
}

/// Rows whose products are reduced together.
const BLOCK: usize = LANES;

/// Scattered rows of a table.
struct Rows<'a, S> {
    values: &'a [S],
    stride: usize,
    ids: &'a [u32],
    /// The rows to prefetch while the first, second, ... row is read. Empty for a table that is in a cache: prefetches use
    /// the load ports.
    ahead: &'a [u32],
}

impl<'a, S> Rows<'a, S> {
    #[inline(always)]
    fn new(values: &'a [S], stride: usize, ids: &'a [u32]) -> Self {
        let ahead = if size_of_val(values) > tuning::CACHED { ids.get(ROWS_AHEAD..).unwrap_or(&[]) } else { &[] };
        Self { values, stride, ids, ahead }
    }

    #[inline(always)]
    fn row(&self, id: u32) -> *const S {
        self.values.as_ptr().wrapping_add(id as usize * self.stride)
    }

    /// The row at a place of the list; the last represents those beyond the end.
    ///
    /// # Safety
    /// The list is not empty.
    #[inline(always)]
    unsafe fn at(&self, place: usize) -> *const S {
        // SAFETY: within the list, which is not empty.
        self.row(unsafe { *self.ids.get_unchecked(place.min(self.ids.len() - 1)) })
    }

    /// Prefetches some columns of the row this many positions later.
    #[inline(always)]
    fn ask(&self, place: usize, columns: Range<usize>) {
        if let Some(&id) = self.ahead.get(place) {
            for k in columns.step_by(64 / size_of::<S>()) {
                prefetch(self.row(id).wrapping_add(k));
            }
        }
    }
}

/// The products of scattered rows with a vector, in blocks of sixteen rows: first the lanes of each, then their sums,
/// reduced together. If the table is in a cache, whole blocks take a separate path: rows of `HELD` steps with the vector held in
/// registers, other rows `TOGETHER` at once (a multiple of four), sharing the loads of the vector.
///
/// # Safety
/// Every row of `ids` lies in `values` and is as long as the vector; `out` is as long as `ids`.
#[inline(always)]
unsafe fn products<L: SimdF32x16, S, F: Factor<L, S>, const HELD: usize, const TOGETHER: usize>(
    values: &[S],
    stride: usize,
    ids: &[u32],
    factor: F,
    out: &mut [f32],
) {
    let rows = Rows::new(values, stride, ids);
    // SAFETY: the caller has rows in `values` that are as long as the vector, and an output for each.
    unsafe {
        let done = match rows.ahead {
            [] if HELD > 0 && factor.width() == HELD * F::STEP => blocks_of_held::<L, S, F, HELD>(&rows, &factor, out),
            [] if factor.width().is_multiple_of(F::UNROLLED * F::STEP) => {
                blocks::<L, S, F, TOGETHER>(&rows, &factor, out)
            }
            _ => 0,
        };
        products_from::<L, S, F, HELD>(&rows, done, &factor, &mut out[done..]);
    }
}

/// The products of the rows from a position of the list on, prefetching later ones. While at least `HELD` steps of the vector
/// are left, they are held in registers and each row is multiplied with them; the rest, or everything on levels with few
/// registers, is computed for four rows at once, sharing the loads of the vector.
///
/// # Safety
/// That of [`products`].
#[inline(always)]
unsafe fn products_from<L: SimdF32x16, S, F: Factor<L, S>, const HELD: usize>(
    rows: &Rows<'_, S>,
    mut place: usize,
    factor: &F,
    out: &mut [f32],
) {
    let (width, panel) = (factor.width(), HELD * F::STEP);
    // SAFETY: rows lie in the table and are as long as the vector, of which no more than its `width` columns are taken;
    // `factor` proves the instruction set.
    unsafe {
        let simd = L::token();
        let mut lanes = [L::zero(simd); BLOCK];
        let mut partial_sums = [L::half_reduce([L::zero(simd); 4]); 4];
        for out in out.chunks_mut(BLOCK) {
            let mut done = 0;
            while HELD > 0 && done + panel <= width {
                let parts: [F::Part; HELD] = held(factor, done);
                let ids = rows.ids.get_unchecked(place..place + out.len());
                for ((j, &id), lanes) in ids.iter().enumerate().zip(&mut lanes) {
                    rows.ask(place + j, done..done + panel);
                    let row = in_register(rows.row(id).add(done));
                    let mut sum = if done == 0 { L::zero(simd) } else { *lanes };
                    for (h, &part) in parts.iter().enumerate() {
                        sum = factor.add(row.add(h * F::STEP), part, sum);
                    }
                    *lanes = sum;
                }
                done += panel;
            }
            let (fours, _) = lanes.as_chunks::<4>();
            if done == width && done > 0 {
                for (sum, &four) in partial_sums.iter_mut().zip(fours) {
                    *sum = L::half_reduce(four);
                }
            } else {
                for (j, (sum, &four)) in partial_sums.iter_mut().zip(fours).enumerate().take(out.len().div_ceil(4)) {
                    let four = if done == 0 { [L::zero(simd); 4] } else { four };
                    *sum = L::half_reduce(four_together(rows, place + 4 * j, factor, done, four));
                }
            }
            let sums = L::reduce_sum16(partial_sums);
            match out.len() {
                BLOCK => sums.store(out.as_mut_ptr()),
                rest => sums.store_masked(out.as_mut_ptr(), L::first(rest)),
            }
            place += out.len();
        }
    }
}

/// `HELD` steps of a vector.
///
/// # Safety
/// There are so many from `k` on.
#[inline(always)]
unsafe fn held<L: SimdF32x16, S, F: Factor<L, S>, const HELD: usize>(factor: &F, k: usize) -> [F::Part; HELD] {
    // SAFETY: the caller counts the parts of the vector from `k` on.
    unsafe {
        let mut parts = [factor.part(k); HELD];
        for (h, part) in parts.iter_mut().enumerate() {
            *part = factor.part(k + h * F::STEP);
        }
        parts
    }
}

/// Adds to the lanes of four rows their products with the vector from column `k` on, and prefetches later rows.
///
/// # Safety
/// That of [`products`]; there is a row at the place.
#[inline(always)]
unsafe fn four_together<L: SimdF32x16, S, F: Factor<L, S>>(
    rows: &Rows<'_, S>,
    place: usize,
    factor: &F,
    mut k: usize,
    mut sums: [L; 4],
) -> [L; 4] {
    let width = factor.width();
    for c in 0..4 {
        rows.ask(place + c, k..width);
    }
    // SAFETY: there is a row, which is as long as the vector; no more than `width` columns are taken; `factor` proves the
    // instruction set.
    unsafe {
        let mut rows: [*const S; 4] = core::array::from_fn(|c| rows.at(place + c).add(k));
        while k + F::UNROLLED * F::STEP <= width {
            steps(&mut rows, factor, k, &mut sums);
            k += F::UNROLLED * F::STEP;
        }
        while F::UNROLLED > 1 && k + F::STEP <= width {
            let part = factor.part(k);
            for c in 0..4 {
                sums[c] = factor.add(rows[c], part, sums[c]);
            }
            rows = rows.map(|row| in_register(row.add(F::STEP)));
            k += F::STEP;
        }
        if k < width {
            let part = factor.last_part(k);
            for c in 0..4 {
                sums[c] = factor.add_last(rows[c], part, sums[c], width - k);
            }
        }
    }
    sums
}

/// Adds to the lanes of rows their products with the unrolled steps of the vector, each of which is loaded once. Advances the
/// row pointers past them.
///
/// # Safety
/// The rows, and the vector from the column `k` on, have so many steps.
#[inline(always)]
unsafe fn steps<L: SimdF32x16, S, F: Factor<L, S>, const N: usize>(
    rows: &mut [*const S; N],
    factor: &F,
    k: usize,
    sums: &mut [L; N],
) {
    // SAFETY: guaranteed by the caller; `factor` proves the instruction set.
    unsafe {
        for h in 0..F::UNROLLED {
            let part = factor.part(k + h * F::STEP);
            for c in 0..N {
                sums[c] = factor.add(rows[c].add(h * F::STEP), part, sums[c]);
                if F::IN_ORDER {
                    rows[(c + 1) % N] = sums[c].before(rows[(c + 1) % N]);
                }
            }
        }
        *rows = rows.map(|row| in_register(row.add(F::UNROLLED * F::STEP)));
    }
}

/// The products of whole blocks of rows, `TOGETHER` at once. Returns how many rows that are.
///
/// # Safety
/// That of [`products`]; the vector has a multiple of `UNROLLED` steps.
#[inline(always)]
unsafe fn blocks<L: SimdF32x16, S, F: Factor<L, S>, const TOGETHER: usize>(
    rows: &Rows<'_, S>,
    factor: &F,
    out: &mut [f32],
) -> usize {
    let (blocks, lists) = (out.as_chunks_mut::<BLOCK>().0, rows.ids.as_chunks::<BLOCK>().0);
    // SAFETY: `products` was called with rows as long as the vector, and an output for each.
    unsafe {
        let simd = L::token();
        let mut partial_sums = [L::half_reduce([L::zero(simd); 4]); 4];
        for (out, ids) in blocks.iter_mut().zip(lists) {
            for (partial_sums, ids) in partial_sums.chunks_exact_mut(TOGETHER / 4).zip(ids.as_chunks::<TOGETHER>().0) {
                let mut rows = ids.map(|id| rows.row(id));
                let (mut sums, mut k) = ([L::zero(simd); TOGETHER], 0);
                while k < factor.width() {
                    steps(&mut rows, factor, k, &mut sums);
                    k += F::UNROLLED * F::STEP;
                }
                for (sum, &four) in partial_sums.iter_mut().zip(sums.as_chunks().0) {
                    *sum = L::half_reduce(four);
                }
            }
            L::reduce_sum16(partial_sums).store(out.as_mut_ptr());
        }
    }
    blocks.len() * BLOCK
}

/// The same of rows that have `HELD` steps, all of which stay in registers.
///
/// # Safety
/// That of [`products`]; the vector has `HELD` steps.
#[inline(always)]
unsafe fn blocks_of_held<L: SimdF32x16, S, F: Factor<L, S>, const HELD: usize>(
    rows: &Rows<'_, S>,
    factor: &F,
    out: &mut [f32],
) -> usize {
    let (blocks, _) = out.as_chunks_mut::<BLOCK>();
    // SAFETY: `products` was called with rows as long as the vector, and an output for each; a block has sixteen rows.
    unsafe {
        let parts: [F::Part; HELD] = held(factor, 0);
        for (block, out) in blocks.iter_mut().enumerate() {
            // Unrolled by hand, so that the half-reduced vectors stay in registers.
            let ids = &*rows.ids.as_ptr().add(block * BLOCK).cast::<[u32; BLOCK]>();
            let a = four_products_of_held(rows, [ids[0], ids[1], ids[2], ids[3]], factor, &parts);
            let b = four_products_of_held(rows, [ids[4], ids[5], ids[6], ids[7]], factor, &parts);
            let c = four_products_of_held(rows, [ids[8], ids[9], ids[10], ids[11]], factor, &parts);
            let d = four_products_of_held(rows, [ids[12], ids[13], ids[14], ids[15]], factor, &parts);
            L::reduce_sum16([a, b, c, d]).store(out.as_mut_ptr());
        }
    }
    blocks.len() * BLOCK
}

/// The products of four rows with the parts of a vector, half reduced.
///
/// # Safety
/// That of [`products`]; these are all parts of the vector.
#[inline(always)]
unsafe fn four_products_of_held<L: SimdF32x16, S, F: Factor<L, S>, const HELD: usize>(
    rows: &Rows<'_, S>,
    ids: [u32; 4],
    factor: &F,
    parts: &[F::Part; HELD],
) -> L::HalfReduced {
    // SAFETY: `products` was called with rows as long as the vector, and an output for each.
    unsafe {
        let rows = ids.map(|id| in_register(rows.row(id)));
        let mut sums = [L::zero(L::token()); 4];
        for (h, &part) in parts.iter().enumerate() {
            for c in 0..4 {
                sums[c] = factor.add(rows[c].add(h * F::STEP), part, sums[c]);
            }
        }
        L::half_reduce(sums)
    }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::rows_dot`]; the instruction set of `L` is available.
#[inline(always)]
pub(crate) unsafe fn rows_dot<L: SimdF32x16, const HELD: usize, const TOGETHER: usize>(
    table: views::Table<'_>,
    rows: RowIds<'_>,
    vector: &[f32],
    out: &mut [f32],
) {
    let factor = Singles::<L>(vector, PhantomData);
    // SAFETY: a `Kernels` value proves the level; `Kernels::rows_dot` checked ids, the vector's width, and the length
    // of `out`.
    unsafe {
        match table.values() {
            Values::F32(values) => products::<L, _, _, HELD, TOGETHER>(values, table.stride(), rows.ids(), factor, out),
            Values::Bf16(values) => {
                products::<L, _, _, HELD, TOGETHER>(values, table.stride(), rows.ids(), factor, out)
            }
        }
    }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::rows_dot_bf16`]; the instruction sets of `L` and `P` are available.
#[inline(always)]
pub(crate) unsafe fn rows_dot_of_pairs<L: SimdF32x16, P: PairProduct<L>, const HELD: usize, const TOGETHER: usize>(
    table: Matrix<'_, bf16>,
    rows: RowIds<'_>,
    vector: &[bf16],
    out: &mut [f32],
) {
    let factor = Pairs::<L, P>(vector, PhantomData);
    // SAFETY: a `Kernels` value proves the level; `Kernels::rows_dot_bf16` checked ids, the vector's width, and the
    // length of `out`.
    unsafe { products::<L, _, _, HELD, TOGETHER>(table.data(), table.stride(), rows.ids(), factor, out) }
}

/// # Safety
/// The contract of [`crate::api::row_dot::Table::vectors_dot`]; the instruction set of `L` is available.
#[inline(always)]
pub(crate) unsafe fn vectors_dot<L: SimdF32x16, const HELD: usize, const TOGETHER: usize>(
    row: &[f32],
    vectors: Matrix<'_>,
    ids: RowIds<'_>,
    out: &mut [f32],
) {
    let factor = Singles::<L>(row, PhantomData);
    // SAFETY: a `Kernels` value proves the level; `Kernels::vectors_dot` checked ids, the row's width, and the length
    // of `out`.
    unsafe { products::<L, _, _, HELD, TOGETHER>(vectors.data(), vectors.stride(), ids.ids(), factor, out) }
}
