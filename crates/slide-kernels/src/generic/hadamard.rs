//! Body of [`crate::api::hadamard`], and the steps of the transform that SimHash shares.

use super::{LANES, SimdF32x16, Swap};
use crate::MatrixMut;
use crate::scalar::hadamard::transform;

/// # Safety
/// The instruction set of `L` is available; the width is a power of two.
#[inline(always)]
pub(crate) unsafe fn hadamard<L: Swap>(mut vectors: MatrixMut<'_>) {
    for i in 0..vectors.rows() {
        let row = vectors.row_mut(i);
        let start = row.as_mut_ptr();
        // SAFETY: the instruction set is guaranteed by the caller; the row has as many elements as each arm needs.
        unsafe {
            match row.len() {
                0..16 => transform(row),
                16 => in_place::<L, 1>(start),
                32 => in_place::<L, 2>(start),
                64 => in_place::<L, 4>(start),
                width => {
                    for first in (0..width).step_by(L::BLOCK) {
                        if L::BLOCK == 64 {
                            in_place::<L, 4>(start.add(first));
                        } else {
                            in_place::<L, 8>(start.add(first));
                        }
                    }
                    longer::<L>(start, width);
                }
            }
        }
    }
}

/// # Safety
/// The instruction set of `L` is available; `x` is valid for `16 * N` elements.
#[inline(always)]
unsafe fn in_place<L: Swap, const N: usize>(x: *mut f32) {
    // SAFETY: the caller has the instruction set and `16 * N` elements: vector `i < N` is 16 of them.
    unsafe {
        for (i, lanes) in in_registers::<L, N>(|i| L::load(x.add(i * LANES))).into_iter().enumerate() {
            lanes.store(x.add(i * LANES));
        }
    }
}

/// The transform of `16 * N` coordinates, `N` a power of two, of which `load(i)` loads 16. (They go through the steps within
/// a vector one after the other: AVX2 has no registers for all of them and what those steps need.)
///
/// # Safety
/// The instruction set of `L` is available.
#[inline(always)]
pub(crate) unsafe fn in_registers<L: Swap, const N: usize>(load: impl Fn(usize) -> L) -> [L; N] {
    // SAFETY: as above; the tables have 16 elements.
    unsafe {
        let mut x = [L::zero(L::token()); N];
        for (i, x) in x.iter_mut().enumerate() {
            *x = load(i);
            *x = x.fma(L::load(SIGNS[0].as_ptr()), x.swap_1());
            *x = x.fma(L::load(SIGNS[1].as_ptr()), x.swap_2());
            *x = x.fma(L::load(SIGNS[2].as_ptr()), x.swap_4());
            *x = x.fma(L::load(SIGNS[3].as_ptr()), x.swap_8());
        }
        butterflies(x)
    }
}

/// Sums and differences of all pairs at the distances 1, 2, ..., `N / 2`.
#[inline(always)]
pub(crate) fn butterflies<L: SimdF32x16, const N: usize>(mut x: [L; N]) -> [L; N] {
    let mut h = 1;
    while h < N {
        for i in 0..N {
            if i & h == 0 {
                (x[i], x[i + h]) = (x[i].add(x[i + h]), x[i].sub(x[i + h]));
            }
        }
        h *= 2;
    }
    x
}

/// The steps from a distance of `L::BLOCK` on, two at a time.
///
/// # Safety
/// The instruction set of `L` is available; `x` is valid for `width` elements, a power of two, at least `L::BLOCK`.
#[inline(always)]
pub(crate) unsafe fn longer<L: Swap>(x: *mut f32, width: usize) {
    // SAFETY: the caller has the instruction set and `width` elements; blocks and pairs of them end at `width`.
    unsafe {
        let mut h = L::BLOCK;
        while 4 * h <= width {
            steps::<L, 4>(x, h, width);
            h *= 4;
        }
        if h < width {
            steps::<L, 2>(x, h, width);
        }
    }
}

/// The steps at the distances `h`, ..., `N h / 2`.
///
/// # Safety
/// The instruction set of `L` is available; `x` is valid for `width` elements, a multiple of `N * h`; `h` is a multiple of 16.
#[inline(always)]
unsafe fn steps<L: SimdF32x16, const N: usize>(x: *mut f32, h: usize, width: usize) {
    for start in (0..width).step_by(N * h) {
        for i in (start..start + h).step_by(LANES) {
            // SAFETY: as above; `i + (N - 1) * h + 16` is at most `start + N * h`.
            unsafe {
                let parts: [L; N] = core::array::from_fn(|j| L::load(x.add(i + j * h)));
                for (j, part) in butterflies(parts).into_iter().enumerate() {
                    part.store(x.add(i + j * h));
                }
            }
        }
    }
}

/// `1` in the lanes that become the sum of a pair, `-1` in those that become its difference, for distances 1, 2, 4, 8:
/// `fma(x, 1, y) = x + y` and `fma(x, -1, y) = y - x`, rounded once as the sum and the difference are.
static SIGNS: [[f32; LANES]; 4] = {
    let mut signs = [[1.0; LANES]; 4];
    let mut i = 0;
    while i < 4 * LANES {
        if ((i % LANES) >> (i / LANES)) & 1 == 1 {
            signs[i / LANES][i % LANES] = -1.0;
        }
        i += 1;
    }
    signs
};
