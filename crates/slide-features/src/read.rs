//! Tables from files and streams, in constant memory.
//!
//! | format | layout |
//! |---|---|
//! | [`Format::Csv`], [`Format::Tsv`] | a line with the names of the columns, then a row for each record; quotes as in RFC 4180, also over lines |
//! | [`Format::Jsonl`] | an object in each line; numbers and truth values are taken as text, lists as sets, `null` as missing |
//! | [`Format::FastText`] | `__label__NAME` for each label, then the text: columns `label` and `text` |
//! | [`Format::Parquet`] | with the feature `parquet`: rows of text, numbers, dates, times and lists |
//!
//! All but the last may be compressed with gzip or zstd and may begin with a byte order mark. Every defect is an [error](ReadError) with its line.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

use crate::named::named;
use crate::table::{LIST, Table};

#[cfg(feature = "parquet")]
mod parquet;

const BUFFER: usize = 1 << 18;
/// A longer line is no row.
const LONGEST_LINE: u64 = 1 << 30;
/// So much of the first line says what format it is.
const LONGEST_START: u64 = 1 << 12;
const LABEL: &str = "__label__";

/// A format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Fields separated by commas.
    Csv,
    /// Fields separated by tabs.
    Tsv,
    /// A JSON object in each line.
    Jsonl,
    /// fastText: labels begin with `__label__`.
    FastText,
    /// Parquet, in files but not in streams.
    Parquet,
}

impl Format {
    /// The format that the name of a file says, if it does; `.gz` and `.zst` are ignored.
    #[must_use]
    pub fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "ft" | "fasttext" => Some(Self::FastText),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The format that a text is in, by its first line.
    #[must_use]
    pub fn of_start(text: &[u8]) -> Self {
        let text = text.strip_prefix(BOM).unwrap_or(text).trim_ascii_start();
        let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if line.starts_with(b"{") {
            Self::Jsonl
        } else if line.starts_with(LABEL.as_bytes()) {
            Self::FastText
        } else if line.contains(&b'\t') {
            Self::Tsv
        } else {
            Self::Csv
        }
    }
}

named! {
    Format, "unknown format `{}`",
    Csv = "csv", Tsv = "tsv", Jsonl = "jsonl", FastText = "fasttext", Parquet = "parquet",
}

/// How the bytes of a file are characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; other bytes are an error.
    #[default]
    Utf8,
    /// ISO 8859-1: every byte is a character.
    Latin1,
}

named! { Encoding, "unknown encoding `{}`", Utf8 = "utf8", Latin1 = "latin1" }

/// How a table is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The format; none: by the file's name, or else by its first line.
    pub format: Option<Format>,
    /// The characters.
    pub encoding: Encoding,
    /// Leave bad rows out and count them, instead of ending at the first.
    pub skip_bad_rows: bool,
}

/// A file that is no table, or a bad row.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Reading failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A row that cannot be read.
    #[error("{}:{line}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Its line, or row of Parquet, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// The table as a whole.
    #[error("{}: {problem}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

const BOM: &[u8] = b"\xef\xbb\xbf";

type Bytes = Box<dyn BufRead + Send>;

enum Rows {
    Csv {
        reader: Box<csv::Reader<Bytes>>,
        record: csv::ByteRecord,
        width: usize,
        texts: Vec<String>,
    },
    Lines {
        reader: Bytes,
        line: Vec<u8>,
        text: String,
        is_json: bool,
    },
    #[cfg(feature = "parquet")]
    Parquet {
        rows: ::parquet::record::reader::RowIter<'static>,
        texts: Vec<String>,
    },
}

/// The rows of a file.
pub struct Reader {
    path: PathBuf,
    rows: Rows,
    options: ReadOptions,
    format: Format,
    /// For each column of a CSV file its column in the tables, once this is known.
    names: Vec<String>,
    line: u64,
    has_ended: bool,
    skipped: Vec<ReadError>,
    skipped_count: u64,
}

/// Errors of skipped rows that are kept.
const KEPT: usize = 5;

