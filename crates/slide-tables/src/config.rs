//! What is learned of a table.

use slide_features::{Column, Weighting};

/// What is learned of a table, and from what. What is `None` is chosen.
#[derive(Clone, Debug, Default)]
pub struct TableConfig {
    /// The column with the labels; by default one that is named so.
    pub target: Option<String>,
    /// Columns of texts. If there are any, only columns that are named are used.
    pub text: Vec<String>,
    /// What columns have; that of the others is inferred.
    pub columns: Vec<Column>,
    /// What separates the labels of a row.
    pub target_delimiter: Option<char>,
    /// Pairs of columns whose values together are a feature.
    pub crosses: Vec<(String, String)>,
    /// Longest n-grams of words.
    pub word_ngrams: Option<usize>,
    /// N-grams of characters.
    pub char_ngrams: Option<Lengths>,
    /// Pairs of words at most so far apart; 0: none.
    pub pair_window: usize,
    /// How words are weighted.
    pub weighting: Option<Weighting>,
    /// Rows that a feature must occur in.
    pub min_rows: Option<u32>,
    /// All labels count the same: answers are as if they were equally frequent, and ways are judged by the mean over the labels. Only for
    /// one label in each row.
    pub balance: bool,
}

/// Shortest and longest n-grams of characters; `None`: no such n-grams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths(pub Option<(usize, usize)>);
