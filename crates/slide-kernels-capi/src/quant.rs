//! Quantisation to eight bits, and products of quantised vectors.

use slide_kernels::{Affine, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut};

use crate::arguments::{SlideMatrix, SlideTable, elements, result, row_ids, slice, slice_mut};
use crate::level::{Invalid, SlideKernels, SlideStatus, call, resolve};

/// A matrix of bytes: row `i` is `data[i * stride]` to `data[i * stride + width - 1]`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideMatrixI8 {
    /// `rows * stride` elements.
    pub data: *const i8,
    /// Number of rows.
    pub rows: usize,
    /// Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per row, without padding.
    pub width: usize,
}

impl SlideMatrixI8 {
    /// # Safety
    /// `data` is valid for reading what the shape says.
    unsafe fn view<'a>(self) -> Result<MatrixI8<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        let values = unsafe { slice(self.data, elements(self.rows, self.stride)?) }?;
        Ok(MatrixI8::new(values, self.stride, self.width)?)
    }
}

/// A matrix of unsigned bytes: row `i` is `data[i * stride]` to `data[i * stride + width - 1]`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideMatrixU8 {
    /// `rows * stride` elements.
    pub data: *const u8,
    /// Number of rows.
    pub rows: usize,
    /// Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per row, without padding.
    pub width: usize,
}

impl SlideMatrixU8 {
    /// # Safety
    /// `data` is valid for reading what the shape says.
    unsafe fn view<'a>(self) -> Result<Matrix<'a, u8>, Invalid> {
        // SAFETY: upheld by the caller.
        let values = unsafe { slice(self.data, elements(self.rows, self.stride)?) }?;
        Ok(Matrix::new(values, self.stride, self.width)?)
    }
}

/// A table of weights in eight bits: element `k` of row `i` represents `scales[i] * values.data[i * stride + k]`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideQuantizedTable {
    /// The elements.
    pub values: SlideMatrixI8,
    /// The scale of each row.
    pub scales: *const f32,
    /// The sum of the elements of each row.
    pub sums: *const i32,
}

impl SlideQuantizedTable {
    /// # Safety
    /// The pointers are valid for what the shape says.
    unsafe fn view<'a>(self) -> Result<QuantizedTable<'a>, Invalid> {
        let rows = self.values.rows;
        // SAFETY: upheld by the caller.
        unsafe { Ok(QuantizedTable::new(self.values.view()?, slice(self.scales, rows)?, slice(self.sums, rows)?)?) }
    }
}

/// A table of weights in eight bits that a kernel may write; padding between rows is never written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideQuantizedTableMut {
    /// `rows * stride` elements.
    pub values: *mut i8,
    /// The scale of each row.
    pub scales: *mut f32,
    /// The sum of the elements of each row.
    pub sums: *mut i32,
    /// Number of rows.
    pub rows: usize,
    /// Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per row, without padding.
    pub width: usize,
}

impl SlideQuantizedTableMut {
    /// # Safety
    /// The pointers are valid for what the shape says, and nothing else refers to what they point to.
    unsafe fn view<'a>(self) -> Result<QuantizedTableMut<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        unsafe {
            let values = slice_mut(self.values, elements(self.rows, self.stride)?)?;
            let (scales, sums) = (slice_mut(self.scales, self.rows)?, slice_mut(self.sums, self.rows)?);
            Ok(QuantizedTableMut::new(values, scales, sums, self.stride, self.width)?)
        }
    }
}

/// The affine quantisation of a vector: byte `q` represents `scale * (q - zero_point)`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideAffine {
    /// The difference between the values of two consecutive bytes.
    pub scale: f32,
    /// The byte that represents 0.
    pub zero_point: u8,
}

// Arrays of the one are read as arrays of the other.
const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<SlideAffine>() == size_of::<Affine>() && align_of::<SlideAffine>() == align_of::<Affine>());
    assert!(offset_of!(SlideAffine, scale) == offset_of!(Affine, scale));
    assert!(offset_of!(SlideAffine, zero_point) == offset_of!(Affine, zero_point));
};

impl From<SlideAffine> for Affine {
    fn from(SlideAffine { scale, zero_point }: SlideAffine) -> Affine {
        Affine { scale, zero_point }
    }
}

