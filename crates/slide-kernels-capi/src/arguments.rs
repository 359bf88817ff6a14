//! Conversion of C pointers and lengths to slices and views.

use std::ffi::c_void;

use half::bf16;
use slide_kernels::{Matrix, MatrixMut, RowIds, SparseVector, Table, TableMut, Values, ValuesMut};

use crate::level::Invalid;

/// How the numbers of a table are stored.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlideFormat {
    /// `float`.
    F32 = 0,
    /// The upper half of a `float`, as `uint16_t`.
    Bf16 = 1,
}

/// A matrix of `float`: row `i` is `data[i * stride]` to `data[i * stride + width - 1]`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideMatrix {
    /// `rows * stride` elements.
    pub data: *const f32,
    /// Number of rows.
    pub rows: usize,
    /// Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per row, without padding.
    pub width: usize,
}

/// A matrix that a kernel may write; padding between rows is never written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideMatrixMut {
    /// `rows * stride` elements.
    pub data: *mut f32,
    /// Number of rows.
    pub rows: usize,
    /// Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per row, without padding.
    pub width: usize,
}

/// A table of weights in one of the formats, shaped like a matrix.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideTable {
    /// What `data` points to: a value of `SlideFormat`.
    pub format: u32,
    /// `rows * stride` elements of that format, aligned as the format needs.
    pub data: *const c_void,
    /// Number of rows.
    pub rows: usize,
    /// Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per row, without padding.
    pub width: usize,
}

/// A table of weights that a kernel may write; padding between rows is never written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideTableMut {
    /// What `data` points to: a value of `SlideFormat`.
    pub format: u32,
    /// `rows * stride` elements of that format, aligned as the format needs.
    pub data: *mut c_void,
    /// Number of rows.
    pub rows: usize,
    /// Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
    pub stride: usize,
    /// Elements per row, without padding.
    pub width: usize,
}

/// A vector in one of the formats.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideValues {
    /// What `data` points to: a value of `SlideFormat`.
    pub format: u32,
    /// `length` elements of that format, aligned as the format needs.
    pub data: *const c_void,
    /// Number of elements.
    pub length: usize,
}

/// A sparse vector: element `ids[i]` is `values[i]`, the others are zero.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideSparseVector {
    /// Indices of the listed elements.
    pub ids: *const u32,
    /// Values of the listed elements.
    pub values: *const f32,
    /// Number of listed elements.
    pub length: usize,
}

fn check<T>(pointer: *const T, length: usize) -> Result<(), Invalid> {
    if pointer.is_null() {
        return Err(Invalid(format!("a pointer to {length} elements is NULL")));
    }
    if !pointer.is_aligned() {
        return Err(Invalid(format!("a pointer is not aligned to {} bytes", align_of::<T>())));
    }
    if length > isize::MAX as usize / size_of::<T>() {
        return Err(Invalid(format!("{length} elements are more than an address space holds")));
    }
    Ok(())
}

/// # Safety
/// `data` is valid for reading `length` elements for as long as the slice is used, unless `length` is 0.
pub(crate) unsafe fn slice<'a, T>(data: *const T, length: usize) -> Result<&'a [T], Invalid> {
    if length == 0 {
        return Ok(&[]);
    }
    check(data, length)?;
    // SAFETY: not null, aligned and not too long, by the check; valid as guaranteed by the caller.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// # Safety
/// `data` is valid for reading and writing `length` elements, and nothing else refers to them, for as long as the slice
/// is used, unless `length` is 0.
pub(crate) unsafe fn slice_mut<'a, T>(data: *mut T, length: usize) -> Result<&'a mut [T], Invalid> {
    if length == 0 {
        return Ok(&mut []);
    }
    check(data, length)?;
    // SAFETY: not null, aligned and not too long, by the check; valid as guaranteed by the caller.
    Ok(unsafe { std::slice::from_raw_parts_mut(data, length) })
}

/// The destination of a single result.
///
/// # Safety
/// `out` is null or valid for writing, and nothing else refers to it.
pub(crate) unsafe fn result<'a, T>(out: *mut T) -> Result<&'a mut T, Invalid> {
    // SAFETY: upheld by the caller.
    Ok(&mut unsafe { slice_mut(out, 1) }?[0])
}

pub(crate) fn elements(rows: usize, stride: usize) -> Result<usize, Invalid> {
    rows.checked_mul(stride).ok_or_else(|| Invalid(format!("{rows} rows of {stride} elements overflow")))
}

/// # Safety
/// `ids` is valid for `count` elements.
pub(crate) unsafe fn row_ids<'a>(ids: *const u32, count: usize, bound: usize) -> Result<RowIds<'a>, Invalid> {
    // SAFETY: upheld by the caller.
    Ok(RowIds::new(unsafe { slice(ids, count) }?, bound)?)
}

impl SlideMatrix {
    /// # Safety
    /// `data` is valid for reading what the shape says.
    pub(crate) unsafe fn view<'a>(self) -> Result<Matrix<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        let data = unsafe { slice(self.data, elements(self.rows, self.stride)?) }?;
        Ok(Matrix::new(data, self.stride, self.width)?)
    }
}

