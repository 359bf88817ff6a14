//! Tables of text.

use slide_core::metrics::{Metrics, MetricsAt};

/// Rows of cells below a header: the first column to the left, the others to the right.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self { rows: vec![header.into_iter().map(Into::into).collect()] }
    }

    pub(crate) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                line += &if column == 0 { format!("{cell:width$}") } else { format!("  {cell:>width$}") };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The metrics in percent: one row per metric, one column per cutoff.
pub(crate) fn metrics(metrics: &Metrics) -> Table {
    let cutoffs = metrics.at.iter().map(|at| format!("{:>6}", format!("@{}", at.k)));
    let mut table = Table::new([format!("{:10}", "percent")].into_iter().chain(cutoffs));
    let mut row = |name: &str, value: fn(&MetricsAt) -> Option<f64>| {
        let cell = |at| value(at).map_or_else(|| "-".into(), |share| format!("{:.2}", 100.0 * share));
        table.row([name.to_owned()].into_iter().chain(metrics.at.iter().map(cell)));
    };
    row("P", |at| Some(at.precision));
    row("nDCG", |at| Some(at.ndcg));
    row("PSP", |at| at.psp);
    row("R", |at| Some(at.recall));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["name", "n"]);
        table.row(["a", "1000"]);
        table.row(["b"]);
        assert_eq!(table.to_string(), "name     n\na     1000\nb\n");
    }
}
