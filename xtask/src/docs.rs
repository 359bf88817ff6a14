//! Tables of the documentation that are made from what is in the code.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail};
use slide_kernels::{Isa, list};

use crate::cli::DocsArguments;
use crate::workspace;

/// Included in the crate page of slide-kernels.
const KERNEL_TABLE: &str = "crates/slide-kernels/kernels.md";

pub(crate) fn run(arguments: &DocsArguments) -> Result<()> {
    let (path, table) = (workspace::root().join(KERNEL_TABLE), kernel_table());
    if arguments.check {
        let found = fs::read_to_string(&path).with_context(|| format!("cannot read {KERNEL_TABLE}"))?;
        if found != table {
            bail!("{KERNEL_TABLE} is not what the list of kernels says; `cargo xtask docs` writes it anew");
        }
        println!("{KERNEL_TABLE} agrees with the list of {} kernels", list::KERNELS.len());
    } else {
        fs::write(&path, table).with_context(|| format!("cannot write {KERNEL_TABLE}"))?;
        println!("{KERNEL_TABLE}: {} kernels", list::KERNELS.len());
    }
    Ok(())
}

/// Kernels x formats x levels, in Markdown for rustdoc.
fn kernel_table() -> String {
    let levels = || Isa::ALL.iter().filter(|&&isa| isa != Isa::Scalar);
    let mut table =
        "<!-- Made by `cargo xtask docs` from src/list.rs. -->\n\n| kernel | computes | formats |".to_owned();
    for isa in levels() {
        let _ = write!(table, " {isa} |");
    }
    table.push_str("\n|---|---|---|");
    table.extend(levels().map(|_| ":-:|"));
    table.push('\n');
    for kernel in list::KERNELS {
        let formula = escaped(kernel.formula);
        let _ = write!(table, "| [`{0}`](crate::Kernels::{0}) | {formula} | {1} |", kernel.method, kernel.types);
        for isa in levels() {
            table.push_str(if kernel.levels.contains(isa) { " ● |" } else { " |" });
        }
        table.push('\n');
    }
    table
}

/// Markdown in which nothing is a cell's end, a link, a tag or emphasis.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| "|[]<>_*".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_a_kernel_and_as_many_cells_as_its_head() {
        let table = kernel_table();
        let lines: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), list::KERNELS.len() + 2);
        let bars = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(lines.iter().all(|line| bars(line) == bars(lines[0])), "{table}");
    }
}
