//! What the pictures have in common: sizes, colours, letters, scales.

use std::fmt;

use anyhow::{Result, anyhow};
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{Circle, Cross, PathElement, Polygon, Rectangle, Text, TriangleMarker};
pub(crate) use plotters::style::text_anchor::HPos as Anchor;
use plotters::style::text_anchor::{Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont as _, IntoTextStyle as _, RGBAColor, RGBColor, ShapeStyle};

use super::super::record::{Origin, Record};

pub(super) const INK: RGBColor = RGBColor(0x24, 0x29, 0x2F);
pub(super) const QUIET: RGBColor = RGBColor(0x6E, 0x77, 0x81);
pub(super) const GRID: RGBColor = RGBColor(0xE4, 0xE7, 0xEB);
pub(super) const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);

/// Around everything.
pub(super) const MARGIN: i32 = 24;
/// What the title and the legend take.
pub(super) const HEAD: i32 = 96;
/// Lines below: the notes of the machine, as far as there is room, and what made the picture.
const FOOT_LINES: usize = 3;
/// What they take.
pub(super) const FOOT: i32 = 67;

/// Colours that readers of every kind of sight tell apart (Okabe and Ito 2008), and marks, by level.
const LEVELS: &[(&str, RGBColor, Mark)] = &[
    ("scalar", RGBColor(0x99, 0x99, 0x99), Mark::Cross),
    ("avx2", RGBColor(0xE6, 0x9F, 0x00), Mark::Triangle),
    ("avx512", RGBColor(0x00, 0x72, 0xB2), Mark::Circle),
    ("avx512vnni", RGBColor(0x56, 0xB4, 0xE9), Mark::Square),
    ("avx512popcnt", RGBColor(0xCC, 0x79, 0xA7), Mark::Diamond),
    ("avx512bf16", RGBColor(0x00, 0x9E, 0x73), Mark::Square),
    ("avx512bf16 native", RGBColor(0xD5, 0x5E, 0x00), Mark::Diamond),
    ("neon", RGBColor(0x00, 0x72, 0xB2), Mark::Circle),
    ("neonbf16", RGBColor(0xE6, 0x9F, 0x00), Mark::Triangle),
    ("neonbf16 native", RGBColor(0xD5, 0x5E, 0x00), Mark::Diamond),
    ("sve", RGBColor(0x00, 0x9E, 0x73), Mark::Square),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    Circle,
    Triangle,
    Square,
    Diamond,
    Cross,
}

fn look(level: &str) -> (RGBColor, Mark) {
    let known = LEVELS.iter().find(|(name, ..)| *name == level);
    known.map_or((RGBColor(0x00, 0x72, 0xB2), Mark::Circle), |&(_, colour, mark)| (colour, mark))
}

pub(super) fn colour(level: &str) -> RGBColor {
    look(level).0
}

/// Levels in the order of the legend: from the least to the most capable.
pub(super) fn in_order<'a>(levels: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut levels: Vec<_> = levels.collect();
    let place = |level: &str| LEVELS.iter().position(|(name, ..)| *name == level);
    levels.sort_by_key(|level| (place(level).unwrap_or(LEVELS.len()), *level));
    levels.dedup();
    levels
}

/// About how wide a text is.
pub(crate) fn width(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * 0.56).ceil() as i32
}

