//! SimHash: signs of random projections, by the fast Hadamard transform or by a matrix of signs.

use slide_kernels::hash::{SignedProjection, SimHash};
use slide_kernels::{Kernels, Matrix, RowIds};

use crate::arguments::{SlideMatrix, SlideSparseVector, elements, result, slice, slice_mut};
use crate::level::{Invalid, SlideKernels, SlideStatus, call, resolve};

/// Writes the code of each row of `vectors` for each of `tables` tables, of hash functions of any family.
///
/// # Safety
/// `kernels` is null or a handle; `vectors` points to what its shape says, and `out` to an element for each row and table,
/// to which nothing else refers.
pub(crate) unsafe fn codes<F>(
    kernel: fn(&Kernels, &F, Matrix<'_>, &mut [u32]),
    kernels: *const SlideKernels,
    functions: F,
    tables: usize,
    vectors: SlideMatrix,
    out: *mut u32,
) -> Result<(), Invalid> {
    // SAFETY: upheld by the caller.
    unsafe {
        let out = slice_mut(out, elements(vectors.rows, tables)?)?;
        kernel(resolve(kernels)?, &functions, vectors.view()?, out);
    }
    Ok(())
}

/// The same for a sparse vector of `width` coordinates: one code for each table.
///
/// # Safety
/// `kernels` is null or a handle; `vector` points to as many elements as it lists, and `out` to one for each table, to which
/// nothing else refers.
pub(crate) unsafe fn codes_sparse<F>(
    kernel: fn(&Kernels, &F, RowIds<'_>, &[f32], &mut [u32]),
    kernels: *const SlideKernels,
    functions: F,
    width: usize,
    tables: usize,
    vector: SlideSparseVector,
    out: *mut u32,
) -> Result<(), Invalid> {
    // SAFETY: upheld by the caller.
    unsafe {
        let (vector, out) = (vector.view(width)?, slice_mut(out, tables)?);
        kernel(resolve(kernels)?, &functions, vector.ids(), vector.values(), out);
    }
    Ok(())
}

/// Signed random projections by random signs and fast Hadamard transforms, for dense vectors.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideSimHash {
    /// The width of the vectors.
    pub width: usize,
    /// Bits per code, at most 32.
    pub bits: usize,
    /// Codes per vector.
    pub tables: usize,
    /// As many words as `slide_simhash_signs_length` says, drawn by `slide_simhash_draw_signs`.
    pub signs: *const u32,
}

impl SlideSimHash {
    /// # Safety
    /// `signs` is valid for its length.
    unsafe fn view<'a>(self) -> Result<SimHash<'a>, Invalid> {
        let length = SimHash::signs_len(self.width, self.bits, self.tables)?;
        // SAFETY: upheld by the caller.
        Ok(SimHash::new(self.width, self.bits, self.tables, unsafe { slice(self.signs, length) }?)?)
    }
}

/// `*length` is the number of words of signs that such functions need.
///
/// # Safety
/// `length` is valid for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_simhash_signs_length(
    width: usize,
    bits: usize,
    tables: usize,
    length: *mut usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(length)? = SimHash::signs_len(width, bits, tables)?;
        Ok(())
    })
}

/// Draws the signs: words of 0 (plus) or `0x80000000` (minus).
///
/// # Safety
/// `signs` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_simhash_draw_signs(seed: u64, signs: *mut u32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        SimHash::draw_signs(seed, slice_mut(signs, length)?);
        Ok(())
    })
}

/// `out[v * tables + t]` is the code of row `v` of `vectors` for table `t`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_simhash_codes(
    kernels: *const SlideKernels,
    functions: SlideSimHash,
    vectors: SlideMatrix,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe { codes(Kernels::simhash_codes, kernels, functions.view()?, functions.tables, vectors, out) })
}

/// Signed random projections by a matrix of random signs, for sparse vectors.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideSignedProjection {
    /// The width of the vectors.
    pub width: usize,
    /// Bits per code, at most 32.
    pub bits: usize,
    /// Codes per vector.
    pub tables: usize,
    /// As many words as `slide_projection_signs_length` says, drawn by `slide_projection_draw_signs`.
    pub signs: *const u32,
}

impl SlideSignedProjection {
    /// # Safety
    /// `signs` is valid for its length.
    unsafe fn view<'a>(self) -> Result<SignedProjection<'a>, Invalid> {
        let length = SignedProjection::signs_len(self.width, self.bits, self.tables)?;
        // SAFETY: upheld by the caller.
        Ok(SignedProjection::new(self.width, self.bits, self.tables, unsafe { slice(self.signs, length) }?)?)
    }
}

/// `*length` is the number of words of signs that such functions need.
///
/// # Safety
/// `length` is valid for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_projection_signs_length(
    width: usize,
    bits: usize,
    tables: usize,
    length: *mut usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(length)? = SignedProjection::signs_len(width, bits, tables)?;
        Ok(())
    })
}

/// Draws the signs: a bit for each coordinate and projection.
///
/// # Safety
/// `signs` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_projection_draw_signs(seed: u64, signs: *mut u32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        SignedProjection::draw_signs(seed, slice_mut(signs, length)?);
        Ok(())
    })
}

/// `out[v * tables + t]` is the code of row `v` of `vectors` for table `t`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_projection_codes(
    kernels: *const SlideKernels,
    functions: SlideSignedProjection,
    vectors: SlideMatrix,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe { codes(Kernels::projection_codes, kernels, functions.view()?, functions.tables, vectors, out) })
}

/// `out[t]` is the code for table `t` of the vector with `values[j]` at coordinate `ids[j]`, for `count` of them, and
/// zeros elsewhere.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_projection_codes_sparse(
    kernels: *const SlideKernels,
    functions: SlideSignedProjection,
    ids: *const u32,
    values: *const f32,
    count: usize,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let SlideSignedProjection { width, tables, .. } = functions;
        let vector = SlideSparseVector { ids, values, length: count };
        codes_sparse(Kernels::projection_codes_sparse, kernels, functions.view()?, width, tables, vector, out)
    })
}
