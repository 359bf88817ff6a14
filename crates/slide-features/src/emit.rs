//! The features of a row, before it is known which of them have columns.

use serde::{Deserialize, Serialize};

use crate::config::{Column, FeatureConfig, Kind};
use crate::infer::number;
use crate::table::{LIST, Table};
use crate::tokens::Tokens;
use crate::{date, hash};

/// Where features go.
pub(crate) trait Sink {
    /// A feature of the block with this hash.
    fn add(&mut self, block: usize, hash: u64, value: f32, name: impl FnOnce() -> String);
}

/// What is known of the numbers in a column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Numbers {
    mean: f64,
    deviation: f64,
    /// Ascending: a number is in the bin of as many as are not above it.
    edges: Vec<f64>,
}

impl Numbers {
    /// Of a column of numbers or dates.
    pub(crate) fn of(table: &Table, number: usize, kind: Kind, bins: usize) -> Self {
        let fields = (0..table.rows()).map(|row| table.field(row, number));
        let mut values: Vec<f64> = fields.filter_map(|field| value(field, kind)).collect();
        if values.is_empty() {
            return Self::default();
        }
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
        let quantile = |bin: usize| values[bin * values.len() / bins];
        let mut edges: Vec<f64> = (1..bins).map(quantile).collect();
        edges.dedup();
        Self { mean, deviation: variance.sqrt(), edges }
    }
}

fn value(field: &str, kind: Kind) -> Option<f64> {
    match kind {
        Kind::Date => date::parse(field).map(|date| date.days() as f64),
        _ => number(field),
    }
}

/// Blocks of a column: words, characters, pairs of words.
pub(crate) const BLOCKS: usize = 3;
/// Standard deviations that a number may be from the mean: the others count as these.
const FARTHEST: f64 = 4.0;

/// What makes the features of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) config: FeatureConfig,
    /// Of each column; those of other columns than numbers and dates have nothing.
    pub(crate) numbers: Vec<Numbers>,
}

/// Buffers for one row after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers {
    tokens: Tokens,
    chars: Vec<u32>,
}

/// What tells the features of a column apart from those of others.
fn seed(column: usize, part: u64) -> u64 {
    hash::mix((column as u64 + 1) << 8 | part)
}

/// The items of a field, without spaces around them.
fn items<'a>(field: &'a str, column: &Column) -> impl DoubleEndedIterator<Item = &'a str> {
    let delimiter = column.delimiter;
    let is_end = move |char: char| char == LIST || Some(char) == delimiter;
    field.split(is_end).map(str::trim).filter(|item| !item.is_empty())
}

impl Shape {
    /// Whether the features of a block are counted, weighted and scaled to length 1: those of texts.
    pub(crate) fn is_text(&self, block: usize) -> bool {
        self.config.columns[block / BLOCKS].kind == Kind::Text
    }