impl Reader {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// [`ReadError`]: it cannot be read, or has no line.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, ReadError> {
        if path.as_os_str() == "-" {
            return Self::new(path, io::stdin(), options);
        }
        let file = File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        if options.format.or_else(|| Format::of_name(path)) == Some(Format::Parquet) {
            return Self::of_parquet(path, file, options);
        }
        Self::new(path, file, options)
    }

    #[cfg(feature = "parquet")]
    fn of_parquet(path: &Path, file: File, options: &ReadOptions) -> Result<Self, ReadError> {
        let of = |error: ::parquet::errors::ParquetError| ReadError::Table {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let (names, rows) = parquet::open(file).map_err(of)?;
        let texts = vec![String::new(); names.len()];
        Ok(Self::of_rows(path, Rows::Parquet { rows, texts }, Format::Parquet, names, options))
    }

    #[cfg(not(feature = "parquet"))]
    fn of_parquet(path: &Path, _: File, _: &ReadOptions) -> Result<Self, ReadError> {
        let problem = "Parquet files are read only if slide is built with `--features parquet`".into();
        Err(ReadError::Table { path: path.to_owned(), problem })
    }

    fn of_rows(path: &Path, rows: Rows, format: Format, names: Vec<String>, options: &ReadOptions) -> Self {
        Self {
            path: path.to_owned(),
            rows,
            options: options.clone(),
            format,
            names,
            line: 0,
            has_ended: false,
            skipped: Vec::new(),
            skipped_count: 0,
        }
    }

    /// Reads from a stream that messages call `path`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new(path: &Path, bytes: impl Read + Send + 'static, options: &ReadOptions) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let mut bytes = decompressed(bytes).map_err(io)?;
        // No more than a line: a pipe may have no more yet.
        let mut head = Vec::new();
        bytes.by_ref().take(LONGEST_START).read_until(b'\n', &mut head).map_err(io)?;
        if head.is_empty() {
            return Err(ReadError::Table { path: path.to_owned(), problem: "empty: expected rows".into() });
        }
        let format = options.format.or_else(|| Format::of_name(path)).unwrap_or_else(|| Format::of_start(&head));
        if head.starts_with(BOM) {
            head.drain(..BOM.len());
        }
        let bytes: Bytes = Box::new(BufReader::with_capacity(BUFFER, Cursor::new(head).chain(bytes)));
        let is_json = format == Format::Jsonl;
        let rows = Rows::Lines { reader: bytes, line: Vec::new(), text: String::new(), is_json };
        let mut reader = Self::of_rows(path, rows, format, Vec::new(), options);
        match format {
            Format::Csv | Format::Tsv => reader.begin_csv()?,
            Format::FastText => reader.names = vec!["label".into(), "text".into()],
            Format::Jsonl => {}
            Format::Parquet => return Err(reader.table("a Parquet file cannot be read from a stream")),
        }
        Ok(reader)
    }

    fn begin_csv(&mut self) -> Result<(), ReadError> {
        let empty: Bytes = Box::new(io::empty());
        let placeholder = Rows::Lines { reader: empty, line: Vec::new(), text: String::new(), is_json: false };
        let Rows::Lines { reader: bytes, .. } = std::mem::replace(&mut self.rows, placeholder) else { return Ok(()) };
        let delimiter = if self.format == Format::Tsv { b'\t' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            // TSV files have quotes as any other character.
            .quoting(self.format == Format::Csv)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(bytes);
        let mut record = csv::ByteRecord::new();
        reader.read_byte_record(&mut record).map_err(|error| self.table(error.to_string()))?;
        for field in &record {
            let mut name = String::new();
            decode(field, self.options.encoding, &mut name).map_err(|problem| self.row(1, problem))?;
            let name = name.trim().to_owned();
            if self.names.contains(&name) {
                return Err(self.row(1, format!("two columns have the name `{name}`")));
            }
            self.names.push(name);
        }
        let texts = vec![String::new(); self.names.len()];
        self.rows = Rows::Csv { reader: Box::new(reader), record, width: self.names.len(), texts };
        Ok(())
    }

    fn row(&self, line: u64, problem: impl Into<String>) -> ReadError {
        ReadError::Row { path: self.path.clone(), line, problem: problem.into() }
    }

    fn table(&self, problem: impl Into<String>) -> ReadError {
        ReadError::Table { path: self.path.clone(), problem: problem.into() }
    }

    /// The file's format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The columns that are known before the first row: none of JSON.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Rows that were left out, and the errors of the first of them.
    #[must_use]
    pub fn skipped(&self) -> (u64, &[ReadError]) {
        (self.skipped_count, &self.skipped)
    }

    /// Adds up to `most` rows to `table`; false at the end of the file. Where `learns`, columns that the table does not have are added,
    /// else they are left out.
    ///
    /// # Errors
    /// [`ReadError`] of a row, unless bad rows are skipped, and of the file. The rows before it are in the table. Those after a bad
    /// row can still be read.
    pub fn read(&mut self, table: &mut Table, most: usize, learns: bool) -> Result<bool, ReadError> {
        if learns {
            for name in &self.names {
                if table.column(name).is_none() {
                    table.add_column(name);
                }
            }
        }
        let columns: Vec<Option<usize>> = self.names.iter().map(|name| table.column(name)).collect();
        for _ in 0..most {
            if self.has_ended {
                return Ok(false);
            }
            match self.read_row(table, &columns, learns) {
                Ok(true) => {}
                Ok(false) => {
                    self.has_ended = true;
                    return Ok(false);
                }
                Err(error @ ReadError::Row { .. }) if self.options.skip_bad_rows => {
                    table.abandon_row();
                    self.skipped_count += 1;
                    if self.skipped.len() < KEPT {
                        self.skipped.push(error);
                    }
                }
                Err(error) => {
                    table.abandon_row();
                    self.has_ended = !matches!(error, ReadError::Row { .. });
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    /// The whole file, with all columns that it has.
    ///
    /// # Errors
    /// As [`read`](Self::read); no rows.
    pub fn read_all(&mut self) -> Result<Table, ReadError> {
        let mut table = Table::default();
        while self.read(&mut table, 1 << 16, true)? {}
        if table.rows() == 0 {
            return Err(self.table("no rows"));
        }
        Ok(table)
    }

    fn read_row(&mut self, table: &mut Table, columns: &[Option<usize>], learns: bool) -> Result<bool, ReadError> {
        let Self { rows, options, path, format, line: number, .. } = self;
        match rows {
            Rows::Csv { reader, record, width, texts } => {
                loop {
                    match reader.read_byte_record(record) {
                        Ok(true) => {}
                        Ok(false) => return Ok(false),
                        Err(error) => {
                            return Err(ReadError::Table { path: path.clone(), problem: error.to_string() });
                        }
                    }
                    // A line of nothing is no row, unless there is one column.
                    if record.len() > 1 || !record[0].is_empty() || *width == 1 {
                        break;
                    }
                }
                let line = record.position().map_or(0, csv::Position::line);
                let row = |problem| ReadError::Row { path: path.clone(), line, problem };
                if record.len() != *width {
                    return Err(row(format!("{} fields, expected {width} as in the first line", record.len())));
                }
                for (field, text) in record.iter().zip(&mut *texts) {
                    text.clear();
                    decode(field, options.encoding, text).map_err(row)?;
                }
                push(texts, columns, table);
                Ok(true)
            }
            #[cfg(feature = "parquet")]
            Rows::Parquet { rows, texts } => {
                let row = match rows.next() {
                    None => return Ok(false),
                    Some(Ok(row)) => row,
                    Some(Err(error)) => {
                        return Err(ReadError::Table { path: path.clone(), problem: error.to_string() });
                    }
                };
                *number += 1;
                texts.iter_mut().for_each(String::clear);
                parquet::texts(&row, texts).map_err(|problem| {
                    let (path, line) = (path.clone(), *number);
                    ReadError::Row { path, line, problem }
                })?;
                push(texts, columns, table);
                Ok(true)
            }
            Rows::Lines { reader, line, text, is_json } => {
                loop {
                    line.clear();
                    let limited = &mut reader.by_ref().take(LONGEST_LINE);
                    let io = |source| ReadError::Io { path: path.clone(), source };
                    if limited.read_until(b'\n', line).map_err(io)? == 0 {
                        return Ok(false);
                    }
                    *number += 1;
                    if !line.trim_ascii().is_empty() {
                        break;
                    }
                }
                let row = |problem| ReadError::Row { path: path.clone(), line: *number, problem };
                text.clear();
                decode(line.trim_ascii(), options.encoding, text).map_err(row)?;
                if *is_json {
                    let mut deserializer = serde_json::Deserializer::from_str(text);
                    let read = deserializer.deserialize_map(Object { table, learns }).and_then(|()| deserializer.end());
                    read.map_err(|error| row(format!("expected a JSON object: {error}")))?;
                } else {
                    debug_assert_eq!(*format, Format::FastText);
                    read_fasttext(text, table, columns);
                }
                table.close_row();
                Ok(true)
            }
        }
    }
}

/// Adds a row of texts.
fn push(texts: &[String], columns: &[Option<usize>], table: &mut Table) {
    for (text, column) in texts.iter().zip(columns) {
        if let &Some(column) = column {
            table.open_field(column).push_str(text.trim());
            table.close_field(column);
        }
    }
    table.close_row();
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).field("format", &self.format).finish_non_exhaustive()
    }
}

fn decompressed(mut bytes: impl Read + Send + 'static) -> io::Result<Bytes> {
    let mut start = Vec::new();
    bytes.by_ref().take(4).read_to_end(&mut start)?;
    let kind: [u8; 4] = std::array::from_fn(|at| start.get(at).copied().unwrap_or(0));
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(start).chain(bytes));
    Ok(match kind {
        [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(whole))),
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            Box::new(BufReader::with_capacity(BUFFER, zstd::stream::read::Decoder::with_buffer(whole)?))
        }
        _ => Box::new(whole),
    })
}

