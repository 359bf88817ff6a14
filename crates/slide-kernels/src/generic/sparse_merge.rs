//! Body of the product of two sparse vectors ([`crate::api::sparse_dot`]).
//!
//! Lists are merged in blocks. For two blocks whose ranges may overlap, a search in registers finds for each index of the first
//! how many of the second are smaller, which is the position of an equal one. The block whose last index is smaller is then
//! finished. No branch depends on the indices.

use core::hint::select_unpredictable;

use super::{LANES, SimdF32x16, SimdU32x16, in_register};
use crate::{SparseVector, scalar, tuning};

/// Binary searches side by side.
const SEARCHES: usize = 8;

/// The operations of an instruction set that merging needs.
pub(crate) trait Merge: SimdF32x16 {
    /// Numbers of a block of the second list; a block of the first has sixteen.
    const OTHERS: usize;

    /// For each lane whose number in block `a` is in block `b`: the product of the two values added to `sum`, rounded
    /// once. The other lanes remain.
    ///
    /// # Safety
    /// The instruction set is available; block `a` is valid for reading 16 numbers and values, block `b` for `OTHERS`; the
    /// numbers ascend and are less than 2^31.
    unsafe fn meet(sum: Self, a: Block, b: Block) -> Self;
}

/// Numbers and their values.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) ids: *const u32,
    pub(crate) values: *const f32,
}

impl Block {
    /// # Safety
    /// As many numbers can be read.
    #[inline(always)]
    unsafe fn last(self, length: usize) -> u32 {
        // SAFETY: the caller has `length` numbers to read, at least one.
        unsafe { *self.ids.add(length - 1) }
    }
}

/// # Safety
/// The contract of [`crate::api::sparse_dot::Table::sparse_sparse_dot`].
#[inline(always)]
pub(crate) unsafe fn sparse_sparse_dot<L: Merge>(a: SparseVector<'_>, b: SparseVector<'_>) -> f32 {
    // Blocks are filled up with numbers that are not in use.
    if a.ids().bound().max(b.ids().bound()) > PAD_B as usize {
        return scalar::sparse_dot::sparse_sparse_dot(a, b);
    }
    // SAFETY: a `Kernels` value proves the level; `Kernels::sparse_sparse_dot` asserted that ids ascend.
    unsafe {
        let is_short = |of: usize, beside: usize| of.saturating_mul(tuning::SEARCH * L::OTHERS / 4) < beside;
        if is_short(a.len(), b.len()) {
            search::<true>(a, b)
        } else if is_short(b.len(), a.len()) {
            search::<false>(b, a)
        } else {
            merge::<L>(a, b)
        }
    }
}

const PAD_A: u32 = i32::MAX as u32;
const PAD_B: u32 = PAD_A - 1;

/// # Safety
/// The instruction set of `L` is available; the numbers of `a` and `b` ascend strictly and are less than `PAD_B`.
#[inline(always)]
unsafe fn merge<L: Merge>(a: SparseVector<'_>, b: SparseVector<'_>) -> f32 {
    // SAFETY: guaranteed by the caller; blocks are asked for only at multiples of their lengths, and whole ones where there are.
    unsafe {
        let (a, b) = (Blocks::new::<L>(&a, LANES, PAD_A), Blocks::new::<L>(&b, L::OTHERS, PAD_B));
        let mut sum = L::zero(L::token());
        let (mut i, mut j) = (0, 0);
        let (mut a_last, mut b_last) = (a.at(i).last(LANES), b.at(j).last(L::OTHERS));
        // The last numbers of the next blocks are read before it is known whether they are needed: a step does not wait for
        // them. First where whole blocks follow on both sides, which is quicker.
        while i + 2 * LANES <= a.count && j + 2 * L::OTHERS <= b.count {
            let (a, b) = (a.whole_at(i), b.whole_at(j));
            let (a_next, b_next) = (a.last(2 * LANES), b.last(2 * L::OTHERS));
            sum = L::meet(sum, a, b);
            let (a_ends, b_ends) = (a_last <= b_last, b_last <= a_last);
            i += LANES * usize::from(a_ends);
            j += L::OTHERS * usize::from(b_ends);
            a_last = select_unpredictable(a_ends, a_next, a_last);
            b_last = select_unpredictable(b_ends, b_next, b_last);
        }
        while i < a.count && j < b.count {
            let (a, b) = (a.at(i), b.at(j));
            sum = L::meet(sum, a, b);
            let (a_last, b_last) = (a.last(LANES), b.last(L::OTHERS));
            i += LANES * usize::from(a_last <= b_last);
            j += L::OTHERS * usize::from(b_last <= a_last);
        }
        sum.reduce_sum()
    }
}

