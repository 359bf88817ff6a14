//! Tables of the documentation that are made from what is in the code, and from the records of benchmarks.

mod records;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use slide_kernels::{Isa, list};

use crate::bench::record::Record;
use crate::cli::DocsArguments;
use crate::workspace;

/// Included in the crate page of slide-kernels.
const KERNEL_TABLE: &str = "crates/slide-kernels/kernels.md";

pub(crate) fn run(arguments: &DocsArguments) -> Result<()> {
    let root = workspace::root();
    let mut documents = vec![(PathBuf::from(KERNEL_TABLE), kernel_table())];
    for path in texts(&root)? {
        let text = fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {}", path.display()))?;
        // So that an error begins with `FILE:LINE: `.
        let content =
            records::renew(&text, &record).map_err(|error| anyhow::anyhow!("{}:{error:#}", path.display()))?;
        documents.push((path, content));
    }
    for (path, content) in &documents {
        let (file, path) = (root.join(path), path.display());
        if fs::read_to_string(&file).is_ok_and(|found| found == *content) {
            continue;
        }
        ensure!(!arguments.check, "{path} is out of date; `cargo xtask docs` writes it anew");
        workspace::write_whole(&file, content)?;
        println!("{path}: written anew");
    }
    println!("{} documents are as the list of {} kernels and the records say", documents.len(), list::KERNELS.len());
    Ok(())
}

/// The documents that may have tables of records.
fn texts(root: &Path) -> Result<Vec<PathBuf>> {
    let mut texts = vec![PathBuf::from("README.md")];
    for entry in fs::read_dir(root.join("docs")).context("cannot list docs")? {
        let name = PathBuf::from(entry?.file_name());
        if name.extension().is_some_and(|extension| extension == "md") {
            texts.push(Path::new("docs").join(name));
        }
    }
    texts.sort();
    Ok(texts)
}

/// The record of this name in `benches/records`.
fn record(name: &str) -> Result<Record> {
    let path = workspace::root().join(format!("benches/records/{name}.json"));
    ensure!(path.exists(), "there is no record `{name}` in benches/records: `cargo xtask bench` makes them");
    workspace::read_json(&path)
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
