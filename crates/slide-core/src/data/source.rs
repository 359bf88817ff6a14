//! Bytes of a file: mapped as they are, or decompressed.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

use super::DataError;

/// How a file is compressed, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // The second is a skippable frame, with which pzstd starts its files.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The decompressed text of `reader`: every member of a gzip file, every frame of a zstd file.
    fn decode<'a, R: BufRead + Send + 'a>(self, reader: R) -> io::Result<Box<dyn BufRead + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(reader),
            Self::Gzip => Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(reader))),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
        })
    }
}

const BUFFER: usize = 1 << 18;

/// The decompressed text of `reader`, whatever it is compressed with.
pub(crate) fn decompress<'a>(mut reader: impl Read + Send + 'a) -> io::Result<Box<dyn BufRead + Send + 'a>> {
    let mut start = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole: Chain<Cursor<Vec<u8>>, _> = Cursor::new(start).chain(reader);
    compression.decode(BufReader::with_capacity(BUFFER, whole))
}

/// All decompressed bytes of a file.
pub(crate) fn load(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = std::fs::read(path).map_err(DataError::io(path))?;
    let compression = Compression::of(&bytes);
    if compression == Compression::None {
        return Ok(bytes);
    }
    let mut text = Vec::with_capacity(bytes.len().saturating_mul(3));
    compression.decode(&bytes[..]).and_then(|mut reader| reader.read_to_end(&mut text)).map_err(DataError::io(path))?;
    Ok(text)
}
