//! What is made of a table: its columns and the features of texts.

use serde::{Deserialize, Serialize};

use crate::named::named;

/// What a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Words.
    Text,
    /// A value of a few, or a set of such values.
    Categorical,
    /// A number.
    Numeric,
    /// A date, or a date with a time, as ISO 8601 writes them.
    Date,
    /// Items in their order, the latest last.
    Sequence,
    /// The name of the row: no features.
    Id,
}

named! {
    Kind, "unknown kind `{}` of column",
    Text = "text", Categorical = "categorical", Numeric = "numeric", Date = "date", Sequence = "sequence", Id = "id",
}

/// A column that features are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Column {
    /// Its name in files.
    pub name: String,
    /// What it has.
    pub kind: Kind,
    /// What separates the values of a set or the items of a sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
}

/// How features are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// All the same.
    Equal,
    /// By the logarithm of the inverse share of rows that have them.
    Idf,
    /// By how much they say about the classes: the largest absolute logarithm of the ratio between the shares of a class's rows and of
    /// the other rows that have them, as naive Bayes weighs them.
    Classes,
}

named! { Weighting, "unknown weighting `{}`", Equal = "equal", Idf = "idf", Classes = "classes" }

/// The features of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FeatureConfig {
    /// The columns; those of a table that are not named here are ignored.
    pub columns: Vec<Column>,
    /// Longest n-grams of words.
    pub word_ngrams: usize,
    /// Shortest and longest n-grams of characters inside words; none: no such features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub char_ngrams: Option<(usize, usize)>,
    /// Pairs of words at most so far apart, in any order; 0: none.
    pub pair_window: usize,
    /// Pairs of columns, by number, whose values together are a feature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crosses: Vec<(usize, usize)>,
    /// Rows that a feature must occur in.
    pub least_rows: u32,
    /// Most features: the rarest are left out.
    pub most_features: usize,
    /// How they are weighted.
    pub weighting: Weighting,
    /// Quantiles that numbers are cut at.
    pub bins: usize,
}

impl FeatureConfig {
    /// Word unigrams and bigrams with tf-idf of texts, and the features of the other columns.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            word_ngrams: 2,
            char_ngrams: None,
            pair_window: 0,
            crosses: Vec::new(),
            least_rows: 2,
            most_features: 1 << 21,
            weighting: Weighting::Idf,
            bins: 32,
        }
    }
}
