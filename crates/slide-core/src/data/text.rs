//! A whole text read by all threads: cut at line ends, parsed apart, joined in order.

use rayon::prelude::*;

use super::dataset::Parts;
use super::error::Defect;
use super::line::{Grammar, Rows, parse_lines};

/// Small enough to balance the load of the threads, large enough that the cost of starting a piece is negligible.
const PIECE: usize = 1 << 20;

/// Where pieces of about `PIECE` bytes end: behind line ends, the last at the end of the text.
fn piece_ends(text: &[u8], piece: usize) -> Vec<usize> {
    let mut ends = Vec::with_capacity(text.len() / piece + 1);
    let mut start = 0;
    while start < text.len() {
        let from = (start + piece).min(text.len());
        start = memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |newline| from + newline + 1);
        ends.push(start);
    }
    ends
}

/// The examples of `text` from byte `from` on, in order. The error is the first defect of the text.
pub(crate) fn parse(text: &[u8], from: usize, grammar: Grammar) -> Result<Vec<Rows>, Defect> {
    parse_pieces(text, from, grammar, PIECE)
}

fn parse_pieces(text: &[u8], from: usize, grammar: Grammar, piece: usize) -> Result<Vec<Rows>, Defect> {
    let ends = piece_ends(&text[from..], piece);
    let parsed: Vec<Result<Rows, Defect>> = (0..ends.len())
        .into_par_iter()
        .map(|number| {
            let start = from + if number == 0 { 0 } else { ends[number - 1] };
            let mut rows = Rows::default();
            parse_lines(&text[start..from + ends[number]], grammar, &mut rows)
                .map_err(|defect| Defect { at: defect.at + start, ..defect })?;
            Ok(rows)
        })
        .collect();
    // In the order of the file, so the first error met is the first of the file.
    parsed.into_iter().collect()
}

/// Rows joined to the arrays of a data set.
pub(crate) fn join(pieces: Vec<Rows>, feature_count: usize, label_count: usize) -> Parts {
    let examples = pieces.iter().map(Rows::len).sum::<usize>();
    let features = pieces.iter().map(|rows| rows.features.len()).sum::<usize>();
    let labels = pieces.iter().map(|rows| rows.labels.len()).sum::<usize>();
    let mut parts = Parts {
        feature_indptr: vec![0; examples + 1],
        feature_indices: vec![0; features],
        feature_values: vec![0.0; features],
        label_indptr: vec![0; examples + 1],
        label_indices: vec![0; labels],
        feature_count,
        label_count,
    };
    let mut feature_indptr = &mut parts.feature_indptr[1..];
    let mut feature_indices = &mut parts.feature_indices[..];
    let mut feature_values = &mut parts.feature_values[..];
    let mut label_indptr = &mut parts.label_indptr[1..];
    let mut label_indices = &mut parts.label_indices[..];
    let (mut features, mut labels) = (0, 0);
    rayon::scope(|scope| {
        for rows in pieces {
            let feature_ends = take(&mut feature_indptr, rows.len());
            let indices = take(&mut feature_indices, rows.features.len());
            let values = take(&mut feature_values, rows.features.len());
            let label_ends = take(&mut label_indptr, rows.len());
            let label_numbers = take(&mut label_indices, rows.labels.len());
            let (features_before, labels_before) = (features, labels);
            features += rows.features.len();
            labels += rows.labels.len();
            scope.spawn(move |_| {
                shift(&rows.feature_ends, features_before, feature_ends);
                shift(&rows.label_ends, labels_before, label_ends);
                indices.copy_from_slice(&rows.features);
                values.copy_from_slice(&rows.values);
                label_numbers.copy_from_slice(&rows.labels);
            });
        }
    });
    parts
}

fn take<'a, T>(rest: &mut &'a mut [T], length: usize) -> &'a mut [T] {
    rest.split_off_mut(..length).unwrap_or_default()
}

fn shift(ends: &[usize], before: usize, indptr: &mut [u64]) {
    for (end, start) in ends.iter().zip(indptr) {
        *start = (before + end) as u64;
    }
}
