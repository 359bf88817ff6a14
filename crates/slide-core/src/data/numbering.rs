//! How a model numbers features or labels: the numbers of files, or only those that occurred in training.

use std::borrow::Cow;
use std::sync::Arc;

use super::IndexBase;

/// A matrix with fewer unused columns than this is kept as it is: its rows in the model cost little, and have their number.
const LEAST_SAVED: usize = 1 << 16;

/// The columns of a data set's matrix that a model has, and how files number them.
///
/// A *column* counts from 0 and is what a [`Dataset`](super::Dataset) holds. Its number in an svmlight file is greater by 1 if the
/// base is [`IndexBase::One`]. Its *place* is the row of the model: the column itself, unless most columns occur in no training
/// example; then only those that occur have places, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    base: IndexBase,
    width: usize,
    /// The columns that have places, ascending; none: all.
    occurring: Option<Arc<[u32]>>,
}

impl Numbering {
    /// Every column below `width` has a place.
    pub(crate) fn all(width: usize, base: IndexBase) -> Self {
        Self { base, width, occurring: None }
    }

    /// The columns of `indices`, which are below `width`: only those if that is at most half of all and saves many.
    pub(crate) fn of(indices: &[u32], width: usize, base: IndexBase) -> Self {
        // Without a look at the indices: they cannot be distinct enough, or there is little to save.
        if width < LEAST_SAVED {
            return Self::all(width, base);
        }
        let distinct = distinct(indices, width);
        let is_compact = distinct.len() <= width / 2 && width - distinct.len() >= LEAST_SAVED;
        Self { base, width, occurring: is_compact.then(|| distinct.into()) }
    }

    /// As it is stored; none if `occurring` is not ascending and below `width`.
    pub(crate) fn stored(base: IndexBase, width: usize, occurring: Option<Vec<u32>>) -> Option<Self> {
        let is_valid = |columns: &Vec<u32>| {
            columns.is_sorted_by(|left, right| left < right)
                && columns.last().is_none_or(|&last| (last as usize) < width)
        };
        if !occurring.as_ref().is_none_or(is_valid) {
            return None;
        }
        Some(Self { base, width, occurring: occurring.map(Into::into) })
    }

    /// The number of column 0 in svmlight files; [`IndexBase::Auto`] if it is not known, as in models of earlier versions.
    #[must_use]
    pub fn base(&self) -> IndexBase {
        self.base
    }

    /// The number of a column in the files that the model was trained on.
    #[must_use]
    pub fn number(&self, column: u32) -> i64 {
        i64::from(column) + self.base.first()
    }

    /// The column that has this number in these files.
    #[must_use]
    pub fn column_of_number(&self, number: i64) -> Option<u32> {
        number.checked_sub(self.base.first()).and_then(|column| u32::try_from(column).ok())
    }

    /// Number of columns of the training examples, those that do not occur included.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of places.
    #[must_use]
    pub fn places(&self) -> usize {
        self.occurring.as_ref().map_or(self.width, |columns| columns.len())
    }

    /// The columns that have places, ascending; none if all have.
    #[must_use]
    pub fn occurring(&self) -> Option<&[u32]> {
        self.occurring.as_deref()
    }

    /// The place of a column; none if the model does not have it.
    #[must_use]
    #[inline]
    pub fn place(&self, column: u32) -> Option<u32> {
        match &self.occurring {
            None => ((column as usize) < self.width).then_some(column),
            Some(columns) => columns.binary_search(&column).ok().map(|place| place as u32),
        }
    }

    /// The column at a place.
    ///
    /// # Panics
    /// If there is no such place.
    #[must_use]
    #[inline]
    pub fn column(&self, place: u32) -> u32 {
        self.occurring.as_ref().map_or(place, |columns| columns[place as usize])
    }

    /// How many of `columns` have no place.
    #[must_use]
    pub fn unknown(&self, columns: &[u32]) -> u64 {
        columns.iter().filter(|&&column| self.place(column).is_none()).count() as u64
    }

    /// The places of `columns`, all of which have one.
    pub(crate) fn places_of<'a>(&self, columns: &'a [u32]) -> Cow<'a, [u32]> {
        match &self.occurring {
            None => Cow::Borrowed(columns),
            Some(_) => columns.iter().filter_map(|&column| self.place(column)).collect(),
        }
    }

    /// The columns in an order in which those of the model come first: its places, then all others. A permutation of all numbers.
    #[must_use]
    pub fn rank(&self, column: u32) -> u32 {
        match &self.occurring {
            Some(columns) if (column as usize) < self.width => match columns.binary_search(&column) {
                Ok(place) => place as u32,
                Err(before) => columns.len() as u32 + (column - before as u32),
            },
            _ => column,
        }
    }

    /// How often each place occurs in `indices`.
    pub(crate) fn frequencies(&self, indices: &[u32]) -> Vec<u32> {
        let mut frequencies = vec![0_u32; self.places()];
        indices.iter().filter_map(|&column| self.place(column)).for_each(|place| frequencies[place as usize] += 1);
        frequencies
    }
}

/// The distinct ones of `indices`, which are below `width`, ascending; memory is bounded by the number of indices.
pub(crate) fn distinct(indices: &[u32], width: usize) -> Vec<u32> {
    if width / u8::BITS as usize <= size_of_val(indices) {
        let mut occurs = vec![false; width];
        indices.iter().for_each(|&column| occurs[column as usize] = true);
        return (0..width as u64).filter(|&column| occurs[column as usize]).map(|column| column as u32).collect();
    }
    let mut distinct = indices.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_sparse_columns_are_compact() {
        let numbering = Numbering::of(&[7, 4_000_000, 7, 12], 4_000_001, IndexBase::One);
        assert_eq!((numbering.width(), numbering.places()), (4_000_001, 3));
        assert_eq!([0, 7, 12, 4_000_000].map(|column| numbering.place(column)), [None, Some(0), Some(1), Some(2)]);
        assert_eq!((numbering.column(2), numbering.number(4_000_000)), (4_000_000, 4_000_001));
        assert_eq!(numbering.frequencies(&[7, 4_000_000, 7, 12]), [2, 1, 1]);
        assert_eq!(*numbering.places_of(&[7, 4_000_000]), [0, 2]);
        let mut ranks: Vec<u32> =
            (0..20).chain([3_999_999, 4_000_000, 4_000_001]).map(|column| numbering.rank(column)).collect();
        assert_eq!(ranks[..3], [3, 4, 5]);
        assert_eq!((ranks[7], ranks[8], ranks[12], ranks[13], ranks[21]), (0, 10, 1, 14, 2));
        ranks.sort_unstable();
        assert!(ranks.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn other_columns_keep_their_numbers() {
        for (indices, width) in [(vec![3, 5], 6), (vec![1, 3, 5], 60_000), ((0..70_000).collect(), 130_000)] {
            let numbering = Numbering::of(&indices, width, IndexBase::Zero);
            assert_eq!((numbering.occurring(), numbering.places()), (None, width));
            assert_eq!((numbering.place(5), numbering.place(width as u32), numbering.rank(9)), (Some(5), None, 9));
        }
        assert_eq!(Numbering::of(&[0], 1 << 32, IndexBase::Zero).places(), 1);
    }

    #[test]
    fn stored_columns_are_checked() {
        let stored = |columns: &[u32]| Numbering::stored(IndexBase::Zero, 10, Some(columns.to_vec()));
        assert!(stored(&[1, 9]).is_some());
        assert!(stored(&[1, 10]).is_none() && stored(&[2, 2]).is_none() && stored(&[3, 1]).is_none());
    }
}
