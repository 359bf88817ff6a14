//! The rows that are in many of a sample's buckets, for the samplers that count.

use super::{Sample, Sampler, Scratch};

/// The labels, and of the rows in at least `min_matches` buckets those in most, lower rows first, so that `at_most`
/// rows result; then the floor.
pub(super) fn collect(
    sampler: &Sampler,
    sample: &Sample<'_>,
    min_matches: u32,
    at_most: usize,
    scratch: &mut Scratch,
    out: &mut Vec<u32>,
) {
    let Scratch { active, matches, found, histogram, .. } = scratch;
    if matches.len() < sample.context.rows {
        matches.resize(sample.context.rows, 0);
    }
    if let Some(tables) = sample.tables() {
        for (table, &code) in sample.codes.iter().enumerate() {
            for &row in tables.bucket(table, code) {
                matches[row as usize] += 1;
                active.insert(row);
            }
        }
    }
    // A label counts for more than being in every bucket.
    let certain = sample.codes.len() + 1;
    for &label in sample.labels {
        matches[label as usize] = certain as u16;
        active.insert(label);
    }

    found.clear();
    histogram.clear();
    histogram.resize(certain + 1, 0);
    active.drain(|row| {
        let matches = std::mem::take(&mut matches[row as usize]);
        histogram[usize::from(matches)] += 1;
        found.push((row, matches));
    });

    // All rows with more than `level` matches stay, and the first `room` of those with `level`.
    let mut room = at_most.saturating_sub(histogram[certain]);
    let mut level = sample.codes.len();
    while level >= min_matches as usize && histogram[level] <= room {
        room -= histogram[level];
        level -= 1;
    }
    if level < min_matches as usize {
        room = 0;
    }
    for &(row, matches) in &*found {
        let matches = usize::from(matches);
        if matches == level && room > 0 {
            room -= 1;
            out.push(row);
        } else if matches > level {
            out.push(row);
        }
    }

    if out.len() < sampler.floor {
        out.iter().for_each(|&row| active.insert(row));
        out.clear();
        sampler.finish(sample, active, out);
    }
}
