//! Body of [`crate::api::axpy`].

use super::tiles::{Tiled, for_tiles};
use super::{LANES, SimdF32x16, Storage};
use crate::Values;

/// # Safety
/// The contract of [`crate::api::axpy::Table::axpy`].
#[inline(always)]
pub(crate) unsafe fn axpy<L: SimdF32x16>(a: f32, x: Values<'_>, y: &mut [f32]) {
    let (width, y) = (y.len(), y.as_mut_ptr());
    // SAFETY: a `Kernels` value proves the level, and `Kernels::axpy` asserted that the lengths are equal.
    unsafe {
        let a = L::splat(L::token(), a);
        match x {
            Values::F32(x) => for_tiles::<L, 4>(width, &mut Axpy { a, x: x.as_ptr(), y }),
            Values::Bf16(x) => for_tiles::<L, 4>(width, &mut Axpy { a, x: x.as_ptr(), y }),
        }
    }
}

/// `y += a x`.
pub(super) struct Axpy<L, S> {
    pub(super) a: L,
    pub(super) x: *const S,
    pub(super) y: *mut f32,
}

impl<L: SimdF32x16, S: Storage> Tiled<L> for Axpy<L, S> {
    #[inline(always)]
    unsafe fn tile<const T: usize, const MASKED: bool>(&mut self, k: usize, count: usize) {
        // SAFETY: whoever made the value guaranteed the instruction set and the lengths, of which `for_tiles` says that the tile
        // is part.
        unsafe {
            for k in (k..).step_by(LANES).take(T) {
                let (x, y) = (self.x.add(k), self.y.add(k));
                if MASKED {
                    let mask = L::first(count);
                    S::load_masked::<L>(x, count).fma(self.a, L::load_masked(y, mask)).store_masked(y, mask);
                } else {
                    S::load::<L>(x).fma(self.a, L::load(y)).store(y);
                }
            }
        }
    }
}
