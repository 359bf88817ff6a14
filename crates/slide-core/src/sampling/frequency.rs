//! The rows that are in many of an example's buckets, for the samplers that count matches.

use super::{Example, Origins, Sampler, Scratch};

/// The labels, and up to `at_most` rows in all of those in at least `min_matches` buckets: those in most first, then lower rows
/// first. Then random rows up to the floor.
pub(super) fn collect(
    sampler: &Sampler,
    example: &Example<'_>,
    min_matches: u32,
    at_most: usize,
    scratch: &mut Scratch,
    out: &mut Vec<u32>,
) -> Origins {
    let Scratch { active, candidates, spare, found, histogram, .. } = scratch;
    candidates.clear();
    if let Some(tables) = example.tables() {
        for (table, &code) in example.codes.iter().enumerate() {
            candidates.extend_from_slice(tables.bucket(table, code));
        }
    }
    sort(candidates, spare, example.context.rows);
    active.extend(example.labels.iter().copied());
    let labels = active.len();
    found.clear();
    histogram.clear();
    histogram.resize(example.codes.len() + 1, 0);
    for same in candidates.chunk_by(|a, b| a == b) {
        if !active.contains(same[0]) {
            found.push((same[0], same.len()));
            histogram[same.len()] += 1;
        }
    }

    // All rows with more than `level` matches are kept, and the first `room` of those with `level`.
    let min_matches = min_matches.max(1) as usize;
    let mut level = example.codes.len();
    let mut room = at_most.saturating_sub(active.len());
    while level >= min_matches && histogram[level] <= room {
        room -= histogram[level];
        level -= 1;
    }
    if level < min_matches {
        room = 0;
    }
    active.extend(found.iter().filter_map(|&(row, matches)| {
        let lucky = matches == level && room > 0;
        room -= usize::from(lucky);
        (lucky || matches > level).then_some(row)
    }));
    sampler.finish(example, labels, active, out)
}

/// Sorts numbers below `bound` (radix sort, least significant digit first); `spare` is any list.
fn sort(numbers: &mut Vec<u32>, spare: &mut Vec<u32>, bound: usize) {
    const DIGIT: u32 = 10;
    const MASK: u32 = (1 << DIGIT) - 1;
    let bits = usize::BITS - bound.saturating_sub(1).leading_zeros();
    spare.resize(numbers.len(), 0);
    for shift in (0..bits).step_by(DIGIT as usize) {
        let digit = |number: u32| ((number >> shift) & MASK) as usize;
        let mut starts = [0_u32; 1 << DIGIT];
        numbers.iter().for_each(|&number| starts[digit(number)] += 1);
        let mut start = 0;
        for count in &mut starts {
            start += std::mem::replace(count, start);
        }
        for &number in &*numbers {
            let place = &mut starts[digit(number)];
            spare[*place as usize] = number;
            *place += 1;
        }
        std::mem::swap(numbers, spare);
    }
}
