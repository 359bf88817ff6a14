//! Tables of text.

use slide_core::metrics::{At, Difference, Interval, LabelGroup, Metrics};

use crate::output::count;

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

/// The metrics in percent.
pub(crate) fn metrics(metrics: &Metrics) -> Table {
    by_metric("percent", metrics.at.iter().map(|at| at.map(|&share| percent(share))))
}

/// The metrics in percent, with half the widths of their intervals.
pub(crate) fn metrics_with_intervals(metrics: &Metrics, intervals: &[At<Interval>]) -> Table {
    let cell = |&share: &f64, &interval: &Interval| format!("{} {}", percent(share), half_width(interval));
    by_metric("percent", metrics.at.iter().zip(intervals).map(|(at, intervals)| at.zip(intervals, cell)))
}

/// Differences in percent points, with half the widths of their intervals and the share of resamples in which the first is better.
pub(crate) fn differences(differences: &[At<Difference>]) -> Table {
    let cell = |&Difference { difference, interval, better }: &Difference| {
        format!("{:+.2} {} ({:.1} %)", 100.0 * difference, half_width(interval), 100.0 * better)
    };
    by_metric("difference", differences.iter().map(|at| at.map(cell)))
}

/// Counts of labels, and macro averages at the last cutoff in percent: one row per group.
pub(crate) fn label_groups(groups: &[LabelGroup]) -> Table {
    let k = groups.iter().flat_map(|group| &group.at).map(|at| at.k).max().unwrap_or(0);
    let columns = [format!("{:10}", "macro"), "labels".into(), "in test".into(), "training examples".into()];
    let mut table = Table::new(columns.into_iter().chain(["P", "R", "F1"].map(|name| format!("{name:>3}@{k}"))));
    for LabelGroup { name, labels, labels_in_test, training_examples, at, .. } in groups {
        let range =
            training_examples.map_or_else(|| "-".into(), |(least, most)| format!("{}-{}", count(least), count(most)));
        let shares = at.last().map(|at| [at.precision, at.recall, at.f1].map(percent));
        let counts = [(*name).to_owned(), count(*labels as u64), count(*labels_in_test as u64), range];
        table.row(counts.into_iter().chain(shares.into_iter().flatten()));
    }
    table
}

/// One row per metric, one column per cutoff.
fn by_metric(corner: &str, at: impl Iterator<Item = At<String>>) -> Table {
    let at: Vec<_> = at.collect();
    let cutoffs = at.iter().map(|at| format!("{:>6}", format!("@{}", at.k)));
    let mut table = Table::new([format!("{corner:10}")].into_iter().chain(cutoffs));
    let mut row = |name: &str, cell: fn(&At<String>) -> Option<&String>| {
        let cells = at.iter().map(|at| cell(at).map_or("-", String::as_str));
        table.row([name].into_iter().chain(cells));
    };
    row("P", |at| Some(&at.precision));
    row("nDCG", |at| Some(&at.ndcg));
    row("PSP", |at| at.psp.as_ref());
    row("R", |at| Some(&at.recall));
    table
}

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

fn half_width(interval: Interval) -> String {
    format!("± {:.2}", 50.0 * (interval.upper - interval.lower))
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
