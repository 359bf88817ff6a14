//! Bars by kernel and level: the share of the limit where that was measured, rates where only they were, and cycles or
//! instructions an element where nothing was.

use std::collections::BTreeMap;

use anyhow::Result;

use super::super::figures::number;
use super::super::record::{Entry, Record};
use super::canvas::{
    Anchor, Canvas, FOOT, GRID, HEAD, INK, MARGIN, PAPER, QUIET, Scale, colour, in_order, tick, width,
};

/// Height of a bar, and what separates rows.
const BAR: i32 = 11;
const GAP: i32 = 7;
/// Width of the bars at most, and of a figure behind them.
const PLOT: i32 = 330;
const FIGURE: i32 = 44;
const BETWEEN: i32 = 36;
const LETTERS: i32 = 12;
/// Rows beyond these stand in a second column.
const ONE_COLUMN: usize = 26;

/// What the bars show.
#[derive(Clone, Debug, PartialEq)]
enum Quantity {
    Share,
    Gigabytes,
    Elements,
    /// Modelled for this processor.
    Cycles(String),
    Instructions,
}

/// Bars of one kernel.
struct Row<'a> {
    label: String,
    bars: Vec<(&'a str, f64)>,
}

impl Row<'_> {
    fn height(&self) -> i32 {
        self.bars.len() as i32 * BAR + GAP
    }
}

/// None if there is nothing to draw.
pub(super) fn draw(record: &Record) -> Result<Option<String>> {
    let Some(quantity) = quantity(&record.entries) else { return Ok(None) };
    let rows = rows(&record.entries, &quantity);
    let levels = in_order(rows.iter().flat_map(|row| row.bars.iter().map(|bar| bar.0)));
    let columns = columns(&rows);
    let labels = rows.iter().map(|row| width(&row.label, LETTERS)).max().unwrap_or(0) + 10;
    let column = labels + PLOT + FIGURE;
    let height = columns.iter().map(|rows| rows.iter().map(Row::height).sum::<i32>()).max().unwrap_or(0);
    let across = columns.len() as i32 * (column + BETWEEN) - BETWEEN;
    let size = ((2 * MARGIN + across).max(760), HEAD + 26 + height + 26 + FOOT);
    let values = || rows.iter().flat_map(|row| row.bars.iter().map(|bar| bar.1));
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));

    let mut svg = String::new();
    let canvas = Canvas::new(&mut svg, size, Some(PAPER))?;
    canvas.frame(&title(record, &quantity), record, size, &levels)?;
    for (i, rows) in columns.into_iter().enumerate() {
        let left = MARGIN + i as i32 * (column + BETWEEN);
        let pixels = (left + labels, left + labels + PLOT);
        let scale = match quantity {
            Quantity::Share => Scale::linear((0.0, most.max(1.0)), pixels),
            _ => Scale::logarithmic((10f64.powf(least.log10().floor()), most * 1.1), pixels),
        };
        let bottom = HEAD + 26 + rows.iter().map(Row::height).sum::<i32>();
        for value in if quantity == Quantity::Share { vec![0.0, 0.25, 0.5, 0.75, 1.0] } else { scale.ticks() } {
            let (x, text) = (scale.at(value), figure(&quantity, value, tick));
            canvas.line(&[(x, HEAD + 20), (x, bottom)], GRID, 1)?;
            canvas.text(&text, (x, HEAD + 10), 11, QUIET, Anchor::Center)?;
            canvas.text(&text, (x, bottom + 11), 11, QUIET, Anchor::Center)?;
        }
        let mut y = HEAD + 26;
        for row in rows {
            let middle = y + (row.height() - GAP) / 2;
            canvas.text(&row.label, (left + labels - 10, middle), LETTERS, INK, Anchor::Right)?;
            for &(level, value) in &row.bars {
                let end = scale.at(value);
                canvas.bar((pixels.0, y + 1), (end, y + BAR - 1), colour(level))?;
                canvas.text(&figure(&quantity, value, number), (end + 5, y + BAR / 2), 10, QUIET, Anchor::Left)?;
                y += BAR;
            }
            y += GAP;
        }
        canvas.line(&[(pixels.0, HEAD + 20), (pixels.0, bottom)], QUIET, 1)?;
    }
    canvas.finish()?;
    Ok(Some(svg))
}

/// The most telling that the entries have.
fn quantity(entries: &[Entry]) -> Option<Quantity> {
    let processor = entries.iter().find_map(|entry| {
        entry.modelled.iter().find_map(|(processor, cycles)| cycles.is_some().then(|| processor.clone()))
    });
    let quantities = [Quantity::Share, Quantity::Gigabytes, Quantity::Elements].into_iter();
    let mut quantities = quantities.chain(processor.map(Quantity::Cycles)).chain([Quantity::Instructions]);
    let has = |entry: &Entry, quantity: &Quantity| value(entry, quantity).is_some();
    quantities.find(|quantity| match quantity {
        // Not everything moves bytes that count, such as a prediction beside a training.
        Quantity::Gigabytes => !entries.is_empty() && entries.iter().all(|entry| has(entry, quantity)),
        _ => entries.iter().any(|entry| has(entry, quantity)),
    })
}

