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
    pub fn values(&mut self, count: usize) -> Aligned<f32> {
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

/// Elements that start at a cache line, as those of slide do: loads that cross lines take twice as long.
#[derive(Default)]
pub struct Aligned<T> {
    padded: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy> Aligned<T> {
    /// `count` times the same.
    pub fn filled(value: T, count: usize) -> Aligned<T> {
        std::iter::repeat_n(value, count).collect()
    }

    /// A copy.
    pub fn new(values: &[T]) -> Aligned<T> {
        let Some(&filler) = values.first() else { return Aligned { padded: Vec::new(), start: 0, len: 0 } };
        let line = 64 / size_of::<T>();
        let mut padded = vec![filler; values.len() + line];
        let start = padded.as_ptr().align_offset(64).min(line);
        padded[start..start + values.len()].copy_from_slice(values);
        Aligned { padded, start, len: values.len() }
    }
}

impl<T: Copy> FromIterator<T> for Aligned<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Aligned::new(&values.into_iter().collect::<Vec<_>>())
    }
}

impl<T: Copy> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        Aligned::new(self)
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.padded[self.start..self.start + self.len]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.padded[self.start..self.start + self.len]
    }
}
