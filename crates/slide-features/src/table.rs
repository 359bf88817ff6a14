//! A table in memory: texts by column.

/// Separates the values of a field that the file has as a list.
pub const LIST: char = '\u{1f}';

/// The fields of a column, one after another.
#[derive(Clone, Debug, Default)]
struct Fields {
    text: String,
    ends: Vec<usize>,
}

/// Rows of fields; an empty field is a missing value.
#[derive(Clone, Debug, Default)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Fields>,
    rows: usize,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        let columns = vec![Fields::default(); names.len()];
        Self { names, columns, rows: 0 }
    }

    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of the column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A field; empty if it is missing.
    ///
    /// # Panics
    /// If there is no such row or column.
    #[must_use]
    pub fn field(&self, row: usize, column: usize) -> &str {
        let fields = &self.columns[column];
        let start = if row == 0 { 0 } else { fields.ends[row - 1] };
        &fields.text[start..fields.ends[row]]
    }

    /// Adds a row of as many fields as there are columns.
    ///
    /// # Panics
    /// If there are fewer or more.
    pub fn push<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) {
        let mut fields = fields.into_iter();
        for column in &mut self.columns {
            column.text.push_str(fields.next().expect("a field for each column"));
            column.ends.push(column.text.len());
        }
        assert!(fields.next().is_none(), "more fields than columns");
        self.rows += 1;
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        for column in &mut self.columns {
            column.text.clear();
            column.ends.clear();
        }
        self.rows = 0;
    }

    /// A new column, empty in the rows that there are.
    pub(crate) fn add_column(&mut self, name: &str) -> usize {
        self.names.push(name.to_owned());
        self.columns.push(Fields { text: String::new(), ends: vec![0; self.rows] });
        self.columns.len() - 1
    }

    /// The text of the field that is being written in the row after the last.
    pub(crate) fn open_field(&mut self, column: usize) -> &mut String {
        &mut self.columns[column].text
    }

    /// Whether the field of the row after the last has been closed.
    pub(crate) fn is_closed(&self, column: usize) -> bool {
        self.columns[column].ends.len() > self.rows
    }

    /// Ends a field of the row after the last.
    pub(crate) fn close_field(&mut self, column: usize) {
        let fields = &mut self.columns[column];
        fields.ends.push(fields.text.len());
    }

    /// Ends the row after the last: fields that were not written are empty.
    pub(crate) fn close_row(&mut self) {
        self.rows += 1;
        for column in &mut self.columns {
            column.ends.resize(self.rows, column.text.len());
        }
    }

    /// Takes back what was written of the row after the last.
    pub(crate) fn abandon_row(&mut self) {
        for column in &mut self.columns {
            column.ends.truncate(self.rows);
            column.text.truncate(column.ends.last().copied().unwrap_or(0));
        }
    }
}
