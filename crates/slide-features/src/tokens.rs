//! Words of a text.
//!
//! Text is folded to lower case first. A word is a run of ASCII letters, digits and `_`; an apostrophe between two letters belongs
//! to it. Runs with other characters are cut into words by UAX #29. `’` is taken for an apostrophe. Everything else separates words,
//! but `!` and `?` are words of their own.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::hash;

/// What a byte of folded text is.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Separator,
    Word,
    Apostrophe,
    Mark,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Separator; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => Class::Word,
            b'\'' => Class::Apostrophe,
            b'!' | b'?' => Class::Mark,
            128..=255 => Class::Other,
            _ => Class::Separator,
        };
        byte += 1;
    }
    classes
};

/// The words of one text: buffers that are used again for the next.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    text: String,
    hashes: Vec<u64>,
    spans: Vec<(u32, u32)>,
}

impl Tokens {
    /// Replaces the words by those of `text`.
    pub fn read(&mut self, text: &str) {
        self.fold(text);
        self.hashes.clear();
        self.spans.clear();
        let bytes = self.text.as_bytes();
        let class = |at: usize| CLASSES[bytes[at] as usize];
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            match class(at) {
                Class::Separator | Class::Apostrophe => at += 1,
                Class::Mark => {
                    at += 1;
                    self.hashes.push(hash::span(bytes, start, at));
                    self.spans.push((start as u32, at as u32));
                }
                Class::Word | Class::Other => {
                    let mut is_ascii = true;
                    loop {
                        while at < bytes.len() && class(at) == Class::Word {
                            at += 1;
                        }
                        if at == bytes.len() {
                            break;
                        }
                        match class(at) {
                            Class::Word => {}
                            Class::Other => is_ascii = false,
                            Class::Apostrophe
                                if at + 1 < bytes.len() && matches!(class(at + 1), Class::Word | Class::Other) => {}
                            _ => break,
                        }
                        at += 1;
                    }
                    if is_ascii {
                        self.hashes.push(hash::span(bytes, start, at));
                        self.spans.push((start as u32, at as u32));
                    } else {
                        for (offset, word) in self.text[start..at].unicode_word_indices() {
                            self.hashes.push(hash::bytes(word.as_bytes()));
                            let first = start + offset;
                            self.spans.push((first as u32, (first + word.len()) as u32));
                        }
                    }
                }
            }
        }
    }

    fn fold(&mut self, text: &str) {
        self.text.clear();
        // Spans are of 32 bits.
        let text = &text[..text.floor_char_boundary(u32::MAX as usize / 4)];
        if text.is_ascii() {
            self.text.push_str(text);
            self.text.make_ascii_lowercase();
            return;
        }
        for char in text.chars() {
            match char {
                '\0'..='\x7f' => self.text.push(char.to_ascii_lowercase()),
                '’' => self.text.push('\''),
                _ => self.text.extend(char.to_lowercase()),
            }
        }
    }

    /// Number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is no word.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hash of each word.
    #[must_use]
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// A word, folded.
    ///
    /// # Panics
    /// If there is no such word.
    #[must_use]
    pub fn word(&self, number: usize) -> &str {
        let (start, end) = self.spans[number];
        &self.text[start as usize..end as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut tokens = Tokens::default();
        tokens.read(text);
        (0..tokens.len()).map(|number| tokens.word(number).to_owned()).collect()
    }

    #[test]
    fn words_are_folded() {
        assert_eq!(words("Don't STOP--it's 5 o'clock!!"), ["don't", "stop", "it's", "5", "o'clock", "!", "!"]);
        assert_eq!(words("'quoted' a'"), ["quoted", "a"]);
        assert_eq!(words("Straße ÜBER, naïve. don’t"), ["straße", "über", "naïve", "don't"]);
        assert_eq!(words("Привет, МИР"), ["привет", "мир"]);
        assert_eq!(words("e\u{301}tat"), ["e\u{301}tat"]);
        assert_eq!(words("日本語 カタカナ"), ["日", "本", "語", "カタカナ"]);
        assert_eq!(words(" ,.;\u{a0}—"), Vec::<String>::new());
    }
}
