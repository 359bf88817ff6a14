//! Names of labels or features: a text file with one a line, in the order of their numbers.

use std::path::Path;

use super::error::{DataError, Defect};
use super::source;

/// Reads a file of names, compressed or not. A missing final newline and CRLF are accepted; an empty line is an empty name.
///
/// # Errors
/// [`DataError::Io`]; [`DataError::Malformed`] where the text is not UTF-8, or where `count` is given and the file holds
/// more or fewer names.
pub fn read(path: impl AsRef<Path>, count: Option<usize>) -> Result<Vec<String>, DataError> {
    let path = path.as_ref();
    let bytes = source::bytes(path)?;
    let locate = |defect: Defect| defect.locate(path, &bytes, 1);
    let text =
        std::str::from_utf8(&bytes).map_err(|error| locate(Defect::new(error.valid_up_to(), "a name in UTF-8")))?;
    let names: Vec<String> = text.lines().map(str::to_owned).collect();
    match count {
        Some(count) if names.len() < count => {
            Err(locate(Defect::new(bytes.len(), format!("{count} names (there are {})", names.len()))))
        }
        Some(count) if names.len() > count => {
            let surplus: usize = text.split_inclusive('\n').take(count).map(str::len).sum();
            Err(locate(Defect::new(surplus, format!("the end of the file after {count} names"))))
        }
        _ => Ok(names),
    }
}
