//! Body of [`crate::api::random`].

use crate::rng::{KEY_INCREMENTS, MULTIPLIERS, ROUNDS, RngKey};
use crate::scalar::random::random_words as scalar_random_words;

/// Counters that are worked on at once, one in each 64-bit lane. A word of a counter stands in the lower half of its
/// lane; what is in the upper half does not matter.
pub(crate) trait Counters: Copy {
    /// Proves that the instruction set is available.
    type Token: Copy;
    /// Lanes of the vector.
    const LANES: usize;
    /// # Safety
    /// The instruction set is available.
    unsafe fn token() -> Self::Token;
    /// Lane `i` is `first + i`.
    fn ascending(simd: Self::Token, first: u32) -> Self;
    fn splat(simd: Self::Token, word: u32) -> Self;
    /// The 64-bit products of the words.
    fn product(self, other: Self) -> Self;
    /// The upper halves, as words.
    fn upper(self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// Writes the four words of each counter side by side.
    ///
    /// # Safety
    /// `to` is valid for writing `4 * LANES` words.
    unsafe fn store(words: [Self; 4], to: *mut u32);
}

/// `AT_ONCE` independent vectors of counters are in flight, to hide the latency of a multiplication.
///
/// # Safety
/// The instruction set of `C` is available.
#[inline(always)]
pub(crate) unsafe fn random_words<C: Counters, const AT_ONCE: usize>(key: RngKey, first: u64, out: &mut [u32]) {
    let head = (first.wrapping_neg() % 4) as usize;
    let (head, rest) = out.split_at_mut(head.min(out.len()));
    scalar_random_words(key, first, head);
    let mut block = (first.div_ceil(4)) as u32;

    let mut groups = rest.chunks_exact_mut(4 * C::LANES * AT_ONCE);
    for group in &mut groups {
        // SAFETY: the instruction set is guaranteed by the caller; the group has the words of `AT_ONCE` vectors.
        unsafe { philox::<C, AT_ONCE>(key, block, group.as_mut_ptr()) };
        block = block.wrapping_add((C::LANES * AT_ONCE) as u32);
    }
    let mut groups = groups.into_remainder().chunks_exact_mut(4 * C::LANES);
    for group in &mut groups {
        // SAFETY: the instruction set is guaranteed by the caller; the group has the words of one vector.
        unsafe { philox::<C, 1>(key, block, group.as_mut_ptr()) };
        block = block.wrapping_add(C::LANES as u32);
    }
    let tail = groups.into_remainder();
    if !tail.is_empty() {
        let mut words = [0; 32];
        assert!(4 * C::LANES <= words.len());
        // SAFETY: the instruction set is guaranteed by the caller; the array has the words of one vector.
        unsafe { philox::<C, 1>(key, block, words.as_mut_ptr()) };
        tail.copy_from_slice(&words[..tail.len()]);
    }
}

/// Writes the words of blocks `block..block + N * LANES`.
///
/// # Safety
/// The instruction set of `C` is available; `out` is valid for writing `4 * N * LANES` words.
#[inline(always)]
unsafe fn philox<C: Counters, const N: usize>(key: RngKey, block: u32, out: *mut u32) {
    // SAFETY: the caller has the instruction set and `4 * N * LANES` words: vector `i < N` writes `4 * LANES` of them.
    unsafe {
        let simd = C::token();
        let multipliers = MULTIPLIERS.map(|word| C::splat(simd, word));
        let fixed = [C::splat(simd, key.counter[0]), C::splat(simd, key.counter[1]), C::splat(simd, key.counter[2])];
        let mut counters = [[C::splat(simd, 0), fixed[0], fixed[1], fixed[2]]; N];
        for (i, counter) in counters.iter_mut().enumerate() {
            counter[0] = C::ascending(simd, block.wrapping_add((i * C::LANES) as u32));
        }
        let mut key = key.key;
        for _ in 0..ROUNDS {
            let keys = [C::splat(simd, key[0]), C::splat(simd, key[1])];
            for c in &mut counters {
                let a = multipliers[0].product(c[0]);
                let b = multipliers[1].product(c[2]);
                *c = [b.upper().xor(c[1]).xor(keys[0]), b, a.upper().xor(c[3]).xor(keys[1]), a];
            }
            key = [key[0].wrapping_add(KEY_INCREMENTS[0]), key[1].wrapping_add(KEY_INCREMENTS[1])];
        }
        for (i, counter) in counters.into_iter().enumerate() {
            C::store(counter, out.add(4 * i * C::LANES));
        }
    }
}
