//! Options of tables: which columns there are, and what is made of them.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use slide_features::read::{Encoding, Format, ReadOptions};
use slide_features::{Column, Kind, Weighting};
use slide_tables::{Lengths, TableConfig};

pub(crate) const HEADING: &str = "Tables (CSV, TSV, JSON lines, fastText)";

/// How a table is read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = HEADING)]
pub(crate) struct TableReading {
    /// Format of a table: csv, tsv, jsonl or fasttext [default: by the file's name, else by its first line]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) table_format: Option<Format>,
    /// Characters of a table: utf8 or latin1
    #[arg(long, value_name = "ENCODING", default_value = "utf8")]
    encoding: Encoding,
}

impl TableReading {
    pub(crate) fn options(&self, skip_bad_rows: bool) -> ReadOptions {
        ReadOptions { format: self.table_format, encoding: self.encoding, skip_bad_rows }
    }
}

/// What is learned of a table.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = HEADING)]
pub(crate) struct TableOptions {
    /// Column with the label of each row [default of fastText and of tables that have it: label]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// Column of texts; with it, only columns that are named are used. May be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) text: Vec<String>,
    /// What a column has: text, categorical, numeric, date, sequence or id (which is not used); a delimiter makes sets. May be given several
    /// times [default: inferred from the rows]
    #[arg(long, value_name = "NAME:KIND[:DELIMITER]", value_parser = column)]
    pub(crate) column: Vec<Column>,
    /// What separates the labels of a row that has several; lists in JSON need none
    #[arg(long, value_name = "CHARACTER")]
    pub(crate) target_delimiter: Option<char>,
    /// Two columns whose values together are a feature. May be given several times
    #[arg(long, value_name = "COLUMN,COLUMN", value_parser = pair)]
    pub(crate) cross: Vec<(String, String)>,
    /// Longest n-grams of words [default: chosen on held-out rows]
    #[arg(long, value_name = "N")]
    pub(crate) word_ngrams: Option<usize>,
    /// Shortest and longest n-grams of characters, or none [default: chosen on held-out rows]
    #[arg(long, value_name = "N-N", value_parser = range)]
    pub(crate) char_ngrams: Option<Lengths>,
    /// Pairs of words at most so far apart
    #[arg(long, value_name = "WORDS", default_value = "0")]
    pub(crate) pair_window: usize,
    /// Weights of words: equal, idf or classes [default: chosen on held-out rows]
    #[arg(long, value_name = "HOW")]
    pub(crate) weighting: Option<Weighting>,
    /// Rows that a feature must occur in [default: by the number of rows]
    #[arg(long, value_name = "ROWS")]
    pub(crate) min_rows: Option<u32>,
    /// Let all labels count the same: answers are as if they were equally frequent, and what is tried is judged by the mean over the labels
    #[arg(long)]
    pub(crate) balance: bool,
    /// Keep the weights of a network as they were trained [default: for tables they are rounded as with --quantize=int8]
    #[arg(long)]
    pub(crate) full_precision: bool,
    /// Leave bad rows out, and report how many, instead of ending at the first
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
    #[command(flatten)]
    pub(crate) reading: TableReading,
}

fn range(text: &str) -> Result<Lengths, String> {
    if text == "none" {
        return Ok(Lengths(None));
    }
    let number = |text: &str| text.parse().ok().filter(|number| (1..=20).contains(number));
    let pair = text.split_once('-').and_then(|(a, b)| number(a).zip(number(b))).filter(|(a, b)| a <= b);
    pair.map(|pair| Lengths(Some(pair))).ok_or_else(|| "expected two numbers from 1 to 20 as in 3-5, or none".into())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once(',').filter(|(a, b)| !a.is_empty() && !b.is_empty());
    pair.map(|(a, b)| (a.into(), b.into())).ok_or_else(|| "expected two columns, separated by a comma".into())
}

/// `price:numeric`, `tags:categorical:|`. A name may have colons.
fn column(text: &str) -> Result<Column, String> {
    let column = |name: &str, kind: Kind, delimiter| Column { name: name.into(), kind, delimiter };
    if let Some((name, kind)) = text.rsplit_once(':')
        && let Ok(kind) = kind.parse()
    {
        return Ok(column(name, kind, None));
    }
    // The last character is the delimiter, which may be a colon.
    let mut chars = text.chars();
    let delimiter = chars.next_back();
    let of_set = chars.as_str().strip_suffix(':').and_then(|text| text.rsplit_once(':'));
    match of_set {
        Some((name, kind)) => Ok(column(name, kind.parse()?, delimiter)),
        None => Err("expected NAME:KIND or NAME:KIND:DELIMITER, as in tags:categorical:|".into()),
    }
}

impl TableOptions {
    /// Whether a file is to be read as a table: it is asked for, or the file's name or its first bytes say so.
    pub(crate) fn is_table(&self, path: &Path) -> Result<bool> {
        if self.target.is_some() || !self.text.is_empty() || self.reading.table_format.is_some() {
            return Ok(true);
        }
        if Format::of_name(path).is_some() {
            return Ok(true);
        }
        if !std::fs::metadata(path).is_ok_and(|file| file.is_file()) {
            return Ok(false);
        }
        let mut start = [0; 9];
        let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut start));
        Ok(read.is_ok() && &start == b"__label__")
    }

    /// What is given.
    pub(crate) fn config(&self) -> TableConfig {
        TableConfig {
            target: self.target.clone(),
            text: self.text.clone(),
            columns: self.column.clone(),
            target_delimiter: self.target_delimiter,
            crosses: self.cross.clone(),
            word_ngrams: self.word_ngrams,
            char_ngrams: self.char_ngrams,
            pair_window: self.pair_window,
            weighting: self.weighting,
            min_rows: self.min_rows,
            balance: self.balance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_kinds_and_delimiters() {
        let of = |text| column(text).map(|column| (column.name, column.kind, column.delimiter));
        assert_eq!(of("price:numeric"), Ok(("price".into(), Kind::Numeric, None)));
        assert_eq!(of("a:b:categorical:|"), Ok(("a:b".into(), Kind::Categorical, Some('|'))));
        assert_eq!(of("x:sequence::"), Ok(("x".into(), Kind::Sequence, Some(':'))));
        assert!(of("price").is_err() && of("price:number").is_err());
        assert_eq!((range("3-5"), range("none")), (Ok(Lengths(Some((3, 5)))), Ok(Lengths(None))));
        assert!(range("5-3").is_err() && range("0-3").is_err());
    }
}
