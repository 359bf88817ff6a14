//! The labels of rows: names with numbers.

use std::collections::HashMap;

use crate::table::{LIST, Table};

/// The labels of the rows of a table, in compressed sparse rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    /// The name of each label, ascending.
    pub names: Vec<String>,
    /// Where the labels of each row start, and the end of the last.
    pub indptr: Vec<u64>,
    /// Labels, ascending in each row.
    pub indices: Vec<u32>,
    /// Labels that are not among the names, counted in every row.
    pub unknown: u64,
}

/// The labels of a field: parts of a list, and between delimiters.
fn labels(field: &str, delimiter: Option<char>) -> impl Iterator<Item = &str> {
    let parts = field.split(move |char| char == LIST || Some(char) == delimiter);
    parts.map(str::trim).filter(|label| !label.is_empty())
}

impl Targets {
    /// The labels in a column of `table`; those that occur are the names.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn new(table: &Table, column: usize, delimiter: Option<char>) -> Self {
        let all = (0..table.rows()).flat_map(|row| labels(table.field(row, column), delimiter));
        let mut names: Vec<&str> = all.collect::<std::collections::HashSet<_>>().into_iter().collect();
        names.sort_unstable();
        Self::with_names(table, column, delimiter, names.into_iter().map(str::to_owned).collect())
    }

    /// The same with given names.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn with_names(table: &Table, column: usize, delimiter: Option<char>, names: Vec<String>) -> Self {
        let numbers: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let (mut indptr, mut indices, mut unknown) = (vec![0], Vec::new(), 0);
        for row in 0..table.rows() {
            let start = indices.len();
            for label in labels(table.field(row, column), delimiter) {
                match numbers.get(label) {
                    Some(&number) => indices.push(number),
                    None => unknown += 1,
                }
            }
            indices[start..].sort_unstable();
            let mut end = start;
            for at in start..indices.len() {
                if at == start || indices[at] != indices[end - 1] {
                    indices[end] = indices[at];
                    end += 1;
                }
            }
            indices.truncate(end);
            indptr.push(indices.len() as u64);
        }
        drop(numbers);
        Self { names, indptr, indices, unknown }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    /// The labels of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn of(&self, row: usize) -> &[u32] {
        &self.indices[self.indptr[row] as usize..self.indptr[row + 1] as usize]
    }

    /// Whether no row has more than one label.
    #[must_use]
    pub fn are_single(&self) -> bool {
        self.indptr.windows(2).all(|pair| pair[1] - pair[0] <= 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sets_of_names() {
        let mut table = Table::new(vec!["y".into()]);
        for field in ["b|a", "a", "", "c| a |c", "x\u{1f}b"] {
            table.push([field]);
        }
        let targets = Targets::new(&table, 0, Some('|'));
        assert_eq!(targets.names, ["a", "b", "c", "x"]);
        let rows: Vec<&[u32]> = (0..targets.rows()).map(|row| targets.of(row)).collect();
        assert_eq!(rows, [&[0, 1][..], &[0], &[], &[0, 2], &[1, 3]]);
        assert!(!targets.are_single());
        let known = Targets::with_names(&table, 0, Some('|'), vec!["a".into(), "b".into()]);
        assert_eq!((known.unknown, known.of(3)), (3, &[0][..]));
    }
}
