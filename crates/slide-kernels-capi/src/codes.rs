//! Hash codes as bits: packed into bucket numbers, and compared.

use crate::arguments::{elements, result, row_ids, slice, slice_mut};
use crate::level::{SlideKernels, SlideStatus, call, resolve};

/// Packs `count` values of `bits` bits into `tables` bucket numbers: `out[t]` has `values[k * tables + t]` at bit
/// `k * bits`.
///
/// # Safety
/// `values` is valid for `count` elements, `out` for `tables`; they do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_pack_codes(
    kernels: *const SlideKernels,
    values: *const u32,
    count: usize,
    bits: u32,
    out: *mut u32,
    tables: usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.pack_codes(slice(values, count)?, bits, slice_mut(out, tables)?);
        Ok(())
    })
}

/// `*out` is the number of bits in which two codes of `words` words differ.
///
/// # Safety
/// `a` and `b` are valid for `words` elements, `out` for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_hamming(
    kernels: *const SlideKernels,
    a: *const u64,
    b: *const u64,
    words: usize,
    out: *mut u64,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.hamming(slice(a, words)?, slice(b, words)?);
        Ok(())
    })
}

/// `out[i]` is the number of bits in which code `i` of `count`, which starts at `codes[i * words]`, differs from
/// `code`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_hamming_rows(
    kernels: *const SlideKernels,
    codes: *const u64,
    count: usize,
    code: *const u64,
    words: usize,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (code, out) = (slice(code, words)?, slice_mut(out, count)?);
        resolve(kernels)?.hamming_rows(slice(codes, elements(count, words)?)?, code, out);
        Ok(())
    })
}

/// `out[i]` is the number of bits in which code `rows[i]` of `code_count`, which starts at `codes[rows[i] * words]`,
/// differs from `code`, for `count` rows.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_hamming_scattered(
    kernels: *const SlideKernels,
    codes: *const u64,
    code_count: usize,
    rows: *const u32,
    count: usize,
    code: *const u64,
    words: usize,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (rows, code, out) = (row_ids(rows, count, code_count)?, slice(code, words)?, slice_mut(out, count)?);
        resolve(kernels)?.hamming_scattered(slice(codes, elements(code_count, words)?)?, rows, code, out);
        Ok(())
    })
}