impl SlideMatrixMut {
    /// # Safety
    /// `data` is valid for reading and writing what the shape says, and nothing else refers to it.
    pub(crate) unsafe fn view<'a>(self) -> Result<MatrixMut<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        let data = unsafe { slice_mut(self.data, elements(self.rows, self.stride)?) }?;
        Ok(MatrixMut::new(data, self.stride, self.width)?)
    }
}

fn unknown_format(format: u32) -> Invalid {
    Invalid(format!("format is {format}; expected SLIDE_FORMAT_F32 or SLIDE_FORMAT_BF16"))
}

const F32: u32 = SlideFormat::F32 as u32;
const BF16: u32 = SlideFormat::Bf16 as u32;

impl SlideValues {
    /// # Safety
    /// `data` is valid for reading what format and length say.
    pub(crate) unsafe fn view<'a>(self) -> Result<Values<'a>, Invalid> {
        // SAFETY: upheld by the caller; a `bf16` is a `u16`.
        unsafe {
            match self.format {
                F32 => Ok(Values::F32(slice(self.data.cast(), self.length)?)),
                BF16 => Ok(Values::Bf16(slice(self.data.cast(), self.length)?)),
                other => Err(unknown_format(other)),
            }
        }
    }
}

impl SlideSparseVector {
    /// # Safety
    /// `ids` and `values` are valid for reading `length` elements.
    pub(crate) unsafe fn view<'a>(self, bound: usize) -> Result<SparseVector<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        let (ids, values) = unsafe { (row_ids(self.ids, self.length, bound)?, slice(self.values, self.length)?) };
        Ok(SparseVector::new(ids, values)?)
    }
}

impl SlideTable {
    /// # Safety
    /// `data` is valid for reading what format and shape say.
    pub(crate) unsafe fn view<'a>(self) -> Result<Table<'a>, Invalid> {
        let length = elements(self.rows, self.stride)?;
        let values = SlideValues { format: self.format, data: self.data, length };
        // SAFETY: upheld by the caller.
        Ok(Table::new(unsafe { values.view() }?, self.stride, self.width)?)
    }

    /// The same for a kernel that works on `bf16` alone.
    ///
    /// # Safety
    /// `data` is valid for reading what format and shape say.
    pub(crate) unsafe fn view_bf16<'a>(self) -> Result<Matrix<'a, bf16>, Invalid> {
        // SAFETY: upheld by the caller.
        match unsafe { self.view() }?.values() {
            Values::Bf16(values) => Ok(Matrix::new(values, self.stride, self.width)?),
            Values::F32(_) => Err(Invalid("format is SLIDE_FORMAT_F32; expected SLIDE_FORMAT_BF16".into())),
        }
    }
}

impl SlideTableMut {
    /// # Safety
    /// `data` is valid for reading and writing what format and shape say, and nothing else refers to it.
    pub(crate) unsafe fn view<'a>(self) -> Result<TableMut<'a>, Invalid> {
        let length = elements(self.rows, self.stride)?;
        // SAFETY: upheld by the caller; a `bf16` is a `u16`.
        let values = unsafe {
            match self.format {
                F32 => ValuesMut::F32(slice_mut(self.data.cast(), length)?),
                BF16 => ValuesMut::Bf16(slice_mut(self.data.cast(), length)?),
                other => return Err(unknown_format(other)),
            }
        };
        Ok(TableMut::new(values, self.stride, self.width)?)
    }
}
