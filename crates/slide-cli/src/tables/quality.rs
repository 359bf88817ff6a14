//! How good predictions of classes are, for people.

use slide_tables::Quality;

use crate::output::pairs;
use crate::table::Table;

/// The table of confusions, if there is one, and the other figures.
pub(crate) fn text(quality: &Quality) -> String {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let figures = pairs(&[
        ("accuracy", percent(quality.accuracy)),
        ("macro F1", percent(quality.macro_f1)),
        ("micro F1", percent(quality.micro_f1)),
        ("calibration", format!("{} (expected calibration error)", percent(quality.calibration_error))),
    ]);
    confusions(quality).map_or_else(String::new, |table| format!("{table}\n")) + &figures
}

/// Rows are labels, columns what was predicted.
fn confusions(quality: &Quality) -> Option<Table> {
    let confusion = quality.confusion.as_ref()?;
    let mut table = Table::new(std::iter::once("is \\ predicted").chain(quality.labels.iter().map(String::as_str)));
    for (label, counts) in quality.labels.iter().zip(confusion) {
        table.row(std::iter::once(label.clone()).chain(counts.iter().map(u64::to_string)));
    }
    Some(table)
}
