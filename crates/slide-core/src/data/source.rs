//! Bytes of a file: mapped as they are, or decompressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::ops::Deref;
use std::path::Path;

use slide_mem::MappedFile;

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

/// The decompressed bytes of a file.
pub(crate) enum Text {
    Mapped(MappedFile),
    Owned(Vec<u8>),
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(file) => file,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// All decompressed bytes of a file; mapped where nothing needs decompressing.
pub(crate) fn load(path: &Path) -> Result<Text, DataError> {
    let io = || DataError::io(path);
    if !std::fs::metadata(path).map_err(io())?.is_file() {
        // A pipe cannot be mapped.
        let mut text = Vec::new();
        let mut reader = File::open(path).and_then(decompress).map_err(io())?;
        reader.read_to_end(&mut text).map_err(io())?;
        return Ok(Text::Owned(text));
    }
    let file = MappedFile::open(path).map_err(|error| io()(io::Error::other(error)))?;
    let compression = Compression::of(&file);
    if compression == Compression::None {
        return Ok(Text::Mapped(file));
    }
    let mut text = Vec::with_capacity(file.len().saturating_mul(3));
    compression.decode(&file[..]).and_then(|mut reader| reader.read_to_end(&mut text)).map_err(io())?;
    Ok(Text::Owned(text))
}
