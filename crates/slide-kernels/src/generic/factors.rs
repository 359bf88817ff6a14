//! How the factors of a dense product (the left one stored by rows) are passed to its tiles: unchanged, widened, or rounded.

use core::marker::PhantomData;

use half::bf16;

use super::gemm::Rows;
use super::{LANES, SimdF32x16, Storage};

/// How the tiles of a product see its factors, of which the left one is stored by rows.
pub(crate) trait Factors<L: SimdF32x16> {
    /// An element of the left factor.
    type Left: Copy;
    /// An element of the right factor.
    type Right: Copy;
    /// Elements of the depth that a step of a tile takes.
    const STEP: usize;
    /// Elements in 32 bits of a panel.
    const IN_WORD: usize;

    /// `depth` elements of a row, padded to whole steps: in place, or copied to the buffer, which has room for them.
    ///
    /// # Safety
    /// The instruction set of `L` is available; `row` is valid for reading `depth` elements, `buffer` for writing the steps.
    unsafe fn row(row: *const Self::Left, buffer: *mut f32, depth: usize) -> *const f32;

    /// Packs a panel: `depth` elements from `first` on of the lanes from `lane` on.
    ///
    /// # Safety
    /// The instruction set of `L` is available; the factor has `lanes` such lanes; the panel has room.
    unsafe fn pack(
        panel: *mut f32,
        right: Rows<'_, Self::Right>,
        first: usize,
        depth: usize,
        lane: usize,
        lanes: usize,
    );

    /// Where the chain of a row starts that has no bias: the bits of a lane, whatever it holds.
    ///
    /// # Safety
    /// The instruction set of `L` is available; `row` is valid for reading `width` elements.
    #[inline(always)]
    unsafe fn start(row: *const Self::Left, width: usize) -> f32 {
        let _ = (row, width);
        0.0
    }
}

/// Both in `f32`.
pub(super) struct Plain;

impl<L: SimdF32x16> Factors<L> for Plain {
    type Left = f32;
    type Right = f32;
    const STEP: usize = 1;
    const IN_WORD: usize = 1;

    #[inline(always)]
    unsafe fn row(row: *const f32, _: *mut f32, _: usize) -> *const f32 {
        row
    }
    #[inline(always)]
    unsafe fn pack(panel: *mut f32, right: Rows<'_, f32>, first: usize, depth: usize, lane: usize, lanes: usize) {
        // SAFETY: the caller has the instruction set, these elements of the vectors, and room in the panel.
        unsafe { pack::<L, f32>(panel, right, first, depth, lane, lanes) }
    }
}

/// The left one in `bf16`, which is widened.
pub(super) struct Widened;

impl<L: SimdF32x16> Factors<L> for Widened {
    type Left = bf16;
    type Right = f32;
    const STEP: usize = 1;
    const IN_WORD: usize = 1;

    #[inline(always)]
    unsafe fn row(row: *const bf16, buffer: *mut f32, depth: usize) -> *const f32 {
        // SAFETY: the caller has the instruction set, `depth` elements in the row, and as much room in the buffer.
        unsafe { widen::<L>(row, buffer, depth) }
        buffer
    }
    #[inline(always)]
    unsafe fn pack(panel: *mut f32, right: Rows<'_, f32>, first: usize, depth: usize, lane: usize, lanes: usize) {
        // SAFETY: the caller has the instruction set, these elements of the vectors, and room in the panel.
        unsafe { pack::<L, f32>(panel, right, first, depth, lane, lanes) }
    }
}

/// Instructions that multiply `STEP` elements of `bf16` at once, by steps; the right factor is rounded to nearest, ties to even.
pub(crate) trait Rounded<L: SimdF32x16> {
    /// 2 or 4.
    const STEP: usize;

    /// Rounds the elements of a step (as many of `rows` as it has) and lays them out as the tiles expect them, in half as many
    /// vectors of `to`.
    ///
    /// # Safety
    /// The instruction set of the implementation is available; `to` is valid for writing.
    unsafe fn pack(rows: [L; 4], to: *mut f32);
}

/// The left one in `bf16`, the right one rounded to it.
pub(crate) struct Halves<R>(PhantomData<R>);

impl<L: SimdF32x16, R: Rounded<L>> Factors<L> for Halves<R> {
    type Left = bf16;
    type Right = f32;
    const STEP: usize = R::STEP;
    const IN_WORD: usize = 2;

    #[inline(always)]
    unsafe fn row(row: *const bf16, buffer: *mut f32, depth: usize) -> *const f32 {
        if depth.is_multiple_of(R::STEP) {
            return row.cast();
        }
        let buffer = buffer.cast::<bf16>();
        for k in 0..depth.next_multiple_of(R::STEP) {
            // SAFETY: guaranteed by the caller: the row has `depth` elements, and the buffer room for whole steps.
            unsafe { buffer.add(k).write(if k < depth { *row.add(k) } else { bf16::ZERO }) };
        }
        buffer.cast()
    }

    #[inline(always)]
    unsafe fn pack(panel: *mut f32, right: Rows<'_, f32>, first: usize, depth: usize, lane: usize, lanes: usize) {
        let vectors = lanes.div_ceil(LANES);
        let mut to = panel;
        // SAFETY: the caller has the instruction set, these elements of the vectors, and room in the panel.
        unsafe {
            for k in (0..depth).step_by(R::STEP) {
                for n in 0..vectors {
                    let element = |e: usize| {
                        if e >= R::STEP || k + e >= depth {
                            return L::zero(L::token());
                        }
                        let from = right.row(first + k + e).add(lane + n * LANES);
                        match lanes - n * LANES {
                            LANES.. => L::load(from),
                            rest => L::load_masked(from, L::first(rest)),
                        }
                    };
                    R::pack([element(0), element(1), element(2), element(3)], to);
                    to = to.add(R::STEP / 2 * LANES);
                }
            }
        }
    }
}

/// Copies `depth` rows from row `first` and element `lane` on, as whole vectors of which `lanes` lanes exist.
///
/// # Safety
/// The instruction set of `L` is available; the rows have these elements; the panel has room.
#[inline(always)]
pub(super) unsafe fn pack<L: SimdF32x16, S: Storage>(
    panel: *mut f32,
    right: Rows<'_, S>,
    first: usize,
    depth: usize,
    lane: usize,
    lanes: usize,
) {
    let (whole, vectors) = (lanes / LANES, lanes.div_ceil(LANES));
    // SAFETY: the caller has the instruction set, these elements of the rows, and room in the panel.
    unsafe {
        for i in 0..depth {
            let from = right.row(first + i).add(lane);
            let to = panel.add(i * vectors * LANES);
            for n in 0..whole {
                S::load::<L>(from.add(n * LANES)).store(to.add(n * LANES));
            }
            if whole < vectors {
                let from = from.add(whole * LANES);
                S::load_masked::<L>(from, lanes - whole * LANES).store(to.add(whole * LANES));
            }
        }
    }
}

/// # Safety
/// The instruction set of `L` is available; `from` and `to` are valid for reading and writing `count` elements.
#[inline(always)]
unsafe fn widen<L: SimdF32x16>(from: *const bf16, to: *mut f32, count: usize) {
    let mut k = 0;
    // SAFETY: the caller has the instruction set and `count` elements on both sides.
    unsafe {
        while k + LANES <= count {
            L::load_bf16(from.add(k)).store(to.add(k));
            k += LANES;
        }
        if k < count {
            L::load_masked_bf16(from.add(k), count - k).store_masked(to.add(k), L::first(count - k));
        }
    }
}
