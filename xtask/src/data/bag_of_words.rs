//! Texts as tf-idf vectors: which words count, what they weigh.

use std::collections::{BTreeMap, HashMap};

/// How often each term occurs in one document, in ascending order of terms.
pub(crate) type TermCounts = BTreeMap<String, u32>;

/// The words of a text, in lower case: runs of letters, digits and `_`, with `.`, `+` and `-` inside them
/// (`\w[\w.+-]*\w` as a regular expression), so at least two characters long.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    let inner = |c: char| matches!(c, '.' | '+' | '-');
    text.split(move |c: char| !(c.is_alphanumeric() || c == '_' || inner(c)))
        .map(move |run| run.trim_matches(inner).to_lowercase())
        .filter(|word| word.chars().nth(1).is_some())
}

/// The terms that become features, and their weights.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// Ascending (by Unicode scalar value); the index of a term is its feature number.
    terms: Vec<String>,
    numbers: HashMap<String, usize>,
    /// Smoothed inverse document frequency, ln((1 + N) / (1 + df)) + 1.
    inverse_frequency: Vec<f64>,
}

impl Vocabulary {
    /// The terms that at least `minimum` of the documents contain.
    pub(crate) fn fit<'a>(documents: impl Iterator<Item = &'a TermCounts>, minimum: u32) -> Self {
        let mut count = 0.0;
        let mut frequency: BTreeMap<&str, u32> = BTreeMap::new();
        for document in documents {
            count += 1.0;
            for term in document.keys() {
                *frequency.entry(term).or_default() += 1;
            }
        }
        frequency.retain(|_, &mut documents| documents >= minimum);
        // `libm` and not the platform's logarithm: the last digit must not depend on the C library.
        let weight = |&documents: &u32| libm::log((1.0 + count) / (1.0 + f64::from(documents))) + 1.0;
        Self {
            inverse_frequency: frequency.values().map(weight).collect(),
            numbers: frequency.keys().enumerate().map(|(number, term)| ((*term).to_owned(), number)).collect(),
            terms: frequency.into_keys().map(str::to_owned).collect(),
        }
    }

    /// The terms, ascending.
    pub(crate) fn terms(&self) -> &[String] {
        &self.terms
    }

    /// The document as (feature, weight), features ascending: (1 + ln tf) * idf, scaled to Euclidean length 1.
    pub(crate) fn vector(&self, document: &TermCounts) -> Vec<(usize, f64)> {
        let weigh = |(term, &count): (&String, &u32)| {
            let &number = self.numbers.get(term)?;
            Some((number, (1.0 + libm::log(f64::from(count))) * self.inverse_frequency[number]))
        };
        let mut vector: Vec<(usize, f64)> = document.iter().filter_map(weigh).collect();
        let norm = vector.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        for (_, weight) in &mut vector {
            *weight /= norm;
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> TermCounts {
        let mut counts = TermCounts::new();
        for word in words(text) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    }

    #[test]
    fn words_keep_inner_punctuation_only() {
        let found: Vec<_> = words("(0 A.D. is a C++-like, state-of-the-art I/O game; it's _x m²) ...").collect();
        assert_eq!(found, ["a.d", "is", "c++-like", "state-of-the-art", "game", "it", "_x", "m²"]);
    }

    #[test]
    fn rare_terms_are_no_features_and_do_not_count_in_the_norm() {
        let documents = [counts("red red blue"), counts("red"), counts("blue green")];
        let vocabulary = Vocabulary::fit(documents.iter(), 2);
        assert_eq!(vocabulary.terms(), ["blue", "red"]);
        assert_eq!(vocabulary.vector(&documents[2]), [(0, 1.0)]);
        // Both terms are in 2 of 3 documents, so idf cancels: weights 1 and 1 + ln 2, divided by their norm.
        let red = 1.0 + 2f64.ln();
        let norm = (1.0 + red * red).sqrt();
        let vector = vocabulary.vector(&documents[0]);
        assert_eq!((vector[0].0, vector[1].0), (0, 1));
        assert!((vector[0].1 - 1.0 / norm).abs() < 1e-15 && (vector[1].1 - red / norm).abs() < 1e-15, "{vector:?}");
    }

    #[test]
    fn rarer_terms_weigh_more() {
        let documents = [counts("red blue"), counts("red blue"), counts("red")];
        let vector = Vocabulary::fit(documents.iter(), 1).vector(&documents[0]);
        let (blue, red) = (vector[0].1, vector[1].1);
        // df 2 and 3 of 3: idf ln(4/3) + 1 and ln(4/4) + 1.
        assert!((blue / red - (1.0 + (4.0f64 / 3.0).ln())).abs() < 1e-15, "{vector:?}");
    }
}
