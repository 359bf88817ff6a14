//! Standard output, and the format of figures.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use indicatif::{BinaryBytes, HumanCount};
use serde::{Serialize, Serializer};

/// Standard output has been closed by its reader: the program ends without an error.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl std::fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("standard output is closed")
    }
}

impl std::error::Error for ReaderGone {}

/// Standard output, buffered; [`flush`](Self::flush) must be called.
pub(crate) struct Output(BufWriter<StdoutLock<'static>>);

impl Output {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(1 << 16, io::stdout().lock()))
    }

    pub(crate) fn write(&mut self, text: &str) -> Result<()> {
        self.0.write_all(text.as_bytes()).map_err(refused)
    }

    /// Writes the buffer.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.0.flush().map_err(refused)
    }
}

/// The error of a write to standard output.
pub(crate) fn refused(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ReaderGone.into(),
        _ => anyhow::Error::new(error).context("cannot write to standard output"),
    }
}

/// Writes a text of some lines.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut output = Output::new();
    output.write(text.trim_end())?;
    output.write("\n")?;
    output.flush()
}

/// Writes a value as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&serde_json::to_string_pretty(value).context("cannot write the result as JSON")?)
}

/// Writes lines to standard error. That nobody can read them there is no error: a terminal may be gone.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A path in JSON: text in UTF-8, in which U+FFFD stands for bytes that are not.
pub(crate) fn path_text<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// `1,234,567`
pub(crate) fn count(number: impl TryInto<u64>) -> String {
    HumanCount(number.try_into().unwrap_or(u64::MAX)).to_string()
}

/// `1.50 GiB`
pub(crate) fn bytes(number: u64) -> String {
    BinaryBytes(number).to_string()
}

/// `0.24 s`, `7.3 s`, `4 min 12 s`, `2 h 3 min`
pub(crate) fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 if seconds < 1.0 => format!("{seconds:.2} s"),
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// The name of a file, or the path if it has none.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// One line per key and value, the values aligned.
pub(crate) fn pairs<K: AsRef<str>>(pairs: &[(K, String)]) -> String {
    let width = pairs.iter().map(|(key, _)| key.as_ref().chars().count()).max().unwrap_or(0);
    pairs.iter().map(|(key, value)| format!("{:width$}  {value}\n", key.as_ref())).collect()
}

/// One line for each cause of an error, the first behind `head`. A cause that the message before it already ends with is
/// left out.
pub(crate) fn causes(head: &str, error: &anyhow::Error) -> String {
    let mut said = format!("{head} {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.ends_with(&cause) {
            said.push_str("\n  because: ");
            said.push_str(&cause);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let said = [0.236, 7.25, 59.4, 59.96, 252.0, 7390.0].map(seconds);
        assert_eq!(said, ["0.24 s", "7.2 s", "59.4 s", "1 min 0 s", "4 min 12 s", "2 h 3 min"]);
    }

    #[test]
    fn values_are_aligned() {
        assert_eq!(pairs(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2\n");
    }
}
