//! Lists of row numbers, checked once when they are made, so that the kernels need not: alone, with a value each (a sparse
//! vector), or with the examples that want each row.

use crate::ShapeError;

/// Checks that every number is below `bound`; whether they ascend strictly.
fn check(ids: &[u32], bound: usize) -> Result<bool, ShapeError> {
    let Some(&first) = ids.first() else { return Ok(true) };
    // Without an early exit the compiler makes vectors of it; signs of differences take half the time of comparisons, which
    // the first x86-64 has only for signed numbers.
    let (are_below, ascend) = match bound.checked_sub(1) {
        Some(last) if last <= i32::MAX as usize => {
            let last = last as u32;
            let beyond = |id: u32| id | last.wrapping_sub(id);
            let (beyond, falls) =
                ids.iter().zip(&ids[1..]).fold((beyond(first), 0), |(any_beyond, falls), (&before, &id)| {
                    (any_beyond | beyond(id), falls | !before.wrapping_sub(id))
                });
            (beyond >> 31 == 0, falls >> 31 == 0)
        }
        _ => (ids.iter().fold(true, |all, &id| all & ((id as usize) < bound)), is_strictly_ascending(ids)),
    };
    if are_below {
        return Ok(ascend);
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
        Ok(RowIds { ids, bound, ascending: check(ids, bound)? })
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

/// The transposed active sets of a batch: for each active row, the examples that want it.
///
/// *Entry* `e` is the pair of row `rows[i]` and example `examples[e]`, for `e` in `starts[i]..starts[i + 1]`.
#[derive(Clone, Copy, Debug)]
pub struct CscPattern<'a> {
    rows: &'a [u32],
    starts: &'a [u32],
    examples: &'a [u32],
    row_bound: usize,
    example_bound: usize,
}

impl<'a> CscPattern<'a> {
    /// Checks the lists: `rows` strictly ascending and below `row_bound`; `starts` one more than `rows`, ascending
    /// from 0 to `examples.len()`; the examples of each row strictly ascending and below `example_bound`.
    ///
    /// # Errors
    /// Which of these does not hold, and where.
    pub fn new(
        rows: &'a [u32],
        starts: &'a [u32],
        examples: &'a [u32],
        row_bound: usize,
        example_bound: usize,
    ) -> Result<Self, ShapeError> {
        if !check(rows, row_bound)? {
            check_strictly_ascending(rows, 0)?;
        }
        check(examples, example_bound)?;
        let covers = starts.len() == rows.len() + 1
            && starts.first() == Some(&0)
            && starts.last().is_some_and(|&last| last as usize == examples.len())
            && starts.is_sorted();
        if !covers {
            return Err(ShapeError::Starts { rows: rows.len(), examples: examples.len() });
        }
        for pair in starts.windows(2) {
            let list = pair[0] as usize..pair[1] as usize;
            check_strictly_ascending(&examples[list.clone()], list.start)?;
        }
        Ok(CscPattern { rows, starts, examples, row_bound, example_bound })
    }

    /// The active rows, strictly ascending.
    pub fn rows(&self) -> &'a [u32] {
        self.rows
    }

    /// Where the entries of each row start, and the number of entries at the end.
    pub fn starts(&self) -> &'a [u32] {
        self.starts
    }

    /// The example of each entry.
    pub fn examples(&self) -> &'a [u32] {
        self.examples
    }

    /// All rows are below this.
    pub fn row_bound(&self) -> usize {
        self.row_bound
    }

    /// All examples are below this.
    pub fn example_bound(&self) -> usize {
        self.example_bound
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
        self.examples.len()
    }
}
