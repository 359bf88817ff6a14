//! A record for people: a table for terminals, and one in Markdown.

use std::fmt::Write as _;

use super::figures::time;
use super::record::{Entry, Measured, Origin, Record};
use crate::text_table;

/// What a column has of an entry.
type Cell<'a> = Box<dyn Fn(&Entry) -> Option<String> + 'a>;

struct Column<'a> {
    title: String,
    cell: Cell<'a>,
}

/// The columns that have anything in them.
fn columns<'a>(record: &'a Record, old: Option<&'a Record>) -> Vec<Column<'a>> {
    fn column<'a>(title: &str, cell: impl Fn(&Entry) -> Option<String> + 'a) -> Column<'a> {
        Column { title: title.to_owned(), cell: Box::new(cell) }
    }
    fn measured<'a>(title: &str, cell: impl Fn(&Entry, &Measured) -> Option<String> + 'a) -> Column<'a> {
        column(title, move |entry| cell(entry, entry.measured.as_ref()?))
    }
    let is_network = record.suite == "network";
    let mut columns = vec![
        measured("time", |_, measured| Some(time(measured.nanoseconds[1]))),
        measured("+-", |_, measured| {
            let [lower, median, upper] = measured.nanoseconds;
            Some(format!("{:.0} %", 50.0 * (upper - lower) / median))
        }),
        measured("p99", |_, measured| measured.p99.map(time)),
        column("a second", move |entry| {
            entry.a_nanosecond(entry.cost.elements).filter(|_| is_network).map(|rate| count(1e9 * rate))
        }),
        column("GB/s", |entry| rate(entry, entry.cost.bytes)),
        column("GFLOP/s", |entry| rate(entry, entry.cost.operations)),
        measured("of the limit", |_, measured| {
            measured.limit.as_ref().map(|limit| format!("{} {:3.0} %", limit.name, 100.0 * limit.share))
        }),
        measured("cycles", |entry, measured| {
            measured.counters.map(|counters| each(counters.cycles, entry.cost.elements))
        }),
        measured("LLC misses", |_, measured| measured.counters?.cache_misses.map(|misses| format!("{misses:.1}"))),
        measured("dTLB misses", |_, measured| measured.counters?.tlb_misses.map(|misses| format!("{misses:.1}"))),
        column("instr", |entry| entry.counted.map(|counted| each(counted as f64, entry.cost.elements))),
    ];
    if record.target == "xeon" {
        // A core that does two vectors of multiply-adds a cycle shows its clock by them.
        columns.push(measured("~cycles", |entry, measured| {
            let is_counted = measured.counters.is_some();
            let clock = record.clock(&entry.level).filter(|_| !is_counted)?;
            Some(each(clock * measured.nanoseconds[1], entry.cost.elements))
        }));
    }
    let mut processors: Vec<&String> = record.entries.iter().flat_map(|entry| entry.modelled.keys()).collect();
    processors.sort();
    processors.dedup();
    for processor in processors {
        columns.push(column(short(processor), move |entry| {
            let cycles = entry.modelled.get(processor)?;
            Some(cycles.map_or("lacks it".to_owned(), |cycles| each(cycles, entry.cost.elements)))
        }));
    }
    if let Some(old) = old {
        columns.push(column("new/old", |entry| {
            let old = old.find(entry)?;
            Some(format!("{:.2}", entry.median()? / old.median()?))
        }));
    }
    columns.retain(|column| record.entries.iter().any(|entry| (column.cell)(entry).is_some()));
    columns
}

/// LLVM's name of a processor, short enough for the head of a column.
fn short(processor: &str) -> &str {
    match processor {
        "sapphirerapids" => "sapphire",
        "skylake-avx512" => "skylake",
        "icelake-server" => "icelake",
        other => other,
    }
}

fn count(number: f64) -> String {
    match number {
        0.0..1e4 => format!("{number:.0}"),
        1e4..1e7 => format!("{:.1}k", number / 1e3),
        _ => format!("{:.1}M", number / 1e6),
    }
}

fn rate(entry: &Entry, of_a_call: u64) -> Option<String> {
    entry.a_nanosecond(of_a_call).map(|rate| format!("{rate:.1}"))
}