impl From<Affine> for SlideAffine {
    fn from(Affine { scale, zero_point }: Affine) -> SlideAffine {
        SlideAffine { scale, zero_point }
    }
}

/// Vectors in eight bits that a kernel may write, each with its scale and zero point; what lies between the vectors
/// is never written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideQuantizedBatchMut {
    /// `rows * stride` elements.
    pub values: *mut u8,
    /// The quantisation of each vector.
    pub affine: *mut SlideAffine,
    /// Number of vectors.
    pub rows: usize,
    /// Distance between the starts of consecutive vectors, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per vector, without padding.
    pub width: usize,
}

impl SlideQuantizedBatchMut {
    /// # Safety
    /// The pointers are valid for what the shape says, and nothing else refers to what they point to.
    unsafe fn view<'a>(self) -> Result<QuantizedBatchMut<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        unsafe {
            let values = slice_mut(self.values, elements(self.rows, self.stride)?)?;
            let affine = slice_mut(self.affine.cast(), self.rows)?;
            Ok(QuantizedBatchMut::new(values, affine, self.stride, self.width)?)
        }
    }
}

/// Rows to eight bits, symmetric: `s = max |x| / 127` of the row, `q = round(x * (1 / s))`, and the sum of the `q`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_quantize_rows_i8(
    kernels: *const SlideKernels,
    table: SlideTable,
    out: SlideQuantizedTableMut,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.quantize_rows_i8(table.view()?, out.view()?);
        Ok(())
    })
}

/// A vector to eight bits, symmetric: `*scale = max |values[k]| / 127`, `out[k] = round(values[k] / *scale)`.
///
/// # Safety
/// `values` and `out` are valid for `length` elements, `scale` for one; what is written does not overlap with
/// anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_quantize_i8(
    kernels: *const SlideKernels,
    values: *const f32,
    length: usize,
    out: *mut i8,
    scale: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (out, scale) = (slice_mut(out, length)?, result(scale)?);
        *scale = resolve(kernels)?.quantize_i8(slice(values, length)?, out);
        Ok(())
    })
}

/// Vectors to eight bits, asymmetric: `s = (max(x, 0) - min(x, 0)) / 255` of the vector, `z = round(-min(x, 0) / s)`,
/// `q = round(fma(x, 1 / s, z))`, at least 0 and at most 255.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_quantize_rows_u8(
    kernels: *const SlideKernels,
    vectors: SlideMatrix,
    out: SlideQuantizedBatchMut,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.quantize_rows_u8(vectors.view()?, out.view()?);
        Ok(())
    })
}

/// A vector to eight bits, asymmetric, as `slide_quantize_rows_u8`.
///
/// # Safety
/// `values` and `out` are valid for `length` elements, `affine` for one; what is written does not overlap with
/// anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_quantize_u8(
    kernels: *const SlideKernels,
    values: *const f32,
    length: usize,
    out: *mut u8,
    affine: *mut SlideAffine,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (out, affine) = (slice_mut(out, length)?, result(affine)?);
        *affine = resolve(kernels)?.quantize_u8(slice(values, length)?, out).into();
        Ok(())
    })
}

/// `out[k] = scale * values[k]`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dequantize_i8(
    kernels: *const SlideKernels,
    values: *const i8,
    length: usize,
    scale: f32,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.dequantize_i8(slice(values, length)?, scale, slice_mut(out, length)?);
        Ok(())
    })
}

/// `out[k] = affine.scale * (values[k] - affine.zero_point)`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dequantize_u8(
    kernels: *const SlideKernels,
    values: *const u8,
    length: usize,
    affine: SlideAffine,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.dequantize_u8(slice(values, length)?, affine.into(), slice_mut(out, length)?);
        Ok(())
    })
}

/// `out[i] = sum_k values[i][k]` for all rows.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_row_sums_i8(
    kernels: *const SlideKernels,
    values: SlideMatrixI8,
    out: *mut i32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.row_sums_i8(values.view()?, slice_mut(out, values.rows)?);
        Ok(())
    })
}

/// `*out = sum_i a[i] * b[i]`, exact up to 131,071 elements; beyond, modulo `2^32`.
///
/// # Safety
/// Pointers are valid for their lengths, and `out` for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dot_i8(
    kernels: *const SlideKernels,
    a: *const i8,
    b: *const i8,
    length: usize,
    out: *mut i32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.dot_i8(slice(a, length)?, slice(b, length)?);
        Ok(())
    })
}

