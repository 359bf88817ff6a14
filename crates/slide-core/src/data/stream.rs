//! Examples one after the other from a pipe or a file, in the memory of one line.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use super::error::{DataError, Defect};
use super::line::{Grammar, Rows, parse_line};
use super::xmc::{self, Header};
use super::{Format, ReadOptions, source, svmlight};

/// A line longer than this is a defect, so that memory is bounded for any input.
const LONGEST_LINE: u64 = 1 << 28;

/// One example; the slices live until the next one is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example<'a> {
    /// Feature numbers, ascending.
    pub features: &'a [u32],
    /// A finite value for each feature.
    pub values: &'a [f32],
    /// Label numbers, ascending; empty for an example without labels.
    pub labels: &'a [u32],
}

/// Reads the text formats line by line: the same examples, and the same errors, as [`read`](super::read) finds.
///
/// The only difference: whether svmlight features count from 0 or 1 is not known before the end of the file, so
/// [`IndexBase::Auto`](super::IndexBase::Auto) is `Zero` here.
pub struct Examples<R> {
    reader: R,
    name: PathBuf,
    grammar: Grammar,
    header: Option<Header>,
    /// Examples read so far.
    examples: u64,
    /// Number of the line in `line`, from 1; 0 before the first.
    line_number: u64,
    line: Vec<u8>,
    /// Line and column of the end of the file, should `line` be the last.
    end: (u64, u64),
    /// `line` has been read from the reader but not parsed.
    pending: bool,
    rows: Rows,
}

/// Opens a file, or standard input for `-`, compressed or not.
///
/// # Errors
/// As [`Examples::new`].
pub fn open(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Examples<Box<dyn BufRead + Send + 'static>>, DataError> {
    let path = path.as_ref();
    let opened = if path.as_os_str() == "-" {
        source::decompress(std::io::stdin())
    } else {
        std::fs::File::open(path).and_then(source::decompress)
    };
    Examples::new(opened.map_err(DataError::io(path))?, path, options)
}

impl<R: BufRead> Examples<R> {
    /// A reader of the decompressed text `reader`, which errors call `name`.
    ///
    /// # Errors
    /// [`DataError::Io`]; [`DataError::Malformed`] where the format requires a header and the first line is not one;
    /// [`DataError::Request`] for `.npz`.
    pub fn new(reader: R, name: impl Into<PathBuf>, options: &ReadOptions) -> Result<Self, DataError> {
        let mut examples = Self {
            reader,
            name: name.into(),
            grammar: svmlight::grammar(None, options),
            header: None,
            examples: 0,
            line_number: 0,
            line: Vec::new(),
            end: (1, 1),
            pending: false,
            rows: Rows::default(),
        };
        examples.advance()?;
        let format = match options.format {
            Some(format) => format,
            None if examples.line.starts_with(super::npz::MAGIC) => Format::Npz,
            None if xmc::header(&examples.line).is_ok() => Format::Xmc,
            None => Format::Svmlight,
        };
        let header = xmc::header(&examples.line);
        examples.header = match format {
            Format::Npz => {
                return Err(DataError::Request(format!(
                    "{}: .npz cannot be read as a stream: give it as a file",
                    examples.name.display()
                )));
            }
            Format::Xmc => Some(header.map_err(|defect| examples.locate(defect))?.0),
            Format::Svmlight => header.ok().map(|header| header.0),
        };
        examples.grammar = match (format, examples.header) {
            (Format::Xmc, Some(header)) => xmc::grammar(header, options),
            _ => svmlight::grammar(examples.header, options),
        };
        examples.pending = examples.header.is_none() && !examples.line.is_empty();
        Ok(examples)
    }

    /// The next example; none behind the last.
    ///
    /// # Errors
    /// [`DataError::Io`], and [`DataError::Malformed`] at the first defect; the lines after it can still be read.
    pub fn next_example(&mut self) -> Result<Option<Example<'_>>, DataError> {
        loop {
            if !std::mem::take(&mut self.pending) && !self.advance()? {
                return self.finish();
            }
            self.rows.clear();
            let parsed = parse_line(&self.line, 0, self.grammar, &mut self.rows);
            let blank = parsed.is_ok() && self.rows.labels.is_empty() && self.rows.features.is_empty();
            if self.header.is_some_and(|header| self.examples >= header.examples) {
                if blank {
                    continue;
                }
                return Err(self.locate(xmc::surplus_defect(&self.line, 0, self.examples)));
            }
            parsed.map_err(|defect| self.locate(defect))?;
            if self.rows.len() > 0 {
                break;
            }
        }
        self.examples += 1;
        Ok(Some(Example { features: &self.rows.features, values: &self.rows.values, labels: &self.rows.labels }))
    }

    fn finish(&self) -> Result<Option<Example<'_>>, DataError> {
        let missing = match self.header {
            Some(header) if self.examples < header.examples => xmc::missing_defect(0, header.examples, self.examples),
            None if self.examples == 0 => svmlight::empty_defect(0),
            _ => return Ok(None),
        };
        let (line, column) = self.end;
        let found = "the end of the file".into();
        Err(DataError::Malformed { path: self.name.clone(), line, column, expected: missing.expected, found })
    }

    /// Reads the next line into `self.line`; false, with an empty line, at the end.
    fn advance(&mut self) -> Result<bool, DataError> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut self.line).map_err(DataError::io(&self.name))?;
        let Some(last) = self.line.last() else { return Ok(false) };
        let whole = *last == b'\n';
        self.line_number += 1;
        self.end = if whole { (self.line_number + 1, 1) } else { (self.line_number, self.line.len() as u64 + 1) };
        if !whole && self.line.len() as u64 == LONGEST_LINE {
            return Err(self.locate(Defect::new(self.line.len(), format!("a line of at most {LONGEST_LINE} bytes"))));
        }
        Ok(true)
    }

    fn locate(&self, defect: Defect) -> DataError {
        defect.locate(&self.name, &self.line, self.line_number.max(1))
    }
}
