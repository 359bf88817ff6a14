//! Borrowed views of matrices and tables of weights; [`crate::row_ids`] has those of index lists.
//!
//! All are cheap to copy or reborrow. The constructors check the shapes, so that the kernels need not.

use half::bf16;

use crate::scalar::widen;

/// Invalid arguments of the constructor of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The stride of a matrix is zero or smaller than its width.
    #[error("stride is {stride}; expected at least the width {width}, and at least 1")]
    Stride {
        /// Distance between the starts of consecutive rows, in elements.
        stride: usize,
        /// Elements per row, without padding.
        width: usize,
    },
    /// The length of the data is not a multiple of the stride.
    #[error("data has {length} elements; expected a multiple of the stride {stride}")]
    Length {
        /// Number of elements.
        length: usize,
        /// Distance between the starts of consecutive rows, in elements.
        stride: usize,
    },
    /// The number of scales or the like differs from the number of rows.
    #[error("there are {rows} rows, but {found} {what}")]
    Rows {
        /// Number of rows.
        rows: usize,
        /// What should be given once per row.
        what: &'static str,
        /// How many were given.
        found: usize,
    },
    /// A row or example number is not below its bound.
    #[error("entry {position} is {found}; expected less than {bound}")]
    OutOfRange {
        /// Position in the list.
        position: usize,
        /// The element at that position.
        found: u32,
        /// The bound.
        bound: usize,
    },
    /// A list that must ascend strictly does not.
    #[error("entry {position} is {found}; expected more than the entry before it ({before})")]
    NotAscending {
        /// Position in the list.
        position: usize,
        /// The element at that position.
        found: u32,
        /// The element before it.
        before: u32,
    },
    /// The indices and values of a sparse vector differ in number.
    #[error("{values} values for {ids} row indices; expected equal numbers")]
    Values {
        /// Number of row indices.
        ids: usize,
        /// Number of values.
        values: usize,
    },
    /// The starts of a CSC pattern do not split its examples into one list per row.
    #[error("`starts` must ascend from 0 to {examples} and have one element more than the {rows} rows")]
    Starts {
        /// Number of rows.
        rows: usize,
        /// Number of entries of `examples`.
        examples: usize,
    },
    /// Rows in blocks of sixteen do not fill their blocks, or their columns do not fill the lines of a block.
    #[error(
        "{rows} rows of {width} columns; expected a multiple of 16 rows and a positive multiple of {columns} columns"
    )]
    Blocks {
        /// Number of rows.
        rows: usize,
        /// Codes per row.
        width: usize,
        /// The width is a multiple of this.
        columns: usize,
    },
    /// The bytes of rows of short codes are more or fewer than the rows need.
    #[error("codes are {found} bytes, which is not what {rows} rows of {width} codes of {bits} bits need")]
    Codes {
        /// Number of bytes.
        found: usize,
        /// Number of rows.
        rows: usize,
        /// Codes per row.
        width: usize,
        /// Bits of a code.
        bits: usize,
    },
}

pub(crate) fn check_rows(rows: usize, what: &'static str, found: usize) -> Result<(), ShapeError> {
    if rows == found { Ok(()) } else { Err(ShapeError::Rows { rows, what, found }) }
}

pub(crate) fn check_shape(length: usize, stride: usize, width: usize) -> Result<(), ShapeError> {
    if stride == 0 || width > stride {
        return Err(ShapeError::Stride { stride, width });
    }
    if !length.is_multiple_of(stride) {
        return Err(ShapeError::Length { length, stride });
    }
    Ok(())
}

/// A matrix of `f32` (or of another plain type `T`), row-major: row `i` is `data[i * stride..][..width]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T = f32> {
    data: &'a [T],
    stride: usize,
    width: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A view of `data.len() / stride` rows of `width` elements.
    ///
    /// # Errors
    /// If `stride` is 0 or less than `width`, or the length of `data` is not a multiple of it.
    pub fn new(data: &'a [T], stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(data.len(), stride, width)?;
        Ok(Matrix { data, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.stride
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
    pub fn data(&self) -> &'a [T] {
        self.data
    }

    /// Row `i`, without padding.
    ///
    /// # Panics
    /// If `i` is not less than the number of rows.
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..][..self.width]
    }
}

/// A matrix of `f32` that a kernel may write; see [`Matrix`]. Padding between rows is never written.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    data: &'a mut [f32],
    stride: usize,
    width: usize,
}

