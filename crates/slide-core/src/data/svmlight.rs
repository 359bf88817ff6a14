//! The svmlight / libsvm text format with several labels an example.
//!
//! ```text
//! # a comment
//! 0,2 qid:7 1:0.5 4:1.25   # labels, an ignored query number, feature:value
//! 1:2                      # no labels
//! ```
//! The first line may be an XMC header; then a blank line is an example, otherwise it is skipped. The same is said by the comment that
//! [`data::write`](super::write()) puts first if the lines alone would not be read as what they are:
//!
//! ```text
//! # slide: 8 features from 1, 5 labels from 0
//! ```

use std::io;

use super::dataset::{Bases, Dataset, MOST_COLUMNS};
use super::error::Defect;
use super::line::{Grammar, Rows, byte, integer};
use super::xmc::{self, Header};
use super::{IndexBase, ReadOptions, text};

/// What the first line says about all lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// An XMC header.
    pub(crate) header: Option<Header>,
    comment: Option<Comment>,
}

/// Widths, and the number of column 0.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Comment {
    features: u64,
    first_feature: i64,
    labels: u64,
    first_label: i64,
}

impl Comment {
    /// The comment that `text` begins with; none if there is no such, which is then a comment without meaning.
    fn of(text: &[u8]) -> Option<Self> {
        let mut position = 0;
        let mut word = |expected: &[u8]| {
            let found = text.get(position..).is_some_and(|rest| rest.starts_with(expected));
            position += if found { expected.len() } else { 0 };
            found.then_some(())
        };
        word(b"# slide: ")?;
        let mut number = |most: u64, after: &[u8]| {
            let number = integer(text, &mut position).filter(|&number| number <= most)?;
            let is_next = text.get(position..).is_some_and(|rest| rest.starts_with(after));
            position += after.len();
            is_next.then_some(number)
        };
        let features = number(MOST_COLUMNS, b" features from ")?;
        let first_feature = number(1, b", ")? as i64;
        let labels = number(MOST_COLUMNS, b" labels from ")?;
        let first_label = match number(1, b"") {
            Some(first) => first as i64,
            None => -i64::from(text.get(position..)?.starts_with(b"-1")),
        };
        position += if first_label < 0 { 2 } else { 0 };
        matches!(byte(text, position), b'\r' | b'\n').then_some(Self { features, first_feature, labels, first_label })
    }

    fn bases(self) -> Bases {
        Bases { features: IndexBase::of_first(self.first_feature), labels: IndexBase::of_first(self.first_label) }
    }
}

/// Writes the comment.
pub(crate) fn write_comment(out: &mut dyn io::Write, data: &Dataset) -> io::Result<()> {
    let (features, labels) = (data.feature_count(), data.label_count());
    let [first_feature, first_label] = [data.feature_base(), data.label_base()].map(IndexBase::first);
    writeln!(out, "# slide: {features} features from {first_feature}, {labels} labels from {first_label}")
}

/// Whether the lines of `data` alone would be read as something else.
pub(crate) fn needs_comment(data: &Dataset) -> bool {
    let arrays = data.arrays();
    let width = |indices: &[u32]| indices.iter().max().map_or(0, |&largest| largest as usize + 1);
    let starts_at_0 = arrays.feature_indices.is_empty()
        || data.feature_base() == IndexBase::Zero && arrays.feature_indices.contains(&0);
    let guessed_base = if starts_at_0 { IndexBase::Zero } else { IndexBase::One };
    let has_minus_1 = data.label_base() == IndexBase::MinusOne && arrays.label_indices.contains(&0);
    let guessed_label_base = if has_minus_1 { IndexBase::MinusOne } else { IndexBase::Zero };
    let is_empty = |example: usize| data.labels(example).is_empty() && data.features(example).0.is_empty();
    data.examples() == 0
        || guessed_label_base != data.label_base()
        || data.feature_base() != guessed_base
        || width(&arrays.feature_indices) != data.feature_count()
        || width(&arrays.label_indices) != data.label_count()
        || (0..data.examples()).any(is_empty)
}

impl Layout {
    /// The layout of a text, and where its lines begin.
    fn of(text: &[u8]) -> (Self, usize) {
        let (mut layout, mut position) = (Self::default(), 0);
        while layout.take_line(&text[position..]) {
            position = memchr::memchr(b'\n', &text[position..]).map_or(text.len(), |newline| position + newline + 1);
        }
        // The header is not a line of an example.
        let body = xmc::header(&text[position..]).map_or(0, |(_, body)| position + body);
        (layout, body)
    }

    /// Takes what the next line says; whether it was a comment, so that a header may still follow.
    pub(crate) fn take_line(&mut self, text: &[u8]) -> bool {
        if text.first() == Some(&b'#') {
            self.comment = self.comment.or_else(|| Comment::of(text));
            return true;
        }
        self.header = xmc::header(text).ok().map(|(header, _)| header);
        false
    }

