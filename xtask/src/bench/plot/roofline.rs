//! The roofline: what a kernel computes a second against what it computes for each byte, below the machine's roofs.
//!
//! S. Williams, A. Waterman, D. Patterson: Roofline. Communications of the ACM 52(4), 2009.

use anyhow::Result;
use plotters::style::RGBColor;

use super::super::figures::number;
use super::super::record::{Entry, Record};
use super::canvas::{
    Anchor, Canvas, FOOT, GRID, HEAD, INK, MARGIN, PAPER, QUIET, Scale, colour, in_order, tick, width,
};

const SIZE: (i32, i32) = (960, 640);
const LETTERS: i32 = 11;
/// Kernels that are named: so many of the best, and of the worst.
const NAMED: usize = 4;

struct Point<'a> {
    level: &'a str,
    label: String,
    /// Operations a byte.
    intensity: f64,
    /// GFLOP/s.
    rate: f64,
    /// Of the limit, or else of the lowest roof above.
    share: f64,
}

/// None without roofs, or without rates of arithmetic.
pub(super) fn draw(record: &Record) -> Result<Option<String>> {
    let roofs = roofs(record);
    let points = points(record, &roofs);
    if points.is_empty() || roofs.slopes.is_empty() || roofs.flats.is_empty() {
        return Ok(None);
    }
    let levels = in_order(points.iter().map(|point| point.level).chain(roofs.flats.iter().map(|roof| roof.0)));
    let intensities = || points.iter().map(|point| point.intensity);
    let top = roofs.flats.iter().map(|roof| roof.2).fold(0.0, f64::max);
    let lowest = points.iter().map(|point| point.rate).fold(f64::INFINITY, f64::min);
    // All slopes end within the picture.
    let last_knee = roofs.slopes.iter().map(|roof| top / roof.1).fold(0.0, f64::max);
    let from = intensities().fold(f64::INFINITY, f64::min) / 1.8;
    let to = intensities().fold(last_knee, f64::max) * 1.8;
    let x = Scale::logarithmic((from, to), (MARGIN + 52, SIZE.0 - MARGIN - 8));
    let y = Scale::logarithmic((lowest / 1.8, top * 2.0), (SIZE.1 - FOOT - 46, HEAD + 22));
    let (left, right) = (x.at(from), x.at(to));
    let (bottom, upper) = (y.at(lowest / 1.8), y.at(top * 2.0));

    let mut svg = String::new();
    let canvas = Canvas::new(&mut svg, SIZE, Some(PAPER))?;
    canvas.frame(&format!("{}: roofline, measured", record.suite), record, SIZE, &levels)?;
    for value in x.ticks() {
        canvas.line(&[(x.at(value), upper), (x.at(value), bottom)], GRID, 1)?;
        canvas.text(&tick(value), (x.at(value), bottom + 13), LETTERS, QUIET, Anchor::Center)?;
    }
    for value in y.ticks() {
        canvas.line(&[(left, y.at(value)), (right, y.at(value))], GRID, 1)?;
        canvas.text(&tick(value), (left - 7, y.at(value)), LETTERS, QUIET, Anchor::Right)?;
    }
    canvas.text(
        "arithmetic operations for each byte read or written",
        ((left + right) / 2, bottom + 32),
        12,
        INK,
        Anchor::Center,
    )?;
    canvas.text("GFLOP/s", (MARGIN, upper - 14), 12, INK, Anchor::Left)?;

    let mut labels = Labels { taken: Vec::new(), within: (left, upper, right, bottom) };
    for point in &points {
        labels.taken.push(around(x.at(point.intensity), y.at(point.rate), 4));
    }
    for (name, bandwidth) in &roofs.slopes {
        let start = from.max(lowest / 1.8 / bandwidth);
        let knee = (top / bandwidth).min(to);
        let begin = (x.at(start), y.at(start * bandwidth));
        canvas.line(&[begin, (x.at(knee), y.at(knee * bandwidth))], QUIET, 1)?;
        let text = format!("{name}, {} GB/s", number(*bandwidth));
        // Along the slope, where there is room.
        let along = [0.10, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map(|part| {
            let intensity = start * (knee / start).powf(part);
            (x.at(intensity) - 6, y.at(intensity * bandwidth) - 7)
        });
        labels.place(&canvas, &text, &along.map(|at| (at, Anchor::Right)), QUIET)?;
    }
    for (level, name, peak) in &roofs.flats {
        let slope = roofs.slopes.iter().map(|roof| roof.1).fold(0.0, f64::max);
        let height = y.at(*peak);
        canvas.line(&[(x.at((peak / slope).max(from)), height), (right, height)], colour(level), 2)?;
        let text = format!("{name}, {level}: {} GFLOP/s", number(*peak));
        labels.place(
            &canvas,
            &text,
            &[((right - 4, height - 9), Anchor::Right), ((right - 4, height + 9), Anchor::Right)],
            INK,
        )?;
    }
    for point in &points {
        canvas.level(point.level, (x.at(point.intensity), y.at(point.rate)))?;
    }
    for point in named(&points) {
        let (px, py) = (x.at(point.intensity), y.at(point.rate));
        let beside = |away: i32| [((px + 9, py + away), Anchor::Left), ((px - 9, py + away), Anchor::Right)];
        let places: Vec<_> = [0, -13, 13, -26, 26, -39, 39].into_iter().flat_map(beside).collect();
        let text = format!("{} {:.0} %", point.label, 100.0 * point.share);
        if let Some((x, y)) = labels.place(&canvas, &text, &places, INK)?.filter(|at| at.1 != py) {
            canvas.line(&[(px, py), (x, y)], QUIET, 1)?;
        }
    }
    canvas.finish()?;
    Ok(Some(svg))
}

#[derive(Default)]
struct Roofs<'a> {
    /// Names and GB/s, on the level on which each is highest.
    slopes: Vec<(&'a str, f64)>,
    /// Levels, names and GFLOP/s.
    flats: Vec<(&'a str, &'a str, f64)>,
}

fn roofs(record: &Record) -> Roofs<'_> {
    let mut roofs = Roofs::default();
    for roof in &record.roofs {
        if roof.unit == "GFLOP/s" {
            roofs.flats.push((&roof.level, &roof.name, roof.value));
        } else if let Some(known) = roofs.slopes.iter_mut().find(|known| known.0 == roof.name) {
            known.1 = known.1.max(roof.value);
        } else {
            roofs.slopes.push((&roof.name, roof.value));
        }
    }
    // Labels of higher roofs are placed first.
    roofs.slopes.sort_by(|a, b| b.1.total_cmp(&a.1));
    roofs.flats.sort_by(|a, b| b.2.total_cmp(&a.2));
    roofs
}

