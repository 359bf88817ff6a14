//! Tables in Markdown made of records of benchmarks, between lines such as
//!
//! ```text
//! <!-- record graviton2/graviton2-kernels, graviton3/graviton-kernels: kernel, level, instructions, neoverse-n1 where dot -->
//! <!-- end -->
//! ```
//!
//! The names are those of files in `benches/records`, without `.json`; more than one are laid beside each other. After `where` a
//! regular expression chooses, by `LEVEL KERNEL SHAPE`. Columns: [`COLUMNS`], and processors.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;

use crate::bench::figures::{number, time};
use crate::bench::record::{Entry, Record};
use crate::text_table::markdown;

const BEGIN: &str = "<!-- record ";
const END: &str = "<!-- end -->";

/// The text with all its tables made anew. An error begins with the number of the line.
pub(super) fn renew(text: &str, load: &dyn Fn(&str) -> Result<Record>) -> Result<String> {
    let mut renewed = String::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        renewed.push_str(line);
        renewed.push('\n');
        if let Some(wanted) = line.trim().strip_prefix(BEGIN) {
            let made =
                Wanted::parse(wanted).and_then(|wanted| wanted.table(load)).with_context(|| number.to_string())?;
            renewed.push_str(&made);
            let mut replaced = lines.by_ref().map(|(_, line)| line.trim());
            let end = replaced.find(|line| line.starts_with(BEGIN) || *line == END);
            ensure!(end == Some(END), "{number}: the table has no end: a line `{END}`");
            renewed.push_str(END);
            renewed.push('\n');
        }
    }
    Ok(renewed)
}

/// What a line asks for.
struct Wanted<'a> {
    records: Vec<&'a str>,
    columns: Vec<&'a str>,
    filter: Option<Regex>,
}

impl<'a> Wanted<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let text = text.strip_suffix("-->").context("the line does not end with `-->`")?.trim();
        let (text, filter) = match text.split_once(" where ") {
            Some((text, filter)) => (text, Some(Regex::new(filter)?)),
            None => (text, None),
        };
        let (records, columns) = text.split_once(':').context("columns are missing: `record NAME: COLUMN, COLUMN`")?;
        let list = |text: &'a str| text.split(',').map(str::trim).collect();
        Ok(Self { records: list(records), columns: list(columns), filter })
    }

    fn table(&self, load: &dyn Fn(&str) -> Result<Record>) -> Result<String> {
        let records = self.records.iter().map(|name| load(name)).collect::<Result<Vec<_>>>()?;
        let entries = merged(&records)?;
        let columns = &self.columns;
        check_columns(columns, &entries)?;
        let chosen = |entry: &&Entry| {
            let name = format!("{} {} {}", entry.level, entry.subject, entry.shape);
            self.filter.as_ref().is_none_or(|filter| filter.is_match(&name))
        };
        let mut rows = vec![columns.iter().map(|column| head(column)).collect::<Vec<_>>()];
        rows.extend(
            entries.values().filter(chosen).map(|entry| columns.iter().map(|column| cell(column, entry)).collect()),
        );
        ensure!(rows.len() > 1, "no entry of {} is chosen", self.records.join(", "));
        let mut table = markdown(&rows, |i| !["kernel", "shape", "level"].contains(&columns[i]));
        let from =
            |Record { origin, .. }: &Record| format!("`{}`, {}, commit {}", origin.command, origin.date, origin.commit);
        table.push_str(&format!("\n({})\n", records.iter().map(from).collect::<Vec<_>>().join("; ")));
        Ok(table)
    }
}

/// The entries of all records by kernel, shape and level. What the records say of one entry is put together. Bare loops that
/// only show limits are left out.
fn merged(records: &[Record]) -> Result<BTreeMap<[String; 3], Entry>> {
    let mut entries: BTreeMap<_, Entry> = BTreeMap::new();
    for entry in records.iter().flat_map(|record| &record.entries).filter(|entry| !entry.subject.starts_with("probe::"))
    {
        let key = entry.key().map(str::to_owned);
        let Some(known) = entries.get_mut(&key) else {
            entries.insert(key, entry.clone());
            continue;
        };
        ensure!(known.measured.is_none() || entry.measured.is_none(), "two of the records have a time of {key:?}");
        ensure!(
            known.counted == entry.counted,
            "the records have different counts of {key:?}: is one of an older commit?"
        );
        known.modelled.extend(entry.modelled.clone());
        known.measured = known.measured.take().or_else(|| entry.measured.clone());
    }
    Ok(entries)
}

/// The columns that every record has; others are the processors for which its cycles are modelled.
const COLUMNS: [&str; 8] = ["kernel", "shape", "level", "time", "GFLOP/s", "GB/s", "limit", "instructions"];

fn check_columns<K>(columns: &[&str], entries: &BTreeMap<K, Entry>) -> Result<()> {
    let processors: BTreeSet<&str> =
        entries.values().flat_map(|entry| entry.modelled.keys().map(String::as_str)).collect();
    let known: Vec<&str> = COLUMNS.into_iter().chain(processors).collect();
    match columns.iter().find(|column| !known.contains(column)) {
        Some(unknown) => bail!("no column `{unknown}`: there are {}", known.join(", ")),
        None => Ok(()),
    }
}

