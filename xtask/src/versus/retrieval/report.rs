//! The record as Markdown.

use super::super::report::{origin, thousands};
use super::record::{Method, Record, SetRecord};
use crate::bench::figures::number;
use crate::text_table::markdown;

const HEAD: [&str; 9] = [
    "system",
    "search",
    "recall@1",
    "recall@5",
    "P@1 - exact",
    "us: median / 99th",
    "times as fast as the fastest exact scan",
    "build, CPU s",
    "bytes a label",
];

pub(super) fn markdown_of(record: &Record) -> String {
    let mut text = String::new();
    for set in &record.sets {
        text.push_str(&table(set));
        text.push('\n');
    }
    for left_out in &record.left_out {
        text.push_str(&format!("{} is not available: {}\n\n", left_out.name, left_out.reason));
    }
    let versions: Vec<String> = (record.libraries.iter().flat_map(|library| &library.versions))
        .map(|(package, version)| format!("{package} {version}"))
        .collect();
    text + &versions.join(", ") + "\n" + &origin(&record.origin)
}

fn table(set: &SetRecord) -> String {
    let [labels, queries] = [set.labels, set.queries].map(thousands);
    let mut text = format!("**{}**: {labels} labels, {queries} queries\n\n", set.name);
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    let scans = set.methods.iter().filter(|method| method.built.method == "exact");
    let fastest = scans.map(Method::microseconds).fold(f64::INFINITY, f64::min);
    if let Some(exact) = set.methods.first() {
        rows.extend(set.methods.iter().map(|method| row(method, exact, fastest)));
    }
    text.push_str(&markdown(&rows, |column| column > 1));
    for failed in &set.failed {
        text.push_str(&format!("\n{} fails: {}\n", failed.name, failed.reason));
    }
    text
}

/// `fastest`: microseconds of the fastest exact scan.
fn row(method: &Method, exact: &Method, fastest: f64) -> Vec<String> {
    let (quality, built) = (&method.quality, &method.built);
    let difference = 100.0 * (quality.precision_1 - exact.quality.precision_1);
    let or_nothing = |value: f64| if value > 0.0 { number(value) } else { "-".to_owned() };
    vec![
        method.library.clone(),
        built.method.clone(),
        format!("{:.3}", quality.recall_1),
        format!("{:.3}", quality.recall_5),
        // Not -0.00.
        format!("{:+.2}", difference + 0.0),
        format!("{} / {}", number(method.microseconds()), number(method.microseconds_99th())),
        number(fastest / method.microseconds()),
        or_nothing(built.build_seconds),
        or_nothing(built.bytes_per_label),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::contestant::{Built, Round};
    use super::super::record::Quality;
    use super::*;

    #[test]
    fn a_row_compares_with_the_exact_scan() {
        let method = |name: &str, microseconds: f64, precision_1: f64, build_seconds: f64| Method {
            library: "slide".to_owned(),
            built: Built { method: name.to_owned(), build_seconds, bytes_per_label: 10.0 * build_seconds },
            quality: Quality { recall_1: 1.0, recall_5: 0.985, precision_1 },
            rounds: vec![
                serde_json::from_value::<Round>(serde_json::json!({
                    "method": name, "microseconds": microseconds, "microseconds_99th": 2.0 * microseconds,
                }))
                .unwrap(),
            ],
        };
        let exact = method("exact", 1500.0, 0.5, 0.0);
        let found = row(&method("index", 10.0, 0.499, 20.0), &exact, 1500.0);
        assert_eq!(found, ["slide", "index", "1.000", "0.985", "-0.10", "10.0 / 20.0", "150", "20.0", "200"]);
        assert_eq!(row(&exact, &exact, 1500.0)[4..], ["+0.00", "1500 / 3000", "1.00", "-", "-"]);
    }
}
