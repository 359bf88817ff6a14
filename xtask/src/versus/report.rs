//! The record as Markdown: a table of each set, the settings, and what made them.

use anyhow::{Context as _, Result};

use super::record::{Measured, Origin, Record, SetRecord};
use super::system::System;
use crate::bench::figures::number;
use crate::text_table::markdown;

const HEAD: [&str; 12] = [
    "system",
    "P@1",
    "P@3",
    "P@5",
    "nDCG@5",
    "PSP@1",
    "PSP@3",
    "PSP@5",
    "training, CPU s",
    "peak MiB",
    "model MB",
    "us a document: batch / single",
];

pub(crate) fn markdown_of(record: &Record) -> String {
    let mut text = String::new();
    for set in &record.sets {
        text.push_str(&table(record, set));
        text.push('\n');
    }
    text.push_str(&settings(record));
    for left_out in &record.left_out {
        text.push_str(&format!("\n{} cannot be installed: {}\n", left_out.name, left_out.reason));
    }
    text + &origin(&record.origin)
}

/// The last line of a report.
pub(super) fn origin(Origin { machine, command, date, commit, .. }: &Origin) -> String {
    format!("\n(`{command}`, {date}, commit {commit}; {}, {} cores)\n", machine.processor, machine.cores)
}

/// The document with the report of a suite between its lines.
pub(crate) fn insert(document: &str, suite: &str, report: &str) -> Result<String> {
    let [begin, end] = ["", "end of "].map(|end| format!("<!-- {end}versus {suite} -->"));
    let missing = || format!("no lines `{begin}` and `{end}`");
    let (before, rest) = document.split_once(&begin).with_context(missing)?;
    let (_, after) = rest.split_once(&end).with_context(missing)?;
    Ok(format!("{before}{begin}\n{report}{end}{after}"))
}

fn table(record: &Record, set: &SetRecord) -> String {
    let size = &set.size;
    let [train, test, features, labels] =
        [size.train_examples, size.test_examples, size.features, size.labels].map(thousands);
    let mut text = format!(
        "**{}**: {train} examples for training, {test} for the test, {features} features, {labels} labels\n\n",
        set.name
    );
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    let mut failures = String::new();
    for contestant in &record.systems {
        let system = contestant.system;
        match (set.medians(system), set.failure(system)) {
            (Some(measured), _) => rows.push(row(system, &measured)),
            (None, Some(reason)) => failures.push_str(&format!("\n{} fails: {reason}\n", system.title())),
            (None, None) => {}
        }
    }
    text.push_str(&markdown(&rows, |column| column > 0));
    text + &failures
}

fn row(system: System, measured: &Measured) -> Vec<String> {
    let metrics = &measured.metrics;
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    let mut row = vec![system.title().to_owned()];
    row.extend(metrics.precision.map(percent));
    row.push(percent(metrics.ndcg[2]));
    row.extend(metrics.psp.map(percent));
    row.push(number(measured.cpu_seconds));
    row.push(format!("{}", measured.peak_bytes >> 20));
    row.push(number(measured.model_bytes as f64 / 1e6));
    let batch = measured.batch_microseconds.map_or_else(|| "-".to_owned(), number);
    row.push(format!("{batch} / {}", number(measured.single_microseconds)));
    row
}

fn settings(record: &Record) -> String {
    let mut rows = vec![["system", "versions", "settings"].map(str::to_owned).to_vec()];
    for contestant in &record.systems {
        let versions: Vec<_> =
            contestant.versions.iter().map(|(package, version)| format!("{package} {version}")).collect();
        rows.push(vec![contestant.system.title().to_owned(), versions.join(", "), contestant.settings.clone()]);
    }
    markdown(&rows, |_| false)
}

/// With commas.
pub(super) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    #[test]
    fn a_report_has_all_that_was_found() {
        let text = markdown_of(&record());
        let has = |line: &str| assert!(text.lines().any(|found| found == line), "no line {line:?}: {text}");
        has("**debian**: 46,820 examples for training, 11,225 for the test, 48,638 features, 49,531 labels");
        has("| slide | 65.00 | 65.00 | 65.00 | 65.00 | 32.50 | 32.50 | 32.50 | 11.0 | 100 | 1.23 | 12.3 / 45.6 |");
        has(
            "| Parabel (omikuji) | 50.00 | 50.00 | 50.00 | 50.00 | 25.00 | 25.00 | 25.00 | 30.0 | 100 | 1.23 | - / 45.6 |",
        );
        has("XR-Linear (PECOS) fails: ended by signal 9");
        has("fastText cannot be installed: no wheel");
        has("| slide | slide 1.2 | defaults |");
        has("(`cargo xtask versus --suite accuracy`, 2026-11-22, commit 0123456789ab; A Machine <1>, 2 cores)");
    }

    #[test]
    fn documents_keep_what_is_around_the_report() {
        let document = |report: &str| {
            format!("# Title\n\n<!-- versus accuracy -->\n{report}\n<!-- end of versus accuracy -->\n\n## Next\n")
        };
        let new = insert(&document("old"), "accuracy", "new\n").unwrap();
        assert_eq!(new, document("new"));
        assert_eq!(insert(&new, "accuracy", "new\n").unwrap(), new);
        assert!(insert(&new, "retrieval", "new\n").is_err());
        assert!(insert("# Title\n", "accuracy", "new\n").unwrap_err().to_string().contains("no lines"));
    }

    #[test]
    fn counts_have_commas() {
        assert_eq!([0, 999, 1000, 46_820, 1_234_567].map(thousands), ["0", "999", "1,000", "46,820", "1,234,567"]);
    }
}