/// A list in blocks, the last of which is filled up with a number that no list has.
struct Blocks<'a> {
    list: &'a SparseVector<'a>,
    count: usize,
    /// Numbers in whole blocks.
    whole: usize,
    rest_ids: [u32; LANES],
    rest_values: [f32; LANES],
}

impl<'a> Blocks<'a> {
    /// # Safety
    /// The instruction set of `L` is available.
    #[inline(always)]
    unsafe fn new<L: SimdF32x16>(list: &'a SparseVector<'a>, length: usize, pad: u32) -> Self {
        let (count, rest) = (list.len(), list.len() % length);
        let (whole, mut rest_ids, mut rest_values) = (count - rest, [0; LANES], [0.0; LANES]);
        // SAFETY: guaranteed by the caller; no more than the rest is read, which is less than sixteen.
        unsafe {
            let mask = L::first(rest);
            let ids = L::load_masked(list.ids().ids().as_ptr().add(whole).cast(), mask).bitcast_u32();
            ids.select(mask, L::U32::splat(L::token(), pad)).store(rest_ids.as_mut_ptr());
            L::load_masked(list.values().as_ptr().add(whole), mask).store(rest_values.as_mut_ptr());
        }
        Self { list, count, whole, rest_ids, rest_values }
    }

    /// The block that begins at a number; beyond the whole ones that of the rest.
    ///
    /// # Safety
    /// `i` is a multiple of the length.
    #[inline(always)]
    unsafe fn at(&self, i: usize) -> Block {
        if i < self.whole {
            // SAFETY: there is a whole block.
            unsafe { self.whole_at(i) }
        } else {
            Block { ids: self.rest_ids.as_ptr(), values: self.rest_values.as_ptr() }
        }
    }

    /// # Safety
    /// The block lies in the list.
    #[inline(always)]
    unsafe fn whole_at(&self, i: usize) -> Block {
        // SAFETY: guaranteed by the caller; there are as many values.
        unsafe { Block { ids: self.list.ids().ids().as_ptr().add(i), values: self.list.values().as_ptr().add(i) } }
    }
}

/// Each number of the shorter list is searched for in the longer one: eight binary searches side by side.
///
/// # Safety
/// The numbers of both ascend strictly; `long` has an element.
#[inline(always)]
unsafe fn search<const SHORT_IS_A: bool>(short: SparseVector<'_>, long: SparseVector<'_>) -> f32 {
    let (short_ids, long_ids) = (short.ids().ids(), long.ids().ids());
    let mut lanes = [0.0_f32; LANES];
    let mut from = 0;
    for (group, wanted) in short_ids.chunks(SEARCHES).enumerate() {
        // The last number stands in for those that are missing.
        let wanted: [u32; SEARCHES] = core::array::from_fn(|k| wanted[k.min(wanted.len() - 1)]);
        // SAFETY: places, and what is left behind them, lie in the list; `half < count`.
        let places = unsafe {
            let first = long_ids.as_ptr();
            let mut places = [first.add(from); SEARCHES];
            let mut count = long_ids.len() - from;
            while count > 1 {
                let half = count / 2;
                for (place, wanted) in places.iter_mut().zip(wanted) {
                    // Registers of their own: gathered, they take twice as long.
                    let middle = in_register(place.add(half));
                    *place = select_unpredictable(*middle.sub(1) < wanted, middle, *place);
                }
                count -= half;
            }
            places.map(|place| place.offset_from_unsigned(first))
        };
        for (k, &place) in places.iter().enumerate().take(short_ids.len() - group * SEARCHES) {
            if long_ids[place] == wanted[k] {
                let i = group * SEARCHES + k;
                let lane = &mut lanes[(if SHORT_IS_A { i } else { place }) % LANES];
                *lane = scalar::fma(short.values()[i], long.values()[place], *lane);
            }
        }
        // Numbers ascend: what is to come is not before the last place.
        from = places[SEARCHES - 1];
    }
    scalar::reduce_sum(lanes)
}
