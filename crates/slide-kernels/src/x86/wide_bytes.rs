//! Products of bytes widened to 16 bits, for processors without VNNI: their byte products saturate, and avoiding that takes
//! twice as many instructions.

use crate::generic::factors::Factors;
use crate::generic::gemm::Rows;
use crate::generic::tile::Multiply;
use crate::generic::{LANES, SimdF32x16, SimdU32x16};

/// Bytes widened to 16 bits, in pairs.
pub(crate) struct WidenedBytes<const SIGNED: bool>;

impl<L: SimdF32x16, const SIGNED: bool> Factors<L> for WidenedBytes<SIGNED> {
    type Left = i8;
    type Right = u8;
    const STEP: usize = 2;
    const IN_WORD: usize = 2;

    #[inline(always)]
    unsafe fn row(row: *const i8, buffer: *mut f32, depth: usize) -> *const f32 {
        let to = buffer.cast::<i16>();
        // SAFETY: guaranteed by the caller: the row has `depth` elements, and the buffer room for whole steps.
        unsafe {
            for k in 0..depth {
                to.add(k).write(i16::from(*row.add(k)));
            }
            if !depth.is_multiple_of(2) {
                to.add(depth).write(0);
            }
        }
        buffer
    }

    #[inline(always)]
    unsafe fn pack(panel: *mut f32, right: Rows<'_, u8>, first: usize, depth: usize, lane: usize, lanes: usize) {
        let widened = |byte: u8| if SIGNED { i16::from(byte as i8) as u16 } else { u16::from(byte) };
        let mut to = panel.cast::<u32>();
        for k in (0..depth).step_by(2) {
            for s in 0..lanes.next_multiple_of(LANES) {
                // SAFETY: guaranteed by the caller: these are elements of the vectors, and the panel has room.
                unsafe {
                    let element = |k: usize| match s < lanes && k < depth {
                        true => u32::from(widened(*right.row(lane + s).add(first + k))),
                        false => 0,
                    };
                    to.write(element(k) | element(k + 1) << 16);
                    to = to.add(1);
                }
            }
        }
    }
}

/// Sixteen pairs of `i16`.
pub(crate) trait WidePairs: SimdU32x16 {
    /// Of each pair the two products, added in 32 bits.
    fn products(self, other: Self) -> Self;
}

/// Products of [`WidenedBytes`].
pub(crate) struct Wide;

impl<L: SimdF32x16<U32: WidePairs>> Multiply<L> for Wide {
    type Left = L::U32;

    #[inline(always)]
    unsafe fn left(from: *const f32) -> L::U32 {
        // SAFETY: the caller has the instruction set and a word to read.
        unsafe { L::U32::splat(L::token(), from.cast::<u32>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn add(left: L::U32, right: L, sum: L) -> L {
        right.bitcast_u32().products(left).add(sum.bitcast_u32()).bitcast_f32()
    }
}
