//! The bag-of-words text format of the Extreme Classification Repository.
//!
//! ```text
//! 3 5 4                 examples, features, labels
//! 0,2 1:0.5 4:1.25      labels, then feature:value
//!  0:1                  no labels: the line may begin with a space
//! 3                     no features
//! ```
//! All numbers count from 0. There is one line per example; an empty line is an example with neither.

use super::dataset::{Dataset, MOST_COLUMNS};
use super::error::Defect;
use super::line::{Grammar, Rows, byte, integer, parse_line};
use super::{ReadOptions, text};

/// The first line of an XMC file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) examples: u64,
    pub(crate) features: u64,
    pub(crate) labels: u64,
}

/// The header and where the line behind it starts.
pub(crate) fn header(text: &[u8]) -> Result<(Header, usize), Defect> {
    let mut position = 0;
    let mut numbers = [0; 3];
    let names = ["the number of examples", "the number of features", "the number of labels"];
    for (number, name) in numbers.iter_mut().zip(names) {
        while matches!(byte(text, position), b' ' | b'\t') {
            position += 1;
        }
        let start = position;
        let most = if start == 0 { u64::MAX - 1 } else { MOST_COLUMNS };
        *number = integer(text, &mut position)
            .filter(|&number| number <= most && matches!(byte(text, position), b' ' | b'\t' | b'\r' | b'\n'))
            .ok_or_else(|| Defect::new(start, format!("a header, 'examples features labels': {name}")))?;
    }
    while matches!(byte(text, position), b' ' | b'\t' | b'\r') {
        position += 1;
    }
    if byte(text, position) != b'\n' {
        return Err(Defect::new(position, "the end of the header, 'examples features labels'"));
    }
    let [examples, features, labels] = numbers;
    Ok((Header { examples, features, labels }, (position + 1).min(text.len())))
}

/// The grammar of the lines behind `header`; the widths in `options` are upper limits.
pub(crate) fn grammar(header: Header, options: &ReadOptions) -> Grammar {
    let narrow = |width: u64, most: Option<usize>| most.map_or(width, |most| width.min(most as u64));
    Grammar {
        svmlight: false,
        blank_examples: true,
        first_feature: 0,
        first_label: 0,
        feature_end: narrow(header.features, options.feature_count),
        label_end: narrow(header.labels, options.label_count) as i64,
        feature_word: "feature",
    }
}

pub(crate) fn read(text: &[u8], options: &ReadOptions) -> Result<Dataset, Defect> {
    let (header, body) = header(text)?;
    let pieces = read_counted(text, body, header, grammar(header, options))?;
    let feature_count = options.feature_count.unwrap_or(header.features as usize);
    let label_count = options.label_count.unwrap_or(header.labels as usize);
    Ok(Dataset::from_checked(text::join(pieces, feature_count, label_count)))
}

/// The examples behind a header: exactly the number in the header, then only blank lines.
pub(crate) fn read_counted(text: &[u8], body: usize, header: Header, grammar: Grammar) -> Result<Vec<Rows>, Defect> {
    let mut pieces = text::parse(text, body, grammar)
        .map_err(|defect| surplus(text, body, header.examples, grammar).unwrap_or(defect))?;
    let found = pieces.iter().map(|rows| rows.len() as u64).sum::<u64>();
    if found < header.examples {
        return Err(missing_defect(text.len(), header.examples, found));
    }
    if found > header.examples {
        if let Some(defect) = surplus(text, body, header.examples, grammar) {
            return Err(defect);
        }
        drop_last(&mut pieces, (found - header.examples) as usize);
    }
    Ok(pieces)
}

pub(crate) fn missing_defect(at: usize, examples: u64, found: u64) -> Defect {
    Defect::new(at, format!("{examples} examples, as in the header (there are {found})"))
}

/// The defect of a surplus line, which starts at `start`.
pub(crate) fn surplus_defect(text: &[u8], start: usize, examples: u64) -> Defect {
    let blanks = text[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    Defect::new(start + blanks, format!("the end of the file after {examples} examples, as in the header"))
}

/// The defect of the first line behind `examples` examples that is not blank, unless another defect comes before it.
fn surplus(text: &[u8], body: usize, examples: u64, grammar: Grammar) -> Option<Defect> {
    let (mut position, mut seen) = (body, 0);
    let mut rows = Rows::default();
    while position < text.len() {
        rows.clear();
        let line = parse_line(text, position, grammar, &mut rows);
        let blank = line.is_ok() && rows.labels.is_empty() && rows.features.is_empty();
        if seen >= examples && !blank {
            return Some(surplus_defect(text, position, examples));
        }
        position = line.ok()?;
        seen += rows.len() as u64;
    }
    None
}

/// Removes the last `count` examples, which are all blank lines.
fn drop_last(pieces: &mut [Rows], mut count: usize) {
    for rows in pieces.iter_mut().rev() {
        let kept = rows.len() - count.min(rows.len());
        count -= rows.len() - kept;
        rows.feature_ends.truncate(kept);
        rows.label_ends.truncate(kept);
    }
}
