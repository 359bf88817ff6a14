//! A picture of the record: P@1 against the processor time of training, a panel for each set.

use anyhow::Result;
use plotters::style::{RGBAColor, RGBColor};

use super::record::{Record, SetRecord};
use super::system::System;
use crate::bench::plot::canvas::{Anchor, Canvas, Mark, Scale, tick, width};

/// The picture has no background. These are read on white and on black.
const INK: RGBColor = RGBColor(0x7A, 0x82, 0x8C);
const GRID: RGBAColor = RGBAColor(0x7A, 0x82, 0x8C, 0.35);

const COLUMNS: usize = 3;
/// Of a panel with its axes' letters; one that stands alone is wider.
const PANEL: (i32, i32) = (300, 240);
const ALONE: i32 = 480;
/// Around the plot of a panel: left, above, right, below.
const AROUND: (i32, i32, i32, i32) = (48, 30, 14, 44);
const LETTERS: i32 = 12;
/// A line of the legend.
const LINE: i32 = 20;

fn look(system: System) -> (RGBColor, Mark) {
    // Okabe and Ito (2008), as in the pictures of `cargo xtask bench`.
    match system {
        System::Slide => (RGBColor(0xD5, 0x5E, 0x00), Mark::Circle),
        System::Parabel => (RGBColor(0x56, 0xB4, 0xE9), Mark::Triangle),
        System::Bonsai => (RGBColor(0x00, 0x72, 0xB2), Mark::Square),
        System::Pecos => (RGBColor(0x00, 0x9E, 0x73), Mark::Diamond),
        System::Napkinxc => (RGBColor(0xE6, 0x9F, 0x00), Mark::Square),
        System::Fasttext => (RGBColor(0xCC, 0x79, 0xA7), Mark::Triangle),
        System::Pytorch => (RGBColor(0x99, 0x99, 0x99), Mark::Cross),
    }
}

/// A system's place in a panel: seconds, P@1 in percent.
type Point = (System, f64, f64);

fn points(record: &Record, set: &SetRecord) -> Vec<Point> {
    let of = |system: System| {
        let measured = set.medians(system)?;
        // A logarithm has no zero.
        Some((system, measured.cpu_seconds.max(1e-3), 100.0 * measured.metrics.precision[0]))
    };
    record.systems.iter().filter_map(|contestant| of(contestant.system)).collect()
}

pub(crate) fn draw(record: &Record) -> Result<String> {
    let panels: Vec<(&str, Vec<Point>)> =
        record.sets.iter().map(|set| (&*set.name, points(record, set))).filter(|panel| !panel.1.is_empty()).collect();
    let columns = panels.len().clamp(1, COLUMNS) as i32;
    let panel = if columns == 1 { (ALONE, PANEL.1) } else { PANEL };
    let across = columns * panel.0;
    let systems = record.systems.iter().map(|contestant| contestant.system);
    let legend = legend(systems, across);
    let head = LINE * legend.last().map_or(0, |last| last.2 + 1) + 8;
    let rows = panels.len().div_ceil(columns as usize) as i32;

    let mut svg = String::new();
    let canvas = Canvas::new(&mut svg, (across, head + rows * panel.1), None)?;
    for (system, x, line) in legend {
        let (at, (colour, mark)) = ((x, 12 + LINE * line), look(system));
        canvas.mark(colour, mark, at)?;
        canvas.text(system.title(), (x + 10, at.1), LETTERS, INK, Anchor::Left)?;
    }
    for (i, (name, points)) in (0..).zip(&panels) {
        let corner = ((i % columns) * panel.0, head + (i / columns) * panel.1);
        draw_panel(&canvas, corner, panel, name, points)?;
    }
    canvas.finish()?;
    Ok(svg)
}

/// Where the marks of the legend stand: x, and the line from 0.
fn legend(systems: impl Iterator<Item = System>, across: i32) -> Vec<(System, i32, i32)> {
    let (mut x, mut line, mut places) = (AROUND.0, 0, Vec::new());
    for system in systems {
        let length = 10 + width(system.title(), LETTERS) + 20;
        if x + length > across && x > AROUND.0 {
            (x, line) = (AROUND.0, line + 1);
        }
        places.push((system, x, line));
        x += length;
    }
    places
}

