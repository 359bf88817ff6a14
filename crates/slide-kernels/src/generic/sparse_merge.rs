//! Body of the product of two sparse vectors ([`crate::api::sparse_dot`]).
//!
//! Lists are merged in blocks of eight numbers. Two blocks meet if their ranges may overlap: for each number of the one it is
//! counted how many of the other are smaller, which is the place where an equal one would be. Whichever block ends
//! first is done with. No branch depends on the numbers.

use super::{LANES, Lanes, Words};
use crate::{SparseVector, scalar, tuning};

/// Numbers of a block, and virtual lanes of the sum.
const BLOCK: usize = 8;

/// What merging needs of an instruction set.
pub(crate) trait Merge: Lanes {
    /// Eight `f32`.
    type Eight: Copy;

    /// # Safety
    /// The instruction set is available.
    unsafe fn zeros() -> Self::Eight;

    /// For each lane whose number in block `a` is in block `b`: the product of the two values added to `sum`, rounded
    /// once. The other lanes remain.
    ///
    /// # Safety
    /// The instruction set is available; the blocks are valid for reading eight numbers and values, and the numbers ascend
    /// strictly and are less than 2^31.
    unsafe fn meet(sum: Self::Eight, a: Block, b: Block) -> Self::Eight;

    /// # Safety
    /// The instruction set is available.
    unsafe fn to_array(eight: Self::Eight) -> [f32; BLOCK];
}

/// Eight numbers and their values.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) ids: *const u32,
    pub(crate) values: *const f32,
}

/// # Safety
/// The contract of [`crate::api::sparse_dot::Table::sparse_sparse_dot`].
#[inline(always)]
pub(crate) unsafe fn sparse_sparse_dot<L: Merge>(a: SparseVector<'_>, b: SparseVector<'_>) -> f32 {
    // Blocks are filled up with numbers that are not in use.
    if a.ids().bound().max(b.ids().bound()) > PAD_B as usize {
        return scalar::sparse_dot::sparse_sparse_dot(a, b);
    }
    // SAFETY: the caller's word.
    unsafe {
        if a.len().saturating_mul(tuning::SEARCH) < b.len() {
            search::<true>(a, b)
        } else if b.len().saturating_mul(tuning::SEARCH) < a.len() {
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
    let (a_count, b_count) = (a.len(), b.len());
    let (a_whole, b_whole) = (a_count - a_count % BLOCK, b_count - b_count % BLOCK);
    // SAFETY: the caller's word; `i` and `j` are multiples of eight, and where they are less than the whole blocks' end, there
    // are eight elements. The rests are padded to eight.
    unsafe {
        let block = |of: SparseVector<'_>, at: usize| Block {
            ids: of.ids().ids().as_ptr().wrapping_add(at),
            values: of.values().as_ptr().wrapping_add(at),
        };
        let last = |block: Block| *block.ids.add(BLOCK - 1);
        let mut sum = L::zeros();
        let (mut i, mut j) = (0, 0);
        while i < a_whole && j < b_whole {
            let (a, b) = (block(a, i), block(b, j));
            sum = L::meet(sum, a, b);
            let (a_last, b_last) = (last(a), last(b));
            i += BLOCK * usize::from(a_last <= b_last);
            j += BLOCK * usize::from(b_last <= a_last);
        }
        let a_rest = Rest::new::<L>(block(a, a_whole), a_count - a_whole, PAD_A);
        let b_rest = Rest::new::<L>(block(b, b_whole), b_count - b_whole, PAD_B);
        if i == a_whole {
            while j < b_whole && *a_rest.ids.get_unchecked(0) != PAD_A {
                sum = L::meet(sum, a_rest.block(), block(b, j));
                j += BLOCK;
            }
        } else {
            while i < a_whole && *b_rest.ids.get_unchecked(0) != PAD_B {
                sum = L::meet(sum, block(a, i), b_rest.block());
                i += BLOCK;
            }
        }
        sum = L::meet(sum, a_rest.block(), b_rest.block());
        scalar::fold(L::to_array(sum))
    }
}

/// Less than a block, filled up.
struct Rest {
    ids: [u32; LANES],
    values: [f32; LANES],
}

impl Rest {
    /// # Safety
    /// The instruction set of `L` is available; `block` is valid for reading `count < 8` elements.
    #[inline(always)]
    unsafe fn new<L: Lanes>(block: Block, count: usize, pad: u32) -> Rest {
        let mut rest = Rest { ids: [0; LANES], values: [0.0; LANES] };
        // SAFETY: the caller's word.
        unsafe {
            let mask = L::first(count);
            let ids = L::load_part(block.ids.cast(), mask).to_words();
            ids.select(mask, L::Words::splat(pad)).store(rest.ids.as_mut_ptr());
            L::load_part(block.values, mask).store(rest.values.as_mut_ptr());
        }
        rest
    }

    #[inline(always)]
    fn block(&self) -> Block {
        Block { ids: self.ids.as_ptr(), values: self.values.as_ptr() }
    }
}

/// Each number of the shorter list is searched for in the longer one: eight binary searches side by side.
///
/// # Safety
/// The numbers of both ascend strictly; `long` has an element.
#[inline(always)]
unsafe fn search<const SHORT_IS_A: bool>(short: SparseVector<'_>, long: SparseVector<'_>) -> f32 {
    let (short_ids, long_ids) = (short.ids().ids(), long.ids().ids());
    let mut lanes = [0.0_f32; BLOCK];
    let mut from = 0;
    for (group, wanted) in short_ids.chunks(BLOCK).enumerate() {
        // The last number stands in for those that are missing.
        let wanted: [u32; BLOCK] = core::array::from_fn(|k| wanted[k.min(wanted.len() - 1)]);
        let mut places = [from; BLOCK];
        let mut count = long_ids.len() - from;
        while count > 1 {
            let half = count / 2;
            for (place, wanted) in places.iter_mut().zip(wanted) {
                // SAFETY: the place and what is left behind it lie in the list, and `half <= count`.
                let smaller = unsafe { *long_ids.get_unchecked(*place + half - 1) } < wanted;
                *place += half * usize::from(smaller);
            }
            count -= half;
        }
        for (k, &place) in places.iter().enumerate().take(short_ids.len() - group * BLOCK) {
            if long_ids[place] == wanted[k] {
                let i = group * BLOCK + k;
                let lane = &mut lanes[(if SHORT_IS_A { i } else { place }) % BLOCK];
                *lane = scalar::fma(short.values()[i], long.values()[place], *lane);
            }
        }
        // Numbers ascend: what is to come is not before the last place.
        from = places[BLOCK - 1];
    }
    scalar::fold(lanes)
}
