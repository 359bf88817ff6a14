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
    let Scratch { active, matches, found, found_matches, histogram, .. } = scratch;
    if matches.len() < sample.context.rows {
        matches.resize(sample.context.rows, 0);
    }
    if let Some(tables) = sample.tables() {
        for (table, &code) in sample.codes.iter().enumerate() {
            let bucket = tables.bucket(table, code);
            bucket.iter().for_each(|&row| matches[row as usize] += 1);
            active.extend(bucket.iter().copied());
        }
    }
    // A label counts for more than being in every bucket.
    let certain = sample.codes.len() + 1;
    sample.labels.iter().for_each(|&label| matches[label as usize] = certain as u16);
    active.extend(sample.labels.iter().copied());

    active.drain_to(found);
    found_matches.clear();
    found_matches.extend(found.iter().map(|&row| std::mem::take(&mut matches[row as usize])));
    histogram.clear();
    histogram.resize(certain + 1, 0);
    found_matches.iter().for_each(|&matches| histogram[usize::from(matches)] += 1);

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
    out.clear();
    for (&row, &matches) in found.iter().zip(&*found_matches) {
        let matches = usize::from(matches);
        if matches == level && room > 0 {
            room -= 1;
            out.push(row);
        } else if matches > level {
            out.push(row);
        }
    }

    if out.len() < sampler.floor {
        active.extend(out.iter().copied());
        sampler.finish(sample, active, out);
    }
}
