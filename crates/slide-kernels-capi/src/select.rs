//! The best few of many scores.

use crate::arguments::{result, slice, slice_mut};
use crate::level::{SlideKernels, SlideStatus, call, resolve};

/// The `k` greatest of `count` scores, best first, and where they stand; `*found` is `k`, or `count` if that is less.
/// Of equal scores the earlier comes first; NaN comes last.
///
/// # Safety
/// `scores` is valid for `count` elements, `indices` and `values` for `k`, `found` for one; what is written does not
/// overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_top_k(
    kernels: *const SlideKernels,
    scores: *const f32,
    count: usize,
    indices: *mut u32,
    values: *mut f32,
    k: usize,
    found: *mut usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (indices, values, found) = (slice_mut(indices, k)?, slice_mut(values, k)?, result(found)?);
        *found = resolve(kernels)?.top_k(slice(scores, count)?, indices, values);
        Ok(())
    })
}

/// Those of `count` scores above the threshold, ascending by where they stand; `*found` is how many there are. Beyond
/// `capacity` they are only counted.
///
/// # Safety
/// `scores` is valid for `count` elements, `indices` and `values` for `capacity`, `found` for one; what is written
/// does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_select_above(
    kernels: *const SlideKernels,
    scores: *const f32,
    count: usize,
    threshold: f32,
    indices: *mut u32,
    values: *mut f32,
    capacity: usize,
    found: *mut usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (indices, values, found) = (slice_mut(indices, capacity)?, slice_mut(values, capacity)?, result(found)?);
        *found = resolve(kernels)?.select_above(slice(scores, count)?, threshold, indices, values);
        Ok(())
    })
}
