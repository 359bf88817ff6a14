//! Answering a query.

use slide_kernels::Kernels;

use super::LabelIndex;
use super::lists::NO_ROW;
use crate::views::{matrix, row_ids};

/// Rows that are scored exactly besides twice those wanted.
const MORE: usize = 8;

/// What one thread needs, kept so that nothing is allocated.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    centred: Vec<f32>,
    query: Vec<i8>,
    logits: Vec<f32>,
    lists: Vec<u32>,
    bases: Vec<f32>,
    /// Where each list's scores begin, and its first place.
    starts: Vec<(usize, usize)>,
    /// At least as many as rows are read.
    scores: Vec<f32>,
    read: usize,
    top: Vec<u32>,
    top_values: Vec<f32>,
    found: Vec<u32>,
}

impl Scratch {
    /// Rows whose codes the last query read.
    pub(super) fn rows_read(&self) -> usize {
        self.read
    }

    /// Lists that the last query read.
    pub(super) fn lists_read(&self) -> usize {
        self.lists.len()
    }
}

impl LabelIndex {
    /// Bytes of the index.
    pub(crate) fn bytes(&self) -> usize {
        self.lists.bytes() + self.router.values.len() + self.router.lists() * 8 + self.centre.len() * 4
    }

    /// The rows that are worth scoring exactly for a query, as the layer gets it, ascending: `wanted` and some more.
    pub(crate) fn search<'a>(
        &self,
        kernels: &Kernels,
        query: &[f32],
        wanted: usize,
        scratch: &'a mut Scratch,
    ) -> &'a [u32] {
        let mut centred = std::mem::take(&mut scratch.centred);
        centred.clear();
        centred.extend(query.iter().zip(&self.centre).map(|(x, mean)| x - mean));
        self.rank(kernels, &centred, wanted, scratch);
        scratch.centred = centred;
        scratch.found.sort_unstable();
        &scratch.found
    }

    /// The rows that the codes rank highest for a centred query, best first: `wanted`, and as many that four bits may have ranked too
    /// low.
    pub(super) fn rank<'a>(
        &self,
        kernels: &Kernels,
        centred: &[f32],
        wanted: usize,
        scratch: &'a mut Scratch,
    ) -> &'a [u32] {
        let Scratch { query, logits, lists, bases, starts, scores, read, top, top_values, found, .. } = scratch;
        query.resize(centred.len(), 0);
        let scale = kernels.quantize_i8(centred, query);
        self.router.logits(kernels, query, scale, logits);
        let greatest = greatest(logits);
        let bar = greatest - self.breadth;
        lists.clear();
        lists.extend(logits.iter().zip(0..).filter(|(logit, _)| **logit >= bar).map(|(_, list)| list));
        // The best list first: few of the other scores are above its best then, and the choice of the best is fast.
        if let Some(best) = lists.iter().position(|&list| logits[list as usize] == greatest) {
            lists.swap(0, best);
        }
        bases.resize(lists.len(), 0.0);
        let means = matrix(&self.lists.means, self.lists.columns).into();
        kernels.rows_dot(means, row_ids(lists, self.lists.count()), centred, bases);
        starts.clear();
        *read = 0;
        for &list in &*lists {
            let places = self.lists.places(list);
            starts.push((*read, places.start));
            *read += places.len();
        }
        scores.resize(scores.len().max(*read), 0.0);
        for ((&list, &base), &(start, _)) in lists.iter().zip(&*bases).zip(&*starts) {
            let places = self.lists.places(list);
            let scores = &mut scores[start..start + places.len()];
            kernels.score_nibble_blocks(self.lists.blocks(places), query, scale, base, scores);
        }
        // A row in several lists is found several times.
        let depth = 2 * wanted + MORE;
        top.resize(depth, 0);
        top_values.resize(depth, 0.0);
        let count = kernels.top_k(&scores[..*read], top, top_values);
        found.clear();
        for &at in &top[..count] {
            let (start, place) = starts[starts.partition_point(|&(start, _)| start <= at as usize) - 1];
            let row = self.lists.rows[place + at as usize - start];
            if row != NO_ROW && !found.contains(&row) {
                found.push(row);
            }
        }
        found
    }
}

/// The greatest of some numbers, in lanes that the compiler makes vectors of.
fn greatest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    for values in values.chunks(lanes.len()) {
        lanes.iter_mut().zip(values).for_each(|(lane, &value)| *lane = if value > *lane { value } else { *lane });
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}