fn decode(bytes: &[u8], encoding: Encoding, out: &mut String) -> Result<(), String> {
    match encoding {
        Encoding::Latin1 => out.extend(bytes.iter().map(|&byte| char::from(byte))),
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => out.push_str(text),
            Err(error) => {
                let at = error.valid_up_to();
                return Err(format!("byte {:#04x} is not UTF-8; is the file in latin1?", bytes[at]));
            }
        },
    }
    Ok(())
}

fn read_fasttext(line: &str, table: &mut Table, columns: &[Option<usize>]) {
    let mut rest = line.trim_start();
    let labels = columns.first().copied().flatten();
    let mut is_first = true;
    while let Some(behind) = rest.strip_prefix(LABEL) {
        let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
        if let Some(column) = labels {
            let field = table.open_field(column);
            if !is_first {
                field.push(LIST);
            }
            field.push_str(&behind[..end]);
        }
        is_first = false;
        rest = behind[end..].trim_start();
    }
    if let Some(column) = labels {
        table.close_field(column);
    }
    if let Some(column) = columns.get(1).copied().flatten() {
        table.open_field(column).push_str(rest.trim());
        table.close_field(column);
    }
}

/// A JSON object as a row.
struct Object<'a> {
    table: &'a mut Table,
    learns: bool,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { table, learns } = self;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let column = match table.column(&key) {
                None if learns => table.add_column(&key),
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Some(column) => column,
            };
            if table.is_closed(column) {
                return Err(A::Error::custom(format!("the key `{key}` occurs twice")));
            }
            map.next_value_seed(Field { out: table.open_field(column), is_item: false })?;
            table.close_field(column);
        }
        Ok(())
    }
}

/// A value, as text.
struct Field<'a> {
    out: &'a mut String,
    is_item: bool,
}

impl<'de> serde::de::DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_item { "text or a number" } else { "text, a number, or a list of such" })
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.out.push_str(if self.is_item { text } else { text.trim() });
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.out.push_str(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.out.push_str(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.out.push_str(&value.to_string());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if self.is_item {
            return Err(A::Error::custom("a list in a list"));
        }
        let start = self.out.len();
        loop {
            let end = self.out.len();
            if end > start {
                self.out.push(LIST);
            }
            let item = Field { out: &mut *self.out, is_item: true };
            if items.next_element_seed(item)?.is_none() {
                self.out.truncate(end);
                return Ok(());
            }
        }
    }
}
