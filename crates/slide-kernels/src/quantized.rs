//! Borrowed views of matrices quantised to eight bits.

use crate::views::{ShapeError, check_rows, check_shape};

/// A matrix of `i8`, row-major: row `i` is `values[i * stride..][..width]`.
#[derive(Clone, Copy, Debug)]
pub struct MatrixI8<'a> {
    values: &'a [i8],
    stride: usize,
    width: usize,
}

impl<'a> MatrixI8<'a> {
    /// A view of `values.len() / stride` rows of `width` elements.
    ///
    /// # Errors
    /// If `stride` is 0 or less than `width`, or `values` are not a whole number of rows.
    pub fn new(values: &'a [i8], stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(values.len(), stride, width)?;
        Ok(MatrixI8 { values, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.stride
    }

    /// Elements per row, without padding.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Distance between the starts of consecutive rows, in elements.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All elements, including the padding between rows.
    pub fn values(&self) -> &'a [i8] {
        self.values
    }

    /// Row `i`, without padding.
    ///
    /// # Panics
    /// If `i` is not less than the number of rows.
    pub fn row(&self, i: usize) -> &'a [i8] {
        &self.values[i * self.stride..][..self.width]
    }
}

/// A table of weights in eight bits, symmetric, one scale per row: element `k` of row `i` represents
/// `scales[i] * values[i * stride + k]`. `sums[i]` is the sum of the elements of row `i`, needed for products with
/// vectors that have a zero point.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedTable<'a> {
    values: MatrixI8<'a>,
    scales: &'a [f32],
    sums: &'a [i32],
}

impl<'a> QuantizedTable<'a> {
    /// A view of a table with one scale and one sum per row. It is not checked that the sums are correct;
    /// [`row_sums_i8`](crate::Kernels::row_sums_i8) computes them.
    ///
    /// # Errors
    /// If the numbers of rows, scales and sums differ.
    pub fn new(values: MatrixI8<'a>, scales: &'a [f32], sums: &'a [i32]) -> Result<Self, ShapeError> {
        check_rows(values.rows(), "scales", scales.len())?;
        check_rows(values.rows(), "sums", sums.len())?;
        Ok(QuantizedTable { values, scales, sums })
    }

    /// The elements.
    pub fn values(&self) -> MatrixI8<'a> {
        self.values
    }

    /// The scale of each row.
    pub fn scales(&self) -> &'a [f32] {
        self.scales
    }

    /// The sum of the elements of each row.
    pub fn sums(&self) -> &'a [i32] {
        self.sums
    }
}

/// A table of weights in eight bits that a kernel may write; see [`QuantizedTable`]. What lies between the rows is never
/// written.
#[derive(Debug)]
pub struct QuantizedTableMut<'a> {
    pub(crate) values: &'a mut [i8],
    pub(crate) scales: &'a mut [f32],
    pub(crate) sums: &'a mut [i32],
    pub(crate) stride: usize,
    pub(crate) width: usize,
}

impl<'a> QuantizedTableMut<'a> {
    /// A view of `values.len() / stride` rows of `width` elements, with a scale and a sum each.
    ///
    /// # Errors
    /// If `stride` is 0 or less than `width`, the number of `values` is not a multiple of it, or the numbers of rows, scales
    /// and sums differ.
    pub fn new(
        values: &'a mut [i8],
        scales: &'a mut [f32],
        sums: &'a mut [i32],
        stride: usize,
        width: usize,
    ) -> Result<Self, ShapeError> {
        check_shape(values.len(), stride, width)?;
        check_rows(values.len() / stride, "scales", scales.len())?;
        check_rows(values.len() / stride, "sums", sums.len())?;
        Ok(QuantizedTableMut { values, scales, sums, stride, width })
    }

    /// A read-only view of the same table.
    pub fn as_table(&self) -> QuantizedTable<'_> {
        let values = MatrixI8 { values: self.values, stride: self.stride, width: self.width };
        QuantizedTable { values, scales: self.scales, sums: self.sums }
    }

    /// Reborrows the table, so that it can be passed to a kernel and used again.
    pub fn reborrow(&mut self) -> QuantizedTableMut<'_> {
        let (stride, width) = (self.stride, self.width);
        QuantizedTableMut { values: self.values, scales: self.scales, sums: self.sums, stride, width }
    }
}

/// The affine quantisation of a vector: byte `q` represents `scale * (q - zero_point)`. (`repr(C)`, because C callers own
/// arrays of these.)
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Affine {
    /// The difference between the values of two consecutive bytes.
    pub scale: f32,
    /// The byte that represents 0.
    pub zero_point: u8,
}

/// A batch of vectors in eight bits that a kernel may write, each with its own scale and zero point: element `k` of vector
/// `i` is given by `affine[i]` and the byte `values[i * stride + k]`. Padding between vectors is never written.
#[derive(Debug)]
pub struct QuantizedBatchMut<'a> {
    pub(crate) values: &'a mut [u8],
    pub(crate) affine: &'a mut [Affine],
    pub(crate) stride: usize,
    pub(crate) width: usize,
}

impl<'a> QuantizedBatchMut<'a> {
    /// A view of `values.len() / stride` vectors of `width` elements.
    ///
    /// # Errors
    /// If `stride` is 0 or less than `width`, the number of `values` is not a multiple of it, or `affine` does not have one
    /// element per vector.
    pub fn new(
        values: &'a mut [u8],
        affine: &'a mut [Affine],
        stride: usize,
        width: usize,
    ) -> Result<Self, ShapeError> {
        check_shape(values.len(), stride, width)?;
        check_rows(values.len() / stride, "scales and zero points", affine.len())?;
        Ok(QuantizedBatchMut { values, affine, stride, width })
    }
}
