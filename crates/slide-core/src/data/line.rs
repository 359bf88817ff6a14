//! One line of the text formats: labels, then `feature:value` pairs; and the numbers in it, the inner loop of every text format.

use super::error::Defect;

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
        let value = float(text, position).map_err(|expected| Defect::new(*position, expected))?;
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

/// What is expected where no number is, and where a finite `f32` cannot hold it.
const NO_NUMBER: &str = "a finite number";
const TOO_LARGE: &str = "a number that a 32-bit float can hold (up to 3.4e38)";

/// The byte at `position`, or a newline behind the end: a file may end where a line may.
#[inline(always)]
pub(crate) fn byte(text: &[u8], position: usize) -> u8 {
    text.get(position).copied().unwrap_or(b'\n')
}

/// The unsigned integer at `*position`, which moves behind it; `None` (and no move) without a digit.
/// Saturates: any number of digits is read, what does not fit is `u64::MAX`.
#[inline(always)]
pub(crate) fn integer(text: &[u8], position: &mut usize) -> Option<u64> {
    let start = *position;
    let mut value = 0_u64;
    let mut at = start;
    loop {
        let digit = byte(text, at).wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    *position = at;
    match at - start {
        0 => None,
        1..=19 => Some(value),
        _ => Some(long_integer(&text[start..at])),
    }
}

#[cold]
fn long_integer(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The finite float at `*position`, correctly rounded; `*position` moves behind it. An error says what is expected, and moves nothing.
///
/// Clinger's fast path (How to Read Floating Point Numbers Accurately, PLDI 1990) in `f64`: a mantissa of at most 2^53
/// and a power of ten of at most 22 are exact, so one operation rounds once. Narrowing to `f32` rounds again, which
/// can differ from rounding once only where the `f64` lies exactly between two neighbouring `f32`; those, subnormals and
/// everything longer are left to the standard library.
#[inline(always)]
fn float(text: &[u8], position: &mut usize) -> Result<f32, &'static str> {
    let start = *position;
    let mut at = start;
    let negative = byte(text, at) == b'-';
    if negative || byte(text, at) == b'+' {
        at += 1;
    }
    let mut mantissa = 0_u64;
    let mut run = |at: &mut usize| {
        let first = *at;
        loop {
            let digit = byte(text, *at).wrapping_sub(b'0');
            if digit > 9 {
                return *at - first;
            }
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
    };
    let mut digits = run(&mut at);
    let mut exponent = 0_i64;
    if byte(text, at) == b'.' {
        at += 1;
        let decimals = run(&mut at);
        digits += decimals;
        exponent = -(decimals as i64);
    }
    if digits == 0 {
        return Err(NO_NUMBER);
    }
    if byte(text, at) | 0x20 == b'e' {
        exponent = exponent.saturating_add(scientific(text, &mut at)?);
    }
    if digits <= 19 && mantissa <= 1 << 53 && exponent.unsigned_abs() <= 22 {
        let power = POWERS_OF_TEN[exponent.unsigned_abs() as usize];
        let wide = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
        let between = wide.to_bits() & 0x1fff_ffff == 0x1000_0000;
        let normal = wide >= f64::from(f32::MIN_POSITIVE) && wide <= f64::from(f32::MAX);
        if mantissa == 0 || (normal && !between) {
            *position = at;
            let value = wide as f32;
            return Ok(if negative { -value } else { value });
        }
    }
    let value = slow(&text[start..at])?;
    *position = at;
    Ok(value)
}

/// The exponent behind the `e` at `*at`, saturated.
#[cold]
fn scientific(text: &[u8], at: &mut usize) -> Result<i64, &'static str> {
    *at += 1;
    let negative = byte(text, *at) == b'-';
    if negative || byte(text, *at) == b'+' {
        *at += 1;
    }
    let size = integer(text, at).ok_or(NO_NUMBER)?.min(1 << 32) as i64;
    Ok(if negative { -size } else { size })
}

#[cold]
fn slow(token: &[u8]) -> Result<f32, &'static str> {
    let text = std::str::from_utf8(token).map_err(|_| NO_NUMBER)?;
    let value: f32 = text.parse().map_err(|_| NO_NUMBER)?;
    if value.is_finite() { Ok(value) } else { Err(TOO_LARGE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<f32, &'static str> {
        let mut position = 0;
        let value = float(text.as_bytes(), &mut position)?;
        assert_eq!(position, text.len(), "{text}");
        Ok(value)
    }

    #[test]
    fn integers() {
        let read = |text: &str| {
            let mut position = 0;
            (integer(text.as_bytes(), &mut position), position)
        };
        assert_eq!(read("0,"), (Some(0), 1));
        assert_eq!(read("4294967296"), (Some(1 << 32), 10));
        assert_eq!(read("x"), (None, 0));
        assert_eq!(read(""), (None, 0));
        assert_eq!(read("18446744073709551616 "), (Some(u64::MAX), 20));
        assert_eq!(read("00000000000000000000000000007"), (Some(7), 29));
    }

    #[test]
    fn floats_where_two_roundings_would_differ() {
        // Each is within half a unit of an f64 of the middle between two f32.
        for text in [
            "1.00000005960464477539",
            "16777217",
            "16777217.0",
            "0.000000000000000000000000000000000000011754942106924411",
            "1.4e-45",
            "7e-46",
            "3.4028235677973366e38",
            "9007199254740993",
            "8388609.5",
            "8388609.499999999",
            "-0",
            "-.5",
            "5.",
            "1e22",
            "1e-22",
            "1E+3",
            "340282346638528859811704183484516925440",
            "0.3333333432674407958984375",
        ] {
            let expected: f32 = text.parse().unwrap();
            if expected.is_finite() {
                assert_eq!(parse(text).unwrap().to_bits(), expected.to_bits(), "{text}");
            } else {
                assert_eq!(parse(text), Err(TOO_LARGE), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_finite_float() {
        for text in ["", "-", ".", "+.", "e5", "1e", "1e+", "nan", "inf", "-inf", "--1", "x1"] {
            assert_eq!(parse(text), Err(NO_NUMBER), "{text}");
        }
        for text in ["1e39", "-3.5e38", "1e99999999999999999999"] {
            assert_eq!(parse(text), Err(TOO_LARGE), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn floats_round_as_the_standard_library(text in "[+-]?[0-9]{1,12}(\\.[0-9]{0,12})?([eE][+-]?[0-9]{1,2})?") {
            let expected: f32 = text.parse().unwrap();
            let read = parse(&text);
            if expected.is_finite() {
                prop_assert_eq!(read.unwrap().to_bits(), expected.to_bits());
            } else {
                prop_assert_eq!(read, Err(TOO_LARGE));
            }
        }

        #[test]
        fn every_float_comes_back(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [format!("{value}"), format!("{value:e}"), format!("{:.17}", value)] {
                let expected: f32 = text.parse().unwrap();
                prop_assert_eq!(parse(&text).unwrap().to_bits(), expected.to_bits());
            }
        }
    }
}