    /// Gives `sink` the features of a row whose fields are `field`, by the numbers of columns.
    pub(crate) fn emit<'a>(&self, field: impl Fn(usize) -> &'a str, buffers: &mut Buffers, sink: &mut impl Sink) {
        for (number, column) in self.config.columns.iter().enumerate() {
            let text = field(number);
            let block = number * BLOCKS;
            match column.kind {
                Kind::Id => {}
                Kind::Text => self.emit_text(number, text, buffers, sink),
                _ if text.is_empty() => {
                    sink.add(block, seed(number, 0), 1.0, || format!("{} is missing", column.name));
                }
                Kind::Categorical => {
                    for item in items(text, column) {
                        let hash = hash::join(seed(number, 1), hash::bytes(item.as_bytes()));
                        sink.add(block, hash, 1.0, || format!("{}={item}", column.name));
                    }
                }
                Kind::Sequence => {
                    let mut after = None;
                    for (age, item) in items(text, column).rev().enumerate() {
                        let own = hash::bytes(item.as_bytes());
                        let hash = hash::join(seed(number, 1), own);
                        sink.add(block, hash, 1.0 / (1.0 + age as f32).sqrt(), || format!("{}={item}", column.name));
                        if age == 0 {
                            let hash = hash::join(seed(number, 2), own);
                            sink.add(block, hash, 1.0, || format!("{} ends with {item}", column.name));
                        }
                        if let Some((next, next_hash)) = after {
                            let hash = hash::join(hash::join(seed(number, 3), own), next_hash);
                            sink.add(block, hash, 0.5, || format!("{}={item} before {next}", column.name));
                        }
                        after = Some((item, own));
                    }
                }
                Kind::Numeric => match value(text, column.kind) {
                    Some(value) => self.emit_number(number, value, text, sink),
                    None => {
                        let hash = hash::join(seed(number, 4), hash::bytes(text.as_bytes()));
                        sink.add(block, hash, 1.0, || format!("{}={text}", column.name));
                    }
                },
                Kind::Date => {
                    let Some(date) = date::parse(text) else {
                        let hash = hash::join(seed(number, 4), hash::bytes(text.as_bytes()));
                        sink.add(block, hash, 1.0, || format!("{}={text}", column.name));
                        continue;
                    };
                    self.emit_number(number, date.days() as f64, text, sink);
                    let parts = [
                        ("year", Some(date.year as u32)),
                        ("month", Some(date.month)),
                        ("day", Some(date.day)),
                        ("weekday", Some(date.weekday())),
                        ("hour", date.hour),
                    ];
                    for (part, (name, value)) in (8..).zip(parts) {
                        if let Some(value) = value {
                            let hash = hash::join(seed(number, part), u64::from(value));
                            sink.add(block, hash, 0.5, || format!("{name} of {}={value}", column.name));
                        }
                    }
                }
            }
        }
        self.emit_crosses(&field, sink);
    }

    fn emit_crosses<'a>(&self, field: &impl Fn(usize) -> &'a str, sink: &mut impl Sink) {
        let columns = &self.config.columns;
        // What a cross is made of: the items of a set, or the bin of a number.
        let parts = |number: usize| -> Vec<(u64, &'a str)> {
            let text = field(number);
            match columns[number].kind {
                Kind::Numeric | Kind::Date => {
                    let value = value(text, columns[number].kind);
                    value.map(|value| (self.bin(number, value) as u64, text)).into_iter().collect()
                }
                _ => items(text, &columns[number]).map(|item| (hash::bytes(item.as_bytes()), item)).collect(),
            }
        };
        for &(a, b) in &self.config.crosses {
            for (first, first_name) in parts(a) {
                for (second, second_name) in parts(b) {
                    let hash = hash::join(hash::join(seed(a, 5) ^ seed(b, 6), first), second);
                    let name = || format!("{}={first_name} and {}={second_name}", columns[a].name, columns[b].name);
                    // In a block of a column without texts, so that it is not counted as words are.
                    let block = if columns[a].kind == Kind::Text { b } else { a };
                    sink.add(block * BLOCKS + usize::from(columns[block].kind == Kind::Text), hash, 1.0, name);
                }
            }
        }
    }

    fn bin(&self, number: usize, value: f64) -> usize {
        self.numbers[number].edges.partition_point(|&edge| edge <= value)
    }

    fn emit_number(&self, number: usize, value: f64, text: &str, sink: &mut impl Sink) {
        let Numbers { mean, deviation, .. } = self.numbers[number];
        let name = || format!("{}={text}", self.config.columns[number].name);
        let block = number * BLOCKS;
        if deviation > 0.0 {
            let scaled = ((value - mean) / deviation).clamp(-FARTHEST, FARTHEST);
            sink.add(block, seed(number, 7), 0.5 * scaled as f32, name);
        }
        let bin = self.bin(number, value) as u64;
        // Fine bins, and coarse ones that share what is learned.
        for (part, width, value) in [(5, 1, 0.5), (6, 4, 0.7)] {
            sink.add(block, hash::join(seed(number, part), bin / width), value, name);
        }
    }

    fn emit_text(&self, number: usize, text: &str, buffers: &mut Buffers, sink: &mut impl Sink) {
        let Buffers { tokens, chars } = buffers;
        let FeatureConfig { word_ngrams, char_ngrams, pair_window, .. } = self.config;
        tokens.read(text);
        let tokens = &*tokens;
        let hashes = tokens.hashes();
        let block = number * BLOCKS;
        let words = seed(number, 1);
        for start in 0..hashes.len() {
            let mut hash = words;
            for (end, &word) in hashes.iter().enumerate().skip(start).take(word_ngrams) {
                hash = hash::join(hash, word);
                sink.add(block, hash, 1.0, || {
                    (start..=end).map(|word| tokens.word(word)).collect::<Vec<_>>().join(" ")
                });
            }
        }
        if let Some((shortest, longest)) = char_ngrams {
            let seed = seed(number, 2);
            for word in 0..tokens.len() {
                chars.clear();
                chars.push(u32::from(' '));
                chars.extend(tokens.word(word).chars().map(u32::from));
                chars.push(u32::from(' '));
                for start in 0..chars.len() {
                    let mut hash = seed;
                    for (end, &char) in chars.iter().enumerate().skip(start).take(longest) {
                        hash = hash::join(hash, u64::from(char));
                        if end + 1 - start >= shortest {
                            sink.add(block + 1, hash, 1.0, || {
                                let chars = chars[start..=end].iter().filter_map(|&char| char::from_u32(char));
                                format!("‹{}›", chars.collect::<String>())
                            });
                        }
                    }
                }
            }
        }
        if pair_window > 0 {
            let seed = seed(number, 3);
            for first in 0..hashes.len() {
                // Neighbours are bigrams.
                for second in (first + 2..hashes.len()).take(pair_window.saturating_sub(1)) {
                    let (a, b) = (hashes[first].min(hashes[second]), hashes[first].max(hashes[second]));
                    sink.add(block + 2, hash::join(hash::join(seed, a), b), 1.0, || {
                        format!("{} … {}", tokens.word(first), tokens.word(second))
                    });
                }
            }
        }
    }
}