    /// The base of the features and of the labels, as far as they are known before the lines.
    fn bases(&self, options: &ReadOptions) -> Bases {
        let stated = self.comment.map(Comment::bases);
        let base = |option, stated| if option == IndexBase::Auto { stated } else { option };
        Bases {
            features: base(options.feature_base, stated.map_or(IndexBase::Auto, |stated| stated.features)),
            labels: base(options.label_base, stated.map_or(IndexBase::Auto, |stated| stated.labels)),
        }
    }

    /// Widths that are stated.
    fn widths(&self) -> Option<[u64; 2]> {
        let comment = self.comment.map(|comment| [comment.features, comment.labels]);
        self.header.map(|header| [header.features, header.labels]).or(comment)
    }

    /// The grammar of the lines, features counted from 0 if their base is not known.
    pub(crate) fn grammar(&self, options: &ReadOptions) -> Grammar {
        let bases = self.bases(options);
        let widths = self.widths();
        let end = |base: IndexBase, stated: Option<u64>, most: Option<usize>| {
            let stated = stated.unwrap_or(MOST_COLUMNS);
            base.first() + most.map_or(stated, |most| stated.min(most as u64)) as i64
        };
        Grammar {
            svmlight: true,
            blank_examples: widths.is_some(),
            first_feature: bases.features.first().max(0) as u64,
            first_label: bases.labels.first(),
            feature_end: end(bases.features, widths.map(|widths| widths[0]), options.feature_count).max(0) as u64,
            label_end: end(bases.labels, widths.map(|widths| widths[1]), options.label_count),
            feature_word: "feature",
        }
    }
}

pub(crate) fn empty_defect(at: usize) -> Defect {
    Defect::new(at, "at least one example")
}

pub(crate) fn read(text: &[u8], options: &ReadOptions) -> Result<Dataset, Defect> {
    let (layout, body) = Layout::of(text);
    let mut bases = layout.bases(options);
    let mut strict = layout.grammar(options);
    // Accepts a feature number equal to the width: in a file that counts from 1 it is the last feature.
    let lenient = |strict: Grammar| Grammar { feature_end: (strict.feature_end + 1).min(MOST_COLUMNS), ..strict };
    let auto = bases.features == IndexBase::Auto;
    let parse = |grammar| match layout.header {
        Some(header) => xmc::read_counted(text, body, header, grammar),
        None => text::parse(text, 0, grammar),
    };
    let first_grammar = |strict| if auto { lenient(strict) } else { strict };
    let mut parsed = parse(first_grammar(strict));
    if bases.labels == IndexBase::Auto {
        bases.labels = IndexBase::Zero;
        if let Err(defect) = &parsed
            && text[defect.at..].starts_with(b"-1")
        {
            bases.labels = IndexBase::MinusOne;
            (strict.first_label, strict.label_end) = (-1, strict.label_end - 1);
            parsed = parse(first_grammar(strict));
        }
    }
    let mut pieces = parsed?;
    if auto {
        let (least, largest) = feature_range(&pieces);
        bases.features = IndexBase::of_first(least.min(1) as i64);
        if least >= 1 {
            count_from_zero(&mut pieces);
        } else if largest >= strict.feature_end {
            // The file counts from 0, so its largest number is a defect: locate it.
            pieces = parse(strict)?;
        }
    }
    let widths = layout.widths();
    if widths.is_none() && pieces.iter().all(|rows| rows.len() == 0) {
        return Err(empty_defect(text.len()));
    }
    let width = |asked: Option<usize>, stated: Option<u64>, indices: fn(&Rows) -> &[u32]| {
        let largest = || pieces.iter().flat_map(indices).max().map_or(0, |&index| index as usize + 1);
        asked.or(stated.map(|width| width as usize)).unwrap_or_else(largest)
    };
    let feature_count = width(options.feature_count, widths.map(|widths| widths[0]), |rows| &rows.features);
    let label_count = width(options.label_count, widths.map(|widths| widths[1]), |rows| &rows.labels);
    Ok(Dataset::from_checked(text::join(pieces, feature_count, label_count)).with_bases(bases))
}

/// The least and the largest feature number; `(0, 0)` without any.
fn feature_range(pieces: &[Rows]) -> (u64, u64) {
    let features = || pieces.iter().flat_map(|rows| &rows.features);
    let number = |feature: Option<&u32>| feature.map_or(0, |&feature| u64::from(feature));
    (number(features().min()), number(features().max()))
}

fn count_from_zero(pieces: &mut [Rows]) {
    for feature in pieces.iter_mut().flat_map(|rows| &mut rows.features) {
        *feature -= 1;
    }
}
