//! One line of the text formats: labels, then `feature:value` pairs.

use super::error::Defect;
use super::number::{NumberError, byte, float, integer};

/// The variant of a text format, and its ranges of indices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grammar {
    /// svmlight: comments from `#` to the end of the line, `qid:N` before the features, `+` before a label, and lines
    /// without an example.
    pub(crate) svmlight: bool,
    /// Blank lines are examples without labels and features, rather than nothing.
    pub(crate) blank_examples: bool,
    /// Number of the first feature in the file: 0 or 1. It is subtracted.
    pub(crate) first_feature: u64,
    /// Number of the first label in the file: -1, 0 or 1. It is subtracted.
    pub(crate) first_label: i64,
    /// Feature numbers, before subtraction, are below this.
    pub(crate) feature_end: u64,
    /// Label numbers, before subtraction, are below this.
    pub(crate) label_end: i64,
    /// What features are called in messages.
    pub(crate) feature_word: &'static str,
}

/// The examples of a part of a file, while it is read.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// For each example, the number of features up to its end.
    pub(crate) feature_ends: Vec<usize>,
    pub(crate) features: Vec<u32>,
    pub(crate) values: Vec<f32>,
    /// For each example, the number of labels up to its end.
    pub(crate) label_ends: Vec<usize>,
    pub(crate) labels: Vec<u32>,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.feature_ends.len()
    }

    pub(crate) fn clear(&mut self) {
        self.feature_ends.clear();
        self.features.clear();
        self.values.clear();
        self.label_ends.clear();
        self.labels.clear();
    }
}

/// Reads every line of `text`.
pub(crate) fn parse_lines(text: &[u8], grammar: Grammar, rows: &mut Rows) -> Result<(), Defect> {
    let mut position = 0;
    while position < text.len() {
        position = parse_line(text, position, grammar, rows)?;
    }
    Ok(())
}

/// Reads the line that starts at `start` and returns where the next one starts.
///
/// Adds an example to `rows` unless the line holds none in this format. Labels become ascending and unique (a set),
/// features ascending; a feature given twice is a defect. Of two defects in a line the left one is returned.
#[inline]
pub(crate) fn parse_line(text: &[u8], start: usize, grammar: Grammar, rows: &mut Rows) -> Result<usize, Defect> {
    let first_label = rows.labels.len();
    let first_feature = rows.features.len();
    let mut position = start;
    labels(text, &mut position, grammar, &mut rows.labels)?;
    let ascending = &mut true;
    let read = features(text, &mut position, grammar, rows, ascending);
    if !*ascending {
        sort_features(&mut rows.features[first_feature..], &mut rows.values[first_feature..])
            .map_err(|twice| second_occurrence(text, start, grammar, &twice))?;
    }
    let content = read?;
    let example = content || rows.labels.len() > first_label || rows.features.len() > first_feature;
    if example || grammar.blank_examples && !is_comment(text, start, grammar) {
        sort_labels(&mut rows.labels, first_label);
        rows.label_ends.push(rows.labels.len());
        rows.feature_ends.push(rows.features.len());
    }
    Ok(position)
}

#[inline(always)]
fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Is this a line end? `\r` counts when `\n`, or the end of the file, follows.
#[inline(always)]
fn ends_line(text: &[u8], position: usize) -> bool {
    match byte(text, position) {
        b'\n' => true,
        b'\r' => byte(text, position + 1) == b'\n',
        _ => false,
    }
}

#[inline(always)]
fn skip_blanks(text: &[u8], position: &mut usize) {
    while is_blank(byte(text, *position)) {
        *position += 1;
    }
}

fn is_comment(text: &[u8], mut position: usize, grammar: Grammar) -> bool {
    skip_blanks(text, &mut position);
    grammar.svmlight && byte(text, position) == b'#'
}

/// `l1,l2,...`, or nothing where the line starts with a space, a feature, a comment or its end.
#[inline(always)]
fn labels(text: &[u8], position: &mut usize, grammar: Grammar, labels: &mut Vec<u32>) -> Result<(), Defect> {
    let before = labels.len();
    loop {
        let start = *position;
        let sign = byte(text, start);
        if grammar.svmlight && matches!(sign, b'+' | b'-') {
            *position += 1;
        }
        let Some(number) = integer(text, position) else {
            let comment = grammar.svmlight && matches!(byte(text, start), b'#' | b'q');
            if labels.len() == before && (is_blank(byte(text, start)) || ends_line(text, start) || comment) {
                return Ok(());
            }
            *position = start;
            return Err(Defect::new(start, label_expected(grammar)));
        };
        let mut next = byte(text, *position);
        if next == b':' && labels.len() == before {
            // No labels: this is the first feature.
            *position = start;
            return Ok(());
        }
        if next == b'.' && grammar.svmlight {
            // Some write whole numbers as decimals.
            *position += 1;
            while byte(text, *position) == b'0' {
                *position += 1;
            }
            next = byte(text, *position);
            if next.is_ascii_digit() {
                return Err(Defect::new(start, "a label, which is a whole number"));
            }
        }
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let label = if sign == b'-' { -number } else { number };
        if label < grammar.first_label || label >= grammar.label_end {
            return Err(Defect::new(start, label_expected(grammar)));
        }
        labels.push((label - grammar.first_label) as u32);
        match next {
            b',' => *position += 1,
            b' ' | b'\t' => return Ok(()),
            _ if ends_line(text, *position) => return Ok(()),
            b'#' if grammar.svmlight => return Ok(()),
            _ => return Err(Defect::new(*position, "',' and another label, a space, or the end of the line")),
        }
    }
}

