//! Which hashes have features: those of a sorted list, so that a feature's number is its place, or all.

/// Most hashes of a bucket.
const BUCKET: usize = 8;
const NONE: u32 = u32::MAX;

/// Sorted hashes with an index by their first bits; or none, and features are the first bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    hashes: Vec<u32>,
    starts: Vec<u32>,
    shift: u32,
    count: usize,
    has_all: bool,
}

impl Vocabulary {
    /// Of hashes that ascend.
    pub(crate) fn new(mut hashes: Vec<u32>) -> Self {
        debug_assert!(hashes.is_sorted_by(|a, b| a < b));
        // About one hash in a bucket, and never more than are looked at.
        let mut bits = (usize::BITS - hashes.len().leading_zeros()).clamp(1, 31);
        let mut starts: Vec<u32>;
        loop {
            starts = vec![0; (1 << bits) + 1];
            for hash in &hashes {
                starts[(hash >> (32 - bits)) as usize + 1] += 1;
            }
            if bits == 31 || starts.iter().all(|&count| count as usize <= BUCKET) {
                break;
            }
            bits += 1;
        }
        let (shift, count) = (32 - bits, hashes.len());
        // Behind the last bucket, too, as many can be looked at.
        hashes.resize(count + BUCKET, 0);
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { hashes, starts, shift, count, has_all: false }
    }

    /// Of all hashes: features are their first `bits` bits, at least one.
    pub(crate) fn range(bits: u32) -> Self {
        Self { shift: 32 - bits.clamp(1, 31), has_all: true, ..Self::default() }
    }

    /// Number of features.
    pub(crate) fn len(&self) -> usize {
        if self.has_all { 1 << (32 - self.shift) } else { self.count }
    }

    /// The bits of a feature, if all hashes have one.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.has_all.then_some(32 - self.shift)
    }

    pub(crate) fn hashes(&self) -> &[u32] {
        &self.hashes[..self.count]
    }

    /// The number of a hash.
    #[inline]
    pub(crate) fn find(&self, hash: u32) -> Option<u32> {
        let bucket = (hash >> self.shift) as usize;
        if self.has_all {
            return Some(bucket as u32);
        }
        let start = self.starts[bucket];
        // Without branches: which it is cannot be foreseen.
        let known: &[u32; BUCKET] = self.hashes[start as usize..].first_chunk()?;
        let mut found = NONE;
        for place in (0..BUCKET).rev() {
            found = if known[place] == hash { place as u32 } else { found };
        }
        let is_known = found != NONE && ((start + found) as usize) < self.count;
        is_known.then(|| start + found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_is_found_and_no_other() {
        for count in [0, 1, 2, 3, 1000] {
            let hashes: Vec<u32> = (0..count).map(|i: u32| i * 4_294_967 + 1).collect();
            let vocabulary = Vocabulary::new(hashes.clone());
            for (place, &hash) in hashes.iter().enumerate() {
                assert_eq!(vocabulary.find(hash), Some(place as u32));
                assert_eq!(vocabulary.find(hash + 1), None);
            }
            assert_eq!(vocabulary.find(u32::MAX), None);
        }
        assert_eq!(Vocabulary::new(vec![0, u32::MAX]).find(u32::MAX), Some(1));
    }
}