/// By the element.
fn each(amount: f64, elements: u64) -> String {
    format!("{:.3}", amount / elements.max(1) as f64)
}

/// Where and how it was made, a line each.
fn facts(record: &Record) -> Vec<String> {
    let Origin { machine, commit, compiler, date, command } = &record.origin;
    let mut facts = vec![
        format!("{}, {} core{}", machine.processor, machine.cores, if machine.cores == 1 { "" } else { "s" }),
        format!("commit {commit}, rustc {compiler}, {date}: {command}"),
    ];
    facts.extend(machine.notes.iter().cloned());
    let mut levels: Vec<&str> = record.roofs.iter().map(|roof| roof.level.as_str()).collect();
    levels.dedup();
    for level in levels {
        let of_level = record.roofs.iter().filter(|roof| roof.level == level);
        let roofs: Vec<_> = of_level.map(|roof| format!("{} {:.1} {}", roof.name, roof.value, roof.unit)).collect();
        facts.push(format!("roofs, {level}: {}", roofs.join(", ")));
    }
    if let Some(clock) = record.clock("avx512").or(record.clock("avx2")).filter(|_| record.target == "xeon") {
        facts
            .push(format!("~cycles: at {clock:.2} GHz, by the multiply-adds' roof if a core does two vectors a cycle"));
    }
    facts
}

