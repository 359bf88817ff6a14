//! Fixed pseudo-random arguments.

/// SplitMix64: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In [-1, 1).
    pub fn value(&mut self) -> f32 {
        (self.word() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// `count` numbers in [-1, 1).
    pub fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.value()).collect()
    }

    /// `count` different numbers below `bound`, ascending.
    pub fn ascending(&mut self, count: usize, bound: usize) -> Vec<u32> {
        let mut ids = std::collections::BTreeSet::new();
        while ids.len() < count {
            ids.insert((self.word() % bound as u64) as u32);
        }
        ids.into_iter().collect()
    }
}