/// A picture that is being drawn. Its points are pixels.
pub(crate) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    /// Without paper, what is behind the picture shows through.
    pub(crate) fn new(svg: &'a mut String, size: (i32, i32), paper: Option<RGBColor>) -> Result<Self> {
        let area = SVGBackend::with_string(svg, (size.0 as u32, size.1 as u32)).into_drawing_area();
        if let Some(paper) = paper {
            area.fill(&paper).map_err(failure)?;
        }
        Ok(Self { area })
    }

    /// In the middle of its line at `at`.
    pub(crate) fn text(&self, text: &str, at: (i32, i32), size: i32, colour: RGBColor, anchor: Anchor) -> Result<()> {
        self.styled(text, at, size, colour, anchor, FontStyle::Normal)
    }

    fn styled(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        colour: RGBColor,
        anchor: Anchor,
        style: FontStyle,
    ) -> Result<()> {
        // plotters divides sizes by this to come to those of SVG.
        let font = ("Helvetica, Arial, sans-serif", f64::from(size) * 1.24).into_font().style(style);
        let style = font.into_text_style(&self.area).color(&colour).pos(Pos::new(anchor, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style)).map_err(failure)
    }

    pub(crate) fn line(&self, points: &[(i32, i32)], colour: impl Into<RGBAColor>, thickness: u32) -> Result<()> {
        let style = ShapeStyle { color: colour.into(), filled: false, stroke_width: thickness };
        self.area.draw(&PathElement::new(points.to_vec(), style)).map_err(failure)
    }

    pub(super) fn bar(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Result<()> {
        self.area.draw(&Rectangle::new([from, to], colour.filled())).map_err(failure)
    }

    /// The mark of a level.
    pub(super) fn level(&self, level: &str, at: (i32, i32)) -> Result<()> {
        let (colour, mark) = look(level);
        self.mark(colour, mark, at)
    }

    pub(crate) fn mark(&self, colour: RGBColor, mark: Mark, at: (i32, i32)) -> Result<()> {
        let style = colour.mix(0.75).filled();
        let ((x, y), r) = (at, 4);
        match mark {
            Mark::Circle => self.area.draw(&Circle::new(at, r, style)),
            Mark::Triangle => self.area.draw(&TriangleMarker::new(at, r + 1, style)),
            Mark::Square => self.area.draw(&Rectangle::new([(x - r + 1, y - r + 1), (x + r - 1, y + r - 1)], style)),
            Mark::Diamond => self
                .area
                .draw(&Polygon::new(vec![(x - r - 1, y), (x, y - r - 1), (x + r + 1, y), (x, y + r + 1)], style)),
            Mark::Cross => self.area.draw(&Cross::new(at, r, style)),
        }
        .map_err(failure)
    }

    /// Title, what was run where and when, and what the levels look like; below, the notes.
    pub(super) fn frame(&self, title: &str, record: &Record, size: (i32, i32), levels: &[&str]) -> Result<()> {
        self.styled(title, (MARGIN, MARGIN + 8), 19, INK, Anchor::Left, FontStyle::Bold)?;
        let Origin { machine, commit, compiler, date, command } = &record.origin;
        let what = format!("{}  ·  target {}  ·  {}", machine.processor, record.target, date);
        self.text(&what, (MARGIN, MARGIN + 31), 12, QUIET, Anchor::Left)?;
        let mut x = MARGIN + 5;
        for &level in levels.iter().filter(|level| !level.is_empty()) {
            self.level(level, (x, MARGIN + 54))?;
            self.text(level, (x + 11, MARGIN + 54), 12, INK, Anchor::Left)?;
            x += 11 + width(level, 12) + 24;
        }
        let most = (size.0 - 2 * MARGIN) as usize / 6;
        let made_by = format!("{command}  ·  commit {commit}  ·  rustc {compiler}");
        let notes = wrapped(&machine.notes.join("; "), most).into_iter().take(FOOT_LINES - 1);
        for (line, text) in notes.chain([made_by]).enumerate() {
            self.text(&text, (MARGIN, size.1 - FOOT + 14 + 17 * line as i32), 11, QUIET, Anchor::Left)?;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.area.present().map_err(failure)
    }
}

/// Lines of words, of so many characters if no word is longer.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn failure(error: impl fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

/// Values to pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    values: (f64, f64),
    pixels: (i32, i32),
    logarithmic: bool,
}

impl Scale {
    pub(crate) fn linear(values: (f64, f64), pixels: (i32, i32)) -> Self {
        Self { values, pixels, logarithmic: false }
    }

    pub(crate) fn logarithmic(values: (f64, f64), pixels: (i32, i32)) -> Self {
        Self { values, pixels, logarithmic: true }
    }

    /// The nearest point of the scale.
    pub(crate) fn at(&self, value: f64) -> i32 {
        let measure = |value: f64| if self.logarithmic { value.ln() } else { value };
        let (from, to) = (measure(self.values.0), measure(self.values.1));
        let part = ((measure(value) - from) / (to - from)).clamp(0.0, 1.0);
        self.pixels.0 + (part * f64::from(self.pixels.1 - self.pixels.0)).round() as i32
    }

    /// Round values, about a handful of them.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let (from, to) = self.values;
        if !self.logarithmic {
            let step = (to - from) / 4.0;
            return (0..=4).map(|i| from + f64::from(i) * step).collect();
        }
        let decades = (from.log10().floor() as i32)..=(to.log10().ceil() as i32);
        let steps: &[f64] = if (to / from).log10() < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let values = decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        values.filter(|&value| value >= from * 0.999 && value <= to * 1.001).collect()
    }
}

/// Without trailing zeros.
pub(crate) fn tick(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_between_words() {
        assert_eq!(wrapped("virtual; a load of its own", 9), ["virtual;", "a load of", "its own"]);
        assert_eq!(wrapped("unbreakable 1", 4), ["unbreakable", "1"]);
        assert_eq!(wrapped("", 4), [""; 0]);
    }

    #[test]
    fn scales() {
        let scale = Scale::logarithmic((0.01, 100.0), (0, 400));
        assert_eq!([0.001, 0.01, 1.0, 100.0, 1000.0].map(|value| scale.at(value)), [0, 0, 200, 400, 400]);
        assert_eq!(scale.ticks().iter().copied().map(tick).collect::<Vec<_>>(), ["0.01", "0.1", "1", "10", "100"]);
        let short: Vec<_> = Scale::logarithmic((1.0, 20.0), (0, 1)).ticks().into_iter().map(tick).collect();
        assert_eq!(short, ["1", "2", "5", "10", "20"]);
        let upwards = Scale::linear((0.0, 1.0), (100, 0));
        assert_eq!(upwards.at(0.25), 75);
    }

    #[test]
    fn levels_are_told_apart() {
        for architecture in ["avx", "neon"] {
            let looks: Vec<_> =
                LEVELS.iter().filter(|(name, ..)| name.starts_with(architecture)).map(|l| l.1).collect();
            assert!(looks.iter().enumerate().all(|(i, look)| !looks[..i].contains(look)), "{looks:?}");
        }
        assert_eq!(in_order(["other", "avx512", "avx2", "avx2"].into_iter()), ["avx2", "avx512", "other"]);
    }
}
