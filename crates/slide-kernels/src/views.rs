//! Borrowed shapes: matrices, tables of weights, and checked lists of row numbers.
//!
//! All are cheap to copy or reborrow. The constructors check, so that the kernels need not.

use half::bf16;

use crate::scalar::widen;

/// What is wrong with the arguments of a constructor of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The stride of a matrix is zero or smaller than its width.
    #[error("stride is {stride}; expected at least the width {width}, and at least 1")]
    Stride {
        /// Elements from one row to the next.
        stride: usize,
        /// Elements of a row that count.
        width: usize,
    },
    /// The data are not a whole number of rows.
    #[error("data has {length} elements; expected a multiple of the stride {stride}")]
    Length {
        /// Elements there are.
        length: usize,
        /// Elements from one row to the next.
        stride: usize,
    },
    /// There is not one of something for each row.
    #[error("there are {rows} rows, but {found} {what}")]
    Rows {
        /// Rows there are.
        rows: usize,
        /// What there should be one of for each row.
        what: &'static str,
        /// How many of these there are.
        found: usize,
    },
    /// A row number (or member) is not below its bound.
    #[error("entry {position} is {found}; expected less than {bound}")]
    OutOfRange {
        /// Where in the list.
        position: usize,
        /// The number there.
        found: u32,
        /// The bound.
        bound: usize,
    },
    /// A list that must ascend does not.
    #[error("entry {position} is {found}; expected more than the entry before it ({before})")]
    NotAscending {
        /// Where in the list.
        position: usize,
        /// The number there.
        found: u32,
        /// The number before it.
        before: u32,
    },
    /// A sparse vector has not one value per row number.
    #[error("{values} values for {ids} row numbers; expected as many")]
    Values {
        /// Row numbers there are.
        ids: usize,
        /// Values there are.
        values: usize,
    },
    /// The starts of the member lists do not cut the members into one list per row.
    #[error("starts do not cut {members} members into {rows} lists that follow each other from 0 to the end")]
    Starts {
        /// Rows there are.
        rows: usize,
        /// Members there are.
        members: usize,
    },
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
    /// If `stride` is 0 or less than `width`, or `data` is not a whole number of rows.
    pub fn new(data: &'a [T], stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(data.len(), stride, width)?;
        Ok(Matrix { data, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.stride
    }

    /// Elements of a row that count.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Elements from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All elements, those between the rows included.
    pub fn data(&self) -> &'a [T] {
        self.data
    }

    /// Row `i`, without what lies between the rows.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..][..self.width]
    }
}

/// A matrix of `f32` that a kernel may write; see [`Matrix`]. What lies between the rows is never written.
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
    /// If `stride` is 0 or less than `width`, or `data` is not a whole number of rows.
    pub fn new(data: &'a mut [f32], stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(data.len(), stride, width)?;
        Ok(MatrixMut { data, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.stride
    }

    /// Elements of a row that count.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Elements from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All elements, those between the rows included.
    pub fn data_mut(&mut self) -> &mut [f32] {
        self.data
    }

    /// Row `i`, without what lies between the rows.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.stride..][..self.width]
    }

    /// The same matrix, read-only.
    pub fn as_matrix(&self) -> Matrix<'_> {
        Matrix { data: self.data, stride: self.stride, width: self.width }
    }

    /// The same matrix for a shorter time, so that it can be passed on and used again.
    pub fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut { data: self.data, stride: self.stride, width: self.width }
    }
}

/// Stored numbers in one of the formats of a table.
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

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Stored numbers that a kernel may write; see [`Values`].
#[derive(Debug)]
pub enum ValuesMut<'a> {
    /// IEEE 754 binary32.
    F32(&'a mut [f32]),
    /// The upper half of a binary32; rounded when written.
    Bf16(&'a mut [bf16]),
}

impl ValuesMut<'_> {
    /// The same numbers, read-only.
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
    /// If `stride` is 0 or less than `width`, or `values` are not a whole number of rows.
    pub fn new(values: Values<'a>, stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(values.len(), stride, width)?;
        Ok(Table { values, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.stride
    }

    /// Elements of a row that count.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Elements from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All elements, those between the rows included.
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

/// A table of weights that a kernel may write; see [`Table`]. What lies between the rows is never written.
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
    /// If `stride` is 0 or less than `width`, or `values` are not a whole number of rows.
    pub fn new(values: ValuesMut<'a>, stride: usize, width: usize) -> Result<Self, ShapeError> {
        check_shape(values.as_values().len(), stride, width)?;
        Ok(TableMut { values, stride, width })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.as_values().len() / self.stride
    }

    /// Elements of a row that count.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Elements from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All elements, those between the rows included.
    pub fn values_mut(&mut self) -> ValuesMut<'_> {
        match &mut self.values {
            ValuesMut::F32(values) => ValuesMut::F32(values),
            ValuesMut::Bf16(values) => ValuesMut::Bf16(values),
        }
    }

    /// The same table, read-only.
    pub fn as_table(&self) -> Table<'_> {
        Table { values: self.values.as_values(), stride: self.stride, width: self.width }
    }

    /// The same table for a shorter time, so that it can be passed on and used again.
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

fn check_bound(ids: &[u32], bound: usize) -> Result<(), ShapeError> {
    // Without an early exit the compiler makes vectors of it.
    let greatest = ids.iter().fold(0, |greatest, &id| id.max(greatest));
    if ids.is_empty() || (greatest as usize) < bound {
        return Ok(());
    }
    let position = ids.iter().position(|&id| id as usize >= bound).unwrap_or(0);
    Err(ShapeError::OutOfRange { position, found: ids[position], bound })
}

fn is_strictly_ascending(ids: &[u32]) -> bool {
    ids.windows(2).fold(true, |ascending, pair| ascending & (pair[0] < pair[1]))
}

fn check_strictly_ascending(ids: &[u32], offset: usize) -> Result<(), ShapeError> {
    if is_strictly_ascending(ids) {
        return Ok(());
    }
    let i = ids.windows(2).position(|pair| pair[0] >= pair[1]).unwrap_or(0);
    Err(ShapeError::NotAscending { position: offset + i + 1, found: ids[i + 1], before: ids[i] })
}

/// Row numbers that were checked once against a bound; they may repeat and come in any order unless
/// [`is_ascending`](RowIds::is_ascending).
#[derive(Clone, Copy, Debug)]
pub struct RowIds<'a> {
    ids: &'a [u32],
    bound: usize,
    ascending: bool,
}

