//! Lists of numbers, one after another: labels of examples, or examples of labels.

use std::ops::Range;

/// List `i` is `items[starts[i]..starts[i + 1]]`.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    starts: Vec<usize>,
    items: Vec<u32>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { starts: vec![0], items: Vec::new() }
    }
}

impl Lists {
    /// So many lists without items.
    pub(super) fn empty(lists: usize) -> Self {
        Self { starts: vec![0; lists + 1], items: Vec::new() }
    }

    /// Appends a list.
    pub(super) fn push(&mut self, list: impl IntoIterator<Item = u32>) {
        self.items.extend(list);
        self.starts.push(self.items.len());
    }

    /// Number of lists.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn range(&self, index: usize) -> Range<usize> {
        self.starts[index]..self.starts[index + 1]
    }

    /// List `index`.
    pub(super) fn get(&self, index: usize) -> &[u32] {
        &self.items[self.range(index)]
    }

    /// For each of `numbers` numbers the lists that it is in, ascending.
    pub(super) fn transposed(&self, numbers: usize) -> Self {
        let mut next = vec![0; numbers + 1];
        for &item in &self.items {
            next[item as usize + 1] += 1;
        }
        for number in 0..numbers {
            next[number + 1] += next[number];
        }
        let starts = next.clone();
        let mut items = vec![0; self.items.len()];
        for list in 0..self.len() {
            for &item in self.get(list) {
                let at = &mut next[item as usize];
                items[*at] = list as u32;
                *at += 1;
            }
        }
        Self { starts, items }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_twice_sorts_the_lists() {
        let mut lists = Lists::default();
        for list in [&[4, 1][..], &[], &[0, 4], &[4]] {
            lists.push(list.iter().copied());
        }
        let transposed = lists.transposed(5);
        assert_eq!((0..5).map(|i| transposed.get(i)).collect::<Vec<_>>(), [&[2][..], &[0], &[], &[], &[0, 2, 3]]);
        let again = transposed.transposed(4);
        assert_eq!((0..4).map(|i| again.get(i)).collect::<Vec<_>>(), [&[1, 4][..], &[], &[0, 4], &[4]]);
    }
}