fn head(column: &str) -> String {
    match column {
        "instructions" => "instructions an element, counted".to_owned(),
        named if COLUMNS.contains(&named) => named.to_owned(),
        processor => format!("cycles an element on {processor}, modelled"),
    }
}

fn cell(column: &str, entry: &Entry) -> String {
    let rate = |of_a_call: u64| entry.a_nanosecond(of_a_call).map(number);
    let an_element = |of_a_call: f64| number(of_a_call / entry.cost.elements as f64);
    let cell = match column {
        "kernel" => Some(format!("`{}`", entry.subject)),
        "shape" => Some(entry.shape.clone()),
        "level" => Some(entry.level.clone()),
        // Median of a call.
        "time" => entry.median().map(time),
        "GFLOP/s" => rate(entry.cost.operations),
        "GB/s" => rate(entry.cost.bytes),
        "limit" => {
            let limit = entry.measured.as_ref().and_then(|measured| measured.limit.as_ref());
            limit.map(|limit| format!("{:.0} % of {}", 100.0 * limit.share, limit.name))
        }
        "instructions" => entry.counted.map(|instructions| an_element(instructions as f64)),
        processor => {
            entry.modelled.get(processor).map(|cycles| cycles.map_or_else(|| "lacks it".to_owned(), an_element))
        }
    };
    cell.unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(command: &str, entries: &str) -> Record {
        let text = format!(
            r#"{{"target": "native", "suite": "kernels", "commit": "0123", "compiler": "1.95.0", "date": "2026-11-22",
                "machine": {{"name": "m", "processor": "M", "cores": 1, "notes": []}},
                "command": "{command}", "entries": [{entries}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    /// A measured record, and two that were modelled.
    fn load(name: &str) -> Result<Record> {
        let cost = r#""cost": {"elements": 1000, "bytes": 8000, "operations": 2000}"#;
        let modelled = |processor: &str, cycles: &str| {
            format!(
                r#"{{"subject": "dot::dot", "shape": "f32 1000", "level": "neon", {cost}, "counted": 750,
                    "modelled": {{"{processor}": {cycles}}}}}"#
            )
        };
        Ok(match name {
            "a/measured" => record(
                "measure",
                &format!(
                    r#"{{"subject": "dot::dot", "shape": "f32 1000", "level": "avx2", {cost},
                        "measured": {{"nanoseconds": [90.0, 100.0, 110.0], "limit": {{"name": "loads", "share": 0.5}}}}}},
                        {{"subject": "probe::read", "shape": "u32 1000", "level": "avx2", {cost}}}"#
                ),
            ),
            "b/one" => record("model 1", &modelled("n1", "500.0")),
            "b/two" => record("model 2", &modelled("v1", "null")),
            other => bail!("there is no {other}"),
        })
    }

    #[test]
    fn tables_are_made_anew_between_their_marks() {
        let before = "# Title\n\n<!-- record a/measured: kernel, shape, level, time, GFLOP/s, GB/s, limit, instructions -->\n\
            old\n<!-- end -->\nafter\n";
        let after = "# Title\n\n<!-- record a/measured: kernel, shape, level, time, GFLOP/s, GB/s, limit, instructions -->\n\
            | kernel | shape | level | time | GFLOP/s | GB/s | limit | instructions an element, counted |\n\
            |---|---|---|--:|--:|--:|--:|--:|\n\
            | `dot::dot` | f32 1000 | avx2 | 100 ns | 20.0 | 80.0 | 50 % of loads | - |\n\
            \n(`measure`, 2026-11-22, commit 0123)\n<!-- end -->\nafter\n";
        assert_eq!(renew(before, &load).unwrap(), after);
        assert_eq!(renew(after, &load).unwrap(), after);
        assert_eq!(renew("no table\n", &load).unwrap(), "no table\n");
    }

    #[test]
    fn records_are_laid_beside_each_other() {
        let text = "<!-- record b/one, b/two: level, instructions, n1, v1 where ^neon dot -->\n<!-- end -->\n";
        let table = renew(text, &load).unwrap();
        assert!(table.contains("| neon | 0.750 | 0.500 | lacks it |\n"), "{table}");
        assert!(table.contains("(`model 1`, 2026-11-22, commit 0123; `model 2`, 2026-11-22, commit 0123)"), "{table}");
    }

    #[test]
    fn errors_tell_the_line() {
        let error = |line: &str| format!("{:#}", renew(&format!("text\n\n{line}\n"), &load).unwrap_err());
        assert_eq!(error("<!-- record b/one: level -->"), "3: the table has no end: a line `<!-- end -->`");
        let next = "<!-- record b/one: level -->\n<!-- record b/one: level -->\n<!-- end -->";
        assert!(error(next).starts_with("3: the table has no end"));
        assert_eq!(error("<!-- record c/d: level -->\n<!-- end -->"), "3: there is no c/d");
        assert!(
            error("<!-- record b/one: v1 -->\n<!-- end -->").contains("3: no column `v1`: there are kernel, shape")
        );
        assert!(error("<!-- record b/one -->").contains("3: columns are missing"));
        assert!(
            error("<!-- record b/one: level where avx -->\n<!-- end -->").contains("3: no entry of b/one is chosen")
        );
        assert!(error("<!-- record a/measured, a/measured: level -->").contains("3: two of the records have a time"));
    }
}
