//! Lists of row indices that are validated once, when they are made, so that the kernels need not do it: alone, with values (a
//! sparse vector), or with the examples of each row (a CSC pattern).

use crate::ShapeError;

/// Checks that every index is below `bound`; returns whether they ascend strictly.
fn check(ids: &[u32], bound: usize) -> Result<bool, ShapeError> {
    let Some(&first) = ids.first() else { return Ok(true) };
    // No early exit, so that the compiler vectorises it. Signs of differences take half the time of comparisons, which baseline
    // x86-64 has only for signed integers.
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

/// Row indices that were validated against a bound. They may repeat and be in any order, unless
/// [`is_ascending`](RowIds::is_ascending).
#[derive(Clone, Copy, Debug)]
pub struct RowIds<'a> {
    ids: &'a [u32],
    bound: usize,
    ascending: bool,
}

impl<'a> RowIds<'a> {
    /// Checks that every index is below `bound`, and whether they ascend strictly.
    ///
    /// # Errors
    /// If an index is not below `bound`.
    pub fn new(ids: &'a [u32], bound: usize) -> Result<Self, ShapeError> {
        Ok(RowIds { ids, bound, ascending: check(ids, bound)? })
    }

    /// The indices.
    pub fn ids(&self) -> &'a [u32] {
        self.ids
    }

    /// All indices are below this.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Whether the indices ascend strictly, so that none repeats.
    pub fn is_ascending(&self) -> bool {
        self.ascending
    }

    /// The number of indices.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// A sublist, without a new check.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn slice(&self, range: core::ops::Range<usize>) -> RowIds<'a> {
        RowIds { ids: &self.ids[range], ..*self }
    }
}

/// A sparse vector: the indices and values of its listed elements; the others are zero. The indices were validated once.
#[derive(Clone, Copy, Debug)]
pub struct SparseVector<'a> {
    ids: RowIds<'a>,
    values: &'a [f32],
}

impl<'a> SparseVector<'a> {
    /// The vector whose element `ids[i]` is `values[i]`, in a space of `ids.bound()` dimensions.
    ///
    /// # Errors
    /// If `ids` and `values` differ in length.
    pub fn new(ids: RowIds<'a>, values: &'a [f32]) -> Result<Self, ShapeError> {
        if ids.len() != values.len() {
            return Err(ShapeError::Values { ids: ids.len(), values: values.len() });
        }
        Ok(SparseVector { ids, values })
    }

    /// The indices of the listed elements.
    pub fn ids(&self) -> RowIds<'a> {
        self.ids
    }

    /// The values of the listed elements.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// The number of listed elements.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no element is listed.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// The sparsity pattern of a batch in CSC: for each active row, the examples that use it.
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
    /// Checks that `rows` ascend strictly and are below `row_bound`; that `starts` has one element more and ascends from 0 to
    /// `examples.len()`; and that the examples of each row ascend strictly and are below `example_bound`.
    ///
    /// # Errors
    /// The first of these conditions that does not hold, and where.
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

    /// Where the entries of each row start; the last element is the number of entries.
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
