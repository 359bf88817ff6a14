//! One array of numbers in NumPy's `.npy` format, versions 1 to 3.
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. Only what matrices need: numbers of at most two
//! dimensions, and text. Own code, because a reader of untrusted files must bound its allocations and its
//! recursion.

use std::io::{self, Read, Write};

/// The first bytes of an array.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// An array: its bytes and their type and shape.
#[derive(Debug)]
pub(crate) struct Array {
    /// Byte order, kind and size, such as `<i4`.
    pub(crate) descr: String,
    /// The dimensions.
    pub(crate) shape: Vec<u64>,
    /// Of two dimensions: whether columns are contiguous, not rows.
    pub(crate) is_fortran: bool,
    bytes: Vec<u8>,
}

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// The longest header that is accepted: usual ones have about a hundred bytes.
const LONGEST_HEADER: usize = 1 << 16;

impl Array {
    pub(crate) fn read(mut reader: impl Read) -> io::Result<Self> {
        let mut start = [0; 8];
        reader.read_exact(&mut start)?;
        if &start[..6] != MAGIC {
            return Err(invalid("not an array in .npy format"));
        }
        let mut length = [0; 4];
        match start[6] {
            1 => reader.read_exact(&mut length[..2])?,
            2 | 3 => reader.read_exact(&mut length)?,
            version => return Err(invalid(format!("version {version} of the .npy format"))),
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST_HEADER {
            return Err(invalid(format!("an .npy header of {length} bytes")));
        }
        let mut header = vec![0; length];
        reader.read_exact(&mut header)?;
        let header = String::from_utf8(header).map_err(|_| invalid("an .npy header that is not text"))?;
        let (descr, shape, is_fortran) =
            parse_header(&header).ok_or_else(|| invalid(format!("the .npy header {}", header.trim())))?;
        let mut array = Self { descr, shape, is_fortran, bytes: Vec::new() };
        let expected = array.len().and_then(|len| len.checked_mul(array.item_size()? as u64));
        let expected = expected.ok_or_else(|| invalid(format!("{} of shape {:?}", array.descr, array.shape)))?;
        // Grows with the bytes in the file, not with the length in the header.
        reader.take(expected).read_to_end(&mut array.bytes)?;
        if array.bytes.len() as u64 != expected {
            return Err(invalid(format!("{} of the {expected} bytes of the array", array.bytes.len())));
        }
        Ok(array)
    }

    /// Number of elements; none when that overflows.
    pub(crate) fn len(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size))
    }

    fn item_size(&self) -> Option<usize> {
        let size: usize = self.descr.get(2..)?.parse().ok()?;
        Some(if self.descr.get(1..2)? == "U" { size.checked_mul(4)? } else { size })
    }

    /// The elements as integers; none unless they are integers or booleans. Saturates beyond 2^63.
    pub(crate) fn integers(&self) -> Option<Vec<i64>> {
        let (order, kind) = self.descr.split_at_checked(1)?;
        let size = self.item_size()?;
        let signed = match (kind.get(..1)?, size) {
            ("i", 1 | 2 | 4 | 8) => true,
            ("u", 1 | 2 | 4 | 8) | ("b", 1) => false,
            _ => return None,
        };
        let big = order == ">";
        let integer = |item: &[u8]| {
            let mut word = [0; 8];
            word[..size].copy_from_slice(item);
            if big {
                word[..size].reverse();
            }
            let word = u64::from_le_bytes(word);
            let unused = 64 - 8 * size as u32;
            if signed { (word << unused) as i64 >> unused } else { i64::try_from(word).unwrap_or(i64::MAX) }
        };
        Some(self.bytes.chunks_exact(size).map(integer).collect())
    }

    /// The elements as `f32`, correctly rounded; none unless they are numbers.
    pub(crate) fn floats(&self) -> Option<Vec<f32>> {
        let big = self.descr.starts_with('>');
        let item = |bytes: &[u8]| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            if big {
                word[..bytes.len()].reverse();
            }
            word
        };
        match self.descr.get(1..)? {
            "f4" => {
                let float = |bytes: &[u8]| f32::from_bits(u64::from_le_bytes(item(bytes)) as u32);
                Some(self.bytes.chunks_exact(4).map(float).collect())
            }
            "f8" => Some(self.bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(item(bytes)) as f32).collect()),
            _ => Some(self.integers()?.into_iter().map(|integer| integer as f32).collect()),
        }
    }

    /// The one text in the array, of kind `S` or `U`.
    pub(crate) fn text(&self) -> Option<String> {
        let text: Option<String> = match self.descr.get(1..2)? {
            "S" => String::from_utf8(self.bytes.clone()).ok(),
            "U" => self
                .bytes
                .chunks_exact(4)
                .map(|code| {
                    let code = [code[0], code[1], code[2], code[3]];
                    let big = self.descr.starts_with('>');
                    char::from_u32(if big { u32::from_be_bytes(code) } else { u32::from_le_bytes(code) })
                })
                .collect(),
            _ => None,
        };
        Some(text?.trim_end_matches('\0').to_owned())
    }
}

/// `{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }` to `descr`, `shape` and `fortran_order`.
fn parse_header(header: &str) -> Option<(String, Vec<u64>, bool)> {
    let field = |name: &str| {
        let quoted = header.find(&format!("'{name}'"))?;
        Some(header[quoted + name.len() + 2..].trim_start().strip_prefix(':')?.trim_start())
    };
    let descr = field("descr")?.strip_prefix('\'')?.split_once('\'')?.0;
    let shape = field("shape")?.strip_prefix('(')?.split_once(')')?.0;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape = sizes.map(|size| size.trim_end_matches('L').parse().ok()).collect::<Option<Vec<u64>>>()?;
    let plain = descr.len() >= 3 && descr.is_ascii() && descr.starts_with(['<', '>', '|', '=']);
    let is_fortran = field("fortran_order")?.starts_with("True");
    (plain && shape.len() <= 2).then(|| (descr.to_owned(), shape, is_fortran))
}

/// Writes an array of one dimension, or a scalar if `shape` is none; `items` are its little-endian bytes.
pub(crate) fn write(mut writer: impl Write, descr: &str, shape: Option<usize>, items: &[u8]) -> io::Result<()> {
    let shape = shape.map_or("()".into(), |size| format!("({size},)"));
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Data start at a multiple of 64 bytes; the header ends with a newline.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    writer.write_all(MAGIC)?;
    writer.write_all(b"\x01\x00")?;
    writer.write_all(&(header.len() as u16).to_le_bytes())?;
    writer.write_all(header.as_bytes())?;
    writer.write_all(items)
}
