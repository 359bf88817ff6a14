//! Which hashes have features: sorted, so that a feature's number is its place.

/// Sorted hashes with an index by their first bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    hashes: Vec<u32>,
    starts: Vec<u32>,
    shift: u32,
}

impl Vocabulary {
    /// Of hashes that ascend.
    pub(crate) fn new(hashes: Vec<u32>) -> Self {
        debug_assert!(hashes.is_sorted_by(|a, b| a < b));
        // About one hash in a bucket.
        let bits = usize::BITS - hashes.len().leading_zeros();
        let shift = 32 - bits.clamp(1, 31);
        let mut starts = vec![0; (1 << (32 - shift)) + 1];
        for hash in &hashes {
            starts[(hash >> shift) as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { hashes, starts, shift }
    }

    pub(crate) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    /// The number of a hash.
    #[inline]
    pub(crate) fn find(&self, hash: u32) -> Option<u32> {
        let bucket = (hash >> self.shift) as usize;
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        let found = self.hashes[start as usize..end as usize].iter().position(|&known| known == hash)?;
        Some(start + found as u32)
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
