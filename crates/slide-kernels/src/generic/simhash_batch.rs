//! Body of SimHash ([`crate::api::hash`]) for sixteen vectors at a time.
//!
//! Coordinates of sixteen vectors side by side need no exchange of lanes in the transform, and a projection's bits for
//! all of them are one comparison.

use core::mem::MaybeUninit;

use super::columns::{Transpose, write_codes, write_columns};
use super::hadamard::butterflies;
use super::{Compare, LANES, SimdU32x16};
use crate::Matrix;
use crate::api::hash::SimHash;

/// Elements of each of the two scratch spaces: coordinates, which give way to the codes, and projections.
const SCRATCH: usize = 8192;
/// Projections whose signs there is room for.
const PROJECTIONS: usize = 4096;

/// Whether a batch has room.
#[inline(always)]
pub(crate) fn fits(functions: &SimHash) -> bool {
    let columns = functions.padded_width().max(functions.tables());
    columns * LANES <= SCRATCH && functions.signs().len() <= PROJECTIONS
}

/// Codes of the rows from `first` on, as many as `out` has room for, at most 16.
///
/// # Safety
/// The instruction set of `L` is available; the shapes fit, and [`fits`] says so too; `columns` and `projections` are valid
/// for writing `SCRATCH` elements.
#[inline(always)]
pub(crate) unsafe fn codes<L: Compare + Transpose>(
    functions: &SimHash,
    vectors: Matrix<'_>,
    first: usize,
    out: &mut [u32],
    columns: *mut f32,
    projections: *mut f32,
) {
    let (tables, padded) = (functions.tables(), functions.padded_width());
    let mut positive = MaybeUninit::<[u16; PROJECTIONS]>::uninit();
    let positive = positive.as_mut_ptr().cast::<u16>();
    // SAFETY: as above. Each round writes `padded` projections and their signs before they are read; the rounds have
    // `signs.len()` of them, at least `bits * tables`.
    unsafe {
        let simd = L::token();
        write_columns::<L>(vectors, first, out.len() / tables, 0.0, padded, columns);
        for (round, signs) in functions.signs().chunks_exact(padded).enumerate() {
            let positive = positive.add(round * padded);
            for start in (0..padded).step_by(16) {
                // Loops, not `from_fn`, whose closure is not always inlined.
                let mut x = [L::zero(simd); 16];
                for (i, (x, &sign)) in x.iter_mut().zip(&signs[start..start + 16]).enumerate() {
                    let column = L::load(columns.add((start + i) * LANES));
                    *x = column.bitcast_u32().xor(L::U32::splat(simd, sign)).bitcast_f32();
                }
                finish::<L, 16>(butterflies(x), start, 1, padded == 16, projections, positive);
            }
            let mut h = 16;
            while h < padded {
                // As many steps at once as there are left, at most four.
                match padded / h {
                    2 => steps::<L, 2>(h, padded, projections, positive),
                    4 => steps::<L, 4>(h, padded, projections, positive),
                    8 => steps::<L, 8>(h, padded, projections, positive),
                    _ => steps::<L, 16>(h, padded, projections, positive),
                }
                h *= 16;
            }
        }
        let codes = columns.cast::<u32>();
        for t in 0..tables {
            let mut code = L::U32::splat(simd, 0);
            for bit in 0..functions.bits() {
                let set = L::mask_from_bits(simd, u32::from(*positive.add(bit * tables + t)));
                code = code.or(L::U32::splat(simd, 1 << bit)).select(set, code);
            }
            code.store(codes.add(t * LANES));
        }
        write_codes::<L>(codes, tables, out);
    }
}

/// The steps of the transform at the distances `h`, `2 h`, ..., `N h / 2`.
///
/// # Safety
/// The instruction set of `L` is available; `projections` is valid for `16 * padded` elements, `positive` for `padded`; `padded`
/// is a multiple of `N * h`.
#[inline(always)]
unsafe fn steps<L: Compare, const N: usize>(h: usize, padded: usize, projections: *mut f32, positive: *mut u16) {
    for start in (0..padded).step_by(N * h) {
        for i in start..start + h {
            // SAFETY: as above; `i + (N - 1) * h` is less than `padded`.
            unsafe {
                let mut x = [L::zero(L::token()); N];
                for (j, x) in x.iter_mut().enumerate() {
                    *x = L::load(projections.add((i + j * h) * LANES));
                }
                finish::<L, N>(butterflies(x), i, h, N * h == padded, projections, positive);
            }
        }
    }
}

/// Keeps the coordinates `start + j * h`, or, after the last step, the set of vectors where each is positive.
///
/// # Safety
/// The instruction set of `L` is available; `projections` and `positive` are valid for writing those coordinates.
#[inline(always)]
unsafe fn finish<L: Compare, const N: usize>(
    x: [L; N],
    start: usize,
    h: usize,
    last: bool,
    projections: *mut f32,
    positive: *mut u16,
) {
    for (j, x) in x.into_iter().enumerate() {
        // SAFETY: the caller has the instruction set and those coordinates of both.
        unsafe {
            let simd = L::token();
            if last {
                positive.add(start + j * h).write(L::mask_to_bits(simd, x.greater(L::zero(simd))) as u16);
            } else {
                x.store(projections.add((start + j * h) * LANES));
            }
        }
    }
}
