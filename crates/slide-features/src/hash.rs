//! Hashes of bytes and of sequences of hashes: the same on every machine, since models store them.

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads the bits of `x` (the finaliser of splitmix64).
#[inline]
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The hash of a sequence whose beginning has the hash `a` and whose next element has the hash `b`.
#[inline]
pub(crate) fn join(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ FACTOR) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The hash of bytes, eight at a time.
#[inline]
pub(crate) fn bytes(text: &[u8]) -> u64 {
    span(text, 0, text.len())
}

/// The hash of `text[start..end]`: faster if there are bytes behind it.
#[inline]
pub(crate) fn span(text: &[u8], start: usize, end: usize) -> u64 {
    let mut hash = FACTOR ^ (end - start) as u64;
    let mut at = start;
    while at < end {
        let length = end - at;
        let word = match text[at..].first_chunk::<8>() {
            Some(&word) if length >= 8 => u64::from_le_bytes(word),
            Some(&word) => u64::from_le_bytes(word) & ((1 << (8 * length)) - 1),
            None => {
                let mut word = [0; 8];
                word[..length].copy_from_slice(&text[at..end]);
                u64::from_le_bytes(word)
            }
        };
        hash = join(hash, word);
        at += 8;
    }
    mix(hash)
}

/// What a [vocabulary](crate::vocabulary) knows of a hash.
#[inline]
pub(crate) fn short(hash: u64) -> u32 {
    (mix(hash) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_that_models_store() {
        assert_eq!(short(bytes(b"word")), short(bytes(b"word")));
        assert_ne!(join(bytes(b"a"), bytes(b"b")), join(bytes(b"b"), bytes(b"a")));
        let texts: [&[u8]; 6] = [b"", b"a", b"a\0", b"abcdefgh", b"abcdefgh\0", b"abcdefghi"];
        let hashes: std::collections::BTreeSet<u32> = texts.iter().map(|text| short(bytes(text))).collect();
        assert_eq!(hashes.len(), texts.len());
        for length in 0..20 {
            let text = b"what comes before and what comes after";
            assert_eq!(span(text, 5, 5 + length), bytes(&text[5..5 + length]));
        }
    }
}
