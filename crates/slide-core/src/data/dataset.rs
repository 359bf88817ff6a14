//! The data set in memory: two matrices in compressed sparse rows, one of features and one of labels.

use std::path::Path;

use slide_kernels::rng::{CounterRng, RngKey};
use slide_mem::lend;

use super::{Array, DataError, IndexBase, Numbering, ReadOptions};
use crate::streams;

/// Examples with sparse features and sets of labels, in compressed sparse rows.
///
/// Every constructor checks: both `indptr` start at 0, do not decrease, have `examples + 1` entries and end at the
/// number of indices; the indices of an example are strictly ascending and below `feature_count` or `label_count`; values
/// are finite. An example may have no features, no labels, or neither.
///
/// Two are equal if their arrays are, whatever the bases of their files.
#[derive(Clone, Debug)]
pub struct Dataset {
    arrays: Arrays,
    bases: Bases,
}

/// How the files number features and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bases {
    pub(crate) features: IndexBase,
    pub(crate) labels: IndexBase,
}

impl Default for Bases {
    fn default() -> Self {
        Self { features: IndexBase::Zero, labels: IndexBase::Zero }
    }
}

impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        self.arrays == other.arrays
    }
}

/// The arrays of a [`Dataset`] as vectors, to build one with `Dataset::try_from`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// Where the features of each example start: `examples + 1` entries.
    pub feature_indptr: Vec<u64>,
    /// Feature numbers, ascending within an example.
    pub feature_indices: Vec<u32>,
    /// A finite value for each entry of `feature_indices`.
    pub feature_values: Vec<f32>,
    /// Where the labels of each example start: `examples + 1` entries.
    pub label_indptr: Vec<u64>,
    /// Label numbers, ascending within an example.
    pub label_indices: Vec<u32>,
    /// Width of the feature matrix, at most 2^32.
    pub feature_count: usize,
    /// Width of the label matrix, at most 2^32.
    pub label_count: usize,
}

/// The same arrays as shared [`Array`]s: `Dataset::try_from` builds a data set from memory of another owner without a copy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrays {
    /// Where the features of each example start: `examples + 1` entries.
    pub feature_indptr: Array<u64>,
    /// Feature numbers, ascending within an example.
    pub feature_indices: Array<u32>,
    /// A finite value for each entry of `feature_indices`.
    pub feature_values: Array<f32>,
    /// Where the labels of each example start: `examples + 1` entries.
    pub label_indptr: Array<u64>,
    /// Label numbers, ascending within an example.
    pub label_indices: Array<u32>,
    /// Width of the feature matrix, at most 2^32.
    pub feature_count: usize,
    /// Width of the label matrix, at most 2^32.
    pub label_count: usize,
}

/// The same arrays as slices of a caller, which are lent to a data set for the time of a call: [`Dataset::lent`].
#[derive(Clone, Copy, Debug)]
pub struct Slices<'a> {
    /// Where the features of each example start: `examples + 1` entries.
    pub feature_indptr: &'a [u64],
    /// Feature numbers, ascending within an example.
    pub feature_indices: &'a [u32],
    /// A finite value for each entry of `feature_indices`.
    pub feature_values: &'a [f32],
    /// Where the labels of each example start: `examples + 1` entries.
    pub label_indptr: &'a [u64],
    /// Label numbers, ascending within an example.
    pub label_indices: &'a [u32],
    /// Width of the feature matrix, at most 2^32.
    pub feature_count: usize,
    /// Width of the label matrix, at most 2^32.
    pub label_count: usize,
}

impl From<Parts> for Arrays {
    fn from(parts: Parts) -> Self {
        Self {
            feature_indptr: parts.feature_indptr.into(),
            feature_indices: parts.feature_indices.into(),
            feature_values: parts.feature_values.into(),
            label_indptr: parts.label_indptr.into(),
            label_indices: parts.label_indices.into(),
            feature_count: parts.feature_count,
            label_count: parts.label_count,
        }
    }
}

/// Indices are `u32`.
pub(crate) const MOST_COLUMNS: u64 = 1 << 32;

impl TryFrom<Parts> for Dataset {
    type Error = DataError;

    /// # Errors
    /// As of [`Arrays`].
    fn try_from(parts: Parts) -> Result<Self, DataError> {
        Arrays::from(parts).try_into()
    }
}

impl TryFrom<Arrays> for Dataset {
    type Error = DataError;

