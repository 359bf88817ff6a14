//! Counter-based random numbers: every word is a pure function of its key and its index.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011).
//! No state is carried from one draw to the next, so the numbers do not depend on threads, order or
//! instruction set.
//!
//! # Layout
//! The 64-bit Philox key is the seed, low word first. The 128-bit counter is, lowest word first:
//!
//! | word | content |
//! |---|---|
//! | 0 | index of the word / 4 |
//! | 1 | `item`: an example, a row, a hash table ... |
//! | 2 | low half of `step`: a batch, an epoch ... |
//! | 3 | high half of `step` xor (`stream` << 16) |
//!
//! Word `i` of a key is output `i % 4` of counter `i / 4`. Keys are distinct while `step < 2^48` and
//! `stream < 2^16`; a key has `2^34` words, after which they repeat.

/// Identifies a sequence of random words by the purpose (`stream`), the time (`step`) and the object (`item`) of the draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RngKey {
    pub(crate) key: [u32; 2],
    /// Words 1 to 3 of the counter.
    pub(crate) counter: [u32; 3],
}

impl RngKey {
    /// A key for the sequence of `stream`, `step` and `item` under `seed`.
    ///
    /// Sequences differ as long as `stream < 2^16` and `step < 2^48`.
    pub const fn new(seed: u64, stream: u32, step: u64, item: u32) -> Self {
        RngKey {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [item, step as u32, (step >> 32) as u32 ^ (stream << 16)],
        }
    }
}

/// The multipliers and the key increments of Philox4x32 (Salmon et al., table 2 and section 4).
pub(crate) const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
pub(crate) const KEY_INCREMENTS: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
pub(crate) const ROUNDS: usize = 10;

/// Philox4x32-10: the four output words of a counter under a key.
#[inline]
pub const fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut round = 0;
    while round < ROUNDS {
        let a = MULTIPLIERS[0] as u64 * counter[0] as u64;
        let b = MULTIPLIERS[1] as u64 * counter[2] as u64;
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(KEY_INCREMENTS[0]), key[1].wrapping_add(KEY_INCREMENTS[1])];
        round += 1;
    }
    counter
}

/// Words `4 * block` to `4 * block + 3` of a key.
#[inline]
pub const fn words4(key: RngKey, block: u32) -> [u32; 4] {
    philox([block, key.counter[0], key.counter[1], key.counter[2]], key.key)
}

/// Word `index` of a key. [`Kernels::random_words`](crate::Kernels::random_words) writes many of them at once.
#[inline]
pub const fn word(key: RngKey, index: u32) -> u32 {
    words4(key, index / 4)[index as usize % 4]
}

/// A number in `[0, 1)` from a random word: its upper 24 bits over `2^24`, so every value is exact and equally likely.
#[inline]
pub const fn unit_f32(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Reads the words of one key in order. `Clone` it to read them again.
#[derive(Clone, Debug)]
pub struct CounterRng {
    key: RngKey,
    words: [u32; 4],
    index: u64,
}

impl CounterRng {
    /// A reader positioned at word 0 of `key`.
    pub const fn new(key: RngKey) -> Self {
        CounterRng { key, words: [0; 4], index: 0 }
    }

    /// The next word.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.index.is_multiple_of(4) {
            self.words = words4(self.key, (self.index / 4) as u32);
        }
        let word = self.words[self.index as usize % 4];
        self.index += 1;
        word
    }

    /// The next two words, the first one low.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let low = self.next_u32();
        u64::from(low) | u64::from(self.next_u32()) << 32
    }

    /// A number in `[0, 1)`, a multiple of `2^-24`, from one word.
    #[inline]
    pub fn unit_f32(&mut self) -> f32 {
        unit_f32(self.next_u32())
    }

    /// A number in `0..bound`, each equally likely.
    ///
    /// Lemire's multiplication with rejection (Fast Random Integer Generation in an Interval, ACM TOMACS 2019);
    /// reads one word, and with probability below `bound / 2^32` another.
    ///
    /// # Panics
    /// If `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "below: bound is 0");
        let mut product = u64::from(self.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// Shuffles `items` in place (Fisher and Yates, from the last item down).
    ///
    /// # Panics
    /// If there are more than `u32::MAX` items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        assert!(u32::try_from(items.len()).is_ok(), "shuffle: more than u32::MAX items");
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}