fn draw_panel(canvas: &Canvas<'_>, corner: (i32, i32), size: (i32, i32), name: &str, points: &[Point]) -> Result<()> {
    let (left, top) = (corner.0 + AROUND.0, corner.1 + AROUND.1);
    let (right, bottom) = (corner.0 + size.0 - AROUND.2, corner.1 + size.1 - AROUND.3);
    let range = |value: &dyn Fn(&Point) -> f64| {
        let values = points.iter().map(value);
        values.fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)))
    };
    let seconds = range(&|point| point.1);
    let x = Scale::logarithmic((seconds.0 / 1.6, seconds.1 * 1.6), (left, right));
    let y = Scale::linear(whole(range(&|point| point.2)), (bottom, top));
    canvas.text(name, (left, corner.1 + 14), LETTERS + 1, INK, Anchor::Left)?;
    canvas.text("P@1 in %", (right, corner.1 + 14), LETTERS - 1, INK, Anchor::Right)?;
    for value in y.ticks() {
        let at = y.at(value);
        canvas.line(&[(left, at), (right, at)], GRID, 1)?;
        canvas.text(&tick(value), (left - 6, at), LETTERS - 1, INK, Anchor::Right)?;
    }
    for value in x.ticks() {
        let at = x.at(value);
        canvas.line(&[(at, bottom), (at, bottom + 4)], INK, 1)?;
        canvas.text(&tick(value), (at, bottom + 14), LETTERS - 1, INK, Anchor::Center)?;
    }
    let middle = ((left + right) / 2, bottom + 32);
    canvas.text("CPU-seconds of training", middle, LETTERS - 1, INK, Anchor::Center)?;
    // The first, slide, on top.
    for &(system, seconds, precision) in points.iter().rev() {
        let (colour, mark) = look(system);
        canvas.mark(colour, mark, (x.at(seconds), y.at(precision)))?;
    }
    Ok(())
}

/// A range around values whose four parts are whole numbers.
fn whole((least, most): (f64, f64)) -> (f64, f64) {
    for step in [1.0, 2.0, 5.0, 10.0, 20.0, 25.0] {
        let from = ((least - 0.5) / step).floor().max(0.0) * step;
        if from + 4.0 * step >= most + 0.5 {
            return (from, from + 4.0 * step);
        }
    }
    (0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{measured, record, run};
    use super::super::record::{Outcome, SetRecord};
    use super::*;

    /// `SLIDE_PICTURES=FOLDER cargo test -p xtask versus` leaves the picture there, to be looked at.
    #[test]
    fn a_picture_has_a_panel_for_each_set_and_no_background() {
        let mut record = record();
        let size = record.sets[0].size;
        for name in ["delicious", "tibkat", "other"] {
            let runs = vec![
                run(System::Slide, 1, Outcome::Measured(measured(0.51, 3.0))),
                run(System::Parabel, 1, Outcome::Measured(measured(0.62, 400.0))),
            ];
            record.sets.push(SetRecord { name: name.to_owned(), size, runs });
        }
        record.sets.push(SetRecord { name: "nothing".to_owned(), size, runs: Vec::new() });
        let svg = draw(&record).unwrap();
        if let Some(folder) = std::env::var_os("SLIDE_PICTURES") {
            std::fs::write(std::path::Path::new(&folder).join("versus.svg"), &svg).unwrap();
        }
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("CPU-seconds of training").count(), 4);
        assert!(svg.contains("Parabel (omikuji)") && !svg.contains("nothing"));
        assert!(!svg.contains("FFFFFF"), "a background");
        assert!(svg.contains("width=\"900\""), "{}", &svg[..200]);
        record.sets.truncate(1);
        assert!(draw(&record).unwrap().contains("width=\"480\""));
    }

    #[test]
    fn ranges_have_whole_parts() {
        assert_eq!(whole((57.4, 64.5)), (55.0, 75.0));
        assert_eq!(whole((63.2, 65.1)), (62.0, 66.0));
        assert_eq!(whole((2.0, 99.0)), (0.0, 100.0));
    }

    #[test]
    fn legends_are_wrapped() {
        let places = legend(System::PEERS.into_iter(), 300);
        assert!(places.last().unwrap().2 > 0 && places.iter().all(|place| place.1 >= AROUND.0));
        assert_eq!(legend(System::PEERS.into_iter(), 2000).last().unwrap().2, 0);
    }
}