fn value(entry: &Entry, quantity: &Quantity) -> Option<f64> {
    let cost = entry.cost;
    let value = match quantity {
        Quantity::Share => entry.measured.as_ref()?.limit.as_ref()?.share,
        Quantity::Gigabytes => entry.a_nanosecond(cost.bytes)?,
        Quantity::Elements => 1e9 * entry.a_nanosecond(cost.elements)?,
        Quantity::Cycles(processor) => entry.modelled.get(processor).copied()?? / cost.elements as f64,
        Quantity::Instructions => entry.counted? as f64 / cost.elements as f64,
    };
    (value > 0.0).then_some(value)
}

/// Levels and values by size and shape.
type Shapes<'a> = BTreeMap<(u64, &'a str), Vec<(&'a str, f64)>>;

/// A row for each subject and formats, at its middle size; what is counted or modelled varies less by format, so there is one
/// format of each subject then, `f32` if it is among them. Bare loops that only show limits are left out.
fn rows<'a>(entries: &'a [Entry], quantity: &Quantity) -> Vec<Row<'a>> {
    let mut kinds: BTreeMap<(&str, String), Shapes<'_>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.subject.starts_with("probe::")) {
        let Some(value) = value(entry, quantity) else { continue };
        let shapes = kinds.entry((&entry.subject, formats(&entry.shape))).or_default();
        shapes.entry((entry.cost.elements, &entry.shape)).or_default().push((&entry.level, value));
    }
    if matches!(quantity, Quantity::Cycles(_) | Quantity::Instructions) {
        let all: Vec<(&str, String)> = kinds.keys().cloned().collect();
        kinds.retain(|(subject, formats), _| {
            let mut of_subject = all.iter().filter(|(other, _)| other == subject).map(|(_, formats)| formats);
            let chosen = of_subject.clone().find(|formats| *formats == "f32").or_else(|| of_subject.next());
            chosen == Some(formats)
        });
    }
    let row = |((subject, formats), shapes): ((&str, String), Shapes<'a>)| {
        let middle = (shapes.len() - 1) / 2;
        let mut bars = shapes.into_values().nth(middle).unwrap_or_default();
        let order = in_order(bars.iter().map(|bar| bar.0));
        bars.sort_by_key(|bar| order.iter().position(|level| *level == bar.0));
        Row { label: format!("{subject} {formats}").trim_end().to_owned(), bars }
    };
    kinds.into_iter().map(row).collect()
}

/// The words of a shape before the first number: `bf16 x f32` of `bf16 x f32, 32 rows of 128`.
fn formats(shape: &str) -> String {
    let words = shape.split(' ').take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    words.collect::<Vec<_>>().join(" ").trim_end_matches(',').to_owned()
}

/// All rows, or two halves of about the same height.
fn columns<'a, 'b>(rows: &'b [Row<'a>]) -> Vec<&'b [Row<'a>]> {
    if rows.len() <= ONE_COLUMN {
        return vec![rows];
    }
    let half = rows.iter().map(Row::height).sum::<i32>() / 2;
    let mut height = 0;
    let in_first = rows.iter().take_while(|row| {
        height += row.height();
        height <= half + GAP
    });
    let (first, second) = rows.split_at(in_first.count());
    vec![first, second]
}

fn figure(quantity: &Quantity, value: f64, format: fn(f64) -> String) -> String {
    match quantity {
        Quantity::Share => format!("{:.0} %", 100.0 * value),
        _ => format(value),
    }
}

fn title(record: &Record, quantity: &Quantity) -> String {
    let what = match quantity {
        Quantity::Share => "share of the limit, measured".to_owned(),
        Quantity::Gigabytes => "GB/s, measured".to_owned(),
        Quantity::Elements => "a second (examples, rows), measured".to_owned(),
        Quantity::Cycles(processor) => format!("cycles an element, modelled for {processor} (not measured)"),
        Quantity::Instructions => "instructions an element, counted (not measured)".to_owned(),
    };
    format!("{}: {what}", record.suite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_all_have() {
        let mut record = crate::bench::table::tests::record();
        assert_eq!(quantity(&record.entries), Some(Quantity::Share));
        for entry in &mut record.entries {
            entry.measured.as_mut().unwrap().limit = None;
        }
        assert_eq!(quantity(&record.entries), Some(Quantity::Gigabytes));
        record.entries[0].cost.bytes = 0;
        assert_eq!(quantity(&record.entries), Some(Quantity::Elements));
        record.entries.iter_mut().for_each(|entry| entry.measured = None);
        assert_eq!(quantity(&record.entries), Some(Quantity::Instructions));
        record.entries[1].modelled.insert("znver4".to_owned(), Some(1.0));
        assert_eq!(quantity(&record.entries), Some(Quantity::Cycles("znver4".to_owned())));
        assert_eq!(quantity(&[]), None);
    }

    #[test]
    fn formats_are_what_a_shape_begins_with() {
        assert_eq!(formats("bf16 x f32, 32 rows of 128"), "bf16 x f32");
        assert_eq!(formats("f32 1024"), "f32");
        assert_eq!(formats("6 x 50, 3 bits"), "");
    }
}
