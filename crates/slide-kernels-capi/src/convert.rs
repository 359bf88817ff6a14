//! Conversions between formats.

use crate::arguments::{slice, slice_mut};
use crate::level::{SlideKernels, SlideStatus, call, resolve};
use crate::update::SlideRounding;

/// `to[i]` is `from[i]` as `bf16`; for stochastic rounding, element `i` of row 0.
///
/// # Safety
/// Pointers are valid for `length` elements, and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_f32_to_bf16(
    kernels: *const SlideKernels,
    from: *const f32,
    length: usize,
    rounding: SlideRounding,
    to: *mut u16,
) -> SlideStatus {
    // SAFETY: upheld by the caller; a `bf16` is a `u16`.
    call(|| unsafe {
        resolve(kernels)?.f32_to_bf16(slice(from, length)?, rounding.value()?, slice_mut(to.cast(), length)?);
        Ok(())
    })
}

/// `to[i] = from[i]`, exactly, from `bf16`.
///
/// # Safety
/// Pointers are valid for `length` elements, and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_bf16_to_f32(
    kernels: *const SlideKernels,
    from: *const u16,
    length: usize,
    to: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller; a `bf16` is a `u16`.
    call(|| unsafe {
        resolve(kernels)?.bf16_to_f32(slice(from.cast(), length)?, slice_mut(to, length)?);
        Ok(())
    })
}

/// `to[i]` is `from[i]` as IEEE 754 binary16, to the nearest.
///
/// # Safety
/// Pointers are valid for `length` elements, and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_f32_to_f16(
    kernels: *const SlideKernels,
    from: *const f32,
    length: usize,
    to: *mut u16,
) -> SlideStatus {
    // SAFETY: upheld by the caller; an `f16` is a `u16`.
    call(|| unsafe {
        resolve(kernels)?.f32_to_f16(slice(from, length)?, slice_mut(to.cast(), length)?);
        Ok(())
    })
}

/// `to[i] = from[i]`, exactly, from IEEE 754 binary16.
///
/// # Safety
/// Pointers are valid for `length` elements, and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_f16_to_f32(
    kernels: *const SlideKernels,
    from: *const u16,
    length: usize,
    to: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller; an `f16` is a `u16`.
    call(|| unsafe {
        resolve(kernels)?.f16_to_f32(slice(from.cast(), length)?, slice_mut(to, length)?);
        Ok(())
    })
}
