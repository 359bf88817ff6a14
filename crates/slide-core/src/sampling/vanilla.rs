//! Vanilla sampling (SLIDE, MLSys 2020, section 3.1): visits tables in random order until there are enough rows.

use super::{
    Example, Origins, Sampler, Scratch,
    random::{Words, below},
};
use crate::streams;

pub(super) fn collect(sampler: &Sampler, example: &Example<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) -> Origins {
    let Scratch { active, order, .. } = scratch;
    active.extend(example.labels.iter().copied());
    let labels = active.len();
    if let Some(tables) = example.tables() {
        let mut words = Words::new(example.context.kernels, example.key.stream(streams::TABLES));
        order.clear();
        order.extend(0..example.codes.len() as u32);
        let target = sampler.target.min(sampler.ceiling);
        for visited in 0..order.len() {
            if active.len() >= target {
                break;
            }
            let next = visited + below((order.len() - visited) as u32, words.take(1)[0]) as usize;
            order.swap(visited, next);
            let table = order[visited] as usize;
            let mut bucket = tables.bucket(table, example.codes[table]);
            // Rows that are in the set already do not count, so one round may not be enough.
            while active.len() < sampler.ceiling && !bucket.is_empty() {
                let (rows, rest) = bucket.split_at(bucket.len().min(sampler.ceiling - active.len()));
                active.extend(rows.iter().copied());
                bucket = rest;
            }
        }
    }
    sampler.finish(example, labels, active, out)
}
