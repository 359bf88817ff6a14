//! Examples one after the other from a pipe or a file, in the memory of one line.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use super::error::{DataError, Defect};
use super::line::{Grammar, Rows, parse_line};
use super::matrix;
use super::svmlight::{self, Layout};
use super::xmc::{self, Header};
use super::{Format, ReadOptions, source};

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
/// [`IndexBase::Auto`](super::IndexBase::Auto) is `Zero` here, unless the first line says it.
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
    /// Nothing can be read after the last error.
    has_ended: bool,
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
    /// [`DataError::Request`] for arrays.
    pub fn new(reader: R, name: impl Into<PathBuf>, options: &ReadOptions) -> Result<Self, DataError> {
        let mut examples = Self {
            reader,
            name: name.into(),
            grammar: Layout::default().grammar(options),
            header: None,
            examples: 0,
            line_number: 0,
            line: Vec::new(),
            end: (1, 1),
            has_ended: false,
            pending: false,
            rows: Rows::default(),
        };
        examples.advance()?;
        let format = match options.format {
            Some(format) => format,
            None => Format::of(&examples.line),
        };
        (examples.header, examples.grammar) = match format {
            Format::Npz | Format::Npy => {
                return Err(DataError::Request(format!(
                    "{}: {format} cannot be read as a stream: give it as a file",
                    examples.name.display()
                )));
            }
            Format::Xmc => {
                let (header, _) = xmc::header(&examples.line).map_err(|defect| examples.locate(defect))?;
                (Some(header), xmc::grammar(header, options))
            }
            Format::Matrix => {
                let (header, _) = matrix::header(&examples.line).map_err(|defect| examples.locate(defect))?;
                (Some(header), matrix::grammar(header, options.feature_count))
            }
            Format::Svmlight => {
                // Comments may stand before the header.
                let mut layout = Layout::default();
                while layout.take_line(&examples.line) && examples.advance()? {}
                (layout.header, layout.grammar(options))
            }
        };
        examples.pending = examples.header.is_none() && !examples.line.is_empty();
        Ok(examples)
    }

    /// The next example; none behind the last.
    ///
    /// # Errors
    /// [`DataError::Io`], and [`DataError::Malformed`] at the first defect of a line. Unless [`has_ended`](Self::has_ended), the lines
    /// after it can still be read.
    pub fn next_example(&mut self) -> Result<Option<Example<'_>>, DataError> {
        loop {
            let is_read = std::mem::take(&mut self.pending) || {
                // Whatever goes wrong here, where the next line begins is not known.
                self.has_ended = true;
                self.advance()?
            };
            if !is_read {
                return self.finish();
            }
            self.has_ended = false;
            self.rows.clear();
            let parsed = parse_line(&self.line, 0, self.grammar, &mut self.rows);
            let blank = parsed.is_ok() && self.rows.labels.is_empty() && self.rows.features.is_empty();
            if self.header.is_some_and(|header| self.examples >= header.examples) {
                if blank {
                    continue;
                }
                return Err(self.locate(xmc::surplus_defect(&self.line, 0, self.examples)));
            }
            let defect = parsed.err();
            if defect.is_none() && self.rows.len() == 0 {
                continue;
            }
            self.examples += 1;
            match defect {
                Some(defect) => return Err(self.locate(defect)),
                None => break,
            }
        }
        Ok(Some(Example { features: &self.rows.features, values: &self.rows.values, labels: &self.rows.labels }))
    }

    /// Whether nothing can be read any more: the end was reached, or an error that is no defect of one line.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn finish(&self) -> Result<Option<Example<'_>>, DataError> {
        let missing = match self.header {
            Some(header) if self.examples < header.examples => xmc::missing_defect(0, header.examples, self.examples),
            None if self.examples == 0 && !self.grammar.blank_examples => svmlight::empty_defect(0),
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