fn points<'a>(record: &'a Record, roofs: &Roofs<'_>) -> Vec<Point<'a>> {
    let kernels = record.entries.iter().filter(|entry| entry.cost.operations > 0 && entry.cost.bytes > 0);
    let point = |entry: &'a Entry| {
        let measured = entry.measured.as_ref()?;
        let intensity = entry.cost.operations as f64 / entry.cost.bytes as f64;
        let rate = entry.a_nanosecond(entry.cost.operations)?;
        let slope = roofs.slopes.first().map_or(f64::INFINITY, |roof| roof.1 * intensity);
        let flat = roofs.flats.iter().find(|roof| roof.0 == entry.level).map_or(f64::INFINITY, |roof| roof.2);
        let share = measured.limit.as_ref().map_or(rate / slope.min(flat), |limit| limit.share);
        let label = format!("{} {}", entry.subject, entry.shape);
        Some(Point { level: &entry.level, label, intensity, rate, share })
    };
    kernels.filter(|entry| !entry.subject.starts_with("probe::")).filter_map(point).collect()
}

/// The best and the worst by share, the best first.
fn named<'a, 'b>(points: &'b [Point<'a>]) -> Vec<&'b Point<'a>> {
    let mut order: Vec<_> = points.iter().collect();
    order.sort_by(|a, b| b.share.total_cmp(&a.share));
    let worst = order.split_off(order.len().min(NAMED));
    order.extend(&worst[worst.len().saturating_sub(NAMED)..]);
    order
}

/// Left, upper, right and lower edge.
type Edges = (i32, i32, i32, i32);

fn around(x: i32, y: i32, distance: i32) -> Edges {
    (x - distance, y - distance, x + distance, y + distance)
}

/// Labels that do not overlap.
struct Labels {
    taken: Vec<Edges>,
    within: Edges,
}

impl Labels {
    /// At the first of these places where nothing else is, which is returned; nowhere, if there is none.
    fn place(
        &mut self,
        canvas: &Canvas<'_>,
        text: &str,
        places: &[((i32, i32), Anchor)],
        colour: RGBColor,
    ) -> Result<Option<(i32, i32)>> {
        let wide = width(text, LETTERS);
        for &((x, y), anchor) in places {
            let from = match anchor {
                Anchor::Left => x,
                Anchor::Center => x - wide / 2,
                Anchor::Right => x - wide,
            };
            let (left, upper, right, lower) = (from, y - 6, from + wide, y + 6);
            let (first, top, last, bottom) = self.within;
            let is_inside = left >= first && right <= last && upper >= top && lower <= bottom;
            let overlaps = |other: &Edges| left < other.2 && right > other.0 && upper < other.3 && lower > other.1;
            if is_inside && !self.taken.iter().any(overlaps) {
                self.taken.push((left, upper, right, lower));
                // So that lines below do not cross it.
                canvas.bar((left, upper), (right, lower), PAPER)?;
                canvas.text(text, (x, y), LETTERS, colour, anchor)?;
                return Ok(Some((x, y)));
            }
        }
        Ok(None)
    }
}