/// `*out = sum_i a[i] * b[i]`, exact up to 65,793 elements; beyond, modulo `2^32`.
///
/// # Safety
/// Pointers are valid for their lengths, and `out` for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dot_u8_i8(
    kernels: *const SlideKernels,
    a: *const u8,
    b: *const i8,
    length: usize,
    out: *mut i32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.dot_u8_i8(slice(a, length)?, slice(b, length)?);
        Ok(())
    })
}

/// `out[i] = <values[rows[i]], vector>` for `count` rows, in integers; `vector` has `values.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_rows_dot_i8(
    kernels: *const SlideKernels,
    values: SlideMatrixI8,
    rows: *const u32,
    count: usize,
    vector: *const i8,
    out: *mut i32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, values.rows)?;
        let (vector, out) = (slice(vector, values.width)?, slice_mut(out, count)?);
        resolve(kernels)?.rows_dot_i8(values.view()?, rows, vector, out);
        Ok(())
    })
}

/// `out[i] = <values[rows[i]], vector>` for `count` rows, in integers; `vector` has `values.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_rows_dot_u8_i8(
    kernels: *const SlideKernels,
    values: SlideMatrixI8,
    rows: *const u32,
    count: usize,
    vector: *const u8,
    out: *mut i32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, values.rows)?;
        let (vector, out) = (slice(vector, values.width)?, slice_mut(out, count)?);
        resolve(kernels)?.rows_dot_u8_i8(values.view()?, rows, vector, out);
        Ok(())
    })
}

/// `out[i] = table.scales[n] * scale * <table[n], vector>`, with `n = rows[i]`, for `count` rows; `vector` has
/// `table.values.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_rows_dot_i8_scaled(
    kernels: *const SlideKernels,
    table: SlideQuantizedTable,
    rows: *const u32,
    count: usize,
    vector: *const i8,
    scale: f32,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.values.rows)?;
        let (vector, out) = (slice(vector, table.values.width)?, slice_mut(out, count)?);
        resolve(kernels)?.rows_dot_i8_scaled(table.view()?, rows, vector, scale, out);
        Ok(())
    })
}

/// `out[i] = table.scales[n] * affine.scale * <table[n], vector - affine.zero_point>`, with `n = rows[i]`, for
/// `count` rows; `vector` has `table.values.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_rows_dot_u8_i8_scaled(
    kernels: *const SlideKernels,
    table: SlideQuantizedTable,
    rows: *const u32,
    count: usize,
    vector: *const u8,
    affine: SlideAffine,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.values.rows)?;
        let (vector, out) = (slice(vector, table.values.width)?, slice_mut(out, count)?);
        resolve(kernels)?.rows_dot_u8_i8_scaled(table.view()?, rows, vector, affine.into(), out);
        Ok(())
    })
}

/// `out[r * vectors.rows + s] = <values[rows[r]], vectors[s]>` for `count` rows and all vectors, in integers: exact up to 131,071
/// elements; beyond, modulo `2^32`. `vectors.width` is `values.width`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_gemm_i8(
    kernels: *const SlideKernels,
    values: SlideMatrixI8,
    rows: *const u32,
    count: usize,
    vectors: SlideMatrixI8,
    out: *mut i32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (rows, out) = (row_ids(rows, count, values.rows)?, slice_mut(out, elements(count, vectors.rows)?)?);
        resolve(kernels)?.gemm_i8(values.view()?, rows, vectors.view()?, out);
        Ok(())
    })
}

/// `out[r * vectors.rows + s] = <values[rows[r]], vectors[s]>` for `count` rows and all vectors, in integers: exact up to 65,793
/// elements; beyond, modulo `2^32`. `vectors.width` is `values.width`.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_gemm_u8_i8(
    kernels: *const SlideKernels,
    values: SlideMatrixI8,
    rows: *const u32,
    count: usize,
    vectors: SlideMatrixU8,
    out: *mut i32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (rows, out) = (row_ids(rows, count, values.rows)?, slice_mut(out, elements(count, vectors.rows)?)?);
        resolve(kernels)?.gemm_u8_i8(values.view()?, rows, vectors.view()?, out);
        Ok(())
    })
}
