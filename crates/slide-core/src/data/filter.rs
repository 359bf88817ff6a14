//! Filter files of the XMC repository: pairs of example and label that are taken out of predictions before evaluation.
//!
//! In its sets whose examples are also labels (`LF-*`), an example would be its own best label. The file lists such
//! pairs, one per line: `example label`, both from 0. They are taken out of the predictions of the example only: a label of the
//! example that is filtered still counts among its labels (in the denominators of recall, nDCG and PSP), and cannot be found. So do
//! the repository's scripts (`evaluate_with_filter` of pyxclib).

use std::path::Path;

use super::error::{DataError, Defect};
use super::line::{byte, integer};
use super::source;

/// Labels that are no predictions, by example.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Ascending and unique.
    pairs: Vec<(u32, u32)>,
}

impl Filter {
    /// Reads a filter file for a data set of `examples` examples and `labels` labels, compressed or not. Blank lines, CRLF, an
    /// empty file, pairs in any order and pairs given twice are accepted.
    ///
    /// # Errors
    /// [`DataError::Io`], and [`DataError::Malformed`] at the first line that is not an example below `examples` and a label
    /// below `labels`.
    pub fn read(path: impl AsRef<Path>, examples: usize, labels: usize) -> Result<Self, DataError> {
        let path = path.as_ref();
        let text = source::bytes(path)?;
        parse(&text, examples as u64, labels as u64).map_err(|defect| defect.locate(path, &text, 1))
    }

    /// Is the label taken out of the predictions for the example?
    pub(crate) fn contains(&self, example: u32, label: u32) -> bool {
        self.pairs.binary_search(&(example, label)).is_ok()
    }

    /// How many labels are taken out for the example: a ranking must be longer by this number.
    pub(crate) fn count(&self, example: u32) -> usize {
        let end = self.pairs.partition_point(|pair| pair.0 <= example);
        end - self.pairs.partition_point(|pair| pair.0 < example)
    }
}

fn parse(text: &[u8], examples: u64, labels: u64) -> Result<Filter, Defect> {
    let mut pairs = Vec::new();
    let mut position = 0;
    let skip_blanks = |position: &mut usize| {
        while matches!(byte(text, *position), b' ' | b'\t' | b'\r') {
            *position += 1;
        }
    };
    while position < text.len() {
        skip_blanks(&mut position);
        if byte(text, position) == b'\n' {
            position += 1;
            continue;
        }
        let mut column = |name: &str, end: u64| {
            skip_blanks(&mut position);
            let start = position;
            integer(text, &mut position)
                .filter(|&number| number < end && byte(text, position).is_ascii_whitespace())
                .ok_or_else(|| Defect::new(start, format!("the number of a {name}, below {end}")))
        };
        // An example number beyond u32 cannot occur: no data set has that many.
        let example = column("example", examples.min(1 << 32))? as u32;
        let label = column("label", labels.min(1 << 32))? as u32;
        pairs.push((example, label));
        skip_blanks(&mut position);
        if byte(text, position) != b'\n' {
            return Err(Defect::new(position, "the end of the line after an example and a label"));
        }
        position += 1;
    }
    pairs.sort_unstable();
    pairs.dedup();
    Ok(Filter { pairs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_leave_the_predictions() {
        let filter = parse(b"2 7\r\n0\t3\n\n2 1 \n2 7", 3, 8).unwrap();
        assert_eq!((filter.pairs.len(), filter.count(2), filter.count(1)), (3, 2, 0));
        let left =
            |example| [7, 0, 1, 3].into_iter().filter(|&label| !filter.contains(example, label)).collect::<Vec<_>>();
        assert_eq!((left(2), left(0), left(1)), (vec![0, 3], vec![7, 0, 1], vec![7, 0, 1, 3]));
        assert!(parse(b"", 3, 8).unwrap().pairs.is_empty());
    }

    #[test]
    fn defects_are_located() {
        for (text, at) in
            [("3 1\n", 0), ("0 1\n1 8\n", 6), ("0\n", 1), ("0 x", 2), ("1 2 3", 4), ("-1 0", 0), ("0 1x", 2)]
        {
            assert_eq!(parse(text.as_bytes(), 3, 8).unwrap_err().at, at, "{text}");
        }
    }
}