    /// # Errors
    /// [`DataError::Parts`] naming the first array and element that violate an invariant of [`Dataset`].
    fn try_from(parts: Arrays) -> Result<Self, DataError> {
        check_rows("feature_indptr", &parts.feature_indptr, parts.feature_indices.len())?;
        check_rows("label_indptr", &parts.label_indptr, parts.label_indices.len())?;
        if parts.feature_indptr.len() != parts.label_indptr.len() {
            return Err(DataError::parts(
                "label_indptr",
                None,
                format!("{} entries, as feature_indptr", parts.feature_indptr.len()),
                parts.label_indptr.len(),
            ));
        }
        check_columns("feature_indices", &parts.feature_indptr, &parts.feature_indices, parts.feature_count)?;
        check_columns("label_indices", &parts.label_indptr, &parts.label_indices, parts.label_count)?;
        if parts.feature_values.len() != parts.feature_indices.len() {
            return Err(DataError::parts(
                "feature_values",
                None,
                format!("{} entries, as feature_indices", parts.feature_indices.len()),
                parts.feature_values.len(),
            ));
        }
        if let Some(position) = parts.feature_values.iter().position(|value| !value.is_finite()) {
            let value = parts.feature_values[position];
            return Err(DataError::parts("feature_values", Some(position), "a finite value", value));
        }
        Ok(Self { arrays: parts, bases: Bases::default() })
    }
}

fn check_rows(array: &'static str, indptr: &[u64], entries: usize) -> Result<(), DataError> {
    match indptr.first() {
        None => return Err(DataError::parts(array, None, "at least the entry 0", "no entry")),
        Some(0) => {}
        Some(first) => return Err(DataError::parts(array, Some(0), "0", first)),
    }
    if let Some(fall) = indptr.windows(2).position(|pair| pair[0] > pair[1]) {
        return Err(DataError::parts(array, Some(fall + 1), format!("at least {}", indptr[fall]), indptr[fall + 1]));
    }
    let last = indptr.len() - 1;
    if indptr[last] != entries as u64 {
        return Err(DataError::parts(array, Some(last), format!("the number of indices, {entries}"), indptr[last]));
    }
    Ok(())
}

fn check_columns(array: &'static str, indptr: &[u64], indices: &[u32], count: usize) -> Result<(), DataError> {
    if count as u64 > MOST_COLUMNS {
        return Err(DataError::parts(array, None, "a width of at most 2^32", count));
    }
    for pair in indptr.windows(2) {
        let (start, end) = (pair[0] as usize, pair[1] as usize);
        let mut least = 0;
        for (position, &index) in (start..).zip(&indices[start..end]) {
            if u64::from(index) < least {
                return Err(DataError::parts(array, Some(position), format!("at least {least} (ascending)"), index));
            }
            if index as usize >= count {
                return Err(DataError::parts(array, Some(position), format!("an index below {count}"), index));
            }
            least = u64::from(index) + 1;
        }
    }
    Ok(())
}

