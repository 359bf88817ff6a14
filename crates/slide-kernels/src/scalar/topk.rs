//! Specification of [`crate::api::topk`].

use crate::api::topk::Table;

pub(crate) const TABLE: Table = Table { top_k, select_above };

fn top_k(scores: &[f32], indices: &mut [u32], values: &mut [f32]) {
    for (index, &score) in scores.iter().enumerate() {
        offer(score, index, indices, values);
    }
}

/// Whether `a` ranks strictly before `b` if their indices do not decide.
fn ranks_before(a: f32, b: f32) -> bool {
    a > b || (b.is_nan() && !a.is_nan())
}

/// Puts the score at `index` into the sorted list if it belongs there. Scores are offered by ascending index, so
/// that among equals the one already listed is the better.
#[inline]
fn offer(score: f32, index: usize, indices: &mut [u32], values: &mut [f32]) {
    let listed = index.min(values.len());
    let place = values[..listed].partition_point(|&value| !ranks_before(score, value));
    if place == values.len() {
        return;
    }
    let end = listed.min(values.len() - 1);
    values.copy_within(place..end, place + 1);
    indices.copy_within(place..end, place + 1);
    values[place] = score;
    indices[place] = index as u32;
}

fn select_above(scores: &[f32], threshold: f32, indices: &mut [u32], values: &mut [f32]) -> usize {
    let mut count = 0;
    for (index, &score) in scores.iter().enumerate() {
        if score > threshold {
            if count < values.len() {
                (indices[count], values[count]) = (index as u32, score);
            }
            count += 1;
        }
    }
    count
}
