//! Uniformly random rows without duplicates.

use slide_kernels::{Kernels, rng::RngKey};

use super::{Example, Origins, RowSet, Sampler, Scratch};
use crate::streams;

pub(super) fn collect(sampler: &Sampler, example: &Example<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) -> Origins {
    let active = &mut scratch.active;
    active.extend(example.labels.iter().copied());
    let labels = active.len();
    let mut words = Words::new(example.context.kernels, example.key.stream(streams::FILL));
    fill(active, example.context.rows, sampler.target.max(sampler.floor).min(sampler.ceiling), &mut words);
    let origins = Origins { hashed: 0, random: active.len() - labels };
    active.drain_to(out);
    origins
}

/// Adds rows below `rows` to `set` until it has `count`, or all; each row not in it is equally likely.
pub(super) fn fill(set: &mut RowSet, rows: usize, count: usize, words: &mut Words<'_>) {
    let count = count.min(rows);
    if count <= rows / 2 {
        while set.len() < count {
            let words = words.take(count - set.len());
            set.extend(words.iter().map(|&word| below(rows as u32, word)));
        }
        return;
    }
    // Rejecting duplicates would take long: selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S).
    let mut left = (rows - set.len().min(rows)) as u32;
    for row in 0..rows as u32 {
        if set.len() >= count {
            return;
        }
        if !set.contains(row) {
            if (below(left, words.take(1)[0]) as usize) < count - set.len() {
                set.extend([row]);
            }
            left -= 1;
        }
    }
}

const BLOCK: usize = 64;

/// A sequence of random words, computed in batches.
pub(super) struct Words<'a> {
    kernels: &'a Kernels,
    key: RngKey,
    made: u64,
    block: [u32; BLOCK],
    used: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(kernels: &'a Kernels, key: RngKey) -> Self {
        Self { kernels, key, made: 0, block: [0; BLOCK], used: BLOCK }
    }

    /// The next words, at least one and at most `count`.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> &[u32] {
        if self.used == BLOCK {
            self.kernels.random_words(self.key, self.made, &mut self.block);
            self.made += BLOCK as u64;
            self.used = 0;
        }
        let first = self.used;
        self.used = BLOCK.min(first + count);
        &self.block[first..self.used]
    }
}

/// A number below `bound` from a random word; each is as likely as any other up to `bound / 2^32` of its probability.
#[inline]
pub(super) fn below(bound: u32, word: u32) -> u32 {
    ((u64::from(word) * u64::from(bound)) >> 32) as u32
}
