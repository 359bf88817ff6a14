//! Rows of text in columns, for terminals and in Markdown. Columns that are numbers stand to the right.

/// Columns wide enough for all rows, the first of which is the head. A row of one cell is a heading: no column is as wide for it.
pub(crate) fn aligned(rows: &[Vec<String>], is_number: impl Fn(usize) -> bool) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows.iter().filter(|row| row.len() > 1) {
        widths.resize(row.len().max(widths.len()), 0);
        row.iter().zip(&mut widths).for_each(|(cell, width)| *width = cell.len().max(*width));
    }
    let cell = |(i, (cell, &width)): (usize, (&String, &usize))| {
        if is_number(i) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    };
    let mut text = String::new();
    for row in rows {
        let line: Vec<String> = row.iter().zip(&widths).enumerate().map(cell).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The first row is the head.
pub(crate) fn markdown(rows: &[Vec<String>], is_number: impl Fn(usize) -> bool) -> String {
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
        if i == 0 {
            text.push('|');
            text.extend((0..row.len()).map(|column| if is_number(column) { "--:|" } else { "---|" }));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = [&["kernel", "v1"][..], &["a heading that is longer"], &["dot::dot", "0.1670"], &["axpy", "1"]];
        let rows = rows.map(|row| row.iter().map(ToString::to_string).collect());
        let expected = "kernel        v1\na heading that is longer\ndot::dot  0.1670\naxpy           1\n";
        assert_eq!(aligned(&rows, |column| column == 1), expected);
    }

    #[test]
    fn markdown_has_a_line_below_its_head() {
        let rows = [["kernel", "v1"], ["dot::dot", "0.1670"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(markdown(&rows, |column| column == 1), "| kernel | v1 |\n|---|--:|\n| dot::dot | 0.1670 |\n");
    }
}
