//! A table of rows, divided into shards that have owners.

use bytemuck::Pod;

use crate::arena::{Arena, LINE};
use crate::{Elements, FileSlice, MemError, Placement, Report};

/// A table of `rows` x `width` elements in one mapping of its own. Rows start at multiples of
/// 64 bytes, `stride` elements apart; the elements from `width` to `stride` are padding, zero at
/// first.
///
/// [`RowTable::shards_mut`] divides the table into shards: ranges of rows, each with one owner. Several threads may write at the
/// same time, each to its own shards.
///
/// A table may also lie in a [file](Self::in_file): it is read-only then.
#[derive(Debug)]
pub struct RowTable<T> {
    elements: Elements<T>,
    rows: usize,
    width: usize,
    stride: usize,
}

impl<T: Pod> RowTable<T> {
    /// A table of zeros. Pages are not touched yet, so under [`NumaPolicy::Local`](crate::NumaPolicy::Local) a row is placed on the
    /// node of the thread that writes it first: fill each shard in the thread that owns it.
    ///
    /// # Errors
    /// [`MemError::TooLarge`], [`MemError::OutOfMemory`].
    pub fn zeroed(rows: usize, width: usize, placement: Placement) -> Result<Self, MemError> {
        let too_large = || MemError::TooLarge {
            what: format!("a table of {rows} rows of {width} elements of {} bytes", size_of::<T>()),
        };
        let step = LINE / greatest_common_divisor(LINE, size_of::<T>());
        let stride = width.max(1).checked_next_multiple_of(step).ok_or_else(too_large)?;
        let len = rows.checked_mul(stride).ok_or_else(too_large)?;
        let bytes = Arena::bytes_for::<T>(len).map_err(|_| too_large())?;
        let elements = Elements::Slab(Arena::new(bytes, placement)?.slab(len)?);
        Ok(Self { elements, rows, width, stride })
    }

    /// The rows of `width` elements that lie one after another in a file, without padding; none unless they start at multiples of 64
    /// bytes and are whole rows.
    pub fn in_file(elements: FileSlice<T>, width: usize) -> Option<Self> {
        let is_line = |bytes: usize| bytes.is_multiple_of(LINE);
        let is_table = width > 0 && is_line(width * size_of::<T>()) && is_line(elements.as_ptr().addr());
        let rows = is_table.then(|| elements.len() / width).filter(|rows| rows * width == elements.len())?;
        Some(Self { elements: Elements::File(elements), rows, width, stride: width })
    }

    /// Whether the table lies in a file.
    pub fn is_in_file(&self) -> bool {
        matches!(self.elements, Elements::File(_))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Elements of a row, without padding.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Elements from the start of a row to the start of the next: `width` rounded up to a
    /// multiple of 64 bytes, never 0.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All rows with their padding: `rows` x `stride` elements.
    pub fn as_slice(&self) -> &[T] {
        &self.elements
    }

    /// All rows with their padding, mutable: `rows` x `stride` elements.
    ///
    /// # Panics
    /// If the table lies in a [file](Self::in_file).
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        match &mut self.elements {
            Elements::Slab(slab) => slab,
            Elements::File(_) => panic!("a table in a file is read-only"),
        }
    }

    /// The `width` elements of a row.
    ///
    /// # Panics
    /// If `row` >= `rows`.
    pub fn row(&self, row: usize) -> &[T] {
        self.check(row);
        &self.elements[row * self.stride..][..self.width]
    }

    /// The `width` elements of a row, mutable.
    ///
    /// # Panics
    /// If `row` >= `rows`, or if the table lies in a [file](Self::in_file).
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        self.check(row);
        let (stride, width) = (self.stride, self.width);
        &mut self.as_mut_slice()[row * stride..][..width]
    }

    fn check(&self, row: usize) {
        assert!(row < self.rows, "row {row} of a table of {} rows", self.rows);
    }

    /// Divides the table into shards of whole rows, padding included: shard `i` is rows `bounds[i]..bounds[i + 1]`. Shards may be
    /// empty; rows outside the bounds are in none.
    ///
    /// # Panics
    /// If `bounds` are not ascending or the last exceeds `rows`, or if the table lies in a [file](Self::in_file).
    pub fn shards_mut(&mut self, bounds: &[usize]) -> Vec<&mut [T]> {
        let (rows, stride) = (self.rows, self.stride);
        let Some((&first, ends)) = bounds.split_first() else {
            return Vec::new();
        };
        assert!(first <= rows, "shards start at row {first} of a table of {rows} rows");
        let mut start = first;
        let mut rest = &mut self.as_mut_slice()[first * stride..];
        ends.iter()
            .map(|&end| {
                assert!(start <= end && end <= rows, "a shard of rows {start}..{end} of a table of {rows} rows");
                let (shard, behind) = std::mem::take(&mut rest).split_at_mut((end - start) * stride);
                (rest, start) = (behind, end);
                shard
            })
            .collect()
    }

    /// What was asked for, what has been granted up to now, and why the two differ. Nothing was asked for a table in a file.
    pub fn report(&self) -> Report {
        match &self.elements {
            Elements::Slab(slab) => slab.report(),
            Elements::File(_) => Report::default(),
        }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