#[cold]
fn label_expected(grammar: Grammar) -> String {
    range_expected("label", grammar.first_label, grammar.label_end)
}

#[cold]
fn feature_expected(grammar: Grammar) -> String {
    range_expected(
        grammar.feature_word,
        grammar.first_feature as i64,
        i64::try_from(grammar.feature_end).unwrap_or(i64::MAX),
    )
}

fn range_expected(what: &str, first: i64, end: i64) -> String {
    if first < end {
        let base = if first != 0 { format!(" (the base is {first})") } else { String::new() };
        format!("a {what} number from {first} to {}{base}", end - 1)
    } else {
        format!("no {what}, as there are 0 of them")
    }
}

/// `f:v f:v ...` and the end of the line; returns whether there was anything but a comment (a `qid`).
#[inline(always)]
fn features(
    text: &[u8],
    position: &mut usize,
    grammar: Grammar,
    rows: &mut Rows,
    ascending: &mut bool,
) -> Result<bool, Defect> {
    let mut least = 0;
    let mut content = false;
    loop {
        skip_blanks(text, position);
        let start = *position;
        let Some(feature) = integer(text, position) else {
            if ends_line(text, start) {
                *position += if byte(text, start) == b'\r' { 2 } else { 1 };
                *position = (*position).min(text.len());
                return Ok(content);
            }
            if grammar.svmlight && byte(text, start) == b'#' {
                let rest = &text[start..];
                *position = start + memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
                return Ok(content);
            }
            if grammar.svmlight && !content && least == 0 && text[start..].starts_with(b"qid:") {
                *position = start + 4;
                let named = integer(text, position).is_some();
                if !named || !(is_blank(byte(text, *position)) || ends_line(text, *position)) {
                    return Err(Defect::new(start, "a number after 'qid:'"));
                }
                content = true;
                continue;
            }
            return Err(Defect::new(start, "'feature:value' or the end of the line"));
        };
        if byte(text, *position) != b':' {
            return Err(Defect::new(*position, "':' after a feature number"));
        }
        if feature < grammar.first_feature || feature >= grammar.feature_end {
            return Err(Defect::new(start, feature_expected(grammar)));
        }
        *position += 1;
        let value = float(text, position).map_err(|error| not_a_value(*position, error))?;
        let next = byte(text, *position);
        if !(is_blank(next) || ends_line(text, *position) || grammar.svmlight && next == b'#') {
            return Err(Defect::new(*position, behind_value_expected(text, *position)));
        }
        *ascending &= feature >= least;
        least = feature + 1;
        rows.features.push((feature - grammar.first_feature) as u32);
        rows.values.push(value);
    }
}

#[cold]
fn behind_value_expected(text: &[u8], position: usize) -> &'static str {
    match byte(text, position) {
        // `label:relevance,label:relevance`
        b',' => "a space or the end of the line after a value (labels have no values: there is no graded relevance)",
        _ => "a space or the end of the line after a value",
    }
}

#[cold]
fn not_a_value(at: usize, error: NumberError) -> Defect {
    Defect::new(
        at,
        match error {
            NumberError::Syntax => "a finite number",
            NumberError::Range => "a number that a 32-bit float can hold (up to 3.4e38)",
        },
    )
}

/// Sorts the labels from `first` on and drops repetitions.
#[inline(always)]
fn sort_labels(labels: &mut Vec<u32>, first: usize) {
    if labels[first..].windows(2).all(|pair| pair[0] < pair[1]) {
        return;
    }
    labels[first..].sort_unstable();
    let mut kept = first + 1;
    for read in first + 1..labels.len() {
        if labels[read] != labels[kept - 1] {
            labels[kept] = labels[read];
            kept += 1;
        }
    }
    labels.truncate(kept);
}

/// Sorts pairs by feature; `Err` holds the features that come twice.
#[cold]
fn sort_features(features: &mut [u32], values: &mut [f32]) -> Result<(), Vec<u32>> {
    let mut pairs: Vec<(u32, f32)> = features.iter().copied().zip(values.iter().copied()).collect();
    pairs.sort_unstable_by_key(|pair| pair.0);
    let twice: Vec<u32> = pairs.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0).collect();
    if !twice.is_empty() {
        return Err(twice);
    }
    for (position, (feature, value)) in pairs.into_iter().enumerate() {
        features[position] = feature;
        values[position] = value;
    }
    Ok(())
}

/// The defect of the first pair of the line that repeats one of the features `twice`.
#[cold]
fn second_occurrence(text: &[u8], line: usize, grammar: Grammar, twice: &[u32]) -> Defect {
    let mut seen = std::collections::HashSet::new();
    let mut position = line;
    while byte(text, position) != b'\n' {
        skip_blanks(text, &mut position);
        let start = position;
        if let Some(number) = integer(text, &mut position).filter(|_| byte(text, position) == b':') {
            let feature = number.wrapping_sub(grammar.first_feature);
            if twice.iter().any(|&repeated| u64::from(repeated) == feature) && !seen.insert(feature) {
                return Defect::new(start, format!("feature {number} once an example"));
            }
        }
        while !is_blank(byte(text, position)) && byte(text, position) != b'\n' {
            position += 1;
        }
    }
    Defect::new(line, "each feature once an example")
}