impl Dataset {
    /// Reads a data set from a file in any of the [formats](super), compressed with gzip or zstd or not. What the file does
    /// not contain, such as the number of features of a model, is given in [`ReadOptions`] to
    /// [`data::read`](super::read).
    ///
    /// # Errors
    /// As [`data::read`](super::read).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, DataError> {
        super::read(path, &ReadOptions::default())
    }

    /// Calls `f` with a data set of slices that are borrowed, which are not copied. Of the data set and of its arrays nothing may be kept
    /// beyond the call; a [`Trainer`](crate::Trainer) keeps nothing.
    ///
    /// ```
    /// use slide_core::{Dataset, data::Slices};
    ///
    /// let (indptr, indices, values) = ([0, 2], [0, 2], [1.0, 0.5]);
    /// let slices = Slices {
    ///     feature_indptr: &indptr, feature_indices: &indices, feature_values: &values,
    ///     label_indptr: &[0, 1], label_indices: &[1], feature_count: 3, label_count: 2,
    /// };
    /// assert_eq!(Dataset::lent(slices, |data| data.labels(0).to_vec())?, [1]);
    /// # Ok::<(), slide_core::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As of [`Arrays`].
    ///
    /// # Aborts
    /// The process ends if a clone of the data set or of an array is left when `f` returns: see [`slide_mem::lend`].
    pub fn lent<R>(slices: Slices<'_>, f: impl FnOnce(&Self) -> R) -> Result<R, DataError> {
        let Slices { feature_count, label_count, .. } = slices;
        lend(slices.feature_indptr, |feature_indptr| {
            lend(slices.feature_indices, |feature_indices| {
                lend(slices.feature_values, |feature_values| {
                    lend(slices.label_indptr, |label_indptr| {
                        lend(slices.label_indices, |label_indices| {
                            let arrays = Arrays {
                                feature_indptr: Array::shared(feature_indptr),
                                feature_indices: Array::shared(feature_indices),
                                feature_values: Array::shared(feature_values),
                                label_indptr: Array::shared(label_indptr),
                                label_indices: Array::shared(label_indices),
                                feature_count,
                                label_count,
                            };
                            Self::try_from(arrays).map(|data| f(&data))
                        })
                    })
                })
            })
        })
    }

    /// A data set of `parts` that the caller has checked, as the parsers do while they read.
    pub(crate) fn from_checked(parts: Parts) -> Self {
        let arrays = Arrays::from(parts);
        debug_assert!(Self::try_from(arrays.clone()).is_ok());
        Self { arrays, bases: Bases::default() }
    }

    /// The same, read from a file with these bases.
    pub(crate) fn with_bases(self, bases: Bases) -> Self {
        Self { bases, ..self }
    }

    pub(crate) fn bases(&self) -> Bases {
        self.bases
    }

    /// Number of the first feature in the file that it was read from: [`IndexBase::Zero`] or [`IndexBase::One`].
    pub fn feature_base(&self) -> IndexBase {
        self.bases.features
    }

    /// Number of the first label in the file that it was read from: [`IndexBase::Zero`] or [`IndexBase::One`].
    pub fn label_base(&self) -> IndexBase {
        self.bases.labels
    }

    /// The arrays, which clones share.
    pub fn arrays(&self) -> &Arrays {
        &self.arrays
    }

    /// Entries of the feature matrix, explicit zeros included.
    pub(crate) fn feature_entries(&self) -> usize {
        self.arrays.feature_indices.len()
    }

    /// Entries of the label matrix.
    pub(crate) fn label_entries(&self) -> usize {
        self.arrays.label_indices.len()
    }

    /// Number of examples.
    pub fn examples(&self) -> usize {
        self.arrays.feature_indptr.len() - 1
    }

    /// Width of the feature matrix.
    pub fn feature_count(&self) -> usize {
        self.arrays.feature_count
    }

    /// Width of the label matrix.
    pub fn label_count(&self) -> usize {
        self.arrays.label_count
    }

    /// Feature numbers, ascending, and values of an example.
    ///
    /// # Panics
    /// When `example >= self.examples()`.
    #[inline]
    pub fn features(&self, example: usize) -> (&[u32], &[f32]) {
        let range = range(&self.arrays.feature_indptr, example);
        (&self.arrays.feature_indices[range.clone()], &self.arrays.feature_values[range])
    }

    /// Label numbers of an example, ascending.
    ///
    /// # Panics
    /// When `example >= self.examples()`.
    #[inline]
    pub fn labels(&self, example: usize) -> &[u32] {
        &self.arrays.label_indices[range(&self.arrays.label_indptr, example)]
    }

    /// The labels as a model of this data set has them.
    pub(crate) fn label_numbering(&self) -> Numbering {
        Numbering::of(&self.arrays.label_indices, self.arrays.label_count, self.bases.labels)
    }

    /// The features, in the same way.
    pub(crate) fn feature_numbering(&self) -> Numbering {
        Numbering::of(&self.arrays.feature_indices, self.arrays.feature_count, self.bases.features)
    }

    /// Splits off a `share` of the examples, rounded, for validation: the rest and those held out, both in the original order. The
    /// choice is a function of the seed.
    ///
    /// # Panics
    /// If the share is not in [0, 1].
    pub fn hold_out(&self, share: f64, seed: u64) -> (Self, Self) {
        assert!((0.0..=1.0).contains(&share), "a share of {share}, expected 0 to 1");
        let mut order: Vec<u32> = (0..self.examples() as u32).collect();
        CounterRng::new(RngKey::new(seed, streams::HOLD_OUT, 0, 0)).shuffle(&mut order);
        let (held_out, rest) = order.split_at_mut((share * self.examples() as f64).round() as usize);
        held_out.sort_unstable();
        rest.sort_unstable();
        (self.select(rest), self.select(held_out))
    }

    /// A data set of the given examples, in the given order, of the same widths.
    ///
    /// # Panics
    /// When an example is not below `self.examples()`.
    pub fn select(&self, examples: &[u32]) -> Self {
        let mut parts = Parts {
            feature_indptr: Vec::with_capacity(examples.len() + 1),
            label_indptr: Vec::with_capacity(examples.len() + 1),
            feature_count: self.arrays.feature_count,
            label_count: self.arrays.label_count,
            ..Parts::default()
        };
        parts.feature_indptr.push(0);
        parts.label_indptr.push(0);
        for &example in examples {
            let (indices, values) = self.features(example as usize);
            parts.feature_indices.extend_from_slice(indices);
            parts.feature_values.extend_from_slice(values);
            parts.feature_indptr.push(parts.feature_indices.len() as u64);
            parts.label_indices.extend_from_slice(self.labels(example as usize));
            parts.label_indptr.push(parts.label_indices.len() as u64);
        }
        Self { arrays: parts.into(), bases: self.bases }
    }
}