impl<'a> MatrixMut<'a> {
    /// A view of `data.len() / stride` rows of `width` elements.
    ///
    /// # Errors
    /// If `stride` is 0 or less than `width`, or the length of `data` is not a multiple of it.
    pub fn new(data: &'a mut [f32], stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(data.len(), stride, width)?;
        Ok(MatrixMut { data, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.stride
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
    pub fn data_mut(&mut self) -> &mut [f32] {
        self.data
    }

    /// Row `i`, without padding.
    ///
    /// # Panics
    /// If `i` is not less than the number of rows.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.stride..][..self.width]
    }

    /// A read-only view of the same matrix.
    pub fn as_matrix(&self) -> Matrix<'_> {
        Matrix { data: self.data, stride: self.stride, width: self.width }
    }

    /// Reborrows the matrix, so that it can be passed to a kernel and used again.
    pub fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut { data: self.data, stride: self.stride, width: self.width }
    }
}

/// Elements in one of the storage formats of a table.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// IEEE 754 binary32.
    F32(&'a [f32]),
    /// The upper half of a binary32; widened exactly when read.
    Bf16(&'a [bf16]),
}

impl Values<'_> {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::Bf16(values) => values.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Elements that a kernel may write; see [`Values`].
#[derive(Debug)]
pub enum ValuesMut<'a> {
    /// IEEE 754 binary32.
    F32(&'a mut [f32]),
    /// The upper half of a binary32; rounded when written.
    Bf16(&'a mut [bf16]),
}

impl ValuesMut<'_> {
    /// A read-only view of the same numbers.
    pub fn as_values(&self) -> Values<'_> {
        match self {
            ValuesMut::F32(values) => Values::F32(values),
            ValuesMut::Bf16(values) => Values::Bf16(values),
        }
    }
}

/// A table of weights, one row per neuron or feature; row `i` is `values[i * stride..][..width]`.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    values: Values<'a>,
    stride: usize,
    width: usize,
}

impl<'a> Table<'a> {
    /// A view of `values.len() / stride` rows of `width` elements.
    ///
    /// # Errors
    /// If `stride` is 0 or less than `width`, or the number of `values` is not a multiple of it.
    pub fn new(values: Values<'a>, stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(values.len(), stride, width)?;
        Ok(Table { values, stride, width })
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
    pub fn values(&self) -> Values<'a> {
        self.values
    }
}

impl<'a> From<Matrix<'a>> for Table<'a> {
    fn from(matrix: Matrix<'a>) -> Self {
        Table { values: Values::F32(matrix.data), stride: matrix.stride, width: matrix.width }
    }
}

impl<'a> From<Matrix<'a, bf16>> for Table<'a> {
    fn from(matrix: Matrix<'a, bf16>) -> Self {
        Table { values: Values::Bf16(matrix.data), stride: matrix.stride, width: matrix.width }
    }
}

/// A table of weights that a kernel may write; see [`Table`]. Padding between rows is never written.
#[derive(Debug)]
pub struct TableMut<'a> {
    values: ValuesMut<'a>,
    stride: usize,
    width: usize,
}

impl<'a> TableMut<'a> {
    /// A view of `values.len() / stride` rows of `width` elements.
    ///
    /// # Errors
    /// If `stride` is 0 or less than `width`, or the number of `values` is not a multiple of it.
    pub fn new(values: ValuesMut<'a>, stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(values.as_values().len(), stride, width)?;
        Ok(TableMut { values, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.as_values().len() / self.stride
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
    pub fn values_mut(&mut self) -> ValuesMut<'_> {
        match &mut self.values {
            ValuesMut::F32(values) => ValuesMut::F32(values),
            ValuesMut::Bf16(values) => ValuesMut::Bf16(values),
        }
    }

    /// A read-only view of the same table.
    pub fn as_table(&self) -> Table<'_> {
        Table { values: self.values.as_values(), stride: self.stride, width: self.width }
    }

    /// Reborrows the table, so that it can be passed to a kernel and used again.
    pub fn reborrow(&mut self) -> TableMut<'_> {
        let (stride, width) = (self.stride, self.width);
        TableMut { values: self.values_mut(), stride, width }
    }
}

impl<'a> From<MatrixMut<'a>> for TableMut<'a> {
    fn from(matrix: MatrixMut<'a>) -> Self {
        TableMut { values: ValuesMut::F32(matrix.data), stride: matrix.stride, width: matrix.width }
    }
}

/// Access to single rows and elements for the scalar back end; the others work with pointers.
impl Values<'_> {
    /// Element `i`, widened exactly.
    pub(crate) fn get(&self, i: usize) -> f32 {
        match self {
            Values::F32(values) => values[i],
            Values::Bf16(values) => widen(values[i]),
        }
    }
}

impl<'a> Table<'a> {
    /// The elements of row `i`, widened exactly.
    pub(crate) fn row(&self, i: u32) -> impl Iterator<Item = f32> + use<'a> {
        let (values, start) = (self.values, i as usize * self.stride);
        (start..start + self.width).map(move |i| values.get(i))
    }
}
