//! The data set in memory: two matrices in compressed sparse rows, one of features and one of labels.

use super::DataError;

/// Points with sparse features and sets of labels, in compressed sparse rows.
///
/// Holds, and every constructor checks: both `indptr` start at 0, never fall, have `points + 1` entries and end at the
/// number of indices; the indices of a point are strictly ascending and below `feature_count` or `label_count`; values
/// are finite. A point may have no features, no labels, or neither.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    parts: Parts,
}

/// The arrays of a [`Dataset`], to build one with `Dataset::try_from` or to take one apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// Where the features of each point start: `points + 1` entries.
    pub feature_indptr: Vec<u64>,
    /// Feature numbers, ascending within a point.
    pub feature_indices: Vec<u32>,
    /// A finite value for each entry of `feature_indices`.
    pub feature_values: Vec<f32>,
    /// Where the labels of each point start: `points + 1` entries.
    pub label_indptr: Vec<u64>,
    /// Label numbers, ascending within a point.
    pub label_indices: Vec<u32>,
    /// Width of the feature matrix, at most 2^32.
    pub feature_count: usize,
    /// Width of the label matrix, at most 2^32.
    pub label_count: usize,
}

/// Indices are `u32`.
pub(crate) const MOST_COLUMNS: u64 = 1 << 32;

impl TryFrom<Parts> for Dataset {
    type Error = DataError;

    /// # Errors
    /// [`DataError::Parts`] naming the first array and element that break what [`Dataset`] promises.
    fn try_from(parts: Parts) -> Result<Self, DataError> {
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
        Ok(Self { parts })
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
    /// A data set of `parts` that the caller has checked, as the parsers do while they read.
    pub(crate) fn from_checked(parts: Parts) -> Self {
        debug_assert!(Self::try_from(parts.clone()).is_ok());
        Self { parts }
    }

    /// The arrays, to work on or to pass on.
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// The arrays, to look at.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.parts.feature_indptr.len() - 1
    }

    /// Width of the feature matrix.
    pub fn feature_count(&self) -> usize {
        self.parts.feature_count
    }

    /// Width of the label matrix.
    pub fn label_count(&self) -> usize {
        self.parts.label_count
    }

    /// Feature numbers, ascending, and values of a point.
    ///
    /// # Panics
    /// When `point >= self.points()`.
    #[inline]
    pub fn features(&self, point: usize) -> (&[u32], &[f32]) {
        let range = range(&self.parts.feature_indptr, point);
        (&self.parts.feature_indices[range.clone()], &self.parts.feature_values[range])
    }

    /// Label numbers of a point, ascending.
    ///
    /// # Panics
    /// When `point >= self.points()`.
    #[inline]
    pub fn labels(&self, point: usize) -> &[u32] {
        &self.parts.label_indices[range(&self.parts.label_indptr, point)]
    }

    /// For each label the number of points that carry it: `label_count` entries.
    pub fn label_frequencies(&self) -> Vec<u32> {
        let mut frequencies = vec![0_u32; self.parts.label_count];
        for &label in &self.parts.label_indices {
            frequencies[label as usize] += 1;
        }
        frequencies
    }

    /// A data set of the given points, in the given order, of the same widths.
    ///
    /// # Panics
    /// When a point is not below `self.points()`.
    pub fn select(&self, points: &[u32]) -> Self {
        let mut parts = Parts {
            feature_indptr: Vec::with_capacity(points.len() + 1),
            label_indptr: Vec::with_capacity(points.len() + 1),
            feature_count: self.parts.feature_count,
            label_count: self.parts.label_count,
            ..Parts::default()
        };
        parts.feature_indptr.push(0);
        parts.label_indptr.push(0);
        for &point in points {
            let (indices, values) = self.features(point as usize);
            parts.feature_indices.extend_from_slice(indices);
            parts.feature_values.extend_from_slice(values);
            parts.feature_indptr.push(parts.feature_indices.len() as u64);
            parts.label_indices.extend_from_slice(self.labels(point as usize));
            parts.label_indptr.push(parts.label_indices.len() as u64);
        }
        Self { parts }
    }
}

#[inline]
fn range(indptr: &[u64], point: usize) -> std::ops::Range<usize> {
    indptr[point] as usize..indptr[point + 1] as usize
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
        assert_eq!((data.points(), data.feature_count(), data.label_count()), (3, 5, 3));
        assert_eq!(data.features(0), (&[1, 4][..], &[0.5, -2.0][..]));
        assert_eq!(data.features(1), (&[][..], &[][..]));
        assert_eq!((data.labels(1), data.labels(2)), (&[0, 2][..], &[][..]));
        assert_eq!(data.label_frequencies(), [1, 0, 2]);
        let picked = data.select(&[2, 0]);
        assert_eq!(picked.features(0), data.features(2));
        assert_eq!(picked.labels(1), data.labels(0));
        assert_eq!(Dataset::try_from(picked.clone().into_parts()).unwrap(), picked);
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
