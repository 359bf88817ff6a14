//! Bodies of [`crate::api::byte_gemm`]: the loop nest of [`super::gemm`], with lanes interpreted as `i32`.

use core::marker::PhantomData;

use super::byte_dot::load_below_16;
use super::factors::Factors;
use super::gemm::Rows;
use super::{LANES, SimdF32x16};

/// Instructions that multiply four or eight bytes and add them up.
pub(crate) trait Bytes {
    /// Bytes of a row, and of a vector, that a step takes: 4 or 8.
    const STEP: usize;
    /// What is added to each byte of a vector (modulo 256) so that the instruction can multiply it.
    const BIAS: u8;

    /// What has to be added to the sum of a row's products.
    ///
    /// # Safety
    /// The instruction set of the implementation is available; `row` is valid for reading `width` elements.
    #[inline(always)]
    unsafe fn correction(row: *const i8, width: usize) -> i32 {
        let _ = (row, width);
        0
    }
}

/// Rows unchanged, vectors interleaved by steps.
pub(crate) struct Steps<B>(PhantomData<B>);

impl<L: SimdF32x16, B: Bytes> Factors<L> for Steps<B> {
    type Left = i8;
    type Right = u8;
    const STEP: usize = B::STEP;
    const IN_WORD: usize = 4;

    #[inline(always)]
    unsafe fn row(row: *const i8, buffer: *mut f32, depth: usize) -> *const f32 {
        if depth.is_multiple_of(B::STEP) {
            return row.cast();
        }
        let to = buffer.cast::<i8>();
        for k in 0..depth.next_multiple_of(B::STEP) {
            // SAFETY: guaranteed by the caller: the row has `depth` elements, and the buffer room for whole steps.
            unsafe { to.add(k).write(if k < depth { *row.add(k) } else { 0 }) };
        }
        buffer
    }

    #[inline(always)]
    unsafe fn pack(panel: *mut f32, right: Rows<'_, u8>, first: usize, depth: usize, lane: usize, lanes: usize) {
        const { assert!(B::STEP == 4 || B::STEP == 8) };
        let mut to = panel.cast::<u8>();
        let mut put = |bytes: u64| {
            let bytes = bytes ^ u64::from_ne_bytes([B::BIAS; 8]);
            // SAFETY: guaranteed by the caller: the panel has room.
            unsafe {
                match B::STEP {
                    4 => to.cast::<u32>().write(bytes as u32),
                    _ => to.cast::<u64>().write(bytes),
                }
                to = to.add(B::STEP);
            }
        };
        for k in (0..depth).step_by(B::STEP) {
            for s in 0..lanes {
                // SAFETY: guaranteed by the caller: these are elements of the vectors.
                put(unsafe {
                    let from = right.row(lane + s).wrapping_add(first + k);
                    match depth - k {
                        rest if rest < B::STEP => load_below_16(from, rest) as u64,
                        _ if B::STEP == 4 => u64::from(from.cast::<u32>().read_unaligned()),
                        _ => from.cast::<u64>().read_unaligned(),
                    }
                });
            }
            (lanes..lanes.next_multiple_of(LANES)).for_each(|_| put(0));
        }
    }

    #[inline(always)]
    unsafe fn start(row: *const i8, width: usize) -> f32 {
        // SAFETY: the caller has a row of `width` elements.
        f32::from_bits(unsafe { B::correction(row, width) } as u32)
    }
}
