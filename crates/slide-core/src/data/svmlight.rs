//! The svmlight / libsvm text format with several labels an example.
//!
//! ```text
//! # a comment
//! 0,2 qid:7 1:0.5 4:1.25   # labels, an ignored query number, feature:value
//! 1:2                      # no labels
//! ```
//! The first line may be an XMC header; then a blank line is an example, otherwise it is skipped.

use super::dataset::{Dataset, MOST_COLUMNS};
use super::error::Defect;
use super::line::{Grammar, Rows};
use super::xmc::{self, Header};
use super::{IndexBase, ReadOptions, text};

/// The grammar for a file with or without a header, features counted from 0 unless the options say 1.
pub(crate) fn grammar(header: Option<Header>, options: &ReadOptions) -> Grammar {
    let first_feature = u64::from(options.feature_base == IndexBase::One);
    let first_label = u64::from(options.label_base == IndexBase::One);
    let end = |first: u64, stated: Option<u64>, most: Option<usize>| {
        let stated = stated.unwrap_or(MOST_COLUMNS);
        first + most.map_or(stated, |most| stated.min(most as u64))
    };
    Grammar {
        svmlight: true,
        blank_examples: header.is_some(),
        first_feature,
        first_label,
        feature_end: end(first_feature, header.map(|header| header.features), options.feature_count),
        label_end: end(first_label, header.map(|header| header.labels), options.label_count),
    }
}

pub(crate) fn empty_defect(at: usize) -> Defect {
    Defect::new(at, "at least one example")
}

pub(crate) fn read(text: &[u8], options: &ReadOptions) -> Result<Dataset, Defect> {
    let (header, body) = xmc::header(text).map_or((None, 0), |(header, body)| (Some(header), body));
    let strict = grammar(header, options);
    // Accepts a feature number equal to the width: in a file that counts from 1 it is the last feature.
    let lenient = Grammar { feature_end: (strict.feature_end + 1).min(MOST_COLUMNS), ..strict };
    let auto = options.feature_base == IndexBase::Auto;
    let parse = |grammar| match header {
        Some(header) => xmc::read_counted(text, body, header, grammar),
        None => text::parse(text, body, grammar),
    };
    let mut pieces = parse(if auto { lenient } else { strict })?;
    if auto {
        let (least, largest) = feature_range(&pieces);
        if least >= 1 {
            count_from_zero(&mut pieces);
        } else if largest >= strict.feature_end {
            // The file counts from 0, so its largest number is a defect: locate it.
            pieces = parse(strict)?;
        }
    }
    if header.is_none() && pieces.iter().all(|rows| rows.len() == 0) {
        return Err(empty_defect(text.len()));
    }
    let feature_count = options.feature_count.or(header.map(|header| header.features as usize));
    let label_count = options.label_count.or(header.map(|header| header.labels as usize));
    let largest_label = pieces.iter().flat_map(|rows| &rows.labels).max().map_or(0, |&label| label as usize + 1);
    let largest_feature =
        pieces.iter().flat_map(|rows| &rows.features).max().map_or(0, |&feature| feature as usize + 1);
    let parts = text::join(pieces, feature_count.unwrap_or(largest_feature), label_count.unwrap_or(largest_label));
    Ok(Dataset::from_checked(parts))
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
