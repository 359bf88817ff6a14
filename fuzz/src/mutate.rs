//! Mutations of the files of a corpus.

use slide_kernels::{CounterRng, RngKey};

/// Most mutations of an input, one after another.
const MOST_CHANGES: u32 = 6;
/// Longest input.
const LONGEST: usize = 1 << 20;
/// What formats give a meaning to, and numbers at which something ends.
const TOKENS: [&[u8]; 34] = [
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b",",
    b":",
    b"#",
    b"-",
    b"+",
    b".",
    b"e",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"qid:1",
    b"nan",
    b"inf",
    b"0",
    b"1",
    b"-1",
    b"1e39",
    b"1e-50",
    b"255",
    b"4294967295",
    b"4294967296",
    b"18446744073709551616",
    b"99999999999999999999999999",
    b"# slide: 8 features from 1, 5 labels from 0\n",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"'shape': (9, 9)",
];

/// Gives inputs, each a function of the seed and its number.
pub(crate) struct Mutator {
    corpus: Vec<Vec<u8>>,
    seed: u64,
}

impl Mutator {
    pub(crate) fn new(corpus: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { corpus, seed }
    }

    pub(crate) fn next(&mut self, number: u64) -> Vec<u8> {
        let mut random = CounterRng::new(RngKey::new(self.seed, 0, number, 0));
        let of = |random: &mut CounterRng| &self.corpus[random.below(self.corpus.len() as u32) as usize];
        let mut input = of(&mut random).clone();
        for _ in 0..1 + random.below(MOST_CHANGES) {
            let at = random.below(input.len() as u32 + 1) as usize;
            let length = (1 + random.below(16) as usize).min(input.len() - at);
            match random.below(9) {
                0 | 1 if length > 0 => input[at] ^= 1 << random.below(8),
                2 if length > 0 => input[at] = random.below(256) as u8,
                3 => drop(input.drain(at..at + length)),
                4 => drop(input.splice(at..at, input[at..at + length].to_vec())),
                5 => input.truncate(at),
                6 => {
                    // The end of another file.
                    let other = of(&mut random);
                    let from = random.below(other.len() as u32 + 1) as usize;
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
                7 => digits(&mut input, at, &mut random),
                _ => {
                    let token = TOKENS[random.below(TOKENS.len() as u32) as usize];
                    let replaced = if random.below(2) == 0 { at } else { (at + token.len()).min(input.len()) };
                    drop(input.splice(at..replaced, token.iter().copied()));
                }
            }
        }
        input.truncate(LONGEST);
        input
    }
}

/// Replaces the number behind `at` by another.
fn digits(input: &mut Vec<u8>, at: usize, random: &mut CounterRng) {
    let Some(start) = input[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else { return };
    let end = start + input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = u64::from(random.below(u32::MAX)) >> random.below(32) << random.below(16);
    input.splice(start..end, number.to_string().into_bytes());
}