impl<'a> RowIds<'a> {
    /// Checks that every number is below `bound`; notes whether they ascend strictly.
    ///
    /// # Errors
    /// If a number is not below `bound`.
    pub fn new(ids: &'a [u32], bound: usize) -> Result<Self, ShapeError> {
        check_bound(ids, bound)?;
        Ok(RowIds { ids, bound, ascending: is_strictly_ascending(ids) })
    }

    /// The numbers.
    pub fn ids(&self) -> &'a [u32] {
        self.ids
    }

    /// All numbers are below this.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Whether the numbers ascend strictly, so that none repeats.
    pub fn is_ascending(&self) -> bool {
        self.ascending
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Part of the list; it needs no new check.
    ///
    /// # Panics
    /// If the range is not inside the list.
    pub fn slice(&self, range: core::ops::Range<usize>) -> RowIds<'a> {
        RowIds { ids: &self.ids[range], ..*self }
    }
}

/// A vector of which only some elements are listed; the others are zero. The numbers of the elements were checked once.
#[derive(Clone, Copy, Debug)]
pub struct SparseVector<'a> {
    ids: RowIds<'a>,
    values: &'a [f32],
}

impl<'a> SparseVector<'a> {
    /// The vector whose element `ids[i]` is `values[i]`, in a space of `ids.bound()` dimensions.
    ///
    /// # Errors
    /// If there is not one value per number.
    pub fn new(ids: RowIds<'a>, values: &'a [f32]) -> Result<Self, ShapeError> {
        if ids.len() != values.len() {
            return Err(ShapeError::Values { ids: ids.len(), values: values.len() });
        }
        Ok(SparseVector { ids, values })
    }

    /// The numbers of the listed elements.
    pub fn ids(&self) -> RowIds<'a> {
        self.ids
    }

    /// The listed elements.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// How many elements are listed.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// The transposed active sets of a batch: for each active row, the samples that want it.
///
/// *Entry* `e` is the pair of row `rows[i]` and sample `members[e]`, for `e` in `starts[i]..starts[i + 1]`.
#[derive(Clone, Copy, Debug)]
pub struct ActiveRows<'a> {
    rows: &'a [u32],
    starts: &'a [u32],
    members: &'a [u32],
    row_bound: usize,
    member_bound: usize,
}

impl<'a> ActiveRows<'a> {
    /// Checks the lists: `rows` strictly ascending and below `row_bound`; `starts` one more than `rows`, ascending
    /// from 0 to `members.len()`; the members of each row strictly ascending and below `member_bound`.
    ///
    /// # Errors
    /// Which of these does not hold, and where.
    pub fn new(
        rows: &'a [u32],
        starts: &'a [u32],
        members: &'a [u32],
        row_bound: usize,
        member_bound: usize,
    ) -> Result<Self, ShapeError> {
        check_bound(rows, row_bound)?;
        check_strictly_ascending(rows, 0)?;
        check_bound(members, member_bound)?;
        let covers = starts.len() == rows.len() + 1
            && starts.first() == Some(&0)
            && starts.last().is_some_and(|&last| last as usize == members.len())
            && starts.is_sorted();
        if !covers {
            return Err(ShapeError::Starts { rows: rows.len(), members: members.len() });
        }
        for pair in starts.windows(2) {
            let list = pair[0] as usize..pair[1] as usize;
            check_strictly_ascending(&members[list.clone()], list.start)?;
        }
        Ok(ActiveRows { rows, starts, members, row_bound, member_bound })
    }

    /// The active rows, strictly ascending.
    pub fn rows(&self) -> &'a [u32] {
        self.rows
    }

    /// Where the entries of each row start, and the number of entries at the end.
    pub fn starts(&self) -> &'a [u32] {
        self.starts
    }

    /// The sample of each entry.
    pub fn members(&self) -> &'a [u32] {
        self.members
    }

    /// All rows are below this.
    pub fn row_bound(&self) -> usize {
        self.row_bound
    }

    /// All members are below this.
    pub fn member_bound(&self) -> usize {
        self.member_bound
    }

    /// The number of active rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row is active.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number of entries.
    pub fn entries(&self) -> usize {
        self.members.len()
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
