//! A set of row numbers: inserted in any order, drained in ascending order.

/// One bit per row, and one bit per word of those, so that the time to drain depends on the number of members, not of rows.
///
/// For 670,091 rows these are 84 KB, which fit in the second-level cache.
#[derive(Clone, Debug)]
pub(crate) struct RowSet {
    words: Vec<u64>,
    summary: Vec<u64>,
    len: usize,
}

impl RowSet {
    pub(crate) fn new(rows: usize) -> Self {
        let words = rows.div_ceil(64);
        Self { words: vec![0; words], summary: vec![0; words.div_ceil(64)], len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn extend(&mut self, rows: impl IntoIterator<Item = u32>) {
        // Locals: a counter in memory would be a dependency between rows through memory.
        let (words, summary) = (&mut self.words[..], &mut self.summary[..]);
        let mut added = 0;
        for row in rows {
            let (word, bit) = (row as usize / 64, 1 << (row % 64));
            let old = words[word];
            words[word] = old | bit;
            summary[word / 64] |= 1 << (word % 64);
            added += usize::from(old & bit == 0);
        }
        self.len += added;
    }

    #[inline]
    pub(crate) fn contains(&self, row: u32) -> bool {
        self.words[row as usize / 64] >> (row % 64) & 1 == 1
    }

    /// Empties the set, replacing `out` by its rows in ascending order.
    pub(crate) fn drain_to(&mut self, out: &mut Vec<u32>) {
        out.resize(self.len, 0);
        let mut places = out.iter_mut();
        for (high, summary) in self.summary.iter_mut().enumerate() {
            for word in ones(std::mem::take(summary)) {
                let word = high * 64 + word as usize;
                for (bit, place) in ones(std::mem::take(&mut self.words[word])).zip(&mut places) {
                    *place = word as u32 * 64 + bit;
                }
            }
        }
        self.len = 0;
    }
}

/// The positions of the ones of `word`, ascending.
#[inline]
fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let position = (word != 0).then(|| word.trailing_zeros());
        word &= word.wrapping_sub(1);
        position
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn like_a_sorted_set(rounds in prop::collection::vec(prop::collection::vec(0u32..9000, 0..200), 1..4)) {
            let mut set = RowSet::new(9000);
            for rows in rounds {
                let expected: BTreeSet<u32> = rows.iter().copied().collect();
                set.extend(rows.iter().copied());
                prop_assert_eq!(set.len(), expected.len());
                prop_assert!((0..9000).all(|row| set.contains(row) == expected.contains(&row)));
                let mut drained = vec![1, 2];
                set.drain_to(&mut drained);
                prop_assert_eq!(drained, expected.into_iter().collect::<Vec<_>>());
                prop_assert_eq!(set.len(), 0);
            }
        }
    }
}
