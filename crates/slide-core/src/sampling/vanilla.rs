//! Vanilla sampling (SLIDE, MLSys 2020, section 3.1): tables in random order, until there are enough rows.

use super::{Sample, Sampler, Scratch, random::Words, stream};

pub(super) fn collect(sampler: &Sampler, sample: &Sample<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) {
    let Scratch { active, order, .. } = scratch;
    sample.labels.iter().for_each(|&label| active.insert(label));
    if let Some(tables) = sample.tables() {
        let mut words = Words::new(sample.context.kernels, sample.key.stream(stream::TABLES));
        order.clear();
        order.extend(0..sample.codes.len() as u32);
        let target = sampler.target.min(sampler.ceiling);
        for visited in 0..order.len() {
            if active.len() >= target {
                break;
            }
            let next = visited + words.below((order.len() - visited) as u32) as usize;
            order.swap(visited, next);
            let table = order[visited] as usize;
            for &row in tables.bucket(table, sample.codes[table]) {
                if active.len() >= sampler.ceiling {
                    break;
                }
                active.insert(row);
            }
        }
    }
    sampler.finish(sample, active, out);
}