/// What the columns mean, as far as it is not plain.
fn legend(columns: &[Column<'_>]) -> Vec<String> {
    let meanings = [
        ("+-", "half the distance of the quartiles"),
        (
            "of the limit",
            "what a bare loop in the same rounds shows to be possible; `bytes` is that of the plain roofline",
        ),
        ("instr", "counted, an element"),
        ("cycles", "counted, an element"),
        ("~cycles", "an element"),
        ("skylake", "and the like: cycles an element, modelled"),
        ("neoverse-n1", "cycles an element, modelled"),
        ("neoverse-v1", "cycles an element, modelled"),
        ("neoverse-v2", "cycles an element, modelled"),
        ("new/old", "medians of two runs; trust `cargo xtask gate` more, whose builds take turns"),
    ];
    let known = meanings.iter().filter(|(title, _)| columns.iter().any(|column| column.title == *title));
    known.map(|(title, meaning)| format!("{title}: {meaning}")).collect()
}

/// For a terminal: the levels of a subject and shape below it.
pub(crate) fn terminal(record: &Record, old: Option<&Record>) -> String {
    let columns = columns(record, old);
    let mut head = vec![String::new()];
    head.extend(columns.iter().map(|column| column.title.clone()));
    let mut rows = vec![head];
    let mut above = None;
    for entry in &record.entries {
        let subject = (&entry.subject, &entry.shape);
        if above != Some(subject) {
            rows.push(vec![format!("{}  {}", entry.subject, entry.shape)]);
            above = Some(subject);
        }
        let mut cells = vec![format!("  {}", entry.level)];
        cells.extend(columns.iter().map(|column| (column.cell)(entry).unwrap_or_default()));
        rows.push(cells);
    }
    let mut text = format!("== {} on {}\n", record.suite, record.origin.machine.name);
    facts(record).iter().for_each(|fact| writeln!(text, "{fact}").expect("text takes all"));
    text.push('\n');
    text.push_str(&text_table::aligned(&rows, |column| column > 0));
    text.push('\n');
    legend(&columns).iter().for_each(|line| writeln!(text, "{line}").expect("text takes all"));
    text
}

/// A whole report. `drawings` are files beside it.
pub(crate) fn markdown(record: &Record, old: Option<&Record>, drawings: &[String]) -> String {
    let columns = columns(record, old);
    let mut text = format!("# {} on {}: {}\n\n", record.target, record.origin.machine.name, record.suite);
    facts(record).iter().for_each(|fact| writeln!(text, "- {fact}").expect("text takes all"));
    text.push('\n');
    drawings.iter().for_each(|file| writeln!(text, "![{file}]({file})\n").expect("text takes all"));
    let mut head = vec!["subject".to_owned(), "shape".to_owned(), "level".to_owned()];
    head.extend(columns.iter().map(|column| column.title.clone()));
    let mut rows = vec![head];
    rows.extend(record.entries.iter().map(|entry| {
        let mut cells = vec![entry.subject.clone(), entry.shape.clone(), entry.level.clone()];
        cells.extend(columns.iter().map(|column| (column.cell)(entry).unwrap_or_default()));
        cells
    }));
    text.push_str(&text_table::markdown(&rows, |column| column >= 3));
    text.push('\n');
    legend(&columns).iter().for_each(|line| writeln!(text, "- {line}").expect("text takes all"));
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use slide_benches::cases::Cost;
    use slide_benches::record::{Counters, Limit, Roof};

    use super::*;

    pub(crate) fn entry(subject: &str, level: &str, nanoseconds: f64) -> Entry {
        Entry {
            subject: subject.to_owned(),
            shape: "f32 1024".to_owned(),
            level: level.to_owned(),
            cost: Cost { elements: 1024, bytes: 8192, operations: 2048 },
            measured: Some(Measured {
                nanoseconds: [0.9 * nanoseconds, nanoseconds, 1.1 * nanoseconds],
                p99: None,
                limit: Some(Limit { name: "loads".to_owned(), share: 0.5 }),
                counters: None,
            }),
            counted: Some(512),
            modelled: BTreeMap::new(),
        }
    }

    pub(crate) fn record() -> Record {
        Record {
            target: "native".to_owned(),
            suite: "kernels".to_owned(),
            origin: Origin::example("cargo xtask bench"),
            roofs: vec![Roof {
                name: "multiply-adds".to_owned(),
                level: "avx512".to_owned(),
                value: 128.0,
                unit: "GFLOP/s".to_owned(),
            }],
            entries: vec![entry("dot::dot", "avx2", 51.2), entry("dot::dot", "avx512", 25.6)],
        }
    }

    #[test]
    fn levels_stand_below_their_subject() {
        let text = terminal(&record(), None);
        let expected = "\
== kernels on a-machine
A Machine <1>, 2 cores
commit 0123456789ab, rustc 1.95.0, 2026-11-22: cargo xtask bench
load 0.10
roofs, avx512: multiply-adds 128.0 GFLOP/s

             time    +-   GB/s  GFLOP/s  of the limit  instr
dot::dot  f32 1024
  avx2    51.2 ns  10 %  160.0     40.0   loads  50 %  0.500
  avx512  25.6 ns  10 %  320.0     80.0   loads  50 %  0.500
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("\ninstr: counted, an element\n"), "{text}");
    }

    #[test]
    fn columns_are_there_if_anything_is_in_them() {
        let mut record = record();
        record.target = "xeon".to_owned();
        record.entries[1].modelled =
            BTreeMap::from([("icelake-server".to_owned(), Some(64.0)), ("skylake-avx512".to_owned(), None)]);
        let mut old = record.clone();
        old.entries.remove(0);
        old.entries[0].measured.as_mut().unwrap().nanoseconds[1] = 32.0;
        let text = markdown(&record, Some(&old), &["native-kernels-bars.svg".to_owned()]);
        let head = "| ~cycles | icelake | skylake | new/old |";
        assert!(text.contains(head), "{text}");
        // 25.6 ns at 2 GHz; 64 of 1024; 25.6 / 32.
        assert!(
            text.contains(
                "| avx512 | 25.6 ns | 10 % | 320.0 | 80.0 | loads  50 % | 0.500 | 0.050 | 0.062 | lacks it | 0.80 |"
            ),
            "{text}"
        );
        assert!(text.contains("![native-kernels-bars.svg](native-kernels-bars.svg)"), "{text}");
        record.entries[0].measured.as_mut().unwrap().counters =
            Some(Counters { cycles: 1024.0, cache_misses: Some(1.5), tlb_misses: None });
        let text = terminal(&record, None);
        assert!(text.contains("LLC misses") && !text.contains("dTLB misses"), "{text}");
    }

    #[test]
    fn counts_have_units() {
        assert_eq!([812.0, 23_818.0, 2.5e7].map(count), ["812", "23.8k", "25.0M"]);
    }
}