#[inline]
fn range(indptr: &[u64], example: usize) -> std::ops::Range<usize> {
    indptr[example] as usize..indptr[example + 1] as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        Parts {
            feature_indptr: vec![0, 2, 2, 3],
            feature_indices: vec![1, 4, 0],
            feature_values: vec![0.5, -2.0, 1.0],
            label_indptr: vec![0, 1, 3, 3],
            label_indices: vec![2, 0, 2],
            feature_count: 5,
            label_count: 3,
        }
    }

    #[test]
    fn rows_are_what_was_given() {
        let data = Dataset::try_from(parts()).unwrap();
        assert_eq!((data.examples(), data.feature_count(), data.label_count()), (3, 5, 3));
        assert_eq!(data.features(0), (&[1, 4][..], &[0.5, -2.0][..]));
        assert_eq!(data.features(1), (&[][..], &[][..]));
        assert_eq!((data.labels(1), data.labels(2)), (&[0, 2][..], &[][..]));
        assert_eq!(data.label_numbering().frequencies(&data.arrays().label_indices), [1, 0, 2]);
        let picked = data.select(&[2, 0]);
        assert_eq!(picked.features(0), data.features(2));
        assert_eq!(picked.labels(1), data.labels(0));
        assert_eq!(Dataset::try_from(picked.arrays().clone()).unwrap(), picked);
    }

    #[test]
    fn arrays_of_others_are_not_copied() {
        let features: std::sync::Arc<[u32]> = std::sync::Arc::from([1, 4, 0]);
        let address = features.as_ptr();
        let arrays = Arrays { feature_indices: Array::shared(std::sync::Arc::new(features)), ..parts().into() };
        let data = Dataset::try_from(arrays).unwrap();
        assert_eq!(data, Dataset::try_from(parts()).unwrap());
        assert_eq!(data.clone().features(0).0.as_ptr(), address);
    }

    #[test]
    fn slices_are_lent() {
        let parts = parts();
        let slices = Slices {
            feature_indptr: &parts.feature_indptr,
            feature_indices: &parts.feature_indices,
            feature_values: &parts.feature_values,
            label_indptr: &parts.label_indptr,
            label_indices: &parts.label_indices,
            feature_count: parts.feature_count,
            label_count: parts.label_count,
        };
        let owned = Dataset::try_from(parts.clone()).unwrap();
        let address = Dataset::lent(slices, |data| {
            assert_eq!(data, &owned);
            data.features(0).0.as_ptr()
        });
        assert_eq!(address.unwrap(), parts.feature_indices.as_ptr());
        assert!(Dataset::lent(Slices { label_count: 2, ..slices }, |_| ()).is_err());
    }

    #[test]
    fn contradictions_are_named() {
        let said = |change: fn(&mut Parts)| {
            let mut parts = parts();
            change(&mut parts);
            Dataset::try_from(parts).unwrap_err().to_string()
        };
        type Case = (fn(&mut Parts), &'static str);
        let cases: [Case; 9] = [
            (|p| p.feature_indptr.clear(), "feature_indptr: expected at least the entry 0, found no entry"),
            (|p| p.feature_indptr[0] = 1, "feature_indptr[0]: expected 0, found 1"),
            (|p| p.label_indptr[1] = 9, "label_indptr[2]: expected at least 9, found 3"),
            (|p| p.label_indptr[3] = 4, "label_indptr[3]: expected the number of indices, 3, found 4"),
            (|p| p.label_indptr.truncate(3), "label_indptr: expected 4 entries, as feature_indptr, found 3"),
            (|p| p.feature_indices[1] = 1, "feature_indices[1]: expected at least 2 (ascending), found 1"),
            (|p| p.label_count = 2, "label_indices[0]: expected an index below 2, found 2"),
            (|p| p.feature_values.push(0.0), "feature_values: expected 3 entries, as feature_indices, found 4"),
            (|p| p.feature_values[2] = f32::NAN, "feature_values[2]: expected a finite value, found NaN"),
        ];
        for (change, expected) in cases {
            assert_eq!(said(change), expected);
        }
    }
}
